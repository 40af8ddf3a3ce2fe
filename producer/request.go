package producer

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// NoReplyError is a request that was not answered in time. The message of one whose send failed is a *SendError instead.
type NoReplyError struct {
	Topic         string
	CorrelationID string
	Waited        time.Duration
	Stored        bool   // a broker has acknowledged the message; else not even that
	Broker        string // its name; "" unless Stored
}

func (e *NoReplyError) Error() string {
	if !e.Stored {
		return fmt.Sprintf("request to %s: neither a reply nor an acknowledgement of the message within %v", e.Topic, e.Waited)
	}
	return fmt.Sprintf("request to %s: the message is stored, no reply to it came within %v", e.Topic, e.Waited)
}

// Timeout is true, as net.Error has it.
func (e *NoReplyError) Timeout() bool { return true }

// Request sends a message and waits for the reply to it, which whoever consumes the message sends with [Producer.Reply].
// The time for both is [Within], or Options.SendTimeout; brokers and consumers are told it. The message is sent as by
// SendAsync, and waits on its first request to a topic until the topic's brokers know this client: a reply comes through
// any of them (DefaultMQProducerImpl.request). The error is a *StateError, a *SendError, a *NoReplyError, the cause of
// ctx's end, or remoting.ErrClosed when the producer was shut down meanwhile.
func (p *Producer) Request(ctx context.Context, m *Message, opts ...SendOption) (*Received, error) {
	a, err := p.newAsk(ctx, m, opts, nil)
	if err != nil {
		return nil, err
	}
	a.run()
	select {
	case r := <-a.back:
		return r.received()
	case <-ctx.Done():
		a.end(replied{err: context.Cause(ctx)})
		return (<-a.back).received() // perhaps the reply, which was faster
	}
}

// RequestAsync is Request for who does not wait: callback gets the reply or the error, exactly once, on another goroutine.
// An error means that the request was not made and there will be no callback. Callbacks run on a few goroutines; one that
// panics is counted (Stats.CallbackFails).
func (p *Producer) RequestAsync(ctx context.Context, m *Message, callback func(*Received, error), opts ...SendOption) error {
	if callback == nil {
		return &SendError{Topic: m.Topic, Err: ErrNoCallback}
	}
	a, err := p.newAsk(ctx, m, opts, callback)
	if err != nil {
		return err
	}
	if a.in.hasMet(message.WrapNamespace(p.opts.Namespace, m.Topic)) {
		err = a.send()
	} else if err = a.in.async.submit(a); err != nil {
		err = &SendError{Topic: m.Topic, Err: err}
	}
	if err != nil && a.take() {
		return err
	}
	return nil
}

// Reply answers a request: consume it, make a [Received] of it and reply. The broker passes the reply on to who asked, and
// acknowledges it when that client has; one that the broker doesn't know is a *remoting.BrokerError, which another broker
// is tried for (MessageUtil.createReplyMessage).
func (p *Producer) Reply(ctx context.Context, request *Received, body []byte, opts ...SendOption) (SendResult, error) {
	answer := extra{code: remoting.SendReplyMessageV2, properties: message.Properties{{Key: message.PropertyMessageType, Value: "reply"}}}
	for _, key := range []string{message.PropertyCorrelationID, message.PropertyReplyToClient, message.PropertyTTL} {
		value, ok := request.Properties.Get(key)
		if !ok && key != message.PropertyTTL {
			return SendResult{}, &SendError{Topic: request.Topic, Err: &PropertyError{key, "it is missing: the message is no request"}}
		}
		if ok {
			answer.properties.Set(key, value)
		}
	}
	cluster, ok := request.Properties.Get(message.PropertyCluster)
	if !ok {
		return SendResult{}, &SendError{Topic: request.Topic, Err: &PropertyError{message.PropertyCluster, "it is missing: no broker has stored the request"}}
	}
	m := &Message{Topic: cluster + replyTopicSuffix, Body: body}
	return p.Send(ctx, m, append(slices.Clip(opts), with(&answer))...)
}

// replyTopicSuffix ends a cluster's reply topic (MixAll.getReplyTopic).
const replyTopicSuffix = "_REPLY_TOPIC"

// asks are the requests that wait for a reply, by correlation id (RequestFutureHolder.java).
type asks struct {
	mu   sync.Mutex // protects following
	byID map[string]*ask
}

// ask is one of them. Whoever takes it out of the table ends it.
type ask struct {
	p        *Producer
	in       *instance
	ctx      context.Context
	msg      *Message
	opts     []SendOption
	id       string
	timeout  time.Duration
	until    time.Time
	stored   atomic.Pointer[string] // the broker that has acknowledged it
	timer    *time.Timer            // guarded by the table's mu
	callback func(*Received, error) // async
	back     chan replied           // sync; capacity 1
}

// replied is how an ask ended.
type replied struct {
	record  message.Record
	arrived time.Time
	err     error
}

// newAsk puts a request into the table, where its time runs.
func (p *Producer) newAsk(ctx context.Context, m *Message, opts []SendOption, callback func(*Received, error)) (*ask, error) {
	const op = "request"
	in, err := p.running(op)
	if err != nil {
		return nil, err
	}
	a := &ask{p: p, in: in, ctx: ctx, msg: m, opts: opts, id: correlationID(), timeout: p.opts.SendTimeout, callback: callback, back: make(chan replied, 1)}
	for _, o := range opts {
		if o.timed {
			a.timeout = o.within
		}
	}
	if until, ok := ctx.Deadline(); ok {
		a.timeout = min(a.timeout, time.Until(until))
	}
	a.until = time.Now().Add(a.timeout)
	t := &in.asks
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := p.State(); s != Running { // Shutdown has emptied the table, or is about to
		return nil, &StateError{Op: op, State: s}
	}
	t.byID[a.id] = a
	a.timer = time.AfterFunc(a.timeout, a.expire)
	return a, nil
}

