package producer

import (
	"cmp"
	"context"
	"time"

	"rmqbench/remoting/message"
)

// What DefaultMQProducer has of MQAdmin.java, by queue: the producer knows where its broker is.
// Topics are named without the producer's namespace, also in what comes back. [Producer.Admin] asks more, of servers by
// address, and knows no namespace.

// CreateTopic makes a topic on every master of a cluster; see [Admin.CreateTopic]. It never alters one.
func (p *Producer) CreateTopic(ctx context.Context, t Topic) (TopicCreation, error) {
	in, err := p.running("create topic")
	if err != nil {
		return TopicCreation{}, err
	}
	t.Name = p.wire(t.Name)
	return in.admin.CreateTopic(ctx, t)
}

// PublishQueues are the queues of a topic that a producer picks from, in the order that its selectors count in, as the
// name server has them now (MQProducer.fetchPublishMessageQueues).
func (p *Producer) PublishQueues(ctx context.Context, topic string) ([]MessageQueue, error) {
	in, err := p.running("publish queues")
	if err != nil {
		return nil, err
	}
	queues, err := in.admin.PublishQueues(ctx, p.wire(topic))
	for i := range queues {
		queues[i].Topic = topic
	}
	return queues, err
}

// SearchOffset is the offset of the queue's first message that was stored at that time or later; see [Admin.SearchOffset].
func (p *Producer) SearchOffset(ctx context.Context, q MessageQueue, at time.Time) (int64, error) {
	return ofQueue(ctx, p, q, func(a *Admin, broker string) (int64, error) {
		return a.SearchOffset(ctx, broker, p.wire(q.Topic), int(q.ID), at)
	})
}

// MaxOffset is the offset that the queue's next message will get.
func (p *Producer) MaxOffset(ctx context.Context, q MessageQueue) (int64, error) {
	return ofQueue(ctx, p, q, func(a *Admin, broker string) (int64, error) {
		return a.MaxOffset(ctx, broker, p.wire(q.Topic), int(q.ID))
	})
}

// MinOffset is the offset of the oldest message that the queue still holds.
func (p *Producer) MinOffset(ctx context.Context, q MessageQueue) (int64, error) {
	return ofQueue(ctx, p, q, func(a *Admin, broker string) (int64, error) {
		return a.MinOffset(ctx, broker, p.wire(q.Topic), int(q.ID))
	})
}

// EarliestStoreTime is when the queue's oldest message was stored (MQAdmin.earliestMsgStoreTime); the zero Time if it
// holds none.
func (p *Producer) EarliestStoreTime(ctx context.Context, q MessageQueue) (time.Time, error) {
	return ofQueue(ctx, p, q, func(a *Admin, broker string) (time.Time, error) {
		return a.EarliestStoreTime(ctx, broker, p.wire(q.Topic), int(q.ID))
	})
}

// ViewMessage finds a message by the broker's id of it or by the client's; see [Admin.ViewMessage].
func (p *Producer) ViewMessage(ctx context.Context, topic, id string) (*Received, error) {
	in, err := p.running("view message")
	if err != nil {
		return nil, err
	}
	m, err := in.admin.ViewMessage(ctx, p.wire(topic), id)
	if m != nil {
		m.Topic = topic
	}
	return m, err
}

// QueryMessages finds messages by one of their keys; see [Admin.QueryMessages].
func (p *Producer) QueryMessages(ctx context.Context, topic, key string, most int, from, to time.Time) ([]*Received, error) {
	in, err := p.running("query messages")
	if err != nil {
		return nil, err
	}
	found, err := in.admin.QueryMessages(ctx, p.wire(topic), key, most, from, to)
	for _, m := range found {
		m.Topic = topic
	}
	return found, err
}

// wire is the topic's name with the producer's namespace.
func (p *Producer) wire(topic string) string { return message.WrapNamespace(p.opts.Namespace, topic) }

// ofQueue asks the master of a queue's broker, which is of a route that the producer keeps or else of the topic's
// (MQClientInstance.findBrokerAddressInPublish). A broker that the topic's route doesn't have is a *QueueError.
func ofQueue[T any](ctx context.Context, p *Producer, q MessageQueue, ask func(a *Admin, broker string) (T, error)) (answer T, err error) {
	in, err := p.running("admin")
	if err != nil {
		return answer, err
	}
	addr := in.routes.masters()[q.Broker]
	if addr == "" {
		r, err := in.admin.Route(ctx, p.wire(q.Topic))
		if err != nil {
			return answer, &RouteError{Topic: q.Topic, Err: err}
		}
		host := cmp.Or(r.StaticHosts()[message.Queue{Broker: q.Broker, ID: int(q.ID)}], q.Broker)
		if addr = r.MasterAddr(host); addr == "" {
			return answer, &QueueError{Queue: q, Problem: "the topic's route has no master of that broker"}
		}
	}
	return ask(in.admin, addr)
}
