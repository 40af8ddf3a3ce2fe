package producer

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"os"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Send sends and waits for the broker's answer, trying other brokers as Options.Retries allows. The error is a
// *StateError, or a *SendError whose cause is an *remoting.BrokerError, a *remoting.CallError or what was wrong with
// the message.
func (p *Producer) Send(ctx context.Context, m *Message, opts ...SendOption) (res SendResult, err error) {
	err = p.wait(ctx, m, nil, opts, false, &res)
	return res, err
}

// SendOneway sends without wanting an answer; it returns when the bytes are in the socket. One attempt.
func (p *Producer) SendOneway(ctx context.Context, m *Message, opts ...SendOption) (res SendResult, err error) {
	err = p.wait(ctx, m, nil, opts, true, &res)
	return res, err
}

// SendAsync sends and calls back, exactly once, on another goroutine; it never waits. What could go at once has been
// handed to the connection when it returns; a send that needs a route or a connection first waits on a bounded executor,
// and that counts against its timeout. An error means that the message was not taken and there will be no callback; all
// that happens later is the callback's. Of ctx the deadline counts from the start; that it was cancelled is seen only
// before an attempt.
//
// A callback that panics is counted (Stats.CallbackFails) and harms no other. Callbacks run on a few goroutines: one that
// blocks holds others up.
func (p *Producer) SendAsync(ctx context.Context, m *Message, callback func(SendResult, error), opts ...SendOption) error {
	if callback == nil {
		return &SendError{Topic: m.Topic, Err: ErrNoCallback}
	}
	return p.sendAsync(ctx, m, nil, opts, callback)
}

// sendAsync sends m, or the batch whose own message it is.
func (p *Producer) sendAsync(ctx context.Context, m *Message, b *batch, opts []SendOption, callback func(SendResult, error)) error {
	s, err := p.newSend(ctx, m, b, opts)
	if err != nil {
		return err
	}
	s.Async, s.Call.Oneway, s.SendRequest.Oneway = true, false, false
	s.callback, s.retries = callback, int32(p.opts.AsyncRetries)
	if s.launchAsync(forNothing) {
		return nil
	}
	var res SendResult
	err = s.outcome(&res)
	s.release()
	return err
}

// send is one message on its way, through all its attempts: the one path of every kind of send. It is the
// remoting layer's call, its receiver, and the encoder of its own head.
//
// The sender's processor, the reader's and the one of who ends it may be three, and what one writes the next must fetch, a cache
// line at a time. So the fields lie by who touches them (TestSendLayout): the reader Call and reply, who ends it hot and reply, and
// all that follows is the sender's alone.
type send struct {
	remoting.Call
	hot
	reply
	one
	remoting.SendRequest                // what all sends of the outlet have in common stays from one to the next
	packed               []byte         // kept for compression
	sifted               []MessageQueue // kept for sift
	rare
}

// reply is the broker's answer. It is the reader's to write, and is read only of an attempt that was answered, so nobody has to
// clear it.
type reply struct {
	offset   int64
	queueID  int32 // below 0: it names none
	status   Status
	traceOff bool
	refused  bool        // nothing was stored: rare.refusal says why
	more     bool        // rare has region, handle or batch
	wake     chan error  // sync: Done's error; capacity 1. Never changes
	offsetID OffsetMsgID // none of a batch
}

// hot is what a send's end needs beside the reply, and what else fits in a cache line.
type hot struct {
	serial   uint64 // of the message's id
	unusual  bool   // rare is in use
	late     bool   // time has passed since newSend: the deadline may have, too
	timed    bool   // somebody wants to know how long an attempt took
	out      *outlet
	callback func(SendResult, error)
	queue    *queueAddr // of this attempt; nil: to be picked
	wire     int32      // bytes of the body as it goes out
	attempts int32      // the one under way included
	msg      *Message
	retries  int32
	turn     uint32 // of the topic's queues; only if usual
}

// one is what else a send holds of its own message.
type one struct {
	prepared int64 // remoting.Nanotime; only if stamped
	ctx      context.Context
	body     []byte // as it goes out: the message's own, or in packed
	deadline int64  // remoting.Nanotime
	endless  bool   // ctx has neither an end nor a deadline
	placed   bool   // to, or else by, says which queue: of every attempt the same
	bare     bool   // its properties are the id and whether to wait, and AppendHead writes them
}

