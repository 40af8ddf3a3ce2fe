package producer

import (
	"sync"
	"sync/atomic"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// outlet is what a producer keeps of a topic that it sends to: its name is valid, and the heads of its requests are
// encoded but for what changes from one send to the next.
type outlet struct {
	p     *Producer
	in    *instance
	topic string // the application's name for it
	wire  string // with its namespace
	route *topicRoute
	now   atomic.Pointer[lane]
	sends sync.Pool // of *send, made by empty; an outlet's own, so that a bubble of testing/synctest keeps its channels to itself
}

// lane is an outlet as one route makes it.
type lane struct {
	topic  string
	route  *route
	heads  []atomic.Pointer[remoting.SendTemplate] // for each kind of request each queue's; made when they are first needed
	queues atomic.Pointer[[]MessageQueue]          // the route's, for selectors; made for the first
}

// outlet finds the topic's, or makes it if the name is one to send to; the error is a *message.NameError.
func (p *Producer) outlet(in *instance, topic string) (*outlet, error) {
	if o := p.last.Load(); o != nil && o.topic == topic {
		return o, nil
	}
	v, ok := p.outlets.Load(topic)
	if !ok {
		wire := p.wire(topic)
		if err := message.CheckSendTopic(wire); err != nil {
			return nil, err
		}
		o := &outlet{p: p, in: in, topic: topic, wire: wire, route: in.routes.topic(wire)}
		o.sends.New = func() any { return o.empty() }
		v, _ = p.outlets.LoadOrStore(topic, o)
	}
	o := v.(*outlet)
	p.last.Store(o)
	return o, nil
}

// empty is a send with what all of the outlet's have in common.
func (o *outlet) empty() *send {
	p := o.p
	s := &send{reply: reply{wake: make(chan error, 1)}, hot: hot{out: o}}
	s.SendRequest = remoting.SendRequest{Serialize: p.opts.serialize(), Language: remoting.Go, Version: remoting.Version451, SendHeader: remoting.SendHeader{
		ProducerGroup: p.opts.Group, Topic: o.wire, DefaultTopic: p.opts.DefaultTopic, DefaultQueueNums: int32(p.opts.DefaultTopicQueues), UnitMode: p.opts.UnitMode}}
	return s
}

// lane is the outlet's for the route now.
func (o *outlet) lane(now *route) *lane {
	if l := o.now.Load(); l != nil && l.route == now {
		return l
	}
	return o.newLane(now)
}

func (o *outlet) newLane(now *route) *lane {
	l := &lane{topic: o.topic, route: now, heads: make([]atomic.Pointer[remoting.SendTemplate], headKinds*len(now.queues))}
	o.now.Store(l)
	return l
}

// headKinds is how many kinds of request go to a queue.
const headKinds = 3

// headKind tells heads of one queue apart; a message's is 0.
func headKind(code remoting.RequestCode) int {
	switch code {
	case remoting.SendBatchMessage:
		return 1
	case remoting.SendReplyMessageV2:
		return 2
	}
	return 0
}

// head is the template for a queue of the lane; r is what to make it from, and a head without one is told its queue.
func (l *lane) head(q *queueAddr, r *remoting.SendRequest) *remoting.SendTemplate {
	at := &l.heads[headKind(r.Code)*len(l.route.queues)+q.at]
	if t := at.Load(); t != nil && r.Serialize == remoting.RocketMQ {
		return t
	}
	return newHead(at, q, r)
}

// turn is the queue whose turn it is and its head for a message, which is binary; both are nil if the head is still to be made.
func (l *lane) turn(turn uint32) (*queueAddr, *remoting.SendTemplate) {
	at := turn % uint32(len(l.route.queues))
	if t := l.heads[at].Load(); t != nil {
		return &l.route.queues[at], t
	}
	return nil, nil
}

func newHead(at *atomic.Pointer[remoting.SendTemplate], q *queueAddr, r *remoting.SendRequest) *remoting.SendTemplate {
	r.QueueID, r.BrokerName = q.id, q.host
	t := at.Load()
	if t == nil {
		t = r.NewTemplate()
		at.Store(t)
	}
	return t
}

// names are the lane's queues, which must not be changed.
func (l *lane) names() []MessageQueue {
	if list := l.queues.Load(); list != nil {
		return *list
	}
	list := make([]MessageQueue, len(l.route.queues))
	for i := range list {
		q := &l.route.queues[i]
		list[i] = MessageQueue{Topic: l.topic, Broker: q.broker, ID: q.id}
	}
	l.queues.Store(&list)
	return list
}
