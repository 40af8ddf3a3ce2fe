// Command ours puts the harness's load on rmqbench's producer.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"sync"

	"rmqbench/peers/harness"
	"rmqbench/producer"
)

func main() {
	if path := os.Getenv("CPUPROFILE"); path != "" {
		f, err := os.Create(path)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "CPUPROFILE:", err)
			os.Exit(2)
		}
		defer pprof.StopCPUProfile()
	}
	harness.Main("rmqbench", open)
}

type client struct {
	p     *producer.Producer
	topic string
	pool  sync.Pool // *async
}

func open(o harness.Options) (harness.Client, error) {
	p := producer.New(producer.Options{NameServers: []string{o.NameServer}, Group: "RMQBENCH_PEERS", CompressOver: -1, Retries: -1, AsyncRetries: -1, NoAutoCreate: true})
	if err := p.Start(); err != nil {
		return nil, err
	}
	if _, err := p.Prepare(context.Background(), o.Topic); err != nil {
		return nil, err
	}
	return &client{p: p, topic: o.Topic}, nil
}

func (c *client) Sync(body []byte) error {
	m := producer.Message{Topic: c.topic, Body: body}
	_, err := c.p.Send(context.Background(), &m)
	return err
}

func (c *client) Oneway(body []byte) error {
	m := producer.Message{Topic: c.topic, Body: body}
	_, err := c.p.SendOneway(context.Background(), &m)
	return err
}

func (c *client) Async(body []byte, done func(error)) error {
	m := &producer.Message{Topic: c.topic, Body: body}
	return c.p.SendAsync(context.Background(), m, func(_ producer.SendResult, err error) { done(err) })
}

func (c *client) Close() error { return c.p.Shutdown() }