// rare is what most sends leave zero; who sets any of it, sets unusual, or more.
type rare struct {
	err       error                 // of the last attempt
	ambiguous int32                 // attempts that may have stored the message, but for the one under way
	refusal   *remoting.BrokerError // of the attempt in flight; written on the connection's reader
	region    string                // of the reply; "": defaultRegion
	handle    string                // of the reply
	stamps    remoting.Stamps       // of the last attempt, if it was under way and failed
	seen      *SendContext          // of the attempt that send hooks have seen begin; nil: none
	began     int64                 // of the attempt if timed; 0: none is under way
	to        MessageQueue
	by        Selector
	arg       any
	watch     Watcher     // by, if it is one; else nil
	extra     *extra      // nil for most
	batch     *batch      // what it carries beside msg, its own; nil for most
	last      string      // broker of the attempt before
	lastID    int32       // its queue there
	weak      *SendResult // an attempt that stored the message with less than SEND_OK, when another was made after it
}

// newSend checks the message and makes what all attempts share; b is nil but for batches.
func (p *Producer) newSend(ctx context.Context, m *Message, b *batch, opts []SendOption) (*send, error) {
	in, err := p.running("send")
	if err != nil {
		return nil, err
	}
	out := p.last.Load()
	if out == nil || out.topic != m.Topic {
		out, err = p.outlet(in, m.Topic)
	}
	plain := m.plain()
	if err == nil && b == nil {
		if err = message.CheckBody(len(m.Body), p.opts.MaxBody); err == nil && !plain {
			err = m.checkFields()
		}
	}
	if err != nil {
		return nil, &SendError{Topic: m.Topic, Err: err}
	}
	unusual := len(opts) > 0 || p.unusual
	s := out.sends.Get().(*send)
	// What needs no time comes first: while the clock is read, the processor fetches the lines that are written to here, and the
	// atomics after it, which wait for them, need not. Field by field, each where it belongs: a struct that was put together elsewhere
	// is copied in pieces of which the processor has the parts under way still.
	s.callback, s.queue, s.attempts = nil, nil, 0
	s.unusual, s.late, s.timed, s.placed = unusual, false, false, false
	s.ctx, s.msg, s.body, s.retries = ctx, m, m.Body, int32(p.opts.Retries)
	s.Stamped = m.Stamped
	if s.Receiver = s; b != nil {
		s.Receiver, s.batch, s.more = (*batchSend)(s), b, true
	}
	s.Code, s.Flag, s.SysFlag, s.Batch = remoting.SendMessageV2, m.Flag, 0, b != nil
	nano, wallMS := in.clock.now() // the send's one look at the clock
	serial := in.ids.SerialAt(wallMS)
	s.serial, s.BornTimestamp = serial, wallMS
	if !unusual {
		turn := out.route.turns.take()
		s.turn = turn
		if b == nil && p.binary {
			if now := out.route.now.Load(); now != nil { // else pick does it, when there is a route
				s.queue, s.Template = out.lane(now).turn(turn)
			}
		}
	}
	timeout := p.opts.SendTimeout
	if unusual {
		timeout = s.apply(opts, timeout)
	}
	if s.endless = ctx.Done() == nil; !s.endless {
		if until, ok := ctx.Deadline(); ok {
			timeout = min(timeout, time.Until(until))
		}
	}
	if unusual {
		if !s.placed {
			s.by = p.opts.Selector
		}
		if s.by != nil {
			s.watch, _ = s.by.(Watcher)
		}
		s.timed = s.watch != nil || p.avoid != nil
	}
	s.deadline = nano + int64(timeout)
	s.late = timeout <= 0
	if s.placed && s.by == nil && s.to.Topic != m.Topic {
		return nil, s.discard(&QueueError{s.to, "the message is for topic " + m.Topic})
	}
	var more *extra
	if s.unusual && s.extra != nil {
		more = s.extra
		s.SysFlag, s.Code = int32(more.sysFlag), cmp.Or(more.code, s.Code)
	}
	if s.bare = plain && more == nil && p.bare; !s.bare {
		properties := append(s.Properties[:0], idKey...)
		properties = m.appendOthers(in.ids.AppendHex(properties, serial), more)
		if p.opts.Namespace != "" {
			properties = appendText(properties, message.PropertyInstanceID, p.opts.Namespace)
		}
		s.Properties = properties
		if n := len(properties); n > message.MaxPropertiesLen {
			return nil, s.discard(&PropertiesSizeError{n, message.MaxPropertiesLen})
		}
	}
	switch {
	case b != nil:
		s.Code = remoting.SendBatchMessage
		err = s.encodeBatch(wallMS)
	case p.opts.CompressOver != none && len(m.Body) >= p.opts.CompressOver:
		err = s.compress()
	}
	if err != nil {
		return nil, s.discard(err)
	}
	s.wire = int32(len(s.body))
	if s.Stamped {
		s.prepared = remoting.Nanotime()
	}
	return s, nil
}

