package broker

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"

	"rmqbench/remoting"
)

// BenchmarkSend is the broker's side of a send: pre-encoded requests, 64 a write, and replies that are only counted.
// The socket's system calls are shared by the 64; the client's part is small and allocates nothing.
func BenchmarkSend(b *testing.B) {
	for _, s := range []remoting.Serialize{remoting.RocketMQ, remoting.JSON} {
		for _, size := range []int{128, 4 << 10} {
			b.Run(fmt.Sprintf("%v/%dB", s, size), func(b *testing.B) {
				r := start(b, Options{})
				benchmarkSend(b, dial(b, r.broker().Addr()), s, size, 64)
			})
		}
	}
}

func BenchmarkSendServiceTime(b *testing.B) {
	r := start(b, Options{ServiceTime: 1})
	benchmarkSend(b, dial(b, r.broker().Addr()), remoting.RocketMQ, 128, 64)
}

func benchmarkSend(b *testing.B, nc net.Conn, s remoting.Serialize, size, window int) {
	var frames []byte
	for i := range window {
		c := sendCommand("B", i%4, string(make([]byte, size)), "UNIQ_KEY\x010123456789ABCDEF0123456789ABCDEF\x02WAIT\x01true\x02TAGS\x01TagA\x02")
		c.Serialize, c.Opaque = s, int32(100+i%64) // frames of one length
		var err error
		if frames, err = c.AppendFrame(frames); err != nil {
			b.Fatal(err)
		}
	}
	buf := make([]byte, 64<<10)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	for sent := 0; sent < b.N; {
		n := min(window, b.N-sent)
		if _, err := nc.Write(frames[:len(frames)/window*n]); err != nil {
			b.Fatal(err)
		}
		for have, seen := 0, 0; seen < n; {
			got, err := nc.Read(buf[have:])
			if err != nil {
				b.Fatal(err)
			}
			have += got
			at := 0
			for have-at >= 4 {
				total := int(binary.BigEndian.Uint32(buf[at:])) + 4
				if have-at < total {
					break
				}
				at += total
				seen++
			}
			have = copy(buf, buf[at:have])
		}
		sent += n
	}
	b.StopTimer()
}
