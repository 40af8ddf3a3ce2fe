package remoting

import (
	"context"
	"crypto/tls"
	"errors"
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
	Limits         Limits                                                   // of what is in flight
	Connections    int                                                      // to each address; 0 means 1
	TLS            *tls.Config                                              // nil means none; see [TLSOptions]
	Hooks          []RPCHook                                                // see every request, in this order
}

func (o ClientOptions) withDefaults() ClientOptions {
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	if o.TLS != nil {
		o.Dial = dialTLS(o.Dial, o.TLS)
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
	o.Connections = max(o.Connections, 1)
	return o
}

// Client keeps one connection an address, or a few, dialled when they are first needed, with many requests in flight on
// each.
type Client struct {
	opts      ClientOptions
	callbacks *callbacks
	limiter   *limiter
	loops     sync.WaitGroup // of every connection's goroutines and of dials
	stop      context.CancelFunc
	life      context.Context // ends with Close
	endpoints sync.Map        // address to *Endpoint

	mu     sync.Mutex // protects following
	closed bool
	past   Stats // of connections that have ended
}

// Endpoint is one address and its connections, which are dialled when they are needed. It lives as long as its client;
// who sends to one address again and again keeps it.
type Endpoint struct {
	client *Client
	addr   string
	slots  []slot
	next   atomic.Uint32 // of several connections, whose turn it is

	mu      sync.Mutex // protects following
	dialing *dial      // nil: none under way; one at a time, however many connections are missing
	fresh   *Conn      // of the last dial, if that succeeded: on trial until a whole frame has come over it
	fails   int        // dials in a row that failed or led to a connection that did
	retryAt int64      // nanotime; no dial before if fails is over 0
	lastErr error
}

// slot is one connection of an endpoint.
type slot struct {
	conn atomic.Pointer[Conn] // nil or perhaps dead
}

// backOff sets the wait before the next dial. Under mu.
func (e *Endpoint) backOff() {
	wait := min(firstBackoff<<min(e.fails, 10), maxBackoff*5/6)
	e.fails++
	e.retryAt = Nanotime() + int64(float64(wait)*(0.8+0.4*rand.Float64()))
}

// wait is how long no dial may be made, 0 or less if one may. It forgives the waits if the last dial's connection was of use,
// or was ours to end, and asks for none while it lives: a neighbour is dialled at once. One that died before a whole frame
// came is a dial that failed: a server that accepts and closes at once is not dialled as fast as it closes. Under mu.
func (e *Endpoint) wait() time.Duration {
	if conn := e.fresh; conn != nil {
		if !conn.dead.Load() {
			return 0
		}
		err := conn.Err()
		if conn.Stats().FramesIn > 0 || errors.Is(err, ErrClosed) {
			e.fails = 0
		}
		if err == nil {
			err = errDying
		}
		e.fresh, e.lastErr = nil, err
	}
	if e.fails == 0 {
		return 0
	}
	return time.Duration(e.retryAt - Nanotime())
}

var errDying = errors.New("its connection ends at this moment")

// living is the slot's connection unless there is none, or it is dead.
func (s *slot) living() *Conn {
	if conn := s.conn.Load(); conn != nil && !conn.dead.Load() {
		return conn
	}
	return nil
}

// dial is one attempt that many callers may wait for.
type dial struct {
	slot *slot         // whose connection it makes
	done chan struct{} // closed when conn or err is there
	conn *Conn
	err  error
}

// Waits after dials that fail: doubling, each ±20 % so that many clients don't come back in step, and none over maxBackoff.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

// NewClient makes a client; it dials nothing yet.
func NewClient(o ClientOptions) *Client {
	c := &Client{opts: o.withDefaults(), callbacks: newCallbacks(), limiter: newLimiter(o.Limits)}
	c.life, c.stop = context.WithCancel(context.Background())
	return c
}

// Endpoint is the client's handle for an address.
func (c *Client) Endpoint(addr string) *Endpoint {
	if e, ok := c.endpoints.Load(addr); ok {
		return e.(*Endpoint)
	}
	e, _ := c.endpoints.LoadOrStore(addr, &Endpoint{client: c, addr: addr, slots: make([]slot, c.opts.Connections)})
	return e.(*Endpoint)
}

// Addr is the address as the endpoint was asked for.
func (e *Endpoint) Addr() string { return e.addr }

// slot is the connection whose turn it is.
func (e *Endpoint) slot() *slot {
	if len(e.slots) == 1 {
		return &e.slots[0]
	}
	return &e.slots[e.next.Add(1)%uint32(len(e.slots))]
}

// Ready reports whether a request could go at once: every connection lives.
func (e *Endpoint) Ready() bool {
	for i := range e.slots {
		if e.slots[i].living() == nil {
			return false
		}
	}
	return true
}

// StartNow is Start for callers that must not wait: without a living connection it returns ErrNotConnected, bare, and
// dials nothing; over a limit, ErrInFlight, bare too.
func (e *Endpoint) StartNow(call *Call, head HeadEncoder, body []byte, deadline int64) error {
	conn := e.slot().living()
	if conn == nil {
		return ErrNotConnected
	}
	if err := e.client.limiter.take(context.Background(), call, len(body), deadline, false); err != nil {
		return err
	}
	return e.start(conn, call, head, body, deadline)
}

// start gives the permits back if the call does not start.
func (e *Endpoint) start(conn *Conn, call *Call, head HeadEncoder, body []byte, deadline int64) error {
	err := conn.Start(call, head, body, deadline)
	if err != nil && call.limiter != nil {
		call.limiter.giveBack(call)
	}
	return err
}

// Start sends a request over a connection of the endpoint, dialling it first if need be, within ctx and before the
// deadline; see [Conn.Start] for the rest.
func (e *Endpoint) Start(ctx context.Context, call *Call, head HeadEncoder, body []byte, deadline int64) error {
	s := e.slot()
	conn := s.living()
	if conn == nil {
		var err error
		if conn, err = e.connect(ctx, s, time.Duration(deadline-Nanotime())); err != nil {
			return &CallError{Addr: e.addr, Err: err}
		}
	}
	if err := e.client.limiter.take(ctx, call, len(body), deadline, true); err != nil {
		return &CallError{Addr: e.addr, Err: err}
	}
	return e.start(conn, call, head, body, deadline)
}

// Connect dials what is not connected, at most for the timeout, and returns the first connection.
func (e *Endpoint) Connect(ctx context.Context, timeout time.Duration) (*Conn, error) {
	for i := range e.slots {
		if _, err := e.connect(ctx, &e.slots[i], timeout); err != nil {
			return nil, err
		}
	}
	return e.connect(ctx, &e.slots[0], timeout)
}

func (e *Endpoint) connect(ctx context.Context, s *slot, timeout time.Duration) (*Conn, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		d, err := e.dialOnce(s)
		if err != nil {
			return nil, err
		}
		select {
		case <-d.done:
			if d.err != nil || d.slot == s {
				return d.conn, d.err
			} // a neighbour's: now it's this one's turn
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrDial, context.Cause(ctx))
		case <-timer.C:
			return nil, fmt.Errorf("%w within %v: %w", ErrDial, timeout, ErrTimeout)
		}
	}
}

