package remoting

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/internal/leaks"
)

// A stress body is: 8 bytes of a number, 4 of a checksum of what follows, and bytes that the number gives.
const stressHead = 12

var stressBytes = func() []byte {
	b := make([]byte, 256<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}()

func fillBody(b []byte, number uint64) {
	binary.BigEndian.PutUint64(b, number)
	copy(b[stressHead:], stressBytes[number%1021:])
	binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[stressHead:]))
}

func bodyIntact(b []byte) bool {
	return len(b) >= stressHead && binary.BigEndian.Uint32(b[8:]) == crc32.ChecksumIEEE(b[stressHead:])
}

// stressServer answers now, later, twice, never, or cuts the connection, as order says for each request.
type stressServer struct {
	t       *testing.T
	order   func(r *rand.Rand) string
	arrived atomic.Int64
	later   sync.WaitGroup
}

func (s *stressServer) ServeRemoting(r *Request) {
	s.arrived.Add(1)
	if !bodyIntact(r.Body) {
		s.t.Errorf("a body of %d bytes arrived damaged", len(r.Body))
		return
	}
	// The reply repeats the number, with a body of its own length: large ones go by reference.
	reply := make([]byte, stressHead+int(r.Body[7])*40)
	fillBody(reply, binary.BigEndian.Uint64(r.Body))
	answer := &Command{Serialize: r.Head.Serialize, Flag: FlagResponse, Language: Go, Version: Version451}
	later := r.Later()
	switch rng := rand.New(rand.NewPCG(binary.BigEndian.Uint64(r.Body), 0)); s.order(rng) {
	case "now":
		_ = r.Reply(answer, reply)
	case "twice":
		_ = r.Reply(answer, reply)
		_ = r.Reply(answer, reply)
	case "later":
		wait := time.Duration(rng.Int64N(int64(3 * time.Millisecond)))
		s.later.Go(func() {
			time.Sleep(wait)
			_ = later.Reply(answer, reply)
		})
	case "cut":
		conn := r.Conn
		s.later.Go(func() { conn.Close() })
	case "never":
	}
}

// stressCall is used again and again by whoever gets it from the pool: whatever still touches it after Done, or ends
// it twice, disturbs its next user.
type stressCall struct {
	Call
	pending  atomic.Int32 // 1 between Start and Done
	number   uint64
	received bool
	bad      string
	wake     chan error
}

var stressCalls = sync.Pool{New: func() any { return &stressCall{wake: make(chan error, 1)} }}

func (s *stressCall) Receive(_ *Head, body []byte) {
	if s.received {
		s.bad = "received twice"
	}
	s.received = true
	if !bodyIntact(body) {
		s.bad = "reply is damaged"
	} else if got := binary.BigEndian.Uint64(body); got != s.number {
		s.bad = fmt.Sprintf("got the reply to %d, asked %d", got, s.number)
	}
}

func (s *stressCall) Done(err error) {
	if !s.pending.CompareAndSwap(1, 0) {
		panic("done twice, or without having been started")
	}
	if s.Async {
		s.Call = Call{} // as one does who gives it to the next at once; Start may not have returned yet
	}
	s.wake <- err
}

// TestR13_Stress looks for whatever breaks the ownership of bodies, frames, buffers and calls: many goroutines, sizes on
// both sides of every border, deadlines that pass at any moment, cancels, cuts, and Close in the middle of it all.
func TestR13_Stress(t *testing.T) {
	leaks.Check(t)
	sliced := func(ctx context.Context, addr string) (net.Conn, error) {
		nc, err := dialTCP(ctx, addr)
		if err != nil {
			return nil, err
		}
		return &slicedConn{Conn: nc}, nil
	}
	for name, tt := range map[string]struct {
		dial  func(context.Context, string) (net.Conn, error)
		order func(*rand.Rand) string
		cuts  bool
	}{
		"answers of every kind": {order: func(r *rand.Rand) string {
			return [...]string{"now", "now", "now", "later", "later", "later", "twice", "twice", "twice", "never"}[r.IntN(10)]
		}},
		"cuts": {cuts: true, order: func(r *rand.Rand) string {
			if r.IntN(200) == 0 {
				return "cut"
			}
			return [...]string{"now", "later"}[r.IntN(2)]
		}},
		"no TCP socket to try, reads in slices": {dial: sliced, order: func(r *rand.Rand) string {
			return [...]string{"now", "now", "now", "now", "now", "later", "later", "later", "later", "never"}[r.IntN(10)]
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := &stressServer{t: t, order: tt.order}
			s := listen(t, h)
			defer func() {
				s.Close() // first: it may still read requests that nobody waits for
				h.later.Wait()
			}()
			for round := range 2 {
				stressRound(t, s, NewClient(ClientOptions{Dial: tt.dial}), uint64(round), tt.cuts)
			}
		})
	}
}

