package remoting

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one connection, either side's: it starts calls, and answers the peer's requests by its handler.
//
// Who writes: a caller that finds no write under way leads and writes one batch without ever blocking; whatever is
// left (others' frames, bytes that the socket did not take) is writeLoop's, and so is what several callers send whom
// one read has woken, see nameWriter. So flushing goes idle -> leader -> idle or writeLoop -> idle, and nobody waits
// for another's bytes.
type Conn struct {
	nc      net.Conn
	addr    string // the peer as dialled, or its remote address
	opts    connOptions
	try     func(pieces net.Buffers) (int, error) // writes what the socket takes now; nil where the platform or a wrapper can't
	joins   bool                                  // a batch is written in one piece: over TLS each would be a record
	kick    chan struct{}                         // wakes writeLoop; capacity 1
	quit    chan struct{}                         // closed by fail
	loops   sync.WaitGroup                        // readLoop and writeLoop
	dead    atomic.Bool
	sweeper *time.Timer // fires sweep; reset under mu
	looker  *time.Timer // fires look; reset under mu; nil where there is no TCP

	mu        sync.Mutex // protects following
	err       error      // why it is dead; nil while it lives
	open      *batch     // frames of the next write
	handed    *batch     // begun by a leader, to be finished by writeLoop
	handedN   int        // bytes of handed that are in the socket
	flushing  bool       // a leader or writeLoop is at it
	named     bool       // by nameWriter: writeLoop need not give way first
	calls     callTable
	nextSweep int64         // nanotime; 0: no timer set
	roomy     chan struct{} // readLoop waits here for the peer to read; nil if it doesn't
	written   [64]writeStamp
	stats     Stats

	joined joiner // only writeLoop

	in  []inbound // only readLoop: the frames of one read
	req Request   // only readLoop: the request that the handler has in hand
}

// writeStamp is when a batch was written, kept for the replies to come.
type writeStamp struct {
	batch        uint64
	began, ended int64
}

// inbound is a frame of the peer and, for a reply, the call it ends.
type inbound struct {
	head Head
	body []byte
	call *Call
}

// connOptions is what a Client or Server gives its connections; all set.
type connOptions struct {
	handler      Handler // answers the peer's requests
	callbacks    *callbacks
	maxFrame     int
	maxQueued    int             // bytes that wait to be written before readLoop stops taking requests
	writeTimeout time.Duration   // the longest that one write may wait for the peer
	silence      time.Duration   // of a peer that has vanished; see look
	group        *sync.WaitGroup // of the loops of all connections
	onClose      func(*Conn, error)
	hooks        []RPCHook // see every request; nil for most
}

// Stats counts what went over a connection, or over all of a client's.
type Stats struct {
	Writes        int64 // system calls or their like
	FramesOut     int64
	BytesOut      int64
	FramesIn      int64
	BytesIn       int64
	StrayReplies  int64 // late, duplicate or unknown
	Dials         int64
	CallbackFails int64 // panics in callbacks
	LimitWaits    int64 // calls that waited for a permit
	LimitRefusals int64 // calls that got none
	InFlight      int64 // calls started and not ended, at this moment
	Queued        int64 // frames that no write has begun with, at this moment
}

// Plus adds up two clients' statistics.
func (s Stats) Plus(o Stats) Stats {
	s.add(o)
	s.LimitWaits += o.LimitWaits
	s.LimitRefusals += o.LimitRefusals
	return s
}

func (s *Stats) add(o Stats) {
	s.Writes += o.Writes
	s.FramesOut += o.FramesOut
	s.BytesOut += o.BytesOut
	s.FramesIn += o.FramesIn
	s.BytesIn += o.BytesIn
	s.StrayReplies += o.StrayReplies
	s.Dials += o.Dials
	s.CallbackFails += o.CallbackFails
	s.InFlight += o.InFlight
	s.Queued += o.Queued
}

