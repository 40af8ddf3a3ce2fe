package bench

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"rmqbench/broker"
	"rmqbench/remoting"
	"rmqbench/results"
)

// remembered is how many ids of a topic's messages are kept for finding duplicates: 100 MB at most.
const remembered = 1 << 19

// Witness makes a run's record of what arrives at the embedded broker, so that a producer of any kind can be judged. Its Arrived is for
// [broker.Options].
type Witness struct {
	began     time.Time
	beganNano int64

	mu     sync.Mutex
	topics map[string]*testimony // guarded by mu
}

// testimony is what is known of a topic.
type testimony struct {
	first, last  int64 // remoting.Nanotime
	n            int64
	bodies       int64
	each         int64 // body's bytes; -1 where they differ
	stored       int64
	duplicates   int64
	gaps         *results.Histogram
	queues       map[place]int64
	older, newer map[string]struct{} // ids; when newer is full it becomes older
}

type place struct {
	broker string
	queue  int32
}

// NewWitness is one that has seen nothing.
func NewWitness() *Witness {
	return &Witness{began: time.Now(), beganNano: remoting.Nanotime(), topics: map[string]*testimony{}}
}

// Arrived takes note of a message.
func (w *Witness) Arrived(a broker.Arrival) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.topics[a.Topic]
	if t == nil {
		t = &testimony{first: a.At, last: a.At, each: int64(a.BodyBytes), gaps: results.NewHistogram(), queues: map[place]int64{}, newer: map[string]struct{}{}}
		w.topics[a.Topic] = t
	}
	if t.n > 0 {
		t.gaps.Record(a.At - t.last) // of several brokers one may come out of turn, by less than a lock takes
	}
	t.n++
	t.last = max(t.last, a.At)
	t.bodies += int64(a.BodyBytes)
	t.stored += int64(a.Stored)
	if t.each != int64(a.BodyBytes) {
		t.each = -1
	}
	t.queues[place{a.Broker, a.Queue}]++
	if len(a.Unique) == 0 {
		return
	}
	_, before := t.older[string(a.Unique)]
	if _, lately := t.newer[string(a.Unique)]; before || lately {
		t.duplicates++
		return
	}
	if len(t.newer) == remembered {
		t.older, t.newer = t.newer, make(map[string]struct{}, remembered)
	}
	t.newer[string(a.Unique)] = struct{}{}
}

// Record is the judged run of what arrived until now: a case for each topic, by name.
func (w *Witness) Record(tool Tool, cluster *broker.Cluster, name string) *Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	run := &results.Run{Name: name, StartedAt: w.began, EndedAt: time.Now(), Environment: environment(tool)}
	run.Target = results.Target{Embedded: true, Namesrv: []string{cluster.NameServer()}, Cluster: cluster.Name()}
	for _, b := range cluster.Brokers() {
		run.Target.Brokers = append(run.Target.Brokers, results.Broker{Name: b.Name(), Addr: b.Addr()})
	}
	report := &Report{Run: run}
	for _, topic := range slices.Sorted(maps.Keys(w.topics)) {
		t := w.topics[topic]
		run.Cases = append(run.Cases, t.record(topic, w.beganNano))
		report.Histograms = append(report.Histograms, results.TaggedHistogram{Case: topic, Metric: "gaps", Start: w.began.Add(time.Duration(t.first - w.beganNano)),
			Length: time.Duration(t.last - t.first), Histogram: t.gaps})
	}
	run.Environment.GOMAXPROCS = runtime.GOMAXPROCS(0)
	results.Judge(run)
	return report
}

// record is a topic's case.
func (t *testimony) record(topic string, began int64) results.Case {
	c := results.Case{Name: topic, Mode: results.ModeArrived}
	c.Offered, c.Attempted, c.Acknowledged = t.n, t.n, t.n
	c.StartOffsetNS, c.ElapsedNS = t.first-began, t.last-t.first
	c.MessagesPerSecond = results.PerSecond(t.n-1, c.ElapsedNS) // gaps, not posts
	c.BodyBytes, c.BodyBytesPerSecond = new(t.bodies), results.PerSecond(t.bodies, c.ElapsedNS)
	if t.each >= 0 {
		c.BodyBytesEach = new(t.each)
	}
	c.Arrivals = &results.Arrivals{Gaps: results.Summarize(t.gaps), StoredBytes: t.stored, Duplicates: t.duplicates, Remembered: remembered}
	brokers := map[string]int64{}
	for _, p := range slices.SortedFunc(maps.Keys(t.queues), func(a, b place) int {
		if a.broker != b.broker {
			return map[bool]int{true: -1, false: 1}[a.broker < b.broker]
		}
		return int(a.queue) - int(b.queue)
	}) {
		c.Queues = append(c.Queues, results.Share{Broker: p.broker, Queue: new(p.queue), Acknowledged: t.queues[p]})
		brokers[p.broker] += t.queues[p]
	}
	for _, name := range slices.Sorted(maps.Keys(brokers)) {
		c.Brokers = append(c.Brokers, results.Share{Broker: name, Acknowledged: brokers[name]})
	}
	c.Skew = results.SkewOfQueues(c.Queues)
	return c
}
