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
	pool  sync.Pool // *message
}

// message is a send's message and callback, used again: what a caller allocates is not the producer's cost.
type message struct {
	producer.Message
	client   *client
	done     func(error)
	callback func(producer.SendResult, error) // called, bound once
}

func (m *message) called(_ producer.SendResult, err error) {
	done := m.done
	m.client.pool.Put(m)
	done(err)
}

func (c *client) message(body []byte) *message {
	m, ok := c.pool.Get().(*message)
	if !ok {
		m = &message{client: c}
		m.Topic, m.callback = c.topic, m.called
	}
	m.Body = body
	return m
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
	m := c.message(body)
	_, err := c.p.Send(context.Background(), &m.Message)
	c.pool.Put(m)
	return err
}

func (c *client) Oneway(body []byte) error {
	m := c.message(body)
	_, err := c.p.SendOneway(context.Background(), &m.Message)
	c.pool.Put(m)
	return err
}

func (c *client) Async(body []byte, done func(error)) error {
	m := c.message(body)
	m.done = done
	return c.p.SendAsync(context.Background(), &m.Message, m.callback)
}

func (c *client) Close() error { return c.p.Shutdown() }
