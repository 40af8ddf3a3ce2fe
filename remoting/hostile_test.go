package remoting

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/leaks"
)

// framed puts a header made by hand into a frame.
func framed(s Serialize, header []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(markBytes+len(header)))
	b = binary.BigEndian.AppendUint32(b, uint32(s)<<24|uint32(len(header)))
	return append(b, header...)
}

// binaryHeader is a request's with the given remark and ext pairs as they are.
func binaryHeader(code int32, remark string, pairs []byte) []byte {
	b := appendBinaryFixed(nil, code, Java, Version451, 1, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(remark)))
	b = append(b, remark...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(pairs)))
	return append(b, pairs...)
}

// headers made to cost time or memory. Each is read or refused in some ms, a second on a machine that is busy,
// and with memory bounded by the frame: what a header is read in place takes nothing, copies of it take a few times its length.
func TestR11_HostileHeaders(t *testing.T) {
	leaks.Check(t)
	const room = MaxFrame/slack - lengthBytes - markBytes - 100
	repeat := func(before, piece, after string) string {
		return before + strings.Repeat(piece, (room-len(before)-len(after))/len(piece)) + after
	}
	// trimmed drops the comma after the last piece.
	trimmed := func(before, piece, after string) string {
		return strings.TrimSuffix(repeat(before, piece, ""), ",") + after
	}
	for name, tt := range map[string]struct {
		frame   []byte
		refused string // "": it is read
	}{
		"binary, millions of ext fields":  {framed(RocketMQ, binaryHeader(310, "", []byte(strings.Repeat("\x00\x01k\x00\x00\x00\x01v", room/8)))), "ext fields"},
		"binary, millions of empty pairs": {framed(RocketMQ, binaryHeader(310, "", make([]byte, room/6*6))), "ext fields"},
		"binary, huge remark":             {framed(RocketMQ, binaryHeader(310, strings.Repeat("r", room), nil)), ""},
		"binary, huge value":              {framed(RocketMQ, binaryHeader(310, "", []byte("\x00\x01k\x00\x10\x00\x00"+strings.Repeat("v", 0x100000)))), ""},
		"binary, bad UTF-8":               {framed(RocketMQ, binaryHeader(310, strings.Repeat("\xff\xc0", 100), []byte("\x00\x01\xfe\x00\x00\x00\x01\xff"))), ""},
		"JSON, millions of ext fields":    {framed(JSON, []byte(trimmed(`{"code":310,"extFields":{`, `"k":"v",`, `}}`))), "values"},
		"JSON, duplicate keys":            {framed(JSON, []byte(trimmed(`{`, `"code":1,`, `}`))), "values"},
		"JSON, few duplicate keys":        {framed(JSON, []byte(`{"code":1,"extFields":{"a":"1","a":"2"},"code":310,"extFields":{"a":"3","a":"4"}}`)), ""},
		"JSON, unknown keys":              {framed(JSON, []byte(trimmed(`{`, `"x":1,`, `}`))), "values"},
		"JSON, deep nesting":              {framed(JSON, []byte(repeat(`{"x":`, `[`, ``))), "nested too deep"},
		"JSON, deep objects":              {framed(JSON, []byte(repeat(``, `{"x":`, ``))), "nested too deep"},
		"JSON, wide nesting":              {framed(JSON, []byte(trimmed(`{"x":[`, `1,`, `]}`))), "values"},
		"JSON, many empty arrays":         {framed(JSON, []byte(trimmed(`{"x":[`, `[],`, `]}`))), "values"},
		"JSON, huge remark":               {framed(JSON, []byte(repeat(`{"remark":"`, `r`, `"}`))), ""},
		"JSON, remark of escapes":         {framed(JSON, []byte(repeat(`{"remark":"`, `\u0041`, `"}`))), ""},
		"JSON, remark of short escapes":   {framed(JSON, []byte(repeat(`{"remark":"`, `\"`, `"}`))), ""},
		"JSON, string without end":        {framed(JSON, []byte(repeat(`{"remark":"`, `\\`, ``))), "string without end"},
		"JSON, huge number":               {framed(JSON, []byte(repeat(`{"code":`, `9`, `}`))), "32-bit"},
		"JSON, huge unknown number":       {framed(JSON, []byte(repeat(`{"x":`, `9`, `}`))), ""},
		"JSON, white space":               {framed(JSON, []byte(repeat(`{`, ` `, `}`))), ""},
		"JSON, bad UTF-8":                 {framed(JSON, []byte("{\"code\":310,\"remark\":\"\xff\xfe\xc0\x80\",\"extFields\":{\"\xff\":\"\xff\"}}")), ""},
		"JSON, lone surrogates":           {framed(JSON, []byte(repeat(`{"remark":"`, `\ud800`, `"}`))), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if len(tt.frame) > MaxFrame {
				t.Fatalf("%d bytes", len(tt.frame))
			}
			var before, parsed, copied runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			h, _, err := ParseFrame(tt.frame)
			took := time.Since(began)
			runtime.ReadMemStats(&parsed)
			for again := 0; took > slack*time.Second && again < 3; again++ { // somebody else had the CPU
				began = time.Now()
				_, _, _ = ParseFrame(tt.frame)
				took = time.Since(began)
			}
			if took > slack*time.Second {
				t.Errorf("parsing took %v", took)
			}
			if n := parsed.TotalAlloc - before.TotalAlloc; n > 64<<10 {
				t.Errorf("parsing allocated %d bytes for a frame of %d", n, len(tt.frame))
			}
			if tt.refused != "" {
				if !errors.Is(err, ErrBadFrame) || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("got %v, want a refusal for %s", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&parsed)
			began = time.Now()
			c := h.command(nil)
			var view SendView
			_ = view.Parse(&h)
			_, _ = h.Get("k")
			took = time.Since(began)
			runtime.ReadMemStats(&copied)
			for again := 0; took > slack*time.Second && again < 3; again++ {
				began = time.Now()
				_ = h.command(nil)
				took = time.Since(began)
			}
			if took > slack*time.Second {
				t.Errorf("copying took %v", took)
			}
			if n := copied.TotalAlloc - parsed.TotalAlloc; n > uint64(4*len(tt.frame)+64<<10) {
				t.Errorf("copies allocated %d bytes for a frame of %d", n, len(tt.frame))
			}
			if strings.HasPrefix(name, "JSON, few") && (c.Code != 310 || len(c.Ext) != 1 || c.Ext[0].Value != "4") {
				t.Errorf("of duplicates the last counts: %+v", c)
			}
		})
	}
}
