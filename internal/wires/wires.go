// Package wires is a network in memory, for tests whose clocks are testing/synctest's: who waits for a socket would hold
// them up.
package wires

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
)

// Network is addresses that can be listened at and dialled.
type Network struct {
	mu        sync.Mutex // protects all
	listeners map[string]*listener
	port      int // the last one given
}

// New returns a network in which nobody listens yet.
func New() *Network { return &Network{listeners: map[string]*listener{}, port: 10_000} }

// Listen is broker.Options.Listen.
func (w *Network) Listen(addr string) (net.Listener, error) {
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
	l := &listener{at: at, conns: make(chan net.Conn), closed: make(chan struct{})}
	w.listeners[addr] = l
	return l, nil
}

// Dial is producer.Options.Dial and remoting.ClientOptions.Dial.
func (w *Network) Dial(ctx context.Context, addr string) (net.Conn, error) {
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

type listener struct {
	at     netip.AddrPort
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