// Since is what was counted since an earlier look; InFlight and Queued stay what they are now.
func (s Stats) Since(before Stats) Stats {
	return Stats{
		Writes: s.Writes - before.Writes, FramesOut: s.FramesOut - before.FramesOut, BytesOut: s.BytesOut - before.BytesOut,
		FramesIn: s.FramesIn - before.FramesIn, BytesIn: s.BytesIn - before.BytesIn, StrayReplies: s.StrayReplies - before.StrayReplies,
		Dials: s.Dials - before.Dials, CallbackFails: s.CallbackFails - before.CallbackFails, LimitWaits: s.LimitWaits - before.LimitWaits,
		LimitRefusals: s.LimitRefusals - before.LimitRefusals, InFlight: s.InFlight, Queued: s.Queued,
	}
}

// newConn takes nc over and starts its loops.
func newConn(nc net.Conn, addr string, o connOptions) *Conn {
	c := &Conn{nc: nc, addr: addr, opts: o, kick: make(chan struct{}, 1), quit: make(chan struct{}), try: tryWriter(nc), open: newBatch(1)}
	_, c.joins = nc.(*tls.Conn)
	c.sweeper = time.AfterFunc(time.Hour, c.sweep)
	c.sweeper.Stop()
	if tcpOf(nc) != nil {
		c.looker = time.AfterFunc(o.silence, c.look)
	}
	armedTimers.Add(1)
	for _, loop := range [...]func(){c.readLoop, c.writeLoop} {
		o.group.Add(1)
		c.loops.Go(func() {
			defer o.group.Done()
			loop()
		})
	}
	return c
}

// Addr is the peer: as dialled, or for an accepted connection its remote address.
func (c *Conn) Addr() string { return c.addr }

// LocalAddr is our end.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr is the peer's end.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Close ends every call in flight with ErrClosed and waits for the connection's goroutines. Not to be called from a
// Handler or Receive, which run on one of them.
func (c *Conn) Close() error {
	c.fail(ErrClosed)
	c.loops.Wait()
	return nil
}

// Err is why the connection is dead, nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Stats is a copy of the counts.
func (c *Conn) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	if c.err == nil { // a dead one has nothing under way
		s.InFlight, s.Queued = int64(c.calls.n), int64(len(c.open.frames)-c.open.dropped)
	}
	return s
}

// Start sends a request and returns as soon as that needs no help of this goroutine. head and body are one frame;
// head is done with when Start returns, body when call.Receiver.Done is called. The call ends at the deadline, a time of
// [Nanotime], at the latest. On an error the call has not started: Done is not called.
func (c *Conn) Start(call *Call, head HeadEncoder, body []byte, deadline int64) error {
	if c.opts.hooks != nil {
		if _, seen := head.(*hooked); !seen {
			return c.startHooked(call, head, body, deadline)
		}
	}
	call.conn, call.err, call.stamps, call.deadline = c, nil, Stamps{}, deadline
	if call.Stamped {
		call.stamps.Encoded = Nanotime()
	}
	call.parts.Store(1)
	async := call.Async // the call may have ended, and be another's, as soon as mu is free

	c.mu.Lock()
	if c.err != nil {
		err := c.err
		c.mu.Unlock()
		return &CallError{Addr: c.addr, Err: err}
	}
	c.calls.put(call)
	borrowed, err := c.open.add(head, call.opaque, body, call)
	if err != nil {
		c.calls.take(call.opaque)
		c.mu.Unlock()
		return &CallError{Addr: c.addr, Err: err}
	}
	if borrowed {
		call.parts.Store(2)
	}
	call.batch, call.frame = c.open.number, int32(len(c.open.frames)-1)
	if c.nextSweep == 0 || deadline < c.nextSweep {
		c.setSweep(deadline, Nanotime())
	}
	idle := !c.flushing
	c.flushing = true
	c.mu.Unlock()

	if idle {
		if async {
			c.wakeWriter()
		} else {
			runtime.Gosched() // the one chance for others to append
			c.lead()
		}
	}
	return nil
}

