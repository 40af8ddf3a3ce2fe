package producer

import (
	"math"
	"sync/atomic"
	"time"
)

// loads counts the attempts under way to each broker: its queues share one store, so it is the broker that gets busy.
type loads struct{ brokers named[atomic.Int64] }

func (l *loads) of(broker string) *atomic.Int64 { return l.brokers.of(broker, newCount) }

func newCount() *atomic.Int64 { return &atomic.Int64{} }

func (l *loads) Began(q MessageQueue)                           { l.of(q.Broker).Add(1) }
func (l *loads) Ended(q MessageQueue, _ time.Duration, _ error) { l.of(q.Broker).Add(-1) }

// LeastInFlight picks a queue of the broker that has the fewest sends of this selector under way; among equals, and
// among that broker's queues, the lot decides. It looks at every queue.
func LeastInFlight() Selector {
	l := &leastInFlight{}
	l.dice.shuffle()
	return l
}

// LeastInFlightSeeded is [LeastInFlight] whose lot falls by seed, as [RandomSeeded]'s: the same sends under way, the same pick.
func LeastInFlightSeeded(seed uint64) Selector {
	l := &leastInFlight{}
	l.dice.seed(seed)
	return l
}

type leastInFlight struct {
	loads
	dice dice
}

func (l *leastInFlight) Select(queues []MessageQueue, _ *Message, _ any) (int, error) {
	least, equals := int64(math.MaxInt64), 0 // queues of brokers with the least so far
	first, end := 0, 0                       // those of the one picked
	for i := 0; i < len(queues); {
		run := i // of one broker's queues: in canonical order that is all of them
		for i++; i < len(queues) && queues[i].Broker == queues[run].Broker; i++ {
		}
		load := l.of(queues[run].Broker).Load()
		if load > least {
			continue
		}
		if load < least {
			least, equals = load, 0
		}
		if equals += i - run; l.dice.below(equals) < i-run {
			first, end = run, i
		}
	}
	return first + l.dice.below(end-first), nil
}

// PowerOfTwo draws two queues, of different brokers where there are, and picks the one whose broker has fewer sends of
// this selector under way. It costs the same for any number of queues, and doesn't send all who ask at one time the same
// way.
func PowerOfTwo() Selector {
	p := &powerOfTwo{}
	p.dice.shuffle()
	return p
}

// PowerOfTwoSeeded is [PowerOfTwo] whose draws are made by seed, as [RandomSeeded]'s: the same sends under way, the same pick.
func PowerOfTwoSeeded(seed uint64) Selector {
	p := &powerOfTwo{}
	p.dice.seed(seed)
	return p
}

type powerOfTwo struct {
	loads
	dice dice
}

func (p *powerOfTwo) Select(queues []MessageQueue, _ *Message, _ any) (int, error) {
	one := p.dice.below(len(queues))
	for range 8 { // of two brokers with as many queues, 1 in 256 sends doesn't see the other
		other := p.dice.below(len(queues))
		if queues[other].Broker == queues[one].Broker {
			continue
		}
		if p.of(queues[other].Broker).Load() < p.of(queues[one].Broker).Load() {
			return other, nil
		}
		break
	}
	return one, nil
}
