// Command gopeer puts the harness's load on rocketmq-client-go.
package main

import (
	"context"
	"sync"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"

	"rmqbench/peers/harness"
)

func main() { harness.Main("rocketmq-client-go", open) }

type client struct {
	p     rocketmq.Producer
	topic string
}

func open(o harness.Options) (harness.Client, error) {
	rlog.SetLogLevel("error")
	p, err := rocketmq.NewProducer(producer.WithNameServer(primitive.NamesrvAddr{o.NameServer}), producer.WithGroupName("RMQBENCH_PEERS"), producer.WithRetry(0))
	if err != nil {
		return nil, err
	}
	return &client{p: p, topic: o.Topic}, p.Start()
}

func (c *client) Sync(body []byte) error {
	_, err := c.p.SendSync(context.Background(), primitive.NewMessage(c.topic, body))
	return err
}

func (c *client) Oneway(body []byte) error {
	return c.p.SendOneWay(context.Background(), primitive.NewMessage(c.topic, body))
}

func (c *client) Async(body []byte, done func(error)) error {
	var once sync.Once // it calls back twice on some failures
	return c.p.SendAsync(context.Background(), func(_ context.Context, _ *primitive.SendResult, err error) {
		once.Do(func() { done(err) })
	}, primitive.NewMessage(c.topic, body))
}

func (c *client) Close() error { return c.p.Shutdown() }
