package remoting

import (
	"fmt"
	"testing"

	"rmqbench/internal/vectors"
)

// taken is what a connection makes of bytes that come in pieces of a size.
func taken(t *testing.T, all []byte, piece int) (requests []string, bad error) {
	c := &Conn{open: newBatch(1)}
	c.opts = connOptions{maxFrame: 1 << 20, callbacks: newCallbacks(), handler: HandlerFunc(func(r *Request) {
		requests = append(requests, fmt.Sprintf("%d %d %d %q %x", r.Head.Code, r.Head.Opaque, r.Head.Flag, r.Head.Remark(), r.Body))
	})}
	from := 0
	for to := 0; to < len(all) && bad == nil; {
		to = min(to+piece, len(all))
		var used int
		used, bad = c.take(all[from:to])
		if from += used; from > to {
			t.Fatalf("took %d bytes of %d", from, to)
		}
	}
	return requests, bad
}

// FuzzTake: however the bytes are cut, the same frames come out of them, and the same end.
func FuzzTake(f *testing.F) {
	for _, v := range vectors.Load[vectorFrame](f, "frame.json") {
		if len(v.ExpectedHex) < 2000 {
			f.Add(append([]byte(v.ExpectedHex), v.ExpectedHex...), 7)
		}
	}
	for _, v := range vectors.Load[struct{ InputHex vectors.Hex }](f, "frame_decode_odd.json") {
		f.Add([]byte(v.InputHex), 1)
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"), 3)
	f.Fuzz(func(t *testing.T, all []byte, piece int) {
		piece = max(1, piece%100)
		want, end := taken(t, all, max(len(all), 1))
		got, cut := taken(t, all, piece)
		if fmt.Sprint(got) != fmt.Sprint(want) || (end == nil) != (cut == nil) {
			t.Fatalf("in pieces of %d: %v, %v; at once: %v, %v", piece, got, cut, want, end)
		}
	})
}
