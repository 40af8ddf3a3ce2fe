package bench

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
)

// numberProperty is by which a message is known again, where its case is verified by bodies: the run's mark and its number.
const numberProperty = "RMQBENCH_N"

// Bounds of reading back.
const (
	readWithin  = time.Minute
	readAtOnce  = 8         // queues
	readMost    = 256       // messages a question; brokers give 32 unless they are set up otherwise
	rollPage    = 4096      // numbers
	rollPages   = 16 << 10  // 64 Mi messages, a byte each
	orderedMost = 1_000_000 // keys times queues whose order is looked at
)

// roll remembers what became of each message of a case.
type roll struct {
	mark string // leads every number

	mu    sync.Mutex // protects following
	pages map[int64]*[rollPage]fate
	left  int64 // messages that there was no room for
}

// fate is a message's outcome + 1, and what else is known of it; 0: nothing.
type fate uint8

const (
	fateOutcome fate = 0x0f
	fateTwice   fate = 0x10 // an attempt before the last may be stored too
	fateRead    fate = 0x20 // it was read back
)

func newRoll(mark string) *roll { return &roll{mark: mark, pages: map[int64]*[rollPage]fate{}} }

// note takes in what became of message i.
func (r *roll) note(i int64, o outcome, twice bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	page := r.pages[i/rollPage]
	if page == nil {
		if len(r.pages) == rollPages {
			r.left++
			return
		}
		page = new([rollPage]fate)
		r.pages[i/rollPage] = page
	}
	f := fate(o + 1)
	if twice {
		f |= fateTwice
	}
	page[i%rollPage] = f
}

// number is what message i is known by.
func (r *roll) number(i int64) string { return r.mark + strconv.FormatInt(i, 36) }

// readBack is a reading of the messages that a case left in its topics' queues.
type readBack struct {
	roll  *roll
	mould *mould
	open  bool // numbers are of one sequence; otherwise of one for each worker, by their upper half

	mu       sync.Mutex // protects following, and the roll's fates
	check    results.BodyCheck
	twoQueue map[topicKey]producer.MessageQueue // where a key was first; nil: not looked at
	scratch  producer.Message
}

// topicKey is a key within a topic: in two topics it is two.
type topicKey struct{ topic, key string }

// readBodies reads the queues from before to after and compares.
func (m *measurement) readBodies(ctx context.Context, admin *producer.Admin, before, after offsets, brokers []results.Broker) (*results.BodyCheck, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	addr := map[string]string{}
	for _, b := range brokers {
		addr[b.Name] = b.Addr
	}
	b := &readBack{roll: m.plan.roll, mould: m.plan.mould, open: m.plan.open}
	queues := sortedQueues(after)
	if k := m.plan.mould.keys; k != nil && len(k.keys)*len(queues) <= orderedMost {
		b.twoQueue = map[topicKey]producer.MessageQueue{}
		b.check.OrderBreaks, b.check.KeysInTwoQueues = new(int64), new(int64)
	}
	var reading sync.WaitGroup
	room := make(chan struct{}, readAtOnce)
	errs := make([]error, len(queues))
	for i, q := range queues {
		room <- struct{}{}
		reading.Go(func() {
			defer func() { <-room }()
			errs[i] = b.queue(ctx, admin, addr[q.Broker], q, before[q], after[q])
		})
	}
	reading.Wait()
	for i, err := range errs {
		if err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("queue %s: %w", queues[i], err)
		}
	}
	b.end()
	return &b.check, nil
}

// queue reads a queue from one offset to another.
func (b *readBack) queue(ctx context.Context, admin *producer.Admin, addr string, q producer.MessageQueue, from, to int64) error {
	last := map[string]int64{} // by key: the number of its last message
	unread := func(n int64) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.check.Unread += n
	}
	for from < to {
		p, err := admin.Pull(ctx, addr, q, from, readMost, 0)
		switch {
		case err != nil:
			unread(to - from)
			return err
		case len(p.Messages) == 0:
			if p.Next <= from { // there is nothing, and no way on
				unread(to - from)
				return nil
			}
			unread(min(p.Next, to) - from)
			from = p.Next
			continue
		}
		b.mu.Lock()
		for _, m := range p.Messages {
			if m.QueueOffset >= from && m.QueueOffset < to {
				b.check.Unread += m.QueueOffset - from
				from = m.QueueOffset + 1
				b.take(q, m, last)
			}
		}
		b.mu.Unlock()
		from = max(from, p.Next)
	}
	return nil
}

// take compares a message with what was sent. Under mu.
func (b *readBack) take(q producer.MessageQueue, m *producer.Received, last map[string]int64) {
	b.check.Read++
	number, _ := m.Properties.Get(numberProperty)
	digits, ours := strings.CutPrefix(number, b.roll.mark)
	i, err := strconv.ParseInt(digits, 36, 64)
	if !ours || err != nil {
		b.check.Foreign++
		return
	}
	page := b.roll.pages[i/rollPage]
	if page == nil || page[i%rollPage] == 0 {
		if b.roll.left == 0 {
			b.check.Unexplained++
		}
		return
	}
	f := &page[i%rollPage]
	b.mould.fill(&b.scratch, i)
	if !bytes.Equal(b.scratch.Body, m.Body) {
		b.check.Corrupt++
	}
	if *f&fateRead != 0 {
		b.check.Duplicates++
		if *f&fateTwice == 0 {
			b.check.Unexplained++
		}
		return
	}
	*f |= fateRead
	switch o := outcome(*f&fateOutcome) - 1; o {
	case acknowledged:
		b.check.Acknowledged++
	case weak, written, ambiguous:
		b.check.Unacknowledged++
	default:
		b.check.Unacknowledged++
		if *f&fateTwice == 0 {
			b.check.Unexplained++
		}
	}
	if b.twoQueue != nil {
		b.order(q, i, last)
	}
}

// order holds message i to the one before it with the same key. Under mu.
func (b *readBack) order(q producer.MessageQueue, i int64, last map[string]int64) {
	key := b.scratch.Keys[0]
	before, there := last[key]
	if there && i < before && (b.open || i>>32 == before>>32) {
		*b.check.OrderBreaks++
	}
	last[key] = i
	at := topicKey{q.Topic, key}
	first, there := b.twoQueue[at]
	switch {
	case !there:
		b.twoQueue[at] = q
	case first != q && first.Broker != "":
		*b.check.KeysInTwoQueues++
		b.twoQueue[at] = producer.MessageQueue{} // counted
	}
}

// end counts what was acknowledged and not found.
func (b *readBack) end() {
	b.check.Unread += b.roll.left
	for _, page := range b.roll.pages {
		for _, f := range page {
			if f&fateRead == 0 && f&fateOutcome == fate(acknowledged+1) {
				b.check.Missing++
			}
		}
	}
}