// cancel: see [Call.Cancel].
func (c *Conn) cancel(call *Call, cause error) {
	c.mu.Lock()
	if !c.calls.takeIf(call.opaque, call) {
		c.mu.Unlock()
		return
	}
	c.unframe(call)
	sent := call.batch != c.open.number
	c.mu.Unlock()
	var done doneList
	c.finish(call, &CallError{Addr: c.addr, Sent: sent, Err: cause}, &done)
	c.opts.callbacks.submit(done.async)
}

// unframe takes the call's frame out of the open batch if it still is there: it will not be sent. Under mu.
func (c *Conn) unframe(call *Call) {
	if call.batch == c.open.number && c.open.drop(call.frame) {
		call.parts.Add(-1) // the body is lent no more; the call's own part is still to end
	}
}

// finish ends the part of a call that is taken out of the table.
func (c *Conn) finish(call *Call, err error, done *doneList) {
	call.err = err
	call.partDone(done)
}

// setSweep arms the timer. Under mu.
func (c *Conn) setSweep(at, now int64) {
	c.nextSweep = at
	c.sweeper.Reset(time.Duration(max(at-now, 0)))
}

// sweepEvery bounds how often expired calls are looked for, and so how late a deadline is noticed.
const sweepEvery = 5 * time.Millisecond

// sweep ends the calls whose deadline has passed. One timer serves them all: it is set for the earliest.
func (c *Conn) sweep() {
	now := Nanotime()
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	due, next := c.calls.takeDue(now)
	for _, call := range due {
		c.unframe(call)
	}
	open := c.open.number
	c.nextSweep = 0
	if next != 0 {
		c.setSweep(max(next, now+int64(sweepEvery)), now)
	}
	c.mu.Unlock()
	var done doneList
	for _, call := range due {
		c.finish(call, &CallError{Addr: c.addr, Sent: call.batch != open, Err: ErrTimeout}, &done)
	}
	c.opts.callbacks.submit(done.async)
}

// fail finishes every call in flight with err. Only the first fail acts, and none waits.
func (c *Conn) fail(err error) {
	if c.dead.Swap(true) {
		return
	}
	c.nc.Close() // wakes the Read and the Write under way
	c.mu.Lock()
	c.err = err
	calls := c.calls.takeAll()
	for _, call := range calls {
		c.unframe(call)
	}
	open := c.open.number
	c.sweeper.Stop()
	if c.looker != nil {
		c.looker.Stop()
	}
	c.mu.Unlock()
	armedTimers.Add(-1)
	close(c.quit)
	var done doneList
	for _, call := range calls {
		c.finish(call, &CallError{Addr: c.addr, Sent: call.batch != open, Err: err}, &done)
	}
	c.opts.callbacks.submit(done.async)
	if c.opts.onClose != nil {
		c.opts.onClose(c, err)
	}
}

// lead writes one batch as far as the socket takes it at once. Only who set flushing calls it.
func (c *Conn) lead() {
	b := c.begin()
	if b == nil {
		return
	}
	if c.try == nil {
		c.handOver(b, 0)
		return
	}
	n, err := c.try(b.pieces())
	if err != nil {
		c.fail(fmt.Errorf("write: %w", err))
	}
	if n < b.bytes && err == nil {
		c.handOver(b, n)
		return
	}
	if c.end(b, err) {
		c.wakeWriter()
	}
}

// begin takes the open batch to write it; nil, with flushing over, if it has nothing to send.
func (c *Conn) begin() *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.open
	if len(b.frames) == 0 || c.err != nil {
		c.flushing = false
		return nil
	}
	c.open = newBatch(b.number + 1)
	c.written[b.number%uint64(len(c.written))] = writeStamp{batch: b.number, began: Nanotime()}
	return b
}

// handOver leaves the rest of b to writeLoop.
func (c *Conn) handOver(b *batch, n int) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		c.end(b, c.err)
		return
	}
	c.handed, c.handedN = b, n
	c.mu.Unlock()
	c.wakeWriter()
}