// AppendHead writes the request's head. The properties of a message that has none of its own go to their place at once: they are
// neither put together elsewhere nor copied.
func (s *send) AppendHead(dst []byte, opaque int32, bodyLen int) ([]byte, error) {
	if !s.bare {
		return s.SendRequest.AppendHead(dst, opaque, bodyLen)
	}
	ids, wait := s.out.in.ids, s.msg.wait()
	out := s.Template.Open(dst, &s.SendRequest, len(idKey)+ids.HexLen()+len(wait))
	out = ids.AppendHex(append(out, idKey...), s.serial)
	return s.Template.Close(dst, append(out, wait...), opaque, bodyLen, &s.SendRequest)
}

// compress makes the body small, if compression does: Java sends it compressed even where that made it larger.
func (s *send) compress() (err error) {
	o := &s.out.p.opts
	t, flag := o.Profile.compression(o.CompressType)
	if s.packed, err = message.AppendCompressed(s.packed[:0], s.msg.Body, t, o.CompressLevel); err != nil {
		return err
	}
	if len(s.packed) < len(s.msg.Body) {
		s.body = s.packed
		s.SysFlag |= int32(flag)
	}
	return nil
}

// discard ends a send that makes no attempt.
func (s *send) discard(err error) error {
	err = &SendError{Topic: s.msg.Topic, Err: err}
	s.release()
	return err
}

// release gives the send back; nothing of it may be used any more. newSend clears it, where it is written to in any case: until
// then, or until the pool is collected, it still refers to its message.
func (s *send) release() {
	if s.unusual || s.more {
		s.more = false
		s.rare = rare{}
	}
	s.out.sends.Put(s)
}

// wait is a send whose caller waits.
func (p *Producer) wait(ctx context.Context, m *Message, b *batch, opts []SendOption, oneway bool, res *SendResult) error {
	s, err := p.newSend(ctx, m, b, opts)
	if err != nil {
		return err
	}
	s.Async, s.Call.Oneway, s.SendRequest.Oneway = false, oneway, oneway
	if oneway || s.placed {
		s.retries = none
	}
	for s.launch() {
		if s.endless { // waits here, not in await: on a stack that was switched to, each return is one that no processor predicts
			err = <-s.wake
		} else {
			err = s.await()
		}
		if s.settle(err) {
			break
		}
	}
	err = s.outcome(res)
	s.release()
	return err
}

// await waits for Done, and cancels the attempt when the caller's context, which may end, does.
func (s *send) await() error {
	select {
	case err := <-s.wake:
		return err
	case <-s.ctx.Done():
		s.Cancel(context.Cause(s.ctx))
		return <-s.wake
	}
}

// launch makes attempts until one is under way; false: the send has failed with s.err.
func (s *send) launch() bool {
	for {
		err := s.attempt(forAll)
		if err == nil {
			return true
		}
		if !s.again(err) {
			return false
		}
	}
}

// launchAsync is launch for who must wait for no more than that: a send that would have to goes to the executor, and is its own
// from then on.
func (s *send) launchAsync(wait patience) bool {
	for moved := wait != forNothing; ; wait = forNothing {
		err := s.attempt(wait)
		if err == nil {
			return true
		}
		if errors.Is(err, errWouldWait) {
			s.late = true
			line := ""
			if s.queue != nil {
				line = s.queue.addr
			}
			if err = s.out.in.async.enter(s, line, moved); err == nil {
				return true
			}
			s.unusual = true
			s.ended(err)
			if s.err == nil { // else an attempt has failed, which says more
				s.err = err
			}
			return false
		}
		if !s.again(err) {
			return false
		}
	}
}

// patience is what an attempt may wait for.
type patience uint8

const (
	forNothing patience = iota
	forRoute
	forAll // the route, a connection and permits
)