// dialOnce joins the dial under way, or starts one: single-flight for an address, and no lock is held while it dials.
func (e *Endpoint) dialOnce(s *slot) (*dial, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if conn := s.living(); conn != nil {
		d := &dial{slot: s, done: make(chan struct{}), conn: conn}
		close(d.done)
		return d, nil
	}
	if e.dialing != nil {
		return e.dialing, nil
	}
	wait, c := e.wait(), e.client
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, ErrClosed
	case wait > 0:
		return nil, fmt.Errorf("%w: next attempt in %v; the last one: %w", ErrDial, wait.Round(time.Millisecond), e.lastErr)
	}
	c.past.Dials++
	d := &dial{slot: s, done: make(chan struct{})}
	e.dialing = d
	c.loops.Go(func() { e.dial(d) })
	return d, nil
}

func (e *Endpoint) dial(d *dial) {
	c := e.client
	ctx, cancel := context.WithTimeout(c.life, c.opts.ConnectTimeout)
	defer cancel()
	nc, err := c.opts.Dial(ctx, e.addr)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dialing = nil
	switch {
	case c.life.Err() != nil:
		if err == nil {
			nc.Close()
		}
		d.err = ErrClosed
	case err != nil:
		e.backOff()
		e.lastErr = err
		d.err = fmt.Errorf("%w: %w", ErrDial, err)
	default:
		tune(nc)
		if e.fresh == nil || e.fresh.dead.Load() { // else a neighbour is on trial already
			e.backOff() // see wait
		}
		d.conn, d.err = c.adopt(nc, e.addr, d.slot)
		e.fresh = d.conn
	}
	close(d.done)
}

// adopt makes nc the slot's connection unless the client has been closed meanwhile.
func (c *Client) adopt(nc net.Conn, addr string, s *slot) (*Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		nc.Close()
		return nil, ErrClosed
	}
	conn := newConn(nc, addr, connOptions{
		handler: c.opts.Handler, callbacks: c.callbacks, group: &c.loops, maxFrame: c.opts.MaxFrame,
		maxQueued: maxQueuedReplies, writeTimeout: c.opts.WriteTimeout, silence: maxSilence, hooks: c.opts.Hooks,
		onClose: func(conn *Conn, _ error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.past.add(conn.Stats())
			s.conn.CompareAndSwap(conn, nil) // under mu with past: Stats counts it once
		},
	})
	s.conn.Store(conn)
	return conn, nil
}

// conns goes through the connections that live or have just died.
func (c *Client) conns(yield func(*Conn) bool) {
	for _, e := range c.endpoints.Range {
		slots := e.(*Endpoint).slots
		for i := range slots {
			if conn := slots[i].conn.Load(); conn != nil && !yield(conn) {
				return
			}
		}
	}
}

// Drop closes the connections to addr, if there are any: the address is gone from all routes.
func (c *Client) Drop(addr string) {
	for conn := range c.conns {
		if conn.addr == addr {
			conn.fail(fmt.Errorf("%w: the address left every route", ErrClosed))
		}
	}
}

// Stats adds up all connections, ended ones included.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.past
	for conn := range c.conns {
		s.add(conn.Stats())
	}
	s.CallbackFails = c.callbacks.panics.Load()
	s.LimitWaits, s.LimitRefusals = c.limiter.waited.Load(), c.limiter.refused.Load()
	return s
}

// Close ends every call in flight with ErrClosed and waits for the goroutines of all connections. Callbacks may still
// be running.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	for conn := range c.conns {
		conn.fail(ErrClosed)
	}
	c.loops.Wait()
}

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// tune sets what a benchmark and a failing network ask of a socket: no Nagle delay, and a peer that vanished is noticed in seconds.
func tune(nc net.Conn) {
	tcp := tcpOf(nc)
	if tcp == nil {
		return
	}
	_ = tcp.SetNoDelay(true) // a socket that refuses its options works all the same
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 4 * time.Second, Interval: time.Second, Count: 3})
	setUserTimeout(tcp)
}
