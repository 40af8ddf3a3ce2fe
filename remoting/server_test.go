package remoting

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/internal/leaks"
)

// R-17, the listening side: a peer that asks and reads no answers is not read from for long, so that what waits for it
// is bounded; once it reads, all its answers come.
func TestR17_PeerThatReadsNoAnswers(t *testing.T) {
	leaks.Check(t)
	const requests, replySize = 400, 256 << 10
	var handled atomic.Int64
	reply := make([]byte, replySize)
	s := listen(t, HandlerFunc(func(r *Request) {
		handled.Add(1)
		_ = r.Reply(&Command{Serialize: RocketMQ, Flag: FlagResponse}, reply)
	}))
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 1)
	go func() { // large requests, so that each is a read of its own
		frame, err := request(make([]byte, 60<<10)).AppendFrame(nil)
		for range requests {
			if err == nil {
				_, err = nc.Write(frame)
			}
		}
		asked <- err
	}()
	t.Cleanup(func() { nc.Close() })
	for last, since := int64(-1), time.Now(); time.Since(since) < 200*time.Millisecond; time.Sleep(5 * time.Millisecond) {
		if n := handled.Load(); n != last {
			last, since = n, time.Now()
		}
	}
	if n := handled.Load(); n == requests {
		t.Errorf("all %d requests were taken while no answer was", n)
	}
	frame, err := (&Command{Serialize: RocketMQ, Flag: FlagResponse, Body: reply}).AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, nc, int64(requests*len(frame))); err != nil {
		t.Fatalf("%d bytes of %d came: %v", n, requests*len(frame), err)
	}
	if err := <-asked; err != nil {
		t.Error(err)
	}
}

func TestR47_MaxConns(t *testing.T) {
	leaks.Check(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 10)
	s := NewServer(l, HandlerFunc(echo), ServerOptions{MaxConns: 1}, func(_ *Conn, err error) { closed <- err })
	t.Cleanup(func() { s.Close() })
	one, two := dialClient(t, ClientOptions{}), dialClient(t, ClientOptions{})
	addr := s.Addr().String()
	if _, err := one.Invoke(t.Context(), addr, request(nil), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Invoke(t.Context(), addr, request(nil), 5*time.Second); err == nil {
		t.Error("a second connection was served")
	}
	one.Close()
	if err := <-closed; !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("closed with %v", err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) { // there is room again
		_, err := two.Invoke(t.Context(), addr, request(nil), 5*time.Second)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// Drop ends what is in flight and leaves the address usable.
func TestDrop(t *testing.T) {
	s := listen(t, HandlerFunc(func(r *Request) {
		if len(r.Body) > 0 {
			echo(r)
		}
	}))
	c := dialClient(t, ClientOptions{})
	addr := s.Addr().String()
	c.Drop(addr) // nothing there yet
	conn, err := c.Endpoint(addr).Connect(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	a := newAsync()
	if err := conn.Start(&a.Call, NewRequest(HeartBeat), nil, in(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if conn.Err() != nil || conn.Addr() != addr || conn.RemoteAddr().String() != addr || conn.LocalAddr().String() == addr {
		t.Errorf("%v %s %s %s", conn.Err(), conn.Addr(), conn.LocalAddr(), conn.RemoteAddr())
	}
	c.Drop(addr)
	<-a.ended
	if !errors.Is(a.err, ErrClosed) || !errors.Is(conn.Err(), ErrClosed) {
		t.Errorf("call: %v, connection: %v", a.err, conn.Err())
	}
	if err := conn.Start(&a.Call, NewRequest(HeartBeat), nil, in(time.Minute)); err == nil || sent(err) {
		t.Errorf("a dropped connection took a call: %v", err)
	}
	if _, err := c.Invoke(t.Context(), addr, request([]byte("again")), 5*time.Second); err != nil {
		t.Error(err)
	}
	if st := c.Stats(); st.Dials != 2 || st.FramesIn != 1 {
		t.Errorf("%+v", st)
	}
}

func TestR16_BrokerErrorKeepsLittle(t *testing.T) {
	leaks.Check(t)
	e := NewBrokerError("a:1", SystemBusy, strings.Repeat("r", 1<<20))
	if len(e.Remark) != 512 {
		t.Errorf("%d bytes of remark", len(e.Remark))
	}
	for want, err := range map[string]*BrokerError{
		"a:1 answered SYSTEM_BUSY (2)":               NewBrokerError("a:1", SystemBusy, ""),
		`a:1 answered SYSTEM_BUSY (2): "\x1b[31mno"`: NewBrokerError("a:1", SystemBusy, "\x1b[31mno"),
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func sent(err error) bool {
	ce, ok := errors.AsType[*CallError](err)
	return !ok || ce.Sent
}
