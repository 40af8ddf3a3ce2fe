package remoting

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy passes bytes between clients and a server and spoils them to order.
type proxy struct {
	listener net.Listener
	target   string
	plan     func(conn int) (up, down leg) // of the nth connection, from 0
	accepted atomic.Int32
	work     sync.WaitGroup

	mu     sync.Mutex // protects following
	conns  []net.Conn
	closed bool
}

// leg is what happens to the bytes of one direction. The zero leg passes them on as they come.
type leg struct {
	slice int           // bytes of a write at the most; 0: as they come
	delay time.Duration // before each write
	rate  int           // bytes a second; 0: as fast as it goes
	cut   bool          // both connections end when more than `after` bytes have come; those are passed on
	after int
	reset bool // by RST (SO_LINGER 0) and not by FIN
}

// newProxy stands before target until the test ends.
func newProxy(tb testing.TB, target string, plan func(conn int) (up, down leg)) *proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{listener: l, target: target, plan: plan}
	p.work.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		n := int(p.accepted.Add(1)) - 1
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		for _, nc := range []net.Conn{client, server} {
			_ = nc.(*net.TCPConn).SetReadBuffer(32 << 10) // what is slow here is soon felt by the writer
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		if p.closed {
			client.Close()
			server.Close()
		}
		p.mu.Unlock()
		up, down := p.plan(n)
		p.work.Go(func() { pass(client, server, up) })
		p.work.Go(func() { pass(server, client, down) })
	}
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for _, nc := range p.conns {
		nc.Close()
	}
	p.mu.Unlock()
	p.work.Wait()
}

// pass copies from one connection to the other as the leg says, and ends both when it ends.
func pass(from, to net.Conn, l leg) {
	defer func() {
		if l.reset {
			_ = from.(*net.TCPConn).SetLinger(0)
			_ = to.(*net.TCPConn).SetLinger(0)
		}
		from.Close()
		to.Close()
	}()
	buf := make([]byte, 4<<10)
	passed := 0
	for over := false; !over; {
		n, err := from.Read(buf)
		rest := buf[:n]
		if l.cut && passed+n > l.after {
			over = true
			rest = rest[:l.after-passed]
		}
		passed += len(rest)
		for len(rest) > 0 {
			piece := rest
			if l.slice > 0 {
				piece = piece[:min(len(piece), l.slice)]
			}
			rest = rest[len(piece):]
			wait := l.delay
			if l.rate > 0 {
				wait += time.Duration(len(piece)) * time.Second / time.Duration(l.rate)
			}
			time.Sleep(wait)
			if _, err := to.Write(piece); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
