package remoting

import (
	"fmt"
	"io"
	"net"
	"testing"
)

// BenchmarkBatchCopyOrReference writes batches of 16 frames to a socket, their bodies copied into the batch or sent by
// reference: where the second becomes cheaper is copyBelow.
func BenchmarkBatchCopyOrReference(b *testing.B) {
	for _, size := range []int{512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10} {
		for _, how := range []string{"copy", "reference"} {
			b.Run(fmt.Sprintf("body=%d/%s", size, how), func(b *testing.B) {
				nc := discarding(b)
				head, body := make([]byte, 180), make([]byte, size)
				var slab []byte
				var pieces net.Buffers
				b.ReportAllocs()
				for b.Loop() {
					slab, pieces = slab[:0], pieces[:0]
					var err error
					if how == "copy" {
						for range 16 {
							slab = append(append(slab, head...), body...)
						}
						_, err = nc.Write(slab)
					} else {
						for range 16 {
							pieces = append(pieces, head, body)
						}
						all := pieces // WriteTo consumes its receiver
						_, err = all.WriteTo(nc)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// discarding is a TCP connection whose peer reads and forgets.
func discarding(tb testing.TB) net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		peer, err := l.Accept()
		if err != nil {
			return
		}
		defer peer.Close()
		_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{peer}, make([]byte, 1<<20))
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		nc.Close()
		l.Close()
		<-ended
	})
	return nc
}
