package remoting

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/internal/chaos"
	"rmqbench/internal/leaks"
)

// The tests of this file are named after the rows of the list of what can go wrong (R-5: a reset in the middle of a
// frame, and so on). They are quick forms: bounds of time are ten times what an idle machine keeps.

// numbered is a small request that says which one it is.
func numbered(n int) *Command { return request(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// A reset at any byte of a head, on either side: each send in flight fails once, nothing is sent twice, the socket is
// not used again, and the next send has a new one.
func TestR05_ResetMidFrame(t *testing.T) {
	leaks.Check(t)
	frame, err := numbered(0).AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := (&Command{Serialize: RocketMQ, Flag: FlagResponse, Language: Go, Version: Version451, Ext: []Field{{"echo", "yes"}}, Body: make([]byte, 8)}).AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	for side, size := range map[string]int{"request": len(frame), "reply": len(reply)} {
		for k := range size - 8 + 1 { // every byte before the body, and the border
			var handled [6]atomic.Int32 // by number
			s := NewServer(mustListen(t), HandlerFunc(func(r *Request) {
				handled[binary.BigEndian.Uint64(r.Body)].Add(1)
				echo(r)
			}), ServerOptions{}, nil)
			p := chaos.New(t, s.Addr().String(), func(conn int) (up, down chaos.Leg) {
				cut := chaos.Leg{Cut: true, After: size + k, Reset: true} // the first exchange passes
				switch {
				case conn > 0:
				case side == "request":
					up = cut
				default:
					down = cut
				}
				return up, down
			})
			c := NewClient(ClientOptions{})
			if _, err := c.Invoke(t.Context(), p.Addr(), numbered(0), 10*time.Second); err != nil {
				t.Fatalf("%s, cut at %d: the first: %v", side, k, err)
			}
			var calls [4]*asyncCall
			for i := range calls {
				calls[i] = newAsync()
				req := numbered(i + 1)
				err := c.Endpoint(p.Addr()).StartNow(&calls[i].Call, req, req.Body, in(10*time.Second))
				if err != nil { // the connection ended before this one was asked
					calls[i].Done(err)
				}
			}
			for i, a := range calls {
				<-a.ended
				if ce, ok := errors.AsType[*CallError](a.err); ok && ce.Timeout() || a.err == nil || !ok && !errors.Is(a.err, ErrNotConnected) {
					t.Errorf("%s, cut at %d: call %d: %v", side, k, i, a.err)
				}
			}
			if got, err := c.Invoke(t.Context(), p.Addr(), numbered(5), 10*time.Second); err != nil || len(got.Body) != 8 || got.Body[7] != 5 {
				t.Errorf("%s, cut at %d: afterwards %v, %v", side, k, got, err)
			}
			c.Close()
			p.Close()
			s.Close()
			for i, a := range calls {
				if a.done.Load() != 1 || a.received.Load() != 0 {
					t.Errorf("%s, cut at %d: call %d done %d times, %d answers", side, k, i, a.done.Load(), a.received.Load())
				}
			}
			for i := range handled {
				if n := handled[i].Load(); n > 1 || side == "request" && i > 0 && i < 5 && n > 0 {
					t.Errorf("%s, cut at %d: request %d came %d times", side, k, i, n)
				}
			}
			if st := c.Stats(); st.Dials != 2 || p.Accepted() != 2 {
				t.Errorf("%s, cut at %d: %d dials, %d connections; want 2", side, k, st.Dials, p.Accepted())
			}
		}
	}
}

func mustListen(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// The peer ends the connection in order, but between a frame's length and its body.
func TestR06_FinInFrame(t *testing.T) {
	leaks.Check(t)
	whole, err := (&Command{Serialize: RocketMQ, Flag: FlagResponse, Body: make([]byte, 100)}).AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]int{"after the length": lengthBytes, "after the mark": lengthBytes + markBytes, "after the header": len(whole) - 100, "one byte short": len(whole) - 1} {
		t.Run(name, func(t *testing.T) {
			addr := hostile(t, whole[:n], false)
			c := dialClient(t, ClientOptions{})
			began := time.Now()
			_, err := c.Invoke(t.Context(), addr, NewRequest(HeartBeat), time.Minute)
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "in the middle of a frame") || !sent(err) {
				t.Errorf("got %v", err)
			}
			if d := time.Since(began); d > 10*50*time.Millisecond {
				t.Errorf("took %v", d)
			}
		})
	}
}

// byteConn gives one byte a read.
type byteConn struct{ net.Conn }

func (b byteConn) Read(p []byte) (int, error) { return b.Conn.Read(p[:min(len(p), 1)]) }

// Replies that come a byte at a time are the same replies.
func TestR08_OneByteSlices(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	p := chaos.New(t, s.Addr().String(), func(int) (up, down chaos.Leg) { return chaos.Leg{Slice: 1}, chaos.Leg{Slice: 1} })
	whole := dialClient(t, ClientOptions{})
	sliced := dialClient(t, ClientOptions{Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		nc, err := dialTCP(ctx, addr)
		return byteConn{nc}, err
	}})
	for _, size := range []int{0, 1, 100, 2 * copyBelow} {
		for _, ser := range []Serialize{JSON, RocketMQ} {
			req := request(make([]byte, size))
			fill := rand.New(rand.NewPCG(8, uint64(size)))
			for i := range req.Body {
				req.Body[i] = byte(fill.Uint32())
			}
			req.Serialize = ser
			want, err := whole.Invoke(t.Context(), s.Addr().String(), req, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			got, err := sliced.Invoke(t.Context(), p.Addr(), req, 30*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			got.Opaque = want.Opaque
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || !bytes.Equal(got.Body, req.Body) {
				t.Errorf("%s, %d bytes: %+v, want %+v", ser, size, got, want)
			}
		}
	}
}

// A header is looked at when its frame is whole and not before: here it is no header until the last byte has come.
func TestR08_HeaderIsParsedOnce(t *testing.T) {
	leaks.Check(t)
	for _, ser := range []Serialize{JSON, RocketMQ} {
		frame, err := (&Command{Serialize: ser, Code: 7, Ext: []Field{{"key", "value"}}, Body: make([]byte, 50)}).AppendFrame(nil)
		if err != nil {
			t.Fatal(err)
		}
		served := 0
		c := &Conn{opts: connOptions{maxFrame: MaxFrame, callbacks: newCallbacks(), handler: HandlerFunc(func(r *Request) {
			served++
			if r.Head.Code != 7 {
				t.Errorf("code %d", r.Head.Code)
			}
		})}, open: newBatch(1)}
		arriving := bytes.Clone(frame)
		for i := lengthBytes + markBytes; i < len(arriving); i++ {
			arriving[i] = 0xFF // a header that is refused by whoever reads it
		}
		if _, _, err := ParseFrame(arriving); !errors.Is(err, ErrBadFrame) {
			t.Fatalf("the spoilt frame is taken: %v", err)
		}
		for n := range frame {
			if used, err := c.take(arriving[:n]); used != 0 || err != nil {
				t.Fatalf("%s: %d of %d bytes: took %d, %v", ser, n, len(frame), used, err)
			}
		}
		if used, err := c.take(frame); used != len(frame) || err != nil || served != 1 {
			t.Errorf("%s: took %d of %d, %v, %d requests", ser, used, len(frame), err, served)
		}
	}
}

// What is not RocketMQ ends the connection, and has a name where it is something that people meet.
func TestR10_Garbage(t *testing.T) {
	leaks.Check(t)
	t.Run("random bytes", func(t *testing.T) {
		rng := rand.New(rand.NewChaCha8([32]byte{10}))
		for range 60 {
			junk := make([]byte, 1+rng.IntN(4096))
			for i := range junk {
				junk[i] = byte(rng.Uint32())
			}
			addr := hostile(t, junk, false)
			c := dialClient(t, ClientOptions{})
			_, err := c.Invoke(t.Context(), addr, NewRequest(HeartBeat), time.Minute)
			if ce, ok := errors.AsType[*CallError](err); !ok || ce.Timeout() || !ce.Sent {
				t.Errorf("%d bytes %x…: %v", len(junk), junk[:min(len(junk), 8)], err)
			}
			c.Close()
		}
	})

	// What can never become a frame is not waited for.
	for name, tt := range map[string]struct {
		answer string
		want   error
		text   string
	}{
		"gRPC server":       {"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80", ErrNotRocketMQ, "gRPC"},
		"no header":         {"\x00\x10\x00\x00\x00\x00\x00\x00", ErrBadFrame, "header of 0 bytes"},
		"header over frame": {"\x00\x00\x10\x00\x01\x10\x00\x00", ErrBadFrame, "header of 1048576 bytes"},
		"unknown type":      {"\x00\x00\x10\x00\x09\x00\x00\x10", ErrBadFrame, "serialize type 9"},
	} {
		t.Run("begins like "+name, func(t *testing.T) {
			addr := hostile(t, []byte(tt.answer), true)
			c := dialClient(t, ClientOptions{})
			began := time.Now()
			_, err := c.Invoke(t.Context(), addr, NewRequest(HeartBeat), time.Minute)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || time.Since(began) > 10*50*time.Millisecond {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
	}

	// The same mistakes the other way round: what somebody sends to our server.
	ended := make(chan error, 1)
	s := NewServer(mustListen(t), HandlerFunc(echo), ServerOptions{}, func(_ *Conn, err error) { ended <- err })
	defer s.Close()
	for _, tt := range []struct{ name, sends, want string }{
		{"browser", "GET / HTTP/1.1\r\nHost: broker\r\n\r\n", "HTTP"},
		{"post", "POST /v1/topics HTTP/1.1\r\n\r\n", "HTTP"},
		{"web server", "HTTP/1.1 200 OK\r\n\r\n", "HTTP"},
		{"gRPC client", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"},
		{"gRPC server", "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "HTTP/2"},
		{"TLS alert", "\x15\x03\x03\x00\x02\x02\x28", "TLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nc, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			began := time.Now()
			if _, err := io.WriteString(nc, tt.sends); err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, nc); n != 0 || time.Since(began) > 10*50*time.Millisecond {
				t.Errorf("%d bytes came, %v, after %v", n, err, time.Since(began))
			}
			if err := <-ended; !errors.Is(err, ErrNotRocketMQ) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ended with %v", err)
			}
		})
	}
	t.Run("TLS client", func(t *testing.T) {
		nc, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{ServerName: "localhost"})
		if err == nil {
			nc.Close()
			t.Error("a server without TLS shook hands")
		}
		if err := <-ended; !errors.Is(err, ErrNotRocketMQ) || !strings.Contains(err.Error(), "TLS") {
			t.Errorf("ended with %v", err)
		}
	})
}

// A reply on the wrong connection ends no call there, and the right one still waits for its own.
func TestR12_OtherConnection(t *testing.T) {
	leaks.Check(t)
	asked := make(chan Later, 100)
	s := listen(t, HandlerFunc(func(r *Request) {
		if len(r.Body) > 0 {
			asked <- r.Later()
			return
		}
		echo(r)
	}))
	one, two := dialClient(t, ClientOptions{}), dialClient(t, ClientOptions{})
	addr := s.Addr().String()
	for range 5 { // so that their opaques differ
		if _, err := one.Invoke(t.Context(), addr, request(nil), 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	begin := func(c *Client) (*asyncCall, Later) {
		a := newAsync()
		if err := c.Endpoint(addr).Start(t.Context(), &a.Call, NewRequest(HeartBeat), []byte("later"), in(time.Minute)); err != nil {
			t.Fatal(err)
		}
		return a, <-asked
	}
	mine, reply := begin(one)
	theirs, other := begin(two)
	crossed := reply
	crossed.conn = other.conn
	answer := &Command{Serialize: RocketMQ, Flag: FlagResponse}
	if err := crossed.Reply(answer, nil); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); two.Stats().StrayReplies == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if mine.done.Load() != 0 || theirs.done.Load() != 0 {
		t.Fatal("a call ended by another's reply")
	}
	for _, l := range []Later{reply, other} {
		if err := l.Reply(answer, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []*asyncCall{mine, theirs} {
		<-a.ended
		if a.err != nil || a.received.Load() != 1 || a.done.Load() != 1 {
			t.Errorf("%v, %d answers, done %d times", a.err, a.received.Load(), a.done.Load())
		}
	}
	if a, b := one.Stats().StrayReplies, two.Stats().StrayReplies; a != 0 || b != 1 {
		t.Errorf("%d and %d stray replies, want 0 and 1", a, b)
	}
}

// Opaques go over 2³¹−1 to the negative ones with calls in flight, and each still gets its own reply.
func TestR12_OpaqueWrapsInFlight(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	conn, err := c.Endpoint(s.Addr().String()).Connect(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	conn.mu.Lock()
	conn.calls.next = 1<<31 - 100
	conn.mu.Unlock()
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 20 {
				got, err := c.Invoke(t.Context(), s.Addr().String(), numbered(g<<8|i), 10*time.Second)
				if err != nil || binary.BigEndian.Uint64(got.Body) != uint64(g<<8|i) {
					t.Errorf("%d/%d: %v, %v", g, i, got, err)
				}
			}
		})
	}
	wg.Wait()
	conn.mu.Lock()
	defer conn.mu.Unlock()
	if conn.calls.next >= 0 || conn.stats.StrayReplies != 0 {
		t.Errorf("next opaque %d, %d stray replies", conn.calls.next, conn.stats.StrayReplies)
	}
}

// The peer reads slowly, so writes stop half-way; callers overwrite their bodies the moment that they are theirs again.
// Every body that arrives is as it was given.
func TestR13_SlowReaderChecksums(t *testing.T) {
	leaks.Check(t)
	if poison == nil {
		t.Skip("pools are not poisoned")
	}
	var intact, bytesIn atomic.Int64
	s := listen(t, HandlerFunc(func(r *Request) {
		if !bodyIntact(r.Body) {
			t.Errorf("a body of %d bytes arrived damaged", len(r.Body))
		}
		intact.Add(1)
		bytesIn.Add(int64(len(r.Body)))
		reply := bytes.Clone(r.Body[:stressHead])
		_ = r.Reply(&Command{Serialize: RocketMQ, Flag: FlagResponse}, reply)
	}))
	p := chaos.New(t, s.Addr().String(), func(int) (up, down chaos.Leg) { return chaos.Leg{Delay: 100 * time.Microsecond}, chaos.Leg{} })
	c := dialClient(t, ClientOptions{Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		nc, err := dialTCP(ctx, addr)
		if err == nil {
			err = nc.(*net.TCPConn).SetWriteBuffer(32 << 10)
		}
		return nc, err
	}})
	var answered, expired atomic.Int64
	end := time.Now().Add(1500 * time.Millisecond)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(13, uint64(g)))
			whole := make([]byte, 60<<10)
			for n := 0; time.Now().Before(end); n++ {
				body := whole[:stressHead+rng.IntN([...]int{200, 2 * copyBelow, len(whole) - stressHead}[n%3])]
				number := uint64(g)<<32 | uint64(n)
				fillBody(body, number)
				timeout := 10 * time.Second
				if n%2 == 0 {
					timeout = time.Duration(rng.Int64N(int64(30 * time.Millisecond)))
				}
				got, err := c.Invoke(t.Context(), p.Addr(), request(body), timeout)
				for i := range body {
					body[i] = 0xDE
				}
				switch {
				case errors.Is(err, ErrTimeout):
					expired.Add(1)
				case err != nil:
					t.Error(err)
				case binary.BigEndian.Uint64(got.Body) != number:
					t.Error("another's answer")
				default:
					answered.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if answered.Load() == 0 || expired.Load() == 0 {
		t.Error("one kind of end is missing")
	}
	t.Logf("%d answered, %d out of time, %d bodies and %d bytes checked", answered.Load(), expired.Load(), intact.Load(), bytesIn.Load())
}

// A peer that takes 1 KB a second: the write's deadline ends the connection, nobody is held past his own, and what
// waits does not pile up.
func TestR17_SlowReader(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	p := chaos.New(t, s.Addr().String(), func(int) (up, down chaos.Leg) { return chaos.Leg{Slice: 100, Rate: 1 << 10}, chaos.Leg{} })
	const writeTimeout, timeout = 700 * time.Millisecond, 50 * time.Millisecond
	c := dialClient(t, ClientOptions{WriteTimeout: writeTimeout})
	conn, err := c.Endpoint(p.Addr()).Connect(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	var slowest, calls atomic.Int64
	for g := range 64 {
		wg.Go(func() {
			body := make([]byte, [...]int{1 << 10, 64 << 10}[g%2])
			for conn.Err() == nil {
				began := time.Now()
				if _, err := c.Invoke(t.Context(), p.Addr(), request(body), timeout); err == nil {
					t.Error("answered by somebody who reads 1 KB a second")
				}
				calls.Add(1)
				if g%2 == 0 { // a large body is lent until its write has ended: its caller waits for that
					for took := int64(time.Since(began)); ; {
						if old := slowest.Load(); took <= old || slowest.CompareAndSwap(old, took) {
							break
						}
					}
				}
			}
		})
	}
	wg.Wait()
	if err := conn.Err(); err == nil || !strings.Contains(err.Error(), "did not take it within") {
		t.Errorf("the connection ended with %v", err)
	}
	if d := time.Duration(slowest.Load()); d > 10*timeout {
		t.Errorf("a caller was held for %v", d)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	t.Logf("%d calls, the slowest %v", calls.Load(), time.Duration(slowest.Load()))
}

// A reply of which a byte comes now and then ends no later than its call's deadline.
func TestR18_Slowloris(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	p := chaos.New(t, s.Addr().String(), func(int) (up, down chaos.Leg) { return chaos.Leg{}, chaos.Leg{Slice: 1, Delay: 20 * time.Millisecond} })
	c := dialClient(t, ClientOptions{})
	for _, timeout := range []time.Duration{50 * time.Millisecond, 150 * time.Millisecond} {
		began := time.Now()
		_, err := c.Invoke(t.Context(), p.Addr(), NewRequest(HeartBeat), timeout)
		took := time.Since(began)
		if !errors.Is(err, ErrTimeout) || !sent(err) || took < timeout || took > timeout+10*10*time.Millisecond {
			t.Errorf("%v after %v, want a timeout after %v", err, took, timeout)
		}
	}
	if conn := c.Endpoint(p.Addr()); !conn.Ready() {
		t.Error("a slow answer ended the connection for all")
	}
}

// Clients come and go, 1,000 or CONNECTS times: neither goroutines nor memory stay behind.
func TestR48_ConnectClose(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	cycle := func() {
		c := NewClient(ClientOptions{})
		if _, err := c.Invoke(t.Context(), s.Addr().String(), request([]byte("hello")), 10*time.Second); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	settle := func() (goroutines int, heap uint64) {
		for deadline := time.Now().Add(10 * time.Second); len(s.Conns()) > 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		runtime.GC()
		runtime.GC() // pools are emptied by the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	for range 50 {
		cycle()
	}
	goroutines, heap := settle()
	cycles := 1000
	if n, err := strconv.Atoi(os.Getenv("CONNECTS")); err == nil {
		cycles = n
	}
	for range cycles {
		cycle()
	}
	goroutines2, heap2 := settle()
	if goroutines2 > goroutines+2 {
		t.Errorf("%d goroutines, %d before", goroutines2, goroutines)
	}
	grown := int64(heap2) - int64(heap)
	if grown > int64(cycles)<<10/4 {
		t.Errorf("the heap grew by %d bytes in %d cycles", grown, cycles)
	}
	t.Logf("%d connections: %d goroutines, %d before; heap %+d bytes", cycles, goroutines2, goroutines, grown)
	if n := len(s.Conns()); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// While a write is stuck, calls come and run out of time behind it: what they had queued is not kept.
func TestR17_ExpiredFramesAreNotKept(t *testing.T) {
	leaks.Check(t)
	c, peer := pipeClient(t)
	first := held(t, c, peer)
	conn := first.conn
	body := make([]byte, copyBelow-1) // copied into the batch
	live := newAsync()                // waits among them, and is sent whole
	liveBody := make([]byte, copyBelow-1)
	fillBody(liveBody, 17)
	const rounds, each = 40, 500 // 80 MB in all
	for round := range rounds {
		var calls [each]*asyncCall
		for i := range calls {
			calls[i] = newAsync()
			if err := conn.Start(&calls[i].Call, NewRequest(HeartBeat), body, in(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if round == 3 {
			if err := conn.Start(&live.Call, NewRequest(HeartBeat), liveBody, in(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range calls {
			a.Cancel(context.Canceled)
			<-a.ended
		}
	}
	conn.mu.Lock()
	slab, queued := cap(conn.open.slab), conn.open.bytes
	conn.mu.Unlock()
	if slab > 4*each*copyBelow {
		t.Errorf("%d bytes are kept for %d that wait", slab, queued)
	}
	got := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(peer)
		got <- all
	}()
	for conn.Stats().FramesOut < 2 {
		time.Sleep(time.Millisecond)
	}
	c.Close()
	<-first.ended
	<-live.ended
	all := <-got
	if len(all) < len(liveBody) || !bytes.Equal(all[len(all)-len(liveBody):], liveBody) {
		t.Error("the one call that waited was not sent whole")
	}
	if st := c.Stats(); st.FramesOut != 2 {
		t.Errorf("%d frames were sent, want 2", st.FramesOut)
	}
}
