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
	if s.launchAsync() {
		return nil
	}
	err = s.outcome(new(SendResult))
	s.release()
	return err
}

// send is one message on its way, through all its attempts: the one path of every kind of send. It is the
// remoting layer's call, its receiver, and the encoder of its own head.
type send struct {
	remoting.Call
	remoting.SendRequest // what all sends of the outlet have in common stays from one to the next
	p                    *Producer
	in                   *instance
	out                  *outlet
	wake                 chan error     // sync: Done's error; capacity 1
	packed               []byte         // kept for compression
	sifted               []MessageQueue // kept for sift
	one
	rare
}

// one is what a send holds of its own message. Each of its cache lines goes from the sender's processor to the reader's and
// to the one of who ends it, so what the reader touches comes first, next to each other, and what few sends need is in rare.
type one struct {
	refusal  *remoting.BrokerError // of the attempt in flight; written on the connection's reader
	batch    *batch                // what it carries beside msg, its own; nil for most
	queue    *queueAddr            // of this attempt; nil: to be picked
	err      error                 // of the last attempt
	unusual  bool                  // rare is in use
	late     bool                  // time has passed since newSend: the deadline may have, too
	timed    bool                  // somebody wants to know how long an attempt took
	placed   bool                  // to, or else by, says which queue: of every attempt the same
	retries  int32
	callback func(SendResult, error)
	res      SendResult // without Stamps where all is usual: those are the call's
	ctx      context.Context
	msg      *Message
	body     []byte // as it goes out: the message's own, or in packed
	deadline int64  // remoting.Nanotime
}

// rare is what most sends leave zero; who sets any of it, sets unusual.
type rare struct {
	seen  *SendContext // of the attempt that send hooks have seen begin; nil: none
	began int64        // of the attempt if timed; 0: none is under way
	to    MessageQueue
	by    Selector
	arg   any
	watch Watcher     // by, if it is one; else nil
	extra *extra      // nil for most
	last  string      // broker of the attempt before
	weak  *SendResult // an attempt that stored the message with less than SEND_OK, when another was made after it
}

// newSend checks the message and makes what all attempts share; b is nil but for batches.
func (p *Producer) newSend(ctx context.Context, m *Message, b *batch, opts []SendOption) (*send, error) {
	in, err := p.running("send")
	if err != nil {
		return nil, err
	}
	out, err := p.outlet(in, m.Topic)
	if err == nil && b == nil {
		err = m.check(p.opts.MaxBody)
	}
	if err != nil {
		return nil, &SendError{Topic: m.Topic, Err: err}
	}
	nano, wallMS := in.clock.now() // the send's one look at the clock
	id := in.ids.NextAt(wallMS)    // before s is written to: an atomic waits until lines that another processor has are here
	s := out.sends.Get().(*send)
	s.one = one{ctx: ctx, msg: m, batch: b}
	s.Stamped, s.retries = m.Stamped, int32(p.opts.Retries)
	s.unusual = len(opts) > 0 || p.unusual
	timeout := s.apply(opts, p.opts.SendTimeout)
	if until, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(until))
	}
	if s.unusual {
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
	s.res.ID = id
	s.Code, s.BornTimestamp, s.Flag, s.SysFlag, s.Batch = remoting.SendMessageV2, wallMS, m.Flag, 0, b != nil
	var more *extra
	if s.unusual && s.extra != nil {
		more = s.extra
		s.SysFlag, s.Code = int32(more.sysFlag), cmp.Or(more.code, s.Code)
	}
	s.Properties = m.appendProperties(s.Properties[:0], id, more)
	if p.opts.Namespace != "" {
		s.Properties = appendText(s.Properties, message.PropertyInstanceID, p.opts.Namespace)
	}
	if n := len(s.Properties); n > message.MaxPropertiesLen {
		return nil, s.discard(&PropertiesSizeError{n, message.MaxPropertiesLen})
	}
	s.body = m.Body
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
	s.res.WireBytes = len(s.body)
	if s.Stamped {
		s.res.Prepared = remoting.Nanotime()
	}
	return s, nil
}

