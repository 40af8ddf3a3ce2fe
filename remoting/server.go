package remoting

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Handler answers the peer's requests, one after the other in the order in which they came, on the connection's
// reader: it must not block. A request that takes time is answered later, by [Request.Later].
type Handler interface {
	ServeRemoting(req *Request)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(*Request)

// ServeRemoting calls f.
func (f HandlerFunc) ServeRemoting(req *Request) { f(req) }

// Request is a request of the peer. It and what Head and Body borrow are the handler's until ServeRemoting returns.
type Request struct {
	Head Head
	Body []byte
	Conn *Conn
}

// Reply answers within ServeRemoting; the answers to all requests of one read go out together. A body over a few KiB
// is kept by reference and must never change. A oneway request is not answered.
func (r *Request) Reply(head HeadEncoder, body []byte) error {
	if r.Head.IsOneway() {
		return nil
	}
	return r.Conn.reply(r.Head.Opaque, head, body, false)
}

// Answer is Reply with a command of our own; its opaque, flag, language and version are filled in.
func (r *Request) Answer(c *Command) error {
	answer := *c
	answer.Serialize = r.Head.Serialize
	answer.Flag |= FlagResponse
	return r.Reply(&answer, answer.Body)
}

// Later keeps what an answer after ServeRemoting's return needs.
func (r *Request) Later() Later {
	return Later{conn: r.Conn, opaque: r.Head.Opaque, oneway: r.Head.IsOneway(), Serialize: r.Head.Serialize}
}

// Later answers one request from any goroutine, at any time, at most once.
type Later struct {
	conn      *Conn
	opaque    int32
	oneway    bool
	Serialize Serialize // the request's
}

// IsOneway says that the request is not answered: Reply does nothing.
func (l Later) IsOneway() bool { return l.oneway }

// Reply is as [Request.Reply].
func (l Later) Reply(head HeadEncoder, body []byte) error {
	if l.oneway {
		return nil
	}
	return l.conn.reply(l.opaque, head, body, true)
}

// serve answers one request of the peer.
func (c *Conn) serve(in *inbound) {
	c.req = Request{Head: in.head, Body: in.body, Conn: c}
	if c.opts.handler == nil {
		c.req.Refuse()
		return
	}
	c.opts.handler.ServeRemoting(&c.req)
}

// Refuse answers that the request's code is not served (REQUEST_CODE_NOT_SUPPORTED), in the words of RocketMQ's servers.
func (r *Request) Refuse() {
	_ = r.Answer(&Command{Code: int32(RequestNotSupported), Language: Go, Version: Version451,
		Remark: fmt.Sprintf(" request type %d not supported", r.Head.Code)}) // a connection that is dead says so itself
}

// reply appends an answer. flush is for those who don't run on readLoop, which flushes after each read.
func (c *Conn) reply(opaque int32, head HeadEncoder, body []byte, flush bool) error {
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return &CallError{Addr: c.addr, Err: c.err}
	}
	_, err := c.open.add(head, opaque, body, nil)
	wake := flush && err == nil && !c.flushing
	if wake {
		c.flushing = true
	}
	c.mu.Unlock()
	if wake {
		c.wakeWriter()
	}
	return err
}

// flushReplies writes what the requests of one read were answered, and waits while the peer doesn't read its answers.
func (c *Conn) flushReplies() {
	c.mu.Lock()
	lead := !c.flushing && len(c.open.frames) > 0
	if lead {
		c.flushing = true
	}
	c.mu.Unlock()
	if lead {
		c.lead()
	}
	c.mu.Lock()
	var room chan struct{}
	if c.open.bytes >= c.opts.maxQueued && c.flushing {
		room = make(chan struct{})
		c.roomy = room
	}
	c.mu.Unlock()
	if room != nil {
		select {
		case <-room:
		case <-c.quit:
		}
	}
}

// ServerOptions tunes a Server. The zero value is what the embedded broker uses.
type ServerOptions struct {
	MaxFrame     int           // bytes; 0 means MaxFrame
	MaxConns     int           // connections at one time, more are closed at once; 0 means 10,000
	WriteTimeout time.Duration // 0 means 30s
	TLS          *tls.Config   // connections must begin with a handshake; nil means none
}

// Server is the listening side: it accepts connections and gives their requests to one Handler.
type Server struct {
	listener net.Listener
	opts     connOptions
	tls      *tls.Config // nil: none
	maxConns int
	loops    sync.WaitGroup // accept, and the loops of every connection

	mu     sync.Mutex // protects following
	conns  map[*Conn]struct{}
	closed bool
}

// maxQueuedReplies is how many bytes of answers may wait for a peer that doesn't read before we stop reading from it.
const maxQueuedReplies = 8 << 20

// NewServer serves the listener until Close. onClose, if not nil, learns of each connection that ended.
func NewServer(l net.Listener, h Handler, o ServerOptions, onClose func(*Conn, error)) *Server {
	s := &Server{listener: l, tls: o.TLS, maxConns: o.MaxConns, conns: make(map[*Conn]struct{})}
	if s.maxConns == 0 {
		s.maxConns = 10_000
	}
	s.opts = connOptions{handler: h, callbacks: newCallbacks(), group: &s.loops, maxFrame: o.MaxFrame, maxQueued: maxQueuedReplies, writeTimeout: o.WriteTimeout, silence: maxSilence}
	if s.opts.maxFrame == 0 {
		s.opts.maxFrame = MaxFrame
	}
	if s.opts.writeTimeout == 0 {
		s.opts.writeTimeout = 30 * time.Second
	}
	s.opts.onClose = func(c *Conn, err error) {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		if onClose != nil {
			onClose(c, err)
		}
	}
	s.loops.Go(s.accept)
	return s
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

func (s *Server) accept() {
	pause := 5 * time.Millisecond
	for {
		nc, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, say: others may close theirs
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			s.mu.Lock()
			closed := s.closed
			s.mu.Unlock()
			if closed {
				return
			}
			continue
		}
		pause = 5 * time.Millisecond
		s.add(nc)
	}
}

func (s *Server) add(nc net.Conn) {
	tune(nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= s.maxConns {
		nc.Close()
		return
	}
	if s.tls != nil {
		nc = tls.Server(nc, s.tls) // the first read shakes hands
	}
	c := newConn(nc, nc.RemoteAddr().String(), s.opts)
	s.conns[c] = struct{}{}
}

// Conns are the connections at this moment.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// Close stops listening, closes every connection and waits for all goroutines.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.listener.Close()
	for _, c := range s.Conns() {
		c.fail(ErrClosed)
	}
	s.loops.Wait()
	return err
}