func stressRound(t *testing.T, s *Server, c *Client, round uint64, cuts bool) {
	const workers, each = 24, 150
	addr := s.Addr().String()
	var tally struct{ started, refused, answered, ended, oneway atomic.Int64 }
	var wg sync.WaitGroup
	var next atomic.Uint64
	for g := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(round, uint64(g)))
			bodies := [][]byte{make([]byte, 300), make([]byte, copyBelow+stressHead), make([]byte, 100_000)}
			for range each {
				call := stressCalls.Get().(*stressCall)
				call.Receiver, call.received, call.bad = call, false, ""
				call.number = round<<40 | next.Add(1)
				async, oneway := rng.IntN(3) == 0, rng.IntN(5) == 0
				call.Async, call.Oneway = async, oneway
				body := bodies[min(rng.IntN(12), 11)/5]
				body = body[:stressHead+rng.IntN(len(body)-stressHead)]
				fillBody(body, call.number)
				timeout := time.Duration(rng.Int64N(int64(2 * time.Millisecond)))
				if rng.IntN(2) == 0 {
					timeout = 100 * time.Millisecond
				}
				head := &Command{Serialize: Serialize(rng.IntN(2)), Code: int32(HeartBeat), Language: Go}
				if oneway {
					head.Flag = FlagOneway
				}
				call.pending.Store(1)
				if err := c.Endpoint(addr).Start(t.Context(), &call.Call, head, body, in(timeout)); err != nil {
					if _, ok := errors.AsType[*CallError](err); !ok {
						t.Errorf("%T: %v", err, err)
					}
					call.pending.Store(0)
					tally.refused.Add(1)
					stressCalls.Put(call)
					continue
				}
				tally.started.Add(1)
				if !async && rng.IntN(4) == 0 {
					runtime.Gosched()
					call.Cancel(context.Canceled)
				}
				err := <-call.wake
				for i := range body { // ours again: whoever still reads it sends damaged bytes, or is a race
					body[i] = 0xDE
				}
				switch {
				case call.bad != "":
					t.Error(call.bad)
				case err == nil && oneway && !call.received:
					tally.oneway.Add(1)
				case err == nil && call.received && !oneway:
					tally.answered.Add(1)
				case err == nil || call.received:
					t.Errorf("err %v, received %v, oneway %v", err, call.received, oneway)
				default:
					if _, ok := errors.AsType[*CallError](err); !ok {
						t.Errorf("%T: %v", err, err)
					}
					tally.ended.Add(1)
				}
				stressCalls.Put(call)
			}
		})
	}
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	if cuts {
		cutter.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				for _, conn := range s.Conns() {
					conn.Close()
				}
			}
		})
	}
	if round%2 == 1 { // the middle, more or less: whatever is in flight ends
		for next.Load() < workers*each/2 {
			time.Sleep(time.Millisecond)
		}
		c.Close()
	}
	wg.Wait()
	close(stop)
	cutter.Wait()
	c.Close()
	st := c.Stats()
	if st.CallbackFails != 0 {
		t.Errorf("%d calls ended twice", st.CallbackFails)
	}
	if tally.answered.Load() == 0 || tally.oneway.Load() == 0 || tally.ended.Load() == 0 {
		t.Errorf("a stress without all outcomes: %+v", &tally)
	}
	t.Logf("round %d: started %d refused %d answered %d oneway %d ended otherwise %d; %+v", round,
		tally.started.Load(), tally.refused.Load(), tally.answered.Load(), tally.oneway.Load(), tally.ended.Load(), st)
}

// slicedConn is no *net.TCPConn, as TLS is none, and reads a few bytes at a time.
type slicedConn struct {
	net.Conn
	n int // only the reader
}

func (s *slicedConn) Read(b []byte) (int, error) {
	s.n = s.n%977 + 1
	return s.Conn.Read(b[:min(len(b), s.n)])
}

