package producer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
)

// wires are a network in memory, for clocks that are testing/synctest's: who waits for a socket would hold them up.
type wires struct {
	mu        sync.Mutex // protects all
	listeners map[string]*wireListener
	port      int // the last one given
}

func newWires() *wires { return &wires{listeners: map[string]*wireListener{}, port: 10_000} }

// listen is broker.Options.Listen.
func (w *wires) listen(addr string) (net.Listener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if port == "0" {
		w.port++
		addr = net.JoinHostPort(host, strconv.Itoa(w.port))
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	l := &wireListener{at: at, conns: make(chan net.Conn), closed: make(chan struct{})}
	w.listeners[addr] = l
	return l, nil
}

// dial is Options.Dial.
func (w *wires) dial(ctx context.Context, addr string) (net.Conn, error) {
	w.mu.Lock()
	l := w.listeners[addr]
	w.mu.Unlock()
	if l == nil {
		return nil, errors.New("nobody listens at " + addr)
	}
	ours, peer := net.Pipe()
	select {
	case l.conns <- peer:
		return ours, nil
	case <-l.closed:
		return nil, errors.New("nobody listens any more at " + addr)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type wireListener struct {
	at     netip.AddrPort
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *wireListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *wireListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *wireListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
