package producer

import (
	"context"
	"time"
)

// What DefaultMQProducer has of MQAdmin.java, by queue: the producer knows where its broker is.
// [Producer.Admin] asks more, of servers by address.

// CreateTopic makes a topic on every master of a cluster; see [Admin.CreateTopic]. It never alters one.
func (p *Producer) CreateTopic(ctx context.Context, t Topic) (TopicCreation, error) {
	in, err := p.running("create topic")
	if err != nil {
		return TopicCreation{}, err
	}
	return in.admin.CreateTopic(ctx, t)
}

// PublishQueues are the queues of a topic that a producer picks from, in the order that its selectors count in, as the
// name server has them now (MQProducer.fetchPublishMessageQueues).
func (p *Producer) PublishQueues(ctx context.Context, topic string) ([]MessageQueue, error) {
	in, err := p.running("publish queues")
	if err != nil {
		return nil, err
	}
	return in.admin.PublishQueues(ctx, topic)
}

// SearchOffset is the offset of the queue's first message that was stored at that time or later; see [Admin.SearchOffset].
func (p *Producer) SearchOffset(ctx context.Context, q MessageQueue, at time.Time) (int64, error) {
	return ofQueue(ctx, p, q, func(a *Admin, broker string) (int64, error) {
		return a.SearchOffset(ctx, broker, q.Topic, int(q.ID), at)
	})
}

// MaxOffset is the offset that the queue's next message will get.
func (p *Producer) MaxOffset(ctx context.Context, q MessageQueue) (int64, error) {
	return ofQueue(ctx, p, q, func(a *Admin, broker string) (int64, error) {
		return a.MaxOffset(ctx, broker, q.Topic, int(q.ID))
	})
}

// MinOffset is the offset of the oldest message that the queue still holds.
func (p *Producer) MinOffset(ctx context.Context, q MessageQueue) (int64, error) {
	return ofQueue(ctx, p, q, func(a *Admin, broker string) (int64, error) {
		return a.MinOffset(ctx, broker, q.Topic, int(q.ID))
	})
}

// EarliestStoreTime is when the queue's oldest message was stored (MQAdmin.earliestMsgStoreTime); the zero Time if it
// holds none.
func (p *Producer) EarliestStoreTime(ctx context.Context, q MessageQueue) (time.Time, error) {
	return ofQueue(ctx, p, q, func(a *Admin, broker string) (time.Time, error) {
		return a.EarliestStoreTime(ctx, broker, q.Topic, int(q.ID))
	})
}

// ViewMessage finds a message by the broker's id of it or by the client's; see [Admin.ViewMessage].
func (p *Producer) ViewMessage(ctx context.Context, topic, id string) (*StoredMessage, error) {
	in, err := p.running("view message")
	if err != nil {
		return nil, err
	}
	return in.admin.ViewMessage(ctx, topic, id)
}

// QueryMessages finds messages by one of their keys; see [Admin.QueryMessages].
func (p *Producer) QueryMessages(ctx context.Context, topic, key string, most int, from, to time.Time) ([]*StoredMessage, error) {
	in, err := p.running("query messages")
	if err != nil {
		return nil, err
	}
	return in.admin.QueryMessages(ctx, topic, key, most, from, to)
}

// ofQueue asks the master of a queue's broker, which is of a route that the producer keeps or else of the topic's
// (MQClientInstance.findBrokerAddressInPublish). A broker that the topic's route doesn't have is a *QueueError.
func ofQueue[T any](ctx context.Context, p *Producer, q MessageQueue, ask func(a *Admin, broker string) (T, error)) (answer T, err error) {
	in, err := p.running("admin")
	if err != nil {
		return answer, err
	}
	addr := in.routes.masters()[q.Broker]
	if addr == "" {
		r, err := in.admin.Route(ctx, q.Topic)
		if err != nil {
			return answer, &RouteError{Topic: q.Topic, Err: err}
		}
		if addr = r.MasterAddr(q.Broker); addr == "" {
			return answer, &QueueError{Queue: q, Problem: "the topic's route has no master of that broker"}
		}
	}
	return ask(in.admin, addr)
}
