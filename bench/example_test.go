package bench_test

import (
	"context"
	"fmt"
	"time"

	"rmqbench/bench"
	"rmqbench/producer"
	"rmqbench/scenarios"
)

// slow is somebody's client: each send takes a millisecond.
type slow struct{}

func (slow) Send(ctx context.Context, _ *producer.Message, _ ...producer.SendOption) (producer.SendResult, error) {
	select {
	case <-time.After(time.Millisecond):
		return producer.SendResult{Attempts: 1}, nil
	case <-ctx.Done():
		return producer.SendResult{Attempts: 1}, context.Cause(ctx)
	}
}

func (s slow) SendOneway(ctx context.Context, m *producer.Message, opts ...producer.SendOption) (producer.SendResult, error) {
	return s.Send(ctx, m, opts...)
}

func (s slow) SendAsync(ctx context.Context, m *producer.Message, callback func(producer.SendResult, error), opts ...producer.SendOption) error {
	go func() { callback(s.Send(ctx, m, opts...)) }()
	return nil
}

// Any client can be driven by a scenario's load.
func ExampleSender() {
	s, err := scenarios.FromFlags(scenarios.Override{Path: "load.rate", Value: "1k/s"}, scenarios.Override{Path: "load.duration", Value: "100ms"})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := bench.Run(context.Background(), s, bench.Options{Sender: func(*scenarios.Case) (bench.Sender, error) { return slow{}, nil }})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := &report.Run.Cases[0]
	fmt.Println(c.Offered, c.Acknowledged, c.Service.Min >= int64(time.Millisecond))
	// Output: 100 100 true
}

// A load from a Go program: the record is what run.json holds.
func ExampleRun() {
	s, err := scenarios.Parse("orders.yaml", []byte(`
version: 1
name: orders
load: {workers: 4, count: 1000}
message: {size: 1KiB}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := bench.Run(context.Background(), s, bench.Options{}) // no target: the embedded broker
	if err != nil {
		fmt.Println(err)
		return
	}
	c := report.Run.Cases[0]
	fmt.Println(c.Offered, c.Acknowledged, c.Response.Count)
	// Output: 1000 1000 1000
}
