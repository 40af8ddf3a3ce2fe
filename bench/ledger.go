package bench

import (
	"cmp"
	"slices"

	"rmqbench/producer"
	"rmqbench/results"
)

// ledger keeps what is known of sends beyond their stage: by queue and broker, in batches of time, and outages. It is fed
// at the interval, off the path of the sends. One goroutine uses it at a time.
type ledger struct {
	plan    *plan
	apart   bool            // of sends without an answer no times are taken: there are others; see plan.mixes
	books   []*brokerBook   // in the order in which they were met
	byTopic [][]*brokerBook // the same by the topic's number
	outages outages
	failed  map[string]int64  // measured sends to each broker that were refused, or ended ambiguous or failed
	recent  *window           // nil: nobody watches
	batches []*results.Packed // due until done of the measured sends, by when they ended
	batch   int64             // ns of each
	keys    keyBook
	delayed delayBook
	pulse   pulse

	intervals int // of the series that have ended
}

// brokerBook is a broker's queues of a topic by their number; nil: none has been sent to.
type brokerBook struct {
	topic  string
	name   string
	number int32             // from 0, in the order in which they were met
	queues []*results.Packed // due until done of the acknowledged or written

	service, delay []int64 // of the same sends, ns: called until done and due until called, summed

	acknowledged []int64 // of the same queues, warm-up included
	before       []int64 // the same, measured and called before the topic changed

	since     []int64   // of the same queues: acknowledged or written in the interval under way
	intervals [][]int64 // since, of the intervals that have ended; short where no queue was known yet
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
		if e.outcome == acknowledged || e.outcome == written || e.outcome == weak {
			l.delayed.note(e.done)
		}
		l.pulse.take(l.plan, e)
		if e.failing() && e.broker != "" && !l.plan.stages[e.stage].warmup {
			l.fail(e.broker)
		}
		if e.outcome != acknowledged && e.outcome != written {
			continue
		}
		if l.recent != nil && !(l.apart && e.outcome == written) {
			l.recent.record(e.response)
		}
		b := l.book(int(e.topic), e.broker, e.queue)
		if b != nil {
			b.since[e.queue]++
			if e.outcome == acknowledged {
				b.acknowledged[e.queue]++
				l.keys.take(l.plan, keyPlace{b.number, e.queue}, e)
			}
		}
		if l.plan.stages[e.stage].warmup || l.apart && e.outcome == written {
			continue
		}
		if b != nil {
			b.queue(e.queue).Record(e.response)
			service := e.done - e.called
			b.service[e.queue] += service
			b.delay[e.queue] += e.response - service
			if e.called < l.plan.change {
				b.before[e.queue]++
			}
		}
		l.batchAt(max(e.done-from, 0)).Record(e.response)
	}
}

// fail counts a send that a broker's trouble ended.
func (l *ledger) fail(broker string) {
	if l.failed == nil {
		l.failed = map[string]int64{}
	}
	l.failed[broker]++
}

// book finds the book of a queue's broker, with room for the queue; nil: no sender of ours could have sent to it.
func (l *ledger) book(topic int, broker string, id int32) *brokerBook {
	if broker == "" || topic < 0 || id < 0 || id >= mostQueues {
		return nil
	}
	if l.byTopic == nil {
		l.byTopic = make([][]*brokerBook, len(l.plan.mould.topics))
	}
	books := &l.byTopic[topic]
	i := slices.IndexFunc(*books, func(b *brokerBook) bool { return b.name == broker })
	if i < 0 {
		i = len(*books)
		b := &brokerBook{topic: l.plan.mould.topics[topic], name: broker, number: int32(len(l.books))}
		l.books, *books = append(l.books, b), append(*books, b)
	}
	b := (*books)[i]
	for int(id) >= len(b.queues) {
		b.queues, b.acknowledged, b.before, b.since = append(b.queues, nil), append(b.acknowledged, 0), append(b.before, 0), append(b.since, 0)
		b.service, b.delay = append(b.service, 0), append(b.delay, 0)
	}
	return b
}