func (c *Conn) wakeWriter() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// end gives back what the written batch had borrowed, ends its oneway calls, and reports whether more is to be
// written; if not, flushing is over.
func (c *Conn) end(b *batch, err error) (more bool) {
	var done doneList
	c.mu.Lock()
	s := &c.written[b.number%uint64(len(c.written))]
	if s.batch == b.number {
		s.ended = Nanotime()
	}
	if err == nil {
		c.stats.Writes++
		c.stats.BytesOut += int64(b.bytes)
		c.stats.FramesOut += int64(len(b.frames) - b.dropped)
	}
	for i := range b.frames {
		f := &b.frames[i]
		if f.call == nil {
			continue
		}
		if f.oneway && err == nil && c.calls.takeIf(f.opaque, f.call) {
			f.call.stamps.WriteBegan, f.call.stamps.WriteEnded = s.began, s.ended
			f.call.err = nil
			b.ended = append(b.ended, f.call)
		}
		if f.body != nil {
			b.ended = append(b.ended, f.call)
		}
	}
	more = len(c.open.frames) > 0 && c.err == nil
	c.flushing = more
	if c.roomy != nil && c.open.bytes < c.opts.maxQueued {
		close(c.roomy)
		c.roomy = nil
	}
	c.mu.Unlock()
	for _, call := range b.ended {
		call.partDone(&done)
	}
	b.release()
	c.opts.callbacks.submit(done.async)
	return more
}

// writeLoop finishes what leaders hand over and writes what is left behind, until the connection fails.
func (c *Conn) writeLoop() {
	for {
		select {
		case <-c.quit:
			c.mu.Lock()
			b := c.handed
			c.handed = nil
			c.mu.Unlock()
			if b != nil {
				c.end(b, c.err)
			}
			return
		case <-c.kick:
		}
		c.mu.Lock()
		b, n, named := c.handed, c.handedN, c.named
		c.handed, c.named = nil, false
		c.mu.Unlock()
		if b == nil {
			if !named {
				runtime.Gosched() // as a leader gives way once
			}
			b, n = c.begin(), 0
		}
		for b != nil {
			err := c.write(b, n)
			if err != nil {
				c.fail(err)
			}
			if !c.end(b, err) {
				break
			}
			b, n = c.begin(), 0
		}
	}
}

// write sends b less its first n bytes.
func (c *Conn) write(b *batch, n int) error {
	pieces := skip(b.pieces(), n)
	if c.try != nil {
		k, err := c.try(pieces)
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if n += k; n == b.bytes {
			return nil
		}
		pieces = skip(pieces, k)
	}
	return c.writeOut(pieces)
}

// writeOut waits until the socket has taken the pieces, at most writeTimeout.
func (c *Conn) writeOut(pieces net.Buffers) error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(c.opts.writeTimeout)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if c.joins {
		pieces = c.joined.join(pieces)
	}
	_, err := pieces.WriteTo(c.nc) // consumes the list, not its array, which is the batch's
	// A deadline that has passed would fail the next try. A connection that refuses is dead, and says so itself.
	_ = c.nc.SetWriteDeadline(time.Time{})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("write: the peer did not take it within %v: %w", c.opts.writeTimeout, err)
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// readLoop reads frames into one buffer and handles all that a read brought before it reads again.
func (c *Conn) readLoop() {
	buf := getBuffer()
	defer func() { putBuffer(buf) }()
	r, w := 0, 0
	for {
		n, err := c.nc.Read(buf[w:])
		w += n
		if n > 0 {
			var used int
			var bad error
			used, bad = c.take(buf[r:w])
			if bad != nil {
				c.fail(bad)
				return
			}
			r += used
		}
		if err != nil {
			c.fail(readError(err, buf[r:w]))
			return
		}
		if r == w {
			r, w = 0, 0
			if len(buf) > bufferSize {
				putBuffer(buf)
				buf = getBuffer()
			}
			continue
		}
		if r > 0 && (w == len(buf) || r > len(buf)/2) {
			w = copy(buf, buf[r:w])
			r = 0
		}
		if w == len(buf) { // one frame fills it: grow as bytes arrive, whatever the frame claims to be
			bigger := make([]byte, 2*len(buf))
			copy(bigger, buf[:w])
			putBuffer(buf)
			buf = bigger
		}
	}
}