// A context that ends while the answer comes gives the answer or the context's error, never neither.
func TestInvokeCancelledAsItIsAnswered(t *testing.T) {
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 400 {
				ctx, cancel := context.WithCancel(t.Context())
				wg.Go(func() {
					for range (i*7 + g) % 40 {
						runtime.Gosched()
					}
					cancel()
				})
				got, err := c.Invoke(ctx, s.Addr().String(), request([]byte{byte(i)}), 5*time.Second)
				if err == nil && (got == nil || len(got.Body) != 1 || got.Body[0] != byte(i)) {
					t.Errorf("no error and the answer %+v", got)
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}

// The deadline of a write that had to wait must not fail a later one.
func TestWriteDeadlineEndsWithItsWrite(t *testing.T) {
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{WriteTimeout: 40 * time.Millisecond})
	for _, size := range []int{2 * copyBelow, 1} {
		if _, err := c.Invoke(t.Context(), s.Addr().String(), request(make([]byte, size)), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(60 * time.Millisecond)
	}
	if _, err := c.Invoke(t.Context(), s.Addr().String(), request([]byte("small")), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if st := c.Stats(); st.Dials != 1 {
		t.Errorf("%d dials: the connection did not last", st.Dials)
	}
}

// pipeClient is a client whose connection is a pipe: what is written waits until the test reads it.
func pipeClient(t *testing.T) (c *Client, peer net.Conn) {
	ours, peer := net.Pipe()
	c = dialClient(t, ClientOptions{Dial: func(context.Context, string) (net.Conn, error) { return ours, nil }})
	if _, err := c.Endpoint("pipe:1").Connect(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return c, peer
}

// held starts a call whose write the peer doesn't take, so that whatever starts next waits in the open batch.
func held(t *testing.T, c *Client, peer net.Conn) *asyncCall {
	t.Helper()
	first := newAsync()
	if err := c.Endpoint("pipe:1").Start(t.Context(), &first.Call, NewRequest(HeartBeat), make([]byte, 2*copyBelow), in(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Read(make([]byte, 1)); err != nil { // its write is under way
		t.Fatal(err)
	}
	return first
}

// What was not written yet can't be answered: such a reply is a stray, and the call ends as if it had not come.
func TestReplyBeforeItsRequest(t *testing.T) {
	c, peer := pipeClient(t)
	first := held(t, c, peer)
	second := newAsync()
	if err := c.Endpoint("pipe:1").Start(t.Context(), &second.Call, NewRequest(HeartBeat), make([]byte, 2*copyBelow), in(time.Minute)); err != nil {
		t.Fatal(err)
	}
	early, err := (&Command{Serialize: RocketMQ, Flag: FlagResponse, Opaque: second.opaque}).AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Write(early); err != nil {
		t.Fatal(err)
	}
	for c.Stats().StrayReplies == 0 {
		time.Sleep(time.Millisecond)
	}
	peer.Close()
	<-first.ended
	<-second.ended
	if ce, ok := errors.AsType[*CallError](first.err); !ok || !ce.Sent {
		t.Errorf("the first, half of it written: %v", first.err)
	}
	if ce, ok := errors.AsType[*CallError](second.err); !ok || ce.Sent || second.received.Load() != 0 {
		t.Errorf("the second, none of it written: %v", second.err)
	}
}

// A frame that is taken out before its write is not sent, and says so; its neighbours are sent whole.
func TestFramesTakenOutAreNotSent(t *testing.T) {
	c, peer := pipeClient(t)
	first := held(t, c, peer)
	calls := make([]*asyncCall, 9)
	for i := range calls {
		calls[i] = newAsync()
		timeout := time.Minute
		if i%3 == 1 {
			timeout = time.Millisecond
		}
		body := make([]byte, stressHead+[]int{10, 2 * copyBelow, 300}[i/3])
		fillBody(body, uint64(i))
		if err := c.Endpoint("pipe:1").Start(t.Context(), &calls[i].Call, NewRequest(HeartBeat), body, in(timeout)); err != nil {
			t.Fatal(err)
		}
		if i%3 == 2 {
			calls[i].Cancel(context.Canceled)
		}
	}
	for i, a := range calls {
		if i%3 == 0 {
			continue
		}
		<-a.ended // while the first one's write still waits
		want := [...]error{nil, ErrTimeout, context.Canceled}[i%3]
		if ce, ok := errors.AsType[*CallError](a.err); !ok || ce.Sent || !errors.Is(a.err, want) {
			t.Errorf("call %d: %v, want not sent and %v", i, a.err, want)
		}
	}
	if st := c.Stats(); st.Queued != 3 || st.InFlight != 4 {
		t.Errorf("%d frames wait and %d calls are in flight, want 3 and, with the first, 4", st.Queued, st.InFlight)
	}
	var got []uint64
	var fake Conn // parses what arrives, and takes the requests down
	fake.opts = connOptions{maxFrame: MaxFrame, handler: HandlerFunc(func(r *Request) {
		if !bodyIntact(r.Body) {
			t.Errorf("damaged body after %v", got)
		}
		got = append(got, binary.BigEndian.Uint64(r.Body))
	}), callbacks: newCallbacks()}
	fake.open = newBatch(1)
	rest := make([]byte, 0, 1<<20)
	skip := 2*copyBelow - 1 // of the first one's, head included below
	head, _ := NewRequest(HeartBeat).AppendHead(nil, 0, 0)
	skip += len(head)
	for len(got) < 3 {
		n, err := peer.Read(rest[len(rest):cap(rest)])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[:len(rest)+n]
		if len(rest) > skip {
			used, err := fake.take(rest[skip:])
			if err != nil {
				t.Fatal(err)
			}
			skip += used
		}
	}
	if fmt.Sprint(got) != "[0 3 6]" {
		t.Errorf("sent were %v, want those that nobody took out", got)
	}
	for c.Stats().FramesOut < 4 { // counted once the write has returned
		time.Sleep(time.Millisecond)
	}
	peer.Close()
	<-first.ended
	for i := 0; i < len(calls); i += 3 {
		<-calls[i].ended
		if ce, ok := errors.AsType[*CallError](calls[i].err); !ok || !ce.Sent {
			t.Errorf("call %d: %v, want sent", i, calls[i].err)
		}
	}
	if st := c.Stats(); st.FramesOut != 4 {
		t.Errorf("%d frames counted, want the 4 that were sent", st.FramesOut)
	}
}

// A body that is lent stays lent until its write has ended, even when the call's time is up before.
func TestR13_BodyIsLentUntilTheWriteEnds(t *testing.T) {
	leaks.Check(t)
	for name, oneway := range map[string]bool{"two-way": false, "oneway": true} {
		t.Run(name, func(t *testing.T) {
			c, peer := pipeClient(t)
			a := newAsync()
			a.Oneway = oneway
			body := make([]byte, 2*copyBelow)
			if err := c.Endpoint("pipe:1").Start(t.Context(), &a.Call, NewRequest(HeartBeat), body, in(10*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := peer.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
			a.Cancel(context.Canceled)
			select {
			case <-a.ended:
				t.Fatal("ended while its body was being written")
			default:
			}
			if _, err := peer.Write(nil); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 1<<16)
			for read := 1; read < len(body); {
				n, err := peer.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				read += n
			}
			peer.Close() // or some bytes of the head may be left
			<-a.ended
			if !errors.Is(a.err, ErrTimeout) {
				t.Errorf("got %v", a.err)
			}
		})
	}
}

// A reply may overtake the return of its own request's write: the call ends when both have come, for until then the writer
// reads its body.
func TestR13_ReplyOvertakesItsWrite(t *testing.T) {
	leaks.Check(t)
	c, peer := pipeClient(t)
	a := newAsync()
	body := make([]byte, 2*copyBelow)
	if err := c.Endpoint("pipe:1").Start(t.Context(), &a.Call, NewRequest(HeartBeat), body, in(time.Minute)); err != nil {
		t.Fatal(err)
	}
	head, err := NewRequest(HeartBeat).AppendHead(nil, a.opaque, len(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(peer, make([]byte, len(head)+len(body)-1)); err != nil {
		t.Fatal(err)
	}
	reply, err := (&Command{Serialize: RocketMQ, Flag: FlagResponse, Opaque: a.opaque}).AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Write(reply); err != nil {
		t.Fatal(err)
	}
	for a.received.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	select {
	case <-a.ended:
		t.Fatal("ended while its body was being written")
	default:
	}
	if _, err := peer.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	<-a.ended
	if st := a.Stamps(); a.err != nil || st.WriteEnded > st.ReplyRead || st.WriteBegan > st.WriteEnded {
		t.Errorf("%v, stamps %+v: a write's end is no later than its reply", a.err, st)
	}
}

// Callbacks that end their goroutine take no other callback with them.
func TestR51_CallbackGoexit(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	for i := range 4 * runtime.GOMAXPROCS(0) {
		a, b := newAsync(), newAsync()
		a.onDone = runtime.Goexit
		for _, call := range []*asyncCall{a, b} {
			if err := c.Endpoint(s.Addr().String()).Start(t.Context(), &call.Call, NewRequest(HeartBeat), nil, in(10*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		for _, call := range []*asyncCall{a, b} {
			select {
			case <-call.ended:
			case <-time.After(10 * time.Second):
				t.Fatalf("no callback any more after %d", i)
			}
		}
	}
}

// StartNow never dials.
func TestStartNow(t *testing.T) {
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	addr := s.Addr().String()
	a := newAsync()
	if err := c.Endpoint(addr).StartNow(&a.Call, NewRequest(HeartBeat), nil, in(time.Second)); !errors.Is(err, ErrNotConnected) {
		t.Fatalf("got %v", err)
	}
	if n := c.Stats().Dials; n != 0 {
		t.Errorf("%d dials", n)
	}
	if _, err := c.Endpoint(addr).Connect(t.Context(), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := c.Endpoint(addr).StartNow(&a.Call, NewRequest(HeartBeat), nil, in(5*time.Second)); err != nil {
		t.Fatal(err)
	}
	<-a.ended
	if a.err != nil {
		t.Error(a.err)
	}
}

// A server's Close ends what clients wait for, in whatever it is doing.
func TestServerCloseUnderLoad(t *testing.T) {
	for range 5 {
		h := &stressServer{t: t, order: func(r *rand.Rand) string { return [...]string{"now", "later"}[r.IntN(2)] }}
		s := listen(t, h)
		c := NewClient(ClientOptions{})
		var wg sync.WaitGroup
		var answered atomic.Int64
		for g := range 16 {
			wg.Go(func() {
				body := make([]byte, stressHead+g*700)
				fillBody(body, uint64(g))
				for {
					_, err := c.Invoke(t.Context(), s.Addr().String(), request(body), 10*time.Second)
					if err != nil {
						return
					}
					answered.Add(1)
				}
			})
		}
		for answered.Load() < 100 {
			time.Sleep(time.Millisecond)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		h.later.Wait()
		c.Close()
		if n := len(s.Conns()); n != 0 {
			t.Errorf("%d connections after Close", n)
		}
	}
}

// An asynchronous call whose time is up while Start still runs belongs to its callback, not to Start.
func TestAsyncEndsWhileItStarts(t *testing.T) {
	s := listen(t, silent)
	c := dialClient(t, ClientOptions{})
	conn, err := c.Endpoint(s.Addr().String()).Connect(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				call := stressCalls.Get().(*stressCall)
				call.Receiver, call.Async = call, true
				call.pending.Store(1)
				if err := conn.Start(&call.Call, NewRequest(HeartBeat), nil, in(0)); err != nil {
					t.Error(err)
					return
				}
				<-call.wake
				stressCalls.Put(call)
			}
		})
	}
	wg.Wait()
}

// One read wakes several callers, and names a writer for what they send next. Whether all of them send again or none does,
// the connection goes on.
func TestWokenCallersSendAgainOrNot(t *testing.T) {
	const callers = 3
	c, peer := pipeClient(t)
	var answering sync.WaitGroup
	answering.Go(func() { // in one write, when all have asked
		var got, replies []byte
		asked := 0
		for buf := make([]byte, 4096); ; {
			n, err := peer.Read(buf)
			if err != nil {
				return // the test is over
			}
			got = append(got, buf[:n]...)
			for size, _ := frameSize(got, MaxFrame); size > 0 && size <= len(got); size, _ = frameSize(got, MaxFrame) {
				head, _, err := ParseFrame(got[:size])
				if err != nil {
					t.Error(err)
				}
				replies, _ = (&Command{Serialize: RocketMQ, Flag: FlagResponse, Opaque: head.Opaque}).AppendFrame(replies)
				got = got[size:]
				asked++
			}
			if asked%callers == 0 && len(replies) > 0 {
				_, _ = peer.Write(replies)
				replies = nil
			}
		}
	})
	for round := range 20 {
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range 1 + round%2 {
					if _, err := c.Invoke(t.Context(), "pipe:1", request(nil), 10*time.Second); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	}
	peer.Close()
	answering.Wait()
}
