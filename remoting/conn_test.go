package remoting

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/internal/leaks"
)

// Tests run with poisoned pools; benchmarks don't, for it costs.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		poison = func(b []byte) {
			for i := range b {
				b[i] = 0xDE
			}
		}
	}
	leaks.Main(m)
}

// listen serves h on loopback until the test ends.
func listen(tb testing.TB, h Handler) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := NewServer(l, h, ServerOptions{}, nil)
	tb.Cleanup(func() { s.Close() })
	return s
}

func dialClient(tb testing.TB, o ClientOptions) *Client {
	c := NewClient(o)
	tb.Cleanup(c.Close)
	return c
}

// echo answers code 0 with the request's body and one ext field.
func echo(req *Request) {
	_ = req.Answer(&Command{Language: Go, Version: Version451, Ext: []Field{{"echo", "yes"}}, Body: append([]byte(nil), req.Body...)})
}

func request(body []byte) *Command {
	r := NewRequest(HeartBeat)
	r.Body = body
	return r
}

func TestInvoke(t *testing.T) {
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	for _, size := range []int{0, 1, copyBelow - 1, copyBelow, bufferSize - 1, bufferSize, 1 << 20, 4 << 20} {
		for _, ser := range []Serialize{JSON, RocketMQ} {
			body := bytes.Repeat([]byte{byte(size)}, size)
			req := request(body)
			req.Serialize = ser
			got, err := c.Invoke(t.Context(), s.Addr().String(), req, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if v, _ := got.Get("echo"); v != "yes" || !bytes.Equal(got.Body, body) || got.Serialize != ser {
				t.Fatalf("%d bytes %s: got %d bytes, serialize %s", size, ser, len(got.Body), got.Serialize)
			}
		}
	}
}

// Every goroutine gets the reply to its own request, whatever the size and however the writes are batched.
func TestManyInFlight(t *testing.T) {
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			for i := range 50 {
				body := make([]byte, 8+(g*i*37)%9000)
				binary.BigEndian.PutUint64(body, uint64(g)<<32|uint64(i))
				got, err := c.Invoke(t.Context(), s.Addr().String(), request(body), 10*time.Second)
				if err != nil {
					t.Error(err)
					return
				}
				if !bytes.Equal(got.Body, body) {
					t.Errorf("worker %d got another's reply", g)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(s.Conns()); n != 1 {
		t.Errorf("%d connections for one address", n)
	}
	if got := c.Stats(); got.FramesOut != 64*50 || got.FramesIn != 64*50 || got.Dials != 1 || got.StrayReplies != 0 {
		t.Errorf("stats %+v", got)
	}
}

func TestOnewayIsInTheSocketWhenDone(t *testing.T) {
	var got atomic.Int64
	s := listen(t, HandlerFunc(func(r *Request) {
		if r.Head.IsOneway() {
			got.Add(1)
		}
		echo(r) // not written where the request is oneway
	}))
	c := dialClient(t, ClientOptions{})
	for _, size := range []int{1, copyBelow * 2} {
		for range 100 {
			if err := c.InvokeOneway(t.Context(), s.Addr().String(), request(make([]byte, size)), time.Second); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := c.Invoke(t.Context(), s.Addr().String(), NewRequest(HeartBeat), 5*time.Second); err != nil {
		t.Fatal(err) // answered in order, so all oneway requests have arrived
	}
	if got.Load() != 200 {
		t.Errorf("%d of 200 oneway requests arrived", got.Load())
	}
	if st := c.Stats(); st.StrayReplies != 0 || st.BytesOut < 100*copyBelow*2 {
		t.Errorf("stats %+v", st)
	}
}

// asyncCall counts what it is told.
type asyncCall struct {
	Call
	received, done atomic.Int32
	err            error
	ended          chan struct{}
	onDone         func()
}

func newAsync() *asyncCall {
	a := &asyncCall{ended: make(chan struct{})}
	a.Receiver, a.Async = a, true
	return a
}
func (a *asyncCall) Receive(*Head, []byte) { a.received.Add(1) }
func (a *asyncCall) Done(err error) {
	a.err = err
	if a.done.Add(1) == 1 {
		close(a.ended)
	}
	if a.onDone != nil {
		a.onDone()
	}
}

func TestR51_DoneMayCloseAndPanic(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	a := newAsync()
	a.onDone = func() { panic("callback") }
	if err := c.Endpoint(s.Addr().String()).Start(t.Context(), &a.Call, NewRequest(HeartBeat), nil, in(time.Second)); err != nil {
		t.Fatal(err)
	}
	<-a.ended
	b := newAsync()
	b.onDone = c.Close // waits for the reader: it must not run there
	if err := c.Endpoint(s.Addr().String()).Start(t.Context(), &b.Call, NewRequest(HeartBeat), nil, in(time.Second)); err != nil {
		t.Fatal(err)
	}
	<-b.ended
	if n := c.Stats().CallbackFails; n != 1 {
		t.Errorf("%d panics counted, want 1", n)
	}
}

// in is a deadline so far from now.
func in(d time.Duration) int64 { return Nanotime() + int64(d) }

// silent takes requests and never answers.
var silent = HandlerFunc(func(*Request) {})

func TestTimeout(t *testing.T) {
	s := listen(t, silent)
	c := dialClient(t, ClientOptions{})
	_, err := c.Invoke(t.Context(), s.Addr().String(), NewRequest(HeartBeat), 30*time.Millisecond)
	ce, ok := errors.AsType[*CallError](err)
	if !ok || !errors.Is(err, ErrTimeout) || !ce.Sent || !ce.Timeout() {
		t.Fatalf("got %v", err)
	}
	if !c.Endpoint(s.Addr().String()).Ready() {
		t.Error("a slow answer closed the connection for everyone")
	}
}

// a reply after the deadline, a second one and one that nobody asked for are counted and touch nobody.
func TestR12_StrayReplies(t *testing.T) {
	leaks.Check(t)
	laters := make(chan Later, 2)
	s := listen(t, HandlerFunc(func(r *Request) {
		if len(r.Body) > 0 {
			laters <- r.Later()
			return
		}
		echo(r)
	}))
	c := dialClient(t, ClientOptions{})
	addr := s.Addr().String()
	if _, err := c.Invoke(t.Context(), addr, request([]byte("wait")), 20*time.Millisecond); !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	late := <-laters
	answer := &Command{Serialize: RocketMQ, Flag: FlagResponse}
	for range 3 {
		if err := late.Reply(answer, nil); err != nil {
			t.Fatal(err)
		}
	}
	late.opaque = 77777
	if err := late.Reply(answer, nil); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if got, err := c.Invoke(t.Context(), addr, NewRequest(HeartBeat), time.Second); err != nil || len(got.Ext) != 1 {
			t.Fatalf("%v %v", got, err)
		}
	}
	if n := c.Stats().StrayReplies; n != 4 {
		t.Errorf("%d stray replies counted, want 4", n)
	}
}

func TestCancel(t *testing.T) {
	s := listen(t, silent)
	c := dialClient(t, ClientOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := c.Invoke(ctx, s.Addr().String(), NewRequest(HeartBeat), time.Minute)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// the death of a connection ends every call on it at once, and the next request dials anew.
func TestR01_R05_DeathEndsAllCalls(t *testing.T) {
	leaks.Check(t)
	arrived := make(chan *Conn, 100)
	var answering atomic.Bool
	s := listen(t, HandlerFunc(func(r *Request) {
		if answering.Load() {
			echo(r)
			return
		}
		arrived <- r.Conn
	}))
	c := dialClient(t, ClientOptions{})
	answering.Store(true)
	if _, err := c.Invoke(t.Context(), s.Addr().String(), NewRequest(HeartBeat), 5*time.Second); err != nil {
		t.Fatal(err) // a connection that never was of use would be followed by a wait
	}
	answering.Store(false)
	calls := make([]*asyncCall, 50)
	for i := range calls {
		calls[i] = newAsync()
		if err := c.Endpoint(s.Addr().String()).Start(t.Context(), &calls[i].Call, NewRequest(HeartBeat), nil, in(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	var peer *Conn
	for range calls {
		peer = <-arrived
	}
	peer.Close()
	for _, a := range calls {
		select {
		case <-a.ended:
		case <-time.After(5 * time.Second):
			t.Fatal("a call outlived its connection")
		}
		ce, ok := errors.AsType[*CallError](a.err)
		if !ok || !ce.Sent || ce.Timeout() {
			t.Fatalf("got %v", a.err)
		}
	}
	answering.Store(true)
	if _, err := c.Invoke(t.Context(), s.Addr().String(), NewRequest(HeartBeat), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, a := range calls {
		if a.done.Load() != 1 || a.received.Load() != 0 {
			t.Fatalf("done %d times, received %d", a.done.Load(), a.received.Load())
		}
	}
}

// hostile accepts one connection, writes bytes once a request has come, and says what became of the connection.
func hostile(tb testing.TB, answer []byte, hold bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			_, _ = nc.Read(buf)
			_, _ = nc.Write(answer)
			if hold {
				_, _ = io.Copy(io.Discard, nc) // until the client closes
			}
			nc.Close()
		}
	})
	tb.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// what can't be a frame closes the connection at once, with a name where it has one and without the memory
// that its length asks for.
func TestR09_R10_HostileLength(t *testing.T) {
	leaks.Check(t)
	for name, tt := range map[string]struct {
		answer string
		want   error
		text   string
	}{
		"minus one":         {"\xff\xff\xff\xff", ErrBadFrame, "length of -1"},
		"zero":              {"\x00\x00\x00\x00", ErrBadFrame, "length of 0"},
		"three":             {"\x00\x00\x00\x03", ErrBadFrame, "length of 3"},
		"2 GiB":             {"\x7f\xff\xff\xff", ErrBadFrame, "2147483647"},
		"over the cap":      {"\x01\x00\x00\x00", ErrBadFrame, "16777216"},
		"header over frame": {"\x00\x00\x00\x08\x00\x00\xff\xff1234", ErrBadFrame, "header of 65535"},
		"unknown type":      {"\x00\x00\x00\x08\x07\x00\x00\x041234", ErrBadFrame, "serialize type 7"},
		"http":              {"HTTP/1.1 400 Bad Request\r\n\r\n", ErrNotRocketMQ, "HTTP"},
		"http2 preface":     {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ErrNotRocketMQ, "HTTP/2"},
		"tls alert":         {"\x15\x03\x03\x00\x02\x02\x28", ErrNotRocketMQ, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := hostile(t, []byte(tt.answer), true)
			c := dialClient(t, ClientOptions{})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, err := c.Invoke(t.Context(), addr, NewRequest(HeartBeat), time.Minute)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.text)
			}
			if d := time.Since(began); d > 10*50*time.Millisecond {
				t.Errorf("took %v", d)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 10*64<<10 {
				t.Errorf("allocated %d bytes", grown)
			}
		})
	}
}

// a frame cut at any byte is an error, never a hang or a panic.
func TestR06_R07_CutAtEveryByte(t *testing.T) {
	leaks.Check(t)
	whole, err := (&Command{Serialize: JSON, Flag: FlagResponse, Opaque: 0, Ext: []Field{{"a", "b"}}, Body: []byte("body")}).AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		addr := hostile(t, whole[:n], false)
		c := dialClient(t, ClientOptions{})
		_, err := c.Invoke(t.Context(), addr, NewRequest(HeartBeat), 10*time.Second)
		if ce, ok := errors.AsType[*CallError](err); !ok || ce.Timeout() || !ce.Sent {
			t.Fatalf("cut at %d: %v", n, err)
		}
		c.Close()
	}
}

// R-17 in little: a peer that reads nothing holds no caller past its deadline, not even the one that leads the write.
func TestR17_PeerReadsNothing(t *testing.T) {
	leaks.Check(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dialClient(t, ClientOptions{WriteTimeout: 500 * time.Millisecond})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			body := make([]byte, 1<<20)
			began := time.Now()
			_, err := c.Invoke(t.Context(), l.Addr().String(), request(body), 100*time.Millisecond)
			if err == nil {
				t.Error("answered by nobody")
			}
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("held for %v", d)
			}
			for i := range body { // the body is ours again: the race detector watches the writer
				body[i] = 0xDE
			}
		})
	}
	small := time.Now()
	const calls, timeout = 40, 50 * time.Millisecond
	for range calls {
		if _, err := c.Invoke(t.Context(), l.Addr().String(), request([]byte("small")), timeout); err == nil {
			t.Fatal("answered by nobody")
		}
	}
	if d := time.Since(small); d > calls*10*timeout {
		t.Errorf("%d small calls took %v", calls, d)
	}
	wg.Wait()
}

func TestDialErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var dials atomic.Int32
	c := dialClient(t, ClientOptions{Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		dials.Add(1)
		return dialTCP(ctx, addr)
	}})
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			_, err := c.Invoke(t.Context(), addr, NewRequest(HeartBeat), 10*time.Second)
			ce, ok := errors.AsType[*CallError](err)
			if !ok || ce.Sent || !errors.Is(err, ErrDial) || !strings.Contains(err.Error(), addr) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if n := dials.Load(); n > 3 {
		t.Errorf("%d dials for 64 callers within one back-off", n)
	}
}