// attempt selects a queue and hands the request to the remoting layer; nil: Done will come, or has, and the send may be
// another's. What it would wait for and must not is errWouldWait, and no attempt was made.
func (s *send) attempt(wait patience) error {
	if s.late && remoting.Nanotime() >= s.deadline {
		return ErrCallTimeout
	}
	if !s.endless && s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if s.queue == nil {
		now := s.out.route.now.Load()
		if now == nil {
			if wait == forNothing {
				return errWouldWait
			}
			var err error
			if now, err = s.findRoute(); err != nil {
				return err
			}
			if remoting.Nanotime() >= s.deadline {
				return ErrCallTimeout
			}
		}
		if err := s.pick(now); err != nil {
			return err
		}
	}
	if s.attempts > 0 { // nothing of the attempt before is this one's
		s.stamps, s.region, s.handle = remoting.Stamps{}, "", ""
	}
	s.attempts++
	if s.unusual {
		if s.out.p.hooked {
			if err := s.before(); err != nil {
				s.attempts--
				return err
			}
		}
		if s.timed {
			s.begin()
		}
	}
	if wait == forAll {
		return s.queue.endpoint.Start(s.ctx, &s.Call, s, s.body, s.attemptDeadline())
	}
	err := s.queue.endpoint.StartNow(&s.Call, s, s.body, s.deadline)
	if err == nil {
		return nil
	}
	if errors.Is(err, remoting.ErrNotConnected) || errors.Is(err, remoting.ErrInFlight) {
		s.attempts--
		return errWouldWait
	}
	return err
}

// attemptDeadline is when the attempt under way is over: when the send is, or earlier if Options.AttemptTimeout leaves time
// for another (DefaultMQProducerImpl.sendDefaultImpl, 5.3.3).
func (s *send) attemptDeadline() int64 {
	most := s.out.p.opts.AttemptTimeout
	if most == 0 || s.Async || s.attempts > s.retries {
		return s.deadline
	}
	return min(s.deadline, remoting.Nanotime()+int64(most))
}

// pick chooses the queue, and readies the head for it.
func (s *send) pick(now *route) error {
	switch {
	case !s.unusual:
		s.queue = &now.queues[s.turn%uint32(len(now.queues))]
	case s.by != nil:
		q, err := s.choose(now)
		if err != nil {
			return err
		}
		s.queue = q
	case s.placed:
		if s.queue = now.queue(s.to.Broker, s.to.ID); s.queue == nil {
			return &QueueError{s.to, "the topic's route has no such queue to write to"}
		}
	default:
		s.queue = s.out.route.next(now, s.sieve())
		if s.Async && s.last != "" && s.queue.host == s.queue.broker { // Java sends the same request again: the queue's number stays (MQClientAPIImpl.onExceptionImpl)
			s.queue = cmp.Or(now.queue(s.queue.broker, s.lastID), s.queue)
		}
	}
	s.Template = s.out.lane(now).head(s.queue, &s.SendRequest)
	return nil
}

func (s *send) findRoute() (*route, error) {
	ctx, cancel := context.WithTimeout(s.ctx, time.Duration(s.deadline-remoting.Nanotime()))
	defer cancel()
	now, err := s.out.in.routes.find(ctx, s.out.wire, s.out.p.borrowed(), s.out.p.opts.DefaultTopicQueues)
	if err == nil {
		s.out.in.beatSoon()
	}
	return now, err
}

// again keeps an attempt's error and says whether another attempt is to be made.
func (s *send) again(err error) bool {
	s.err, s.unusual = err, true
	s.ended(err)
	if mayBeStored(err) {
		s.ambiguous++
	}
	if s.ctx.Err() == nil && routeMayBeStale(err) {
		s.out.in.routes.suspect(s.out.route)
	}
	if s.queue != nil {
		s.last, s.lastID = s.queue.host, s.queue.id
	}
	if s.late = true; !s.placed {
		s.queue = nil
	}
	if hopeless(err) || s.ctx.Err() != nil {
		return false
	}
	if s.attempts > max(s.retries, 0) || remoting.Nanotime() >= s.deadline || s.out.p.State() != Running {
		return false
	}
	if s.Async {
		return retriableAsync(err)
	}
	return retriable(err, s.out.p.opts.RetryCodes)
}

// defaultRegion is what a broker's region is unless it says otherwise (MixAll.DEFAULT_TRACE_REGION_ID).
const defaultRegion = "DefaultRegion"

// Receive reads the broker's answer in place (MQClientAPIImpl.processSendResponse).
func (s *send) Receive(head *remoting.Head, _ []byte) {
	var view remoting.SendReplyView
	if s.read(head, &view) {
		s.offsetID.set(view.MsgID)
	}
}

// batchSend is a send that carries several messages: the broker's answer has an id for each.
type batchSend send

// Receive is [send.Receive] for a batch.
func (b *batchSend) Receive(head *remoting.Head, _ []byte) {
	s := (*send)(b)
	var view remoting.SendReplyView
	if s.read(head, &view) {
		s.offsetID.n = 0
		s.batch.setOffsets(view.MsgID)
	}
}

