// Package chaos is a TCP proxy that spoils what passes, to order. Only for tests.
package chaos

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Leg is what happens to the bytes of one direction. The zero Leg passes them on as they come.
type Leg struct {
	Slice  int           // bytes of a write at the most; 0: as they come
	Delay  time.Duration // before each write
	Rate   int           // bytes a second; 0: as fast as it goes
	Script []byte        // written instead of what comes, once something has come; nil: what comes

	// What happens when more than After bytes have come; those are passed on. Nothing, unless one of these says so.
	After int
	Cut   bool // both connections end
	Reset bool // they end by RST (SO_LINGER 0) and not by FIN, whenever they do
	Hole  bool // what comes is swallowed from then on, and nothing ends
}

// Proxy passes bytes between clients and a server.
type Proxy struct {
	listener net.Listener
	target   string
	plan     func(conn int) (up, down Leg)
	accepted atomic.Int32
	work     sync.WaitGroup

	mu     sync.Mutex // protects following
	conns  []net.Conn
	closed bool
}

// New stands before target, host:port, on a port of loopback's until the test ends. plan says what the nth connection, from 0, goes
// through: up from the client to the server, and down.
func New(tb testing.TB, target string, plan func(conn int) (up, down Leg)) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, plan: plan}
	p.work.Go(p.accept)
	tb.Cleanup(p.Close)
	return p
}

// Addr is where it listens, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Accepted is how many connections have been made to it.
func (p *Proxy) Accepted() int { return int(p.accepted.Load()) }

func (p *Proxy) accept() {
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

// Drop ends the connections that there are; new ones are taken.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, nc := range p.conns {
		nc.Close()
	}
	p.conns = nil
}

// Close ends all, and returns when nothing runs any more.
func (p *Proxy) Close() {
	_ = p.listener.Close() // its own error changes nothing
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Drop()
	p.work.Wait()
}

// pass copies from one connection to the other as the leg says, and ends both when it ends.
func pass(from, to net.Conn, l Leg) {
	defer func() {
		if l.Reset {
			_ = from.(*net.TCPConn).SetLinger(0)
			_ = to.(*net.TCPConn).SetLinger(0)
		}
		from.Close()
		to.Close()
	}()
	buf := make([]byte, 4<<10)
	passed, swallowed := 0, false
	for over := false; !over; {
		n, err := from.Read(buf)
		rest := buf[:n]
		if (l.Cut || l.Hole) && passed+n > l.After {
			over, swallowed = l.Cut, l.Hole
			rest = rest[:max(l.After-passed, 0)]
		}
		passed += n
		if n > 0 && l.Script != nil && !swallowed {
			rest, l.Script = l.Script, []byte{}
		}
		for len(rest) > 0 {
			piece := rest
			if l.Slice > 0 {
				piece = piece[:min(len(piece), l.Slice)]
			}
			rest = rest[len(piece):]
			wait := l.Delay
			if l.Rate > 0 {
				wait += time.Duration(len(piece)) * time.Second / time.Duration(l.Rate)
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
