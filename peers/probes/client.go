package main

import (
	"context"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"

	ours "rmqbench/producer"
)

// opener starts a client of a name server, without retries.
type opener func(nameServer string) (client, error)

// client sends to the broker whose name it is given.
type client interface {
	send(to string) error
	sendAsync(to string, done func(error)) error
	close() error
}

type theirs struct{ rocketmq.Producer }

// byTag has the message's tag name its broker.
type byTag struct{}

func (byTag) Select(m *primitive.Message, queues []*primitive.MessageQueue, _ string) *primitive.MessageQueue {
	for _, q := range queues {
		if q.BrokerName == m.GetTags() {
			return q
		}
	}
	return nil
}

func openTheirs(nameServer string) (client, error) {
	rlog.SetLogLevel("fatal")
	p, err := rocketmq.NewProducer(producer.WithNameServer(primitive.NamesrvAddr{nameServer}), producer.WithGroupName("PROBES"),
		producer.WithRetry(0), producer.WithSendMsgTimeout(sendTimeout), producer.WithQueueSelector(byTag{}))
	if err != nil {
		return nil, err
	}
	return theirs{p}, p.Start()
}

func (c theirs) send(to string) error {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	_, err := c.SendSync(ctx, primitive.NewMessage(topic, []byte("hello")).WithTag(to))
	return err
}

func (c theirs) sendAsync(to string, done func(error)) error {
	return c.SendAsync(context.Background(), func(_ context.Context, _ *primitive.SendResult, err error) { done(err) }, primitive.NewMessage(topic, []byte("hello")).WithTag(to))
}

func (c theirs) close() error { return c.Shutdown() }

type mine struct{ *ours.Producer }

func openOurs(nameServer string) (client, error) {
	p := ours.New(ours.Options{NameServers: []string{nameServer}, Group: "PROBES", Retries: -1, AsyncRetries: -1, SendTimeout: sendTimeout})
	return mine{p}, p.Start()
}

func (c mine) send(to string) error {
	_, err := c.Send(context.Background(), &ours.Message{Topic: topic, Body: []byte("hello")}, ours.To(ours.MessageQueue{Topic: topic, Broker: to}))
	return err
}

func (c mine) sendAsync(to string, done func(error)) error {
	return c.SendAsync(context.Background(), &ours.Message{Topic: topic, Body: []byte("hello")}, func(_ ours.SendResult, err error) { done(err) }, ours.To(ours.MessageQueue{Topic: topic, Broker: to}))
}

func (c mine) close() error { return c.Shutdown() }

// short is a duration that a table has room for.
func short(d time.Duration) string {
	return strings.Replace(d.Round(100*time.Microsecond).String(), "µs", " µs", 1)
}