// correlationID is a random UUID (CorrelationIdUtil.createCorrelationId).
func correlationID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// run introduces this client to the topic's brokers, which takes time, and sends the message.
func (a *ask) run() {
	ctx, cancel := context.WithDeadline(a.ctx, a.until)
	a.p.meet(ctx, a.in, a.msg.Topic)
	cancel()
	if err := a.send(); err != nil {
		a.end(replied{err: err})
	}
}

// send sends the message, without ever waiting. An error, as SendAsync's, does not end the ask.
func (a *ask) send() error {
	question := extra{properties: message.Properties{
		{Key: message.PropertyCorrelationID, Value: a.id}, {Key: message.PropertyReplyToClient, Value: a.in.id},
		{Key: message.PropertyTTL, Value: strconv.FormatInt(a.timeout.Milliseconds(), 10)}}}
	opts := append(slices.Clip(a.opts), Within(time.Until(a.until)), with(&question))
	return a.p.SendAsync(a.ctx, a.msg, func(res SendResult, err error) {
		if err != nil {
			a.end(replied{err: err})
			return
		}
		a.stored.Store(&res.Broker)
	}, opts...)
}

// take takes the ask out of the table: who gets true ends it.
func (a *ask) take() bool {
	t := &a.in.asks
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[a.id] != a {
		return false
	}
	delete(t.byID, a.id)
	a.timer.Stop()
	return true
}

// end ends the ask; false: it has ended before.
func (a *ask) end(r replied) bool {
	switch {
	case !a.take():
		return false
	case a.callback == nil:
		a.back <- r
	default:
		_ = a.in.replies.submit(&replyCallback{a, r}) // it has room for all, and is never closed
	}
	return true
}

func (a *ask) expire() {
	err := &NoReplyError{Topic: a.msg.Topic, CorrelationID: a.id, Waited: a.timeout}
	if broker := a.stored.Load(); broker != nil {
		err.Stored, err.Broker = true, *broker
	}
	a.end(replied{err: err})
}

// replyCallback is an async request that has ended.
type replyCallback struct {
	*ask
	end replied
}

func (c *replyCallback) run() {
	m, err := c.end.received()
	c.in.guard("callback", func() { c.callback(m, err) })
}

// received is what the caller gets.
func (r replied) received() (*Received, error) {
	if r.err != nil {
		return nil, r.err
	}
	m, err := NewReceived(r.record)
	if err == nil {
		m.Properties.Set(message.PropertyArriveTime, strconv.FormatInt(r.arrived.UnixMilli(), 10))
	}
	return m, err
}

// find is the ask of that id, nil if there is none any more.
func (t *asks) find(id string) *ask {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// endAll ends all that a producer has asked.
func (t *asks) endAll(p *Producer, err error) {
	var own []*ask
	t.mu.Lock()
	for _, a := range t.byID {
		if a.p == p {
			own = append(own, a)
		}
	}
	t.mu.Unlock()
	for _, a := range own {
		a.end(replied{err: err})
	}
}

// pushReply takes a reply that a broker passes on (PUSH_REPLY_MESSAGE_TO_CLIENT), and acknowledges it even if nobody waits
// for it any more, as Java does: the replier can't help that.
func (in *instance) pushReply(req *remoting.Request) {
	r, err := readReply(req)
	ack := remoting.Command{Code: int32(remoting.Success), Language: remoting.Go, Version: remoting.Version451}
	if err != nil {
		ack.Code, ack.Remark = int32(remoting.SystemError), "process reply message fail: "+err.Error()
	}
	_ = req.Answer(&ack) // a connection that is dead says so itself
	if err != nil {
		return
	}
	id, _ := message.LookupProperty(r.record.EncodedProperties, message.PropertyCorrelationID)
	if a := in.asks.find(string(id)); a == nil || !a.end(r) {
		in.lateReplies.Add(1)
	}
}

// readReply copies the message that a push brings (ReplyMessageRequestHeader.java). What hosts it names is nothing that a
// reply must fail for.
func readReply(req *remoting.Request) (replied, error) {
	var v remoting.SendView
	if err := v.Parse(&req.Head); err != nil {
		return replied{}, err
	}
	text := func(key string) string {
		value, _ := req.Head.Get(key)
		return string(value)
	}
	r := message.Record{Topic: string(v.Topic), QueueID: v.QueueID, Flag: v.Flag, SysFlag: message.SysFlag(v.SysFlag), BornTime: v.BornTimestamp,
		ReconsumeTimes: v.ReconsumeTimes, Body: bytes.Clone(req.Body), EncodedProperties: bytes.Clone(v.Properties)}
	r.BornHost, _ = netip.ParseAddrPort(text("bornHost"))
	r.StoreHost, _ = netip.ParseAddrPort(text("storeHost"))
	r.StoreTime, _ = strconv.ParseInt(text("storeTimestamp"), 10, 64)
	return replied{record: r, arrived: time.Now()}, nil
}
