package producer

import (
	"sync/atomic"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// outlet is what a producer keeps of a topic that it sends to: its name is valid, and the heads of its requests are
// encoded but for what changes from one send to the next.
type outlet struct {
	topic string // the application's name for it
	wire  string // with its namespace
	route *topicRoute
	now   atomic.Pointer[lane]
}

// lane is an outlet as one route makes it.
type lane struct {
	topic  string
	route  *route
	heads  []atomic.Pointer[remoting.SendTemplate] // for each kind of send each queue's; made when they are first needed
	queues atomic.Pointer[[]MessageQueue]          // the route's, for selectors; made for the first
}

// outlet finds the topic's, or makes it if the name is one to send to; the error is a *message.NameError.
func (p *Producer) outlet(in *instance, topic string) (*outlet, error) {
	if o := p.last.Load(); o != nil && o.topic == topic {
		return o, nil
	}
	v, ok := p.outlets.Load(topic)
	if !ok {
		wire := message.WrapNamespace(p.opts.Namespace, topic)
		if err := message.CheckSendTopic(wire); err != nil {
			return nil, err
		}
		v, _ = p.outlets.LoadOrStore(topic, &outlet{topic: topic, wire: wire, route: in.routes.topic(wire)})
	}
	o := v.(*outlet)
	p.last.Store(o)
	return o, nil
}

// lane is the outlet's for the route now.
func (o *outlet) lane(now *route) *lane {
	l := o.now.Load()
	if l == nil || l.route != now {
		l = &lane{topic: o.topic, route: now, heads: make([]atomic.Pointer[remoting.SendTemplate], headKinds*len(now.queues))}
		o.now.Store(l)
	}
	return l
}

// headKinds is how many kinds of request go to a queue.
const headKinds = 3

// headKind tells heads of one queue apart.
func headKind(code remoting.RequestCode) int {
	switch code {
	case remoting.SendBatchMessage:
		return 1
	case remoting.SendReplyMessageV2:
		return 2
	}
	return 0
}

// head is the template for a queue of the lane; r is what to make it from.
func (l *lane) head(q *queueAddr, r *remoting.SendRequest) *remoting.SendTemplate {
	at := &l.heads[headKind(r.Code)*len(l.route.queues)+q.at]
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
