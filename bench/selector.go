package bench

import (
	"fmt"
	"sync"

	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/scenarios"
)

// drawing are the selectors that draw, by a seed.
var drawing = map[string]func(seed uint64) producer.Selector{"random": producer.RandomSeeded, "least_in_flight": producer.LeastInFlightSeeded, "power_of_two": producer.PowerOfTwoSeeded}

// lotOf is what the selectors of a case draw by: the scenario's seed, and apart from it for each round and each share of a run. Rounds that
// all drew alike would take one draw for many.
func lotOf(c *scenarios.Case, round, share int) uint64 {
	return drawsOf(c.Seed, drawQueue).at(int64(round)<<32 + int64(share))
}

// choose sets how o's producer chooses queues, those that draw by lot, and brokers.
func choose(of *scenarios.Case, o *producer.Options, lot uint64) (err error) {
	c := &of.Producer
	if o.Selector, err = producer.SelectorNamed(c.Selector, c.Rooms...); err != nil {
		return fmt.Errorf("producer.selector: %w", err)
	}
	if seeded := drawing[c.Selector]; seeded != nil {
		o.Selector = seeded(lot)
	}
	if of.Message.Keys == nil && byHash(c.Selector) {
		o.Selector = &numbered{Selector: o.Selector}
	}
	if c.AvoidSlow != "" {
		if o.Avoid, err = producer.AvoidanceNamed(c.AvoidSlow); err != nil {
			return fmt.Errorf("producer.avoid_slow: %w", err)
		}
	}
	return nil
}

// byHash reports whether a selector's choice follows from the message alone.
func byHash(selector string) bool { return selector == "hash" || selector == "consistent_hash" }

// numbered gives a selector that hashes the message's number to hash, for messages without keys of their own: each is
// the only one of its key, and whoever sends it picks alike.
type numbered struct {
	producer.Selector
	args sync.Pool // of *number: boxing a number would allocate
}

type number int64

// HashCode is that of Java's Long.
func (n *number) HashCode() int32 { return message.JavaHashLong(int64(*n)) }

func (s *numbered) Select(queues []producer.MessageQueue, m *producer.Message, _ any) (int, error) {
	n, ok := s.args.Get().(*number)
	if !ok {
		n = new(number)
	}
	*n = number(m.Number)
	at, err := s.Selector.Select(queues, m, n)
	s.args.Put(n)
	return at, err
}
