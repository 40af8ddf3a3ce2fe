package producer

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
)

// What [Sticky] does unless told otherwise.
const (
	stickySends = 100
	stickyFor   = 100 * time.Millisecond
)

// Sticky stays on one queue of a topic for so many sends, 0 meaning 100, or for so long, 0 meaning 100ms, whatever ends
// first; an attempt that fails there ends it too. Then comes the next queue in turn, and after a failure the next of
// another broker. So a broker's messages come in runs that share writes and reads.
func Sticky(sends int, d time.Duration) Selector {
	return &sticky{sends: int64(cmp.Or(sends, stickySends)), d: int64(cmp.Or(d, stickyFor))}
}

type sticky struct {
	sends  int64
	d      int64 // ns
	topics named[stays]
}

// stays are a topic's.
type stays struct {
	turns *turns
	now   atomic.Pointer[stay] // nil before the first
}

func newStays() *stays { return &stays{turns: newTurns()} }

// stay is some sends on one queue.
type stay struct {
	at     int // its place when it was picked
	queue  MessageQueue
	until  int64 // remoting.Nanotime
	left   atomic.Int64
	failed atomic.Bool
}

// in is where its queue is among these, -1 if it isn't: the list is another after a change of route, and shorter for a retry.
func (s *stay) in(queues []MessageQueue) int {
	if s.at < len(queues) && queues[s.at] == s.queue {
		return s.at
	}
	return slices.Index(queues, s.queue)
}

func (s *sticky) Select(queues []MessageQueue, _ *Message, _ any) (int, error) {
	of := s.topics.of(queues[0].Topic, newStays)
	now := remoting.Nanotime()
	for {
		old := of.now.Load()
		if old != nil && !old.failed.Load() && now < old.until {
			if at := old.in(queues); at >= 0 && old.left.Add(-1) >= 0 {
				return at, nil
			}
		}
		fresh := &stay{at: of.after(old, queues), until: now + s.d}
		fresh.queue = queues[fresh.at]
		fresh.left.Store(s.sends - 1)
		if of.now.CompareAndSwap(old, fresh) {
			return fresh.at, nil
		}
	}
}

// after picks the queue that comes after a stay.
func (of *stays) after(old *stay, queues []MessageQueue) int {
	at, ok := of.turns.nextOf(len(queues), func(i int) bool {
		return old == nil || queues[i] != old.queue && !(old.failed.Load() && queues[i].Broker == old.queue.Broker)
	})
	if !ok { // it is the only one
		return of.turns.next(len(queues))
	}
	return at
}

// Began has nothing to note.
func (s *sticky) Began(MessageQueue) {}

// Ended leaves a queue where an attempt failed.
func (s *sticky) Ended(q MessageQueue, _ time.Duration, err error) {
	if err == nil {
		return
	}
	if stay := s.topics.of(q.Topic, newStays).now.Load(); stay != nil && stay.queue == q {
		stay.failed.Store(true)
	}
}
