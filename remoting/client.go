package remoting

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ClientOptions tunes a Client. The zero value has RocketMQ 4.5.1's defaults.
type ClientOptions struct {
	Dial           func(ctx context.Context, addr string) (net.Conn, error) // nil means TCP
	ConnectTimeout time.Duration                                            // one dial; 0 means 3s
	WriteTimeout   time.Duration                                            // how long a write may wait for the peer; 0 means 30s
	MaxFrame       int                                                      // bytes; 0 means MaxFrame
	Handler        Handler                                                  // answers requests of servers; nil refuses them
}

func (o ClientOptions) withDefaults() ClientOptions {
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 3 * time.Second
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 30 * time.Second
	}
	if o.MaxFrame == 0 {
		o.MaxFrame = MaxFrame
	}
	return o
}

// Client keeps one connection an address, dialled when it is first needed, with many requests in flight on it.
type Client struct {
	opts      ClientOptions
	callbacks *callbacks
	loops     sync.WaitGroup // of every connection's goroutines and of dials
	stop      context.CancelFunc
	life      context.Context // ends with Close
	endpoints sync.Map        // address to *endpoint

	mu     sync.Mutex // protects following
	closed bool
	past   Stats // of connections that have ended
}

// endpoint is one address: its connection, or the dial under way, or the wait after one that failed.
type endpoint struct {
	addr string
	conn atomic.Pointer[Conn] // nil or perhaps dead

	mu      sync.Mutex // protects following
	dialing *dial      // nil: none under way
	fails   int        // dials that failed in a row
	retryAt int64      // nanotime; no dial before
	lastErr error
}

// dial is one attempt that many callers may wait for.
type dial struct {
	done chan struct{} // closed when conn or err is there
	conn *Conn
	err  error
}

// Waits between dials that fail: doubling, each ±20 % so that many clients don't come back in step.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

// NewClient makes a client; it dials nothing yet.
func NewClient(o ClientOptions) *Client {
	c := &Client{opts: o.withDefaults(), callbacks: newCallbacks()}
	c.life, c.stop = context.WithCancel(context.Background())
	return c
}

// Ready reports whether a request to addr could go at once: there is a living connection.
func (c *Client) Ready(addr string) bool { return c.living(addr) != nil }

// living is the connection to addr unless there is none, or it is dead.
func (c *Client) living(addr string) *Conn {
	ep, ok := c.endpoints.Load(addr)
	if !ok {
		return nil
	}
	conn := ep.(*endpoint).conn.Load()
	if conn == nil || conn.dead.Load() {
		return nil
	}
	return conn
}

// StartNow is Start for callers that must not wait: without a living connection it returns ErrNotConnected, bare, and
// dials nothing.
func (c *Client) StartNow(addr string, call *Call, head HeadEncoder, body []byte, timeout time.Duration) error {
	conn := c.living(addr)
	if conn == nil {
		return ErrNotConnected
	}
	return conn.Start(call, head, body, timeout)
}

// Start sends a request to addr over its connection, dialling it first if need be within ctx and timeout; see
// [Conn.Start] for the rest. What dialling took counts against the timeout.
func (c *Client) Start(ctx context.Context, addr string, call *Call, head HeadEncoder, body []byte, timeout time.Duration) error {
	if conn := c.living(addr); conn != nil {
		return conn.Start(call, head, body, timeout)
	}
	begin := Nanotime()
	conn, err := c.connect(ctx, addr, timeout)
	if err != nil {
		return &CallError{Addr: addr, Err: err}
	}
	if timeout -= time.Duration(Nanotime() - begin); timeout <= 0 {
		return &CallError{Addr: addr, Err: fmt.Errorf("connecting took all the time there was: %w", ErrTimeout)}
	}
	return conn.Start(call, head, body, timeout)
}

// Conn returns the living connection to addr, dialled if need be.
func (c *Client) Conn(ctx context.Context, addr string, timeout time.Duration) (*Conn, error) {
	return c.connect(ctx, addr, timeout)
}