// compress makes the body small, if compression does: Java sends it compressed even where that made it larger.
func (s *send) compress() (err error) {
	o := &s.p.opts
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
	if s.unusual {
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
		if s.settle(s.await()) {
			break
		}
	}
	err = s.outcome(res)
	s.release()
	return err
}

// await waits for Done, and cancels the attempt when the caller's context ends.
func (s *send) await() error {
	if s.ctx.Done() == nil {
		return <-s.wake
	}
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
		err := s.attempt(true)
		if err == nil {
			return true
		}
		if !s.again(err) {
			return false
		}
	}
}

// launchAsync is launch for who must not wait: a send that would have to goes to the executor, and is its own from then on.
func (s *send) launchAsync() bool {
	for {
		err := s.attempt(false)
		if err == nil {
			return true
		}
		if errors.Is(err, errWouldWait) {
			s.late = true
			if err = s.in.async.submit(s); err == nil {
				return true
			}
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

// attempt selects a queue and hands the request to the remoting layer; nil: Done will come, or has, and the send may be
// another's. wait allows it to find the route and to dial; else that is errWouldWait, and no attempt was made.
func (s *send) attempt(wait bool) error {
	if s.late && remoting.Nanotime() >= s.deadline {
		return ErrCallTimeout
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if s.queue == nil {
		now := s.out.route.now.Load()
		if now == nil {
			if !wait {
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
	if s.res.Attempts > 0 { // nothing of the attempt before is this one's
		s.res = SendResult{Attempts: s.res.Attempts, Ambiguous: s.res.Ambiguous, ID: s.res.ID, WireBytes: s.res.WireBytes}
	}
	s.res.Attempts++
	s.res.Broker, s.res.QueueID = s.queue.host, s.queue.id
	s.refusal = nil
	if s.p.hooked {
		if err := s.before(); err != nil {
			s.res.Attempts--
			return err
		}
	}
	if s.timed {
		s.begin()
	}
	if wait {
		return s.queue.endpoint.Start(s.ctx, &s.Call, &s.SendRequest, s.body, s.attemptDeadline())
	}
	err := s.queue.endpoint.StartNow(&s.Call, &s.SendRequest, s.body, s.deadline)
	if errors.Is(err, remoting.ErrNotConnected) || errors.Is(err, remoting.ErrInFlight) {
		s.res.Attempts--
		return errWouldWait
	}
	return err
}

// attemptDeadline is when the attempt under way is over: when the send is, or earlier if Options.AttemptTimeout leaves time
// for another (DefaultMQProducerImpl.sendDefaultImpl, 5.3.3).
func (s *send) attemptDeadline() int64 {
	most := s.p.opts.AttemptTimeout
	if most == 0 || s.Async || s.res.Attempts > int(s.retries) {
		return s.deadline
	}
	return min(s.deadline, remoting.Nanotime()+int64(most))
}

// pick chooses the queue, and readies the head for it.
func (s *send) pick(now *route) error {
	switch {
	case !s.unusual:
		s.queue = s.out.route.next(now, sieve{})
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
			s.queue = cmp.Or(now.queue(s.queue.broker, s.QueueID), s.queue)
		}
	}
	s.QueueID, s.BrokerName = s.queue.id, s.queue.host
	s.Template = s.out.lane(now).head(s.queue, &s.SendRequest)
	return nil
}

func (s *send) findRoute() (*route, error) {
	ctx, cancel := context.WithTimeout(s.ctx, time.Duration(s.deadline-remoting.Nanotime()))
	defer cancel()
	now, err := s.in.routes.find(ctx, s.out.wire, s.p.borrowed(), s.p.opts.DefaultTopicQueues)
	if err == nil {
		s.in.beatSoon()
	}
	return now, err
}

// again keeps an attempt's error and says whether another attempt is to be made.
func (s *send) again(err error) bool {
	s.err, s.unusual = err, true
	s.ended(err)
	if mayBeStored(err) {
		s.res.Ambiguous++
	}
	if s.ctx.Err() == nil && routeMayBeStale(err) {
		s.in.routes.suspect(s.out.route)
	}
	if s.queue != nil {
		s.last = s.queue.host
	}
	if s.late = true; !s.placed {
		s.queue = nil
	}
	if hopeless(err) || s.ctx.Err() != nil {
		return false
	}
	if s.res.Attempts > max(int(s.retries), 0) || remoting.Nanotime() >= s.deadline || s.p.State() != Running {
		return false
	}
	if s.Async {
		return retriableAsync(err)
	}
	return retriable(err, s.p.opts.RetryCodes)
}

// defaultRegion is what a broker's region is unless it says otherwise (MixAll.DEFAULT_TRACE_REGION_ID).
const defaultRegion = "DefaultRegion"

// Receive reads the broker's answer in place (MQClientAPIImpl.processSendResponse).
func (s *send) Receive(head *remoting.Head, _ []byte) {
	code := remoting.Code(head.Code)
	status, stored := statusOf(code)
	if !stored {
		s.refusal = remoting.NewBrokerError(s.queue.addr, code, head.Remark())
		return
	}
	view := remoting.SendReplyView{QueueID: s.res.QueueID}
	view.Parse(head)
	s.res.Status, s.res.QueueID, s.res.QueueOffset, s.res.TraceOff = status, view.QueueID, view.QueueOffset, view.TraceOff
	if s.batch == nil {
		s.res.OffsetID.set(view.MsgID)
	} else {
		s.batch.setOffsets(view.MsgID)
	}
	if s.res.Region = defaultRegion; view.Region != nil && string(view.Region) != defaultRegion {
		s.res.Region = string(view.Region)
	}
	if view.RecallHandle != nil {
		s.res.RecallHandle = string(view.RecallHandle)
	}
}

// Done ends an attempt.
func (s *send) Done(err error) {
	if !s.Async {
		s.wake <- err
		return
	}
	if s.settle(err) || !s.launchAsync() {
		s.finish()
	}
}

// settle takes an attempt's end in; false: another attempt is to be made.
func (s *send) settle(err error) bool {
	if err == nil && s.refusal != nil {
		err = s.refusal
	}
	if err != nil || s.unusual {
		s.res.Stamps = s.Stamps()
	}
	if err != nil {
		return !s.again(err)
	}
	s.err = nil
	if s.unusual {
		s.ended(nil)
	}
	if s.res.Status != SendOK && s.p.opts.RetryNotOK && !s.Async && s.res.Attempts <= int(s.retries) {
		weak := s.res
		weak.Stamps = s.Stamps()
		s.weak, s.unusual = &weak, true
		s.res.Ambiguous++ // it is stored, and will be again
		s.last, s.queue, s.late = s.queue.host, nil, true
		return false
	}
	return true
}

// finish calls back, and survives a callback that panics.
func (s *send) finish() {
	var res SendResult
	err := s.outcome(&res)
	callback, in := s.callback, s.in
	s.release()
	defer func() {
		if v := recover(); v != nil {
			_ = in.panicked("callback", v) // counted
		}
	}()
	callback(res, err)
}

// outcome is what the caller gets.
func (s *send) outcome(res *SendResult) error {
	*res = s.res
	if s.err == nil {
		res.Stamps = s.Stamps()
		return nil
	}
	if s.weak != nil { // stored all the same (DefaultMQProducerImpl.sendDefaultImpl returns it too)
		*res = *s.weak
		res.Attempts, res.Ambiguous = s.res.Attempts, s.res.Ambiguous-1
		return nil
	}
	return &SendError{Topic: s.msg.Topic, Broker: s.res.Broker, Attempts: s.res.Attempts, Ambiguous: s.res.Ambiguous > 0, Err: s.err}
}

// newIDs makes the source of unique ids for one client instance.
func newIDs(ip string) *message.IDSource {
	addr, _ := netip.ParseAddr(ip) // anything else than an address counts as none
	return message.NewIDSource(addr, os.Getpid(), loaderHash.Add(0x9E3779B9), nil)
}
