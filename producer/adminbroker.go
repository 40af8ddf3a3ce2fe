package producer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// MaxOffset is the offset that the queue's next message will get. An unknown topic has 0.
func (a *Admin) MaxOffset(ctx context.Context, broker, topic string, queue int) (int64, error) {
	return a.number(ctx, broker, "offset", remoting.NewRequest(remoting.GetMaxOffset, queueFields(topic, queue)...))
}

// MaxOffsetOf is MaxOffset for who passes requests on to the queue's broker, which it names: a proxy of RocketMQ 5 refuses them otherwise
// (AbstractRemotingActivity.request).
func (a *Admin) MaxOffsetOf(ctx context.Context, proxy string, q MessageQueue) (int64, error) {
	return a.number(ctx, proxy, "offset", remoting.NewRequest(remoting.GetMaxOffset, append(queueFields(q.Topic, int(q.ID)), field("bname", q.Broker))...))
}

// MinOffset is the offset of the oldest message that the queue still holds.
func (a *Admin) MinOffset(ctx context.Context, broker, topic string, queue int) (int64, error) {
	return a.number(ctx, broker, "offset", remoting.NewRequest(remoting.GetMinOffset, queueFields(topic, queue)...))
}

// SearchOffset is the offset of the queue's first message that was stored at that time or later, by the broker's clock;
// of a time after the last message, the offset of that one or of the next, as the broker's version has it.
func (a *Admin) SearchOffset(ctx context.Context, broker, topic string, queue int, at time.Time) (int64, error) {
	return a.number(ctx, broker, "offset", remoting.NewRequest(remoting.SearchOffsetByTimestamp,
		append(queueFields(topic, queue), field("timestamp", strconv.FormatInt(at.UnixMilli(), 10)))...))
}

// EarliestStoreTime is when the queue's oldest message was stored, by the broker's clock; the zero Time if the queue
// holds none.
func (a *Admin) EarliestStoreTime(ctx context.Context, broker, topic string, queue int) (time.Time, error) {
	ms, err := a.number(ctx, broker, "timestamp", remoting.NewRequest(remoting.GetEarliestStoreTime, queueFields(topic, queue)...))
	if err != nil || ms < 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(ms), nil
}

func queueFields(topic string, queue int) []remoting.Field {
	return []remoting.Field{field("topic", topic), field("queueId", strconv.Itoa(queue))}
}

// number asks for what is answered in an ext field of that name.
func (a *Admin) number(ctx context.Context, broker, name string, req *remoting.Command) (int64, error) {
	reply, err := a.ask(ctx, broker, req)
	if err != nil {
		return 0, err
	}
	return numberIn(reply, broker, req, name)
}

// numberIn reads an ext field of an answer.
func numberIn(reply *remoting.Command, broker string, req *remoting.Command, name string) (int64, error) {
	text, _ := reply.Get(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &AnswerError{Addr: broker, Request: req.Request(), Err: fmt.Errorf("%s %.80q is no number", name, text)}
	}
	return n, nil
}

// TopicStats is how far a topic's queues on one broker reach.
func (a *Admin) TopicStats(ctx context.Context, broker, topic string) (*message.TopicStats, error) {
	return askBody(ctx, a, broker, remoting.NewRequest(remoting.GetTopicStatsInfo, field("topic", topic)), message.ParseTopicStats)
}

// RuntimeInfo is a broker's view of itself: names and values are the broker's own.
func (a *Admin) RuntimeInfo(ctx context.Context, broker string) (message.KVTable, error) {
	return askBody(ctx, a, broker, remoting.NewRequest(remoting.GetBrokerRuntimeInfo), message.ParseKVTable)
}

// BrokerSettings are those of a broker's settings that are named, where it has them. The whole of its configuration can
// hold credentials, and goes no further than this.
func (a *Admin) BrokerSettings(ctx context.Context, broker string, names ...string) (map[string]string, error) {
	reply, err := a.ask(ctx, broker, remoting.NewRequest(remoting.GetBrokerConfig))
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for line := range strings.Lines(string(reply.Body)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && slices.Contains(names, key) {
			settings[key] = strings.Clone(value) // not the text that it is cut from
		}
	}
	return settings, nil
}
