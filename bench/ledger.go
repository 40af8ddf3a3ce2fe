package bench

import (
	"cmp"
	"slices"

	"rmqbench/remoting/message"
	"rmqbench/results"
)

// ledger keeps what is known of sends beyond their stage: by queue and broker, in batches of time, and outages. It is fed
// at the interval, off the path of the sends. One goroutine uses it at a time.
type ledger struct {
	plan    *plan
	brokers []*brokerBook
	outages outages
	batches []*results.Packed // due until done of the measured sends, by when they ended
	batch   int64             // ns of each
}

// brokerBook is a broker's queues by their number; nil: none has been sent to.
type brokerBook struct {
	name   string
	queues []*results.Packed // due until done of the acknowledged or written
}

const (
	firstBatch  = 250_000_000 // ns
	mostBatches = 40          // then neighbours are put together, and a batch is twice as long
	mostQueues  = 1 << 16     // a broker's; a queue beyond is a foreign sender's mistake
)

// take takes in what has ended since the last time.
func (l *ledger) take(events []event) {
	l.outages.take(events)
	from := l.plan.measuredFrom()
	for i := range events {
		e := &events[i]
		if e.outcome != acknowledged && e.outcome != written || l.plan.stages[e.stage].warmup {
			continue
		}
		if q := l.queue(e.broker, e.queue); q != nil {
			q.Record(e.response)
		}
		l.batchAt(max(e.done-from, 0)).Record(e.response)
	}
}

// queue finds a queue's book; nil: no sender of ours could have sent to it.
func (l *ledger) queue(broker string, id int32) *results.Packed {
	if broker == "" || id < 0 || id >= mostQueues {
		return nil
	}
	i := slices.IndexFunc(l.brokers, func(b *brokerBook) bool { return b.name == broker })
	if i < 0 {
		i = len(l.brokers)
		l.brokers = append(l.brokers, &brokerBook{name: broker})
	}
	b := l.brokers[i]
	for int(id) >= len(b.queues) {
		b.queues = append(b.queues, nil)
	}
	if b.queues[id] == nil {
		b.queues[id] = &results.Packed{}
	}
	return b.queues[id]
}

// batchAt is the batch of a measured time.
func (l *ledger) batchAt(at int64) *results.Packed {
	l.batch = cmp.Or(l.batch, firstBatch)
	for at/l.batch >= mostBatches {
		for i := range l.batches {
			if i%2 == 1 {
				l.batches[i-1].Merge(l.batches[i])
			}
		}
		halves := l.batches[:0]
		for i := 0; i < len(l.batches); i += 2 {
			halves = append(halves, l.batches[i])
		}
		clear(l.batches[len(halves):])
		l.batches, l.batch = halves, 2*l.batch
	}
	for int64(len(l.batches)) <= at/l.batch {
		l.batches = append(l.batches, &results.Packed{})
	}
	return l.batches[at/l.batch]
}

// wholeBatches leaves out the last one, which may be cut short.
func (l *ledger) wholeBatches() []*results.Packed { return l.batches[:max(len(l.batches)-1, 0)] }

// shares are the queues and the brokers by name and number, and how unevenly the queues were used; those of known that
// nothing was sent to count too. Nothing of senders that don't say where a message went.
func (l *ledger) shares(known []message.Queue) (queues, brokers []results.Share, skew *results.Skew) {
	if len(l.brokers) == 0 {
		return nil, nil, nil
	}
	for _, q := range known {
		l.queue(q.Broker, int32(q.ID))
	}
	slices.SortFunc(l.brokers, func(a, b *brokerBook) int { return cmp.Compare(a.name, b.name) })
	var counts []int64
	for _, b := range l.brokers {
		whole := &results.Packed{}
		for id, q := range b.queues {
			if q == nil {
				continue
			}
			whole.Merge(q)
			counts = append(counts, q.Count())
			queues = append(queues, results.Share{Broker: b.name, Queue: new(int32(id)), Acknowledged: q.Count(), P99NS: q.P99()})
		}
		brokers = append(brokers, results.Share{Broker: b.name, Acknowledged: whole.Count(), P99NS: whole.P99()})
	}
	return queues, brokers, results.SkewOf(counts)
}