// endInterval ends an interval of the series.
func (l *ledger) endInterval() {
	for _, b := range l.books {
		for len(b.intervals) < l.intervals {
			b.intervals = append(b.intervals, nil)
		}
		b.intervals = append(b.intervals, slices.Clone(b.since[:min(len(b.since), results.MostQueues)]))
		clear(b.since)
	}
	l.intervals++
}

// interval is what each queue of listed took in the n-th interval; nil where there are more than MostQueues.
func interval(listed []queuePlace, n int) []int64 {
	if len(listed) > results.MostQueues {
		return nil
	}
	var counts []int64
	for _, q := range listed {
		count := int64(0)
		if n < len(q.book.intervals) && q.id < len(q.book.intervals[n]) {
			count = q.book.intervals[n][q.id]
		}
		counts = append(counts, count)
	}
	return counts
}

// queuePlace is a queue as the record names it: by broker and number, and through a proxy by its number among all of its topic's.
type queuePlace struct {
	broker string
	number int32
	book   *brokerBook
	id     int // in the book
	times  *results.Packed
}

// listed are all queues, in the order of their topics' and brokers' names.
func (l *ledger) listed() (all []queuePlace) {
	next := map[string]int32{}
	for _, b := range l.byName() {
		for id, q := range b.queues {
			if q == nil {
				continue
			}
			as := queuePlace{b.name, int32(id), b, id, q}
			if l.plan.proxy {
				as.broker, as.number = "", next[b.topic]
				next[b.topic]++
			}
			all = append(all, as)
		}
	}
	return all
}

// byName are the books in the order of their topics' and brokers' names; books itself stays as it is, since a key's queue is known by
// its place there.
func (l *ledger) byName() []*brokerBook {
	return slices.SortedFunc(slices.Values(l.books), func(a, b *brokerBook) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.name, b.name))
	})
}

// topicIn is what the record says of a book's topic: nothing where there is but one.
func (l *ledger) topicIn(b *brokerBook) string {
	if len(l.byTopic) < 2 {
		return ""
	}
	return b.topic
}

// queue is what is known of a queue; there is room for it.
func (b *brokerBook) queue(id int32) *results.Packed {
	if b.queues[id] == nil {
		b.queues[id] = &results.Packed{}
	}
	return b.queues[id]
}

// acknowledged are the acknowledged sends of the whole case by queue.
func (l *ledger) acknowledged() offsets {
	at := offsets{}
	for _, b := range l.books {
		for id, n := range b.acknowledged {
			if n > 0 {
				at[producer.MessageQueue{Topic: b.topic, Broker: b.name, ID: int32(id)}] = n
			}
		}
	}
	return at
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

// times are the queues' by topic, broker and number, through a proxy by topic and number; those of known that nothing was sent to count
// too. Nothing of senders that don't say where a message went.
func (l *ledger) times(known []producer.MessageQueue) (all []results.QueueTimes) {
	if len(l.books) == 0 {
		return nil
	}
	for _, q := range known {
		if b := l.book(slices.Index(l.plan.mould.topics, q.Topic), q.Broker, q.ID); b != nil {
			b.queue(q.ID)
		}
	}
	for _, q := range l.listed() {
		all = append(all, results.QueueTimes{Topic: l.topicIn(q.book), Broker: q.broker, Queue: q.number, Times: q.times,
			ServiceNS: q.book.service[q.id], DelayNS: q.book.delay[q.id]})
	}
	return all
}

// shares puts the queues, the topics if there are several, and the brokers, of which there are none through a proxy, into the record,
// and how unevenly the queues were used.
func (l *ledger) shares(known []producer.MessageQueue, out *results.Case) {
	out.SetQueues(l.times(known))
	if l.plan.change == 0 {
		return
	}
	for i, q := range l.listed() { // in the same order
		if slices.Contains(known, producer.MessageQueue{Topic: q.book.topic, Broker: q.book.name, ID: int32(q.id)}) {
			out.Queues[i].BeforeChange = new(q.book.before[q.id])
		}
	}
}
