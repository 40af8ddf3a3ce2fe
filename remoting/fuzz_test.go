package remoting

import (
	"bytes"
	"maps"
	"testing"

	"rmqbench/internal/vectors"
)

// FuzzFrame: whatever decodes survives a second encoding and decoding, and nothing panics.
func FuzzFrame(f *testing.F) {
	for _, v := range vectors.Load[vectorFrame](f, "frame.json") {
		if len(v.ExpectedHex) < 2000 {
			f.Add([]byte(v.ExpectedHex))
		}
	}
	for _, v := range vectors.Load[struct{ InputHex vectors.Hex }](f, "frame_decode_odd.json") {
		f.Add([]byte(v.InputHex))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if n, err := frameSize(frame, MaxFrame); err == nil && n > MaxFrame {
			t.Fatalf("a frame of %d bytes passed", n)
		}
		c, err := Decode(frame)
		if err != nil {
			return
		}
		if c.Serialize == RocketMQ && c.Code != int32(int16(c.Code)) {
			t.Fatalf("16 bits gave code %d", c.Code)
		}
		again, err := c.AppendFrame(nil)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		d, err := Decode(again)
		if err != nil {
			t.Fatalf("%+v became %x: %v", c, again, err)
		}
		if c.Serialize == RocketMQ && (d.Remark != c.Remark || !maps.Equal(extMap(d.Ext), extMap(c.Ext))) {
			t.Fatalf("%+v became %+v", c, d)
		}
		if d.Code != c.Code || d.Opaque != c.Opaque || d.Flag != c.Flag || len(d.Ext) != len(c.Ext) || !bytes.Equal(d.Body, c.Body) {
			t.Fatalf("%+v became %+v", c, d)
		}
		if v1(c.Request()) || c.Request() == SendMessageV2 {
			h, _, err := ParseFrame(frame)
			if err != nil {
				t.Fatal(err)
			}
			var view SendView
			_ = view.Parse(&h) // must not panic
		}
	})
}