// Done is [send.Done].
func (b *batchSend) Done(err error) { (*send)(b).Done(err) }

// read takes in what an answer says of one message as of many, and reports whether it is stored.
func (s *send) read(head *remoting.Head, view *remoting.SendReplyView) (stored bool) {
	code := remoting.Code(head.Code)
	s.status, stored = statusOf(code)
	if s.refused = !stored; s.refused {
		s.refusal, s.more = remoting.NewBrokerError(s.queue.addr, code, head.Remark()), true
		return false
	}
	view.QueueID = none
	view.Parse(head)
	s.queueID, s.offset, s.traceOff = view.QueueID, view.QueueOffset, view.TraceOff
	if view.Region != nil && string(view.Region) != defaultRegion {
		s.region, s.more = string(view.Region), true
	}
	if view.RecallHandle != nil {
		s.handle, s.more = string(view.RecallHandle), true
	}
	return true
}

// Done ends an attempt.
func (s *send) Done(err error) {
	if !s.Async {
		s.wake <- err
		return
	}
	if s.settle(err) || !s.launchAsync(forNothing) {
		s.finish()
	}
}

// settle takes an attempt's end in; false: another attempt is to be made.
func (s *send) settle(err error) bool {
	if err == nil && s.refused && !s.Call.Oneway {
		err = s.refusal
	}
	if err != nil {
		s.stamps = s.Stamps()
		return !s.again(err)
	}
	if s.unusual {
		s.err = nil
		s.ended(nil)
	}
	if s.Call.Oneway || s.status == SendOK || s.Async || !s.out.p.opts.RetryNotOK || s.attempts > s.retries {
		return true
	}
	s.unusual = true
	s.weak = new(SendResult)
	s.result(s.weak)
	s.ambiguous++ // it is stored, and will be again
	s.last, s.lastID, s.queue, s.late = s.queue.host, s.queue.id, nil, true
	return false
}

// finish calls back, and survives a callback that panics.
func (s *send) finish() {
	var res SendResult
	err := s.outcome(&res)
	callback, out := s.callback, s.out
	s.release()
	defer func() {
		if v := recover(); v != nil {
			_ = out.in.panicked("callback", v) // counted
		}
	}()
	callback(res, err)
}

// outcome is what the caller gets; res is zero.
func (s *send) outcome(res *SendResult) error {
	s.result(res)
	switch {
	case !s.unusual || s.err == nil:
		return nil
	case s.weak != nil: // stored all the same (DefaultMQProducerImpl.sendDefaultImpl returns it too)
		*res = *s.weak
		res.Attempts, res.Ambiguous = int(s.attempts), int(s.ambiguous)-1
		return nil
	}
	return &SendError{Topic: s.msg.Topic, Broker: res.Broker, Attempts: res.Attempts, Ambiguous: res.Ambiguous > 0, Err: s.err}
}

// result is what is known of the send; res is zero. Its fields are set one by one: of a whole struct the compiler would make a
// copy first.
func (s *send) result(res *SendResult) {
	s.out.in.ids.Set(&res.ID, s.serial)
	res.Attempts, res.WireBytes = int(s.attempts), int(s.wire)
	if s.Stamped && s.attempts <= 1 { // a retry waits for itself
		res.Prepared = s.prepared
	}
	if q := s.queue; q != nil {
		res.Broker, res.QueueID = q.host, q.id
	}
	if s.unusual {
		res.Ambiguous = int(s.ambiguous)
		if s.queue == nil && s.last != "" {
			res.Broker, res.QueueID = s.last, s.lastID
		}
		if s.err != nil {
			res.Stamps = s.stamps
			return
		}
	}
	res.Stamps = s.Stamps()
	if s.Call.Oneway {
		return
	}
	if s.queueID >= 0 {
		res.QueueID = s.queueID
	}
	res.Status, res.QueueOffset, res.TraceOff = s.status, s.offset, s.traceOff
	res.Region = defaultRegion
	res.OffsetID = s.offsetID
	if s.more {
		if s.region != "" {
			res.Region = s.region
		}
		res.RecallHandle = s.handle
	}
}

// newIDs makes the source of unique ids for one client instance.
func newIDs(ip string) *message.IDSource {
	addr, _ := netip.ParseAddr(ip) // anything else than an address counts as none
	return message.NewIDSource(addr, os.Getpid(), loaderHash.Add(0x9E3779B9), nil)
}
