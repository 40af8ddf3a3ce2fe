package producer

import (
	"sync/atomic"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// outlet is what a producer keeps of a topic that it sends to: its name is valid, and the heads of its requests are
// encoded but for what changes from one send to the next.
type outlet struct {
	topic string
	route *topicRoute
	heads atomic.Pointer[heads]
}

// heads are the request heads for the queues of one route, made when they are first needed.
type heads struct {
	route *route
	of    []atomic.Pointer[remoting.SendTemplate]
}

// outlet finds the topic's, or makes it if the name is one to send to; the error is a *message.NameError.
func (p *Producer) outlet(in *instance, topic string) (*outlet, error) {
	if o := p.last.Load(); o != nil && o.topic == topic {
		return o, nil
	}
	v, ok := p.outlets.Load(topic)
	if !ok {
		if err := message.CheckSendTopic(topic); err != nil {
			return nil, err
		}
		v, _ = p.outlets.LoadOrStore(topic, &outlet{topic: topic, route: in.routes.topic(topic)})
	}
	o := v.(*outlet)
	p.last.Store(o)
	return o, nil
}

// head is the template for a queue of the route now; r is what to make it from.
func (o *outlet) head(now *route, q *queueAddr, r *remoting.SendRequest) *remoting.SendTemplate {
	h := o.heads.Load()
	if h == nil || h.route != now {
		h = &heads{route: now, of: make([]atomic.Pointer[remoting.SendTemplate], len(now.queues))}
		o.heads.Store(h)
	}
	t := h.of[q.at].Load()
	if t == nil {
		t = r.NewTemplate()
		h.of[q.at].Store(t)
	}
	return t
}