func (c *Client) connect(ctx context.Context, addr string, timeout time.Duration) (*Conn, error) {
	v, ok := c.endpoints.Load(addr)
	if !ok {
		v, _ = c.endpoints.LoadOrStore(addr, &endpoint{addr: addr})
	}
	ep := v.(*endpoint)
	d, err := c.dialOnce(ep)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-d.done:
		return d.conn, d.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrDial, context.Cause(ctx))
	case <-timer.C:
		return nil, fmt.Errorf("%w within %v: %w", ErrDial, timeout, ErrTimeout)
	}
}

// dialOnce joins the dial under way, or starts one: single-flight for an address, and no lock is held while it dials.
func (c *Client) dialOnce(ep *endpoint) (*dial, error) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if conn := ep.conn.Load(); conn != nil && !conn.dead.Load() {
		d := &dial{done: make(chan struct{}), conn: conn}
		close(d.done)
		return d, nil
	}
	if ep.dialing != nil {
		return ep.dialing, nil
	}
	if wait := ep.retryAt - Nanotime(); wait > 0 {
		return nil, fmt.Errorf("%w: next attempt in %v; the last one: %w", ErrDial, time.Duration(wait).Round(time.Millisecond), ep.lastErr)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	c.past.Dials++
	d := &dial{done: make(chan struct{})}
	ep.dialing = d
	c.loops.Go(func() { c.dial(ep, d) })
	return d, nil
}

func (c *Client) dial(ep *endpoint, d *dial) {
	ctx, cancel := context.WithTimeout(c.life, c.opts.ConnectTimeout)
	defer cancel()
	nc, err := c.opts.Dial(ctx, ep.addr)
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.dialing = nil
	switch {
	case c.life.Err() != nil:
		if err == nil {
			nc.Close()
		}
		d.err = ErrClosed
	case err != nil:
		wait := min(firstBackoff<<min(ep.fails, 10), maxBackoff)
		ep.fails++
		ep.retryAt = Nanotime() + int64(float64(wait)*(0.8+0.4*rand.Float64()))
		ep.lastErr = err
		d.err = fmt.Errorf("%w: %w", ErrDial, err)
	default:
		tune(nc)
		ep.fails, ep.retryAt, ep.lastErr = 0, 0, nil
		d.conn, d.err = c.adopt(nc, ep)
	}
	close(d.done)
}

// adopt makes nc the endpoint's connection unless the client has been closed meanwhile.
func (c *Client) adopt(nc net.Conn, ep *endpoint) (*Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		nc.Close()
		return nil, ErrClosed
	}
	conn := newConn(nc, ep.addr, connOptions{
		handler: c.opts.Handler, callbacks: c.callbacks, group: &c.loops, maxFrame: c.opts.MaxFrame,
		maxQueued: maxQueuedReplies, writeTimeout: c.opts.WriteTimeout,
		onClose: func(conn *Conn, _ error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.past.add(conn.Stats())
			ep.conn.CompareAndSwap(conn, nil) // under mu with past: Stats counts it once
		},
	})
	ep.conn.Store(conn)
	return conn, nil
}

// Drop closes the connection to addr, if there is one: the address is gone from all routes.
func (c *Client) Drop(addr string) {
	if ep, ok := c.endpoints.Load(addr); ok {
		if conn := ep.(*endpoint).conn.Load(); conn != nil {
			conn.fail(fmt.Errorf("%w: the address left every route", ErrClosed))
		}
	}
}

// Stats adds up all connections, ended ones included.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.past
	for _, ep := range c.endpoints.Range {
		if conn := ep.(*endpoint).conn.Load(); conn != nil {
			s.add(conn.Stats())
		}
	}
	s.CallbackFails = c.callbacks.panics.Load()
	return s
}

// Close ends every call in flight with ErrClosed and waits for the goroutines of all connections. Callbacks may still
// be running.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	for _, ep := range c.endpoints.Range {
		if conn := ep.(*endpoint).conn.Load(); conn != nil {
			conn.fail(ErrClosed)
		}
	}
	c.loops.Wait()
}

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// tune sets what a benchmark and a failing network ask of a socket: no Nagle delay, and a peer that vanished is noticed in seconds.
func tune(nc net.Conn) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	_ = tcp.SetNoDelay(true) // a socket that refuses its options works all the same
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 4 * time.Second, Interval: time.Second, Count: 3})
}
