package remoting

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"testing"
	"unicode/utf8"

	"rmqbench/internal/vectors"
)

// seedHeaders adds the headers of the vectors' frames that are of one kind.
func seedHeaders(f *testing.F, s Serialize) {
	f.Helper()
	add := func(frame []byte) {
		if len(frame) < 8 || len(frame) > 4000 || Serialize(frame[4]) != s {
			return
		}
		if n := int(binary.BigEndian.Uint32(frame[4:]) & maxHeader); n <= len(frame)-8 {
			f.Add(frame[8 : 8+n])
		}
	}
	for _, v := range vectors.Load[vectorFrame](f, "frame.json") {
		add(v.ExpectedHex)
	}
	for _, v := range vectors.Load[struct{ InputHex vectors.Hex }](f, "frame_decode_odd.json") {
		add(v.InputHex)
	}
	for _, v := range vectors.Load[vectorSend](f, "send_header.json") {
		add(v.ExpectedHexJSON)
		add(v.ExpectedHexBinary)
	}
}

// checkHead asks what holds for every header that is read: walking it stays within it, Get agrees with walking, and
// what it says survives being written and read.
func checkHead(t *testing.T, h *Head, header []byte) {
	t.Helper()
	last := map[string]string{}
	pairs, size := 0, 0
	for it := h.Ext(); it.Next(); {
		pairs++
		size += len(it.Key()) + len(it.Value())
		last[string(it.Key())] = string(it.Value())
	}
	if pairs > maxPairs || size > len(header) || len(h.Remark()) > len(header) {
		t.Fatalf("%d pairs of %d bytes and a remark of %d in a header of %d", pairs, size, len(h.Remark()), len(header))
	}
	for k, want := range last {
		if got, ok := h.Get(k); !ok || string(got) != want {
			t.Fatalf("Get(%q) is %q, %v; want %q", k, got, ok, want)
		}
	}
	c := h.command(nil)
	if !maps.Equal(extMap(c.Ext), last) || len(c.Ext) != len(last) {
		t.Fatalf("copied %v, want %v", c.Ext, last)
	}
	again, err := c.AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Decode(again)
	if err != nil {
		t.Fatalf("%x: %v", again, err)
	}
	if d.Code != c.Code || d.Flag != c.Flag || d.Opaque != c.Opaque || d.Version != c.Version {
		t.Fatalf("%+v became %+v", c, d)
	}
	if wellFormed(c) && (d.Remark != c.Remark || !maps.Equal(extMap(d.Ext), last)) {
		t.Fatalf("%+v became %+v", c, d)
	}
}

// wellFormed says whether c's texts pass through JSON unchanged.
func wellFormed(c *Command) bool {
	ok := c.Serialize == RocketMQ || utf8.ValidString(c.Remark)
	for _, f := range c.Ext {
		ok = ok && (c.Serialize == RocketMQ || utf8.ValidString(f.Key) && utf8.ValidString(f.Value))
	}
	return ok
}

func FuzzBinaryHeader(f *testing.F) {
	seedHeaders(f, RocketMQ)
	f.Fuzz(func(t *testing.T, header []byte) {
		h := Head{Serialize: RocketMQ}
		if err := h.parseBinary(header); err != nil {
			return
		}
		checkHead(t, &h, header)
	})
}

// FuzzJSONHeader compares with encoding/json too, where that reads the header as well.
func FuzzJSONHeader(f *testing.F) {
	seedHeaders(f, JSON)
	for _, s := range []string{
		`{"code":1,"code":2,"extFields":{"a":"1","a":"2"}}`, `{"x":[[1,{"y":[]}],null],"code":"7"}`, `{"extFields":null,"remark":null}`,
		`{"remark":"\ud83d\ude00\ud800\"\\\/\b\f\n\r\t"}`, " {\r\n\t\"flag\" : 1 } ", `{"\u0063ode":5,"\u0065xtFields":{"\u0061":"b"}}`, `{"extFields":{"a":null,"b":true,"c":-1.5e3}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		h := Head{Serialize: JSON}
		if err := h.parseJSON(header); err != nil {
			return
		}
		checkHead(t, &h, header)
		var top map[string]json.RawMessage
		if !utf8.Valid(header) || json.Unmarshal(header, &top) != nil {
			return // ours is the more lenient one, as fastjson is
		}
		var code int32
		if raw, ok := top["code"]; ok && json.Unmarshal(raw, &code) == nil && !bytes.Equal(raw, []byte("null")) && code != h.Code {
			t.Fatalf("%s: code %d, want %d", header, h.Code, code)
		}
		var ext map[string]*string
		if raw, ok := top["extFields"]; !ok || json.Unmarshal(raw, &ext) != nil {
			return // values that are no strings
		}
		for k, want := range ext {
			got, ok := h.Get(k)
			if want == nil { // ours keeps an earlier pair where a later null has the same key
				continue
			}
			if !ok || string(got) != *want {
				t.Fatalf("%s: %q is %q, %v; want %q", header, k, got, ok, *want)
			}
		}
	})
}

// FuzzSendView: what is read of a send's header is what its ext fields say, or an error.
func FuzzSendView(f *testing.F) {
	seed := func(frame []byte) {
		if h, _, err := ParseFrame(frame); err == nil {
			f.Add(h.Serialize == JSON, h.Code, h.ext)
		}
	}
	for _, v := range vectors.Load[vectorSend](f, "send_header.json") {
		if v.Kind != "response" {
			seed(v.ExpectedHexJSON)
			seed(v.ExpectedHexBinary)
		}
	}
	for _, s := range [...]Serialize{JSON, RocketMQ} {
		for _, code := range [...]RequestCode{SendMessage, SendReplyMessage, SendMessageV2, SendBatchMessage} {
			frame, err := (&SendRequest{Serialize: s, Code: code, SendHeader: SendHeader{Topic: "t", ProducerGroup: "g", DefaultTopic: "d",
				Properties: []byte("KEYS\x01k\x02"), MaxReconsume: 3, Batch: true, BrokerName: "b"}}).AppendHead(nil, 1, 0)
			if err != nil {
				f.Fatal(err)
			}
			seed(frame)
		}
	}
	f.Fuzz(func(t *testing.T, asJSON bool, code int32, ext []byte) {
		var header []byte
		h := Head{Serialize: RocketMQ}
		var err error
		if asJSON {
			h.Serialize = JSON
			header = append(append([]byte(`{"extFields":`), ext...), '}')
			err = h.parseJSON(header)
		} else {
			header = binaryHeader(0, "", ext)
			err = h.parseBinary(header)
		}
		if err != nil {
			return
		}
		h.Code = code
		var view SendView
		if view.Parse(&h) != nil {
			return
		}
		keys := sendKeysV2
		if v1(RequestCode(code)) {
			keys = sendKeysV1
		}
		for i, got := range map[int][]byte{0: view.ProducerGroup, 1: view.Topic, 2: view.DefaultTopic, 8: view.Properties, 13: view.BrokerName} {
			if want, _ := h.Get(keys[i]); !bytes.Equal(got, want) {
				t.Fatalf("%s is %q, want %q", keys[i], got, want)
			}
		}
		for i, got := range map[int]int64{3: int64(view.DefaultQueueNums), 4: int64(view.QueueID), 5: int64(view.SysFlag), 6: view.BornTimestamp, 7: int64(view.Flag)} {
			text, _ := h.Get(keys[i])
			if want, err := ParseInt64(text); err != nil || got != want {
				t.Fatalf("%s is %d, the header says %q", keys[i], got, text)
			}
		}
	})
}