func TestR04_BlackholedDialHoldsNobodyElse(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	hang := make(chan struct{})
	c := dialClient(t, ClientOptions{Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		if addr == "blackhole:1" {
			close(hang)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return dialTCP(ctx, addr)
	}})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.Invoke(t.Context(), "blackhole:1", NewRequest(HeartBeat), 200*time.Millisecond); !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
	<-hang
	if _, err := c.Invoke(t.Context(), s.Addr().String(), NewRequest(HeartBeat), 5*time.Second); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestCloseEndsCallsInFlight(t *testing.T) {
	s := listen(t, silent)
	c := NewClient(ClientOptions{})
	a := newAsync()
	if err := c.Endpoint(s.Addr().String()).Start(t.Context(), &a.Call, NewRequest(HeartBeat), nil, in(time.Minute)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	<-a.ended
	if !errors.Is(a.err, ErrClosed) {
		t.Errorf("got %v", a.err)
	}
	if _, err := c.Invoke(t.Context(), s.Addr().String(), NewRequest(HeartBeat), time.Second); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestR12_OpaqueWraps(t *testing.T) {
	leaks.Check(t)
	table := callTable{next: 1<<31 - 3}
	var calls [8]*Call
	for i := range calls {
		calls[i] = &Call{}
		table.put(calls[i])
	}
	if calls[7].opaque >= 0 {
		t.Fatalf("opaque %d did not wrap", calls[7].opaque)
	}
	for _, c := range calls {
		if table.take(c.opaque) != c || table.take(c.opaque) != nil {
			t.Fatalf("opaque %d", c.opaque)
		}
	}
}

func TestCallTableGrows(t *testing.T) {
	var table callTable
	var calls []*Call
	for range 5000 {
		c := &Call{}
		table.put(c)
		calls = append(calls, c)
	}
	seen := map[int32]bool{}
	for _, c := range calls {
		if seen[c.opaque] {
			t.Fatalf("opaque %d twice", c.opaque)
		}
		seen[c.opaque] = true
		if table.take(c.opaque) != c {
			t.Fatalf("opaque %d lost", c.opaque)
		}
	}
	if table.n != 0 {
		t.Errorf("%d left", table.n)
	}
}

func TestServerRefusesUnknownRequests(t *testing.T) {
	s := listen(t, nil)
	c := dialClient(t, ClientOptions{})
	got, err := c.Invoke(t.Context(), s.Addr().String(), &Command{Code: 9999, Serialize: JSON}, time.Second)
	if err != nil || got.Response() != RequestNotSupported || got.Remark != " request type 9999 not supported" {
		t.Errorf("%+v %v", got, err)
	}
}

// benchCall is the cheapest caller there can be.
type benchCall struct {
	Call
	wake chan error
}

func (b *benchCall) Receive(*Head, []byte) {}
func (b *benchCall) Done(err error)        { b.wake <- err }

func BenchmarkConn(b *testing.B) {
	for _, workers := range []int{1, 64} {
		b.Run(fmt.Sprintf("sync/workers=%d", workers), func(b *testing.B) {
			reply := &Command{Serialize: RocketMQ, Flag: FlagResponse, Language: Go}
			s := listen(b, HandlerFunc(func(r *Request) { _ = r.Reply(reply, nil) }))
			c := dialClient(b, ClientOptions{})
			conn, err := c.Endpoint(s.Addr().String()).Connect(b.Context(), time.Second)
			if err != nil {
				b.Fatal(err)
			}
			head := &SendRequest{Serialize: RocketMQ, Code: SendMessageV2, Language: Go, Version: Version451, SendHeader: SendHeader{ProducerGroup: "g", Topic: "t", DefaultTopic: "TBW102", Properties: []byte("WAIT\x01true\x02")}}
			body := make([]byte, 128)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					call := &benchCall{wake: make(chan error, 1)}
					call.Receiver = call
					for left.Add(-1) >= 0 {
						if err := conn.Start(&call.Call, head, body, in(3*time.Second)); err != nil {
							b.Error(err)
							return
						}
						if err := <-call.wake; err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			st := c.Stats()
			b.ReportMetric(float64(st.FramesOut)/float64(st.Writes), "msgs/write")
		})
	}
}

// counting counts the ends of a call.
type counting struct {
	receives, dones atomic.Int64
	ended           chan struct{}
}

func (c *counting) Receive(*Head, []byte) { c.receives.Add(1) }

func (c *counting) Done(error) {
	if c.dones.Add(1) == 1 {
		close(c.ended)
	}
}

// a second answer to a call that has had its own, whether one read brings both or two do, ends nothing.
func TestR12_DuplicateAnswer(t *testing.T) {
	s := listen(t, HandlerFunc(func(r *Request) {
		later := r.Later()
		answer := &Command{Serialize: RocketMQ, Flag: FlagResponse}
		for range 3 {
			if err := later.Reply(answer, nil); err != nil {
				t.Error(err)
			}
		}
	}))
	c := dialClient(t, ClientOptions{})
	endpoint := c.Endpoint(s.Addr().String())
	for n := range int64(20) {
		r := &counting{ended: make(chan struct{})}
		call := &Call{Receiver: r}
		if err := endpoint.Start(t.Context(), call, request(nil), nil, Nanotime()+int64(time.Minute)); err != nil {
			t.Fatal(err)
		}
		<-r.ended
		for deadline := time.Now().Add(10 * time.Second); c.Stats().StrayReplies < 2*(n+1) && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if got := c.Stats(); r.receives.Load() != 1 || r.dones.Load() != 1 || got.StrayReplies != 2*(n+1) || got.InFlight != 0 {
			t.Fatalf("call %d: %d answers taken, ended %d times, %d strays, %d in flight", n, r.receives.Load(), r.dones.Load(), got.StrayReplies, got.InFlight)
		}
	}
}