// readError says how the connection ended.
func readError(err error, rest []byte) error {
	if other := foreignProtocol(rest); other != "" {
		return fmt.Errorf("%w: it speaks %s", ErrNotRocketMQ, other)
	}
	if errors.Is(err, io.EOF) {
		if len(rest) > 0 {
			return fmt.Errorf("the peer closed the connection in the middle of a frame: %w", io.ErrUnexpectedEOF)
		}
		return fmt.Errorf("the peer closed the connection: %w", err)
	}
	return fmt.Errorf("read: %w", explainTLS(err))
}

// take handles the whole frames at the start of b and returns how many bytes they were.
func (c *Conn) take(b []byte) (used int, bad error) {
	now := Nanotime()
	c.in = c.in[:0]
	replies := false
	for {
		n, err := frameSize(b[used:], c.opts.maxFrame)
		if err != nil {
			bad = err
			break
		}
		if n == 0 || n > len(b)-used {
			break
		}
		head, body, err := ParseFrame(b[used : used+n])
		if err != nil {
			bad = err
			break
		}
		used += n
		c.in = append(c.in, inbound{head: head, body: body})
		replies = replies || head.IsResponse()
	}
	c.mu.Lock()
	c.stats.BytesIn += int64(used)
	c.stats.FramesIn += int64(len(c.in))
	if replies {
		for i := range c.in {
			if !c.in[i].head.IsResponse() {
				continue
			}
			call := c.calls.takeReply(c.in[i].head.Opaque, c.open.number)
			if call == nil {
				c.stats.StrayReplies++
				continue
			}
			c.stamp(call, now)
			c.in[i].call = call
		}
	}
	c.mu.Unlock()

	var done doneList
	var last *Call // of those whose caller waits: woken last, when a writer has been named
	requests, woken := false, 0
	for i := range c.in {
		in := &c.in[i]
		switch {
		case in.call != nil && in.call.Async:
			in.call.Receiver.Receive(&in.head, in.body)
			c.finish(in.call, nil, &done)
		case in.call != nil:
			in.call.Receiver.Receive(&in.head, in.body)
			if last != nil {
				c.finish(last, nil, &done)
				woken++
			}
			last = in.call
		case !in.head.IsResponse():
			requests = true
			c.serve(in)
		}
	}
	if woken > 0 {
		c.nameWriter()
	}
	if last != nil {
		c.finish(last, nil, &done)
	}
	clear(c.in) // drop references to the buffer's texts and to calls
	c.opts.callbacks.submit(done.async)
	if requests {
		c.flushReplies()
	}
	return used, bad
}

// nameWriter makes writeLoop the next to write, if nobody is: callers that one read has woken are about to send again, and
// the scheduler runs writeLoop, woken before the last of them, after all of them. Their requests go out in one write, with
// nobody yielding; were the first of them to lead, it would mostly write alone, for a yield wakes another processor which
// goes on with it at once. If none of them sends, writeLoop finds nothing.
func (c *Conn) nameWriter() {
	c.mu.Lock()
	named := !c.flushing && c.err == nil
	if named {
		c.flushing, c.named = true, true
	}
	c.mu.Unlock()
	if named {
		c.wakeWriter()
	}
}

// stamp fills in when the call's frame was written. Under mu.
func (c *Conn) stamp(call *Call, now int64) {
	call.stamps.ReplyRead = now
	if s := &c.written[call.batch%uint64(len(c.written))]; s.batch == call.batch {
		call.stamps.WriteBegan = s.began
		call.stamps.WriteEnded = s.ended
		if s.ended == 0 || s.ended > now {
			call.stamps.WriteEnded = now
		}
	}
}
