package bench

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"

	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// sample is one send that has ended; times are nanoseconds since the case began.
type sample struct {
	broker string // its queue's, as the sender says; see event
	queue  int32
	offset int64 // in the queue

	index              int64 // of the message
	due, called, done  int64
	began, ended, read int64 // of the write, and when the reply was read; see stamp
	stage              int16
	size               int32 // of the body
	key                int32 // its number; see mould.keyOf
	topic              int8  // its number; see mould.topicOf
	kind               int8  // its number; see mould.kindOf
	free               bool  // see slot
	stamped            bool  // the times in between are known
}

// flushAfter: samples older than this go to their shard with the next one, so that progress is not far behind.
const flushAfter = 200_000_000

// sampleBuffer gathers samples of sends that ended well so that a shard's lock is taken once for many. One goroutine uses it at a time.
type sampleBuffer struct {
	samples [64]sample
	n       int
	shard   int
}

// sharedBuffer is one that many callbacks use, one at a time.
type sharedBuffer struct {
	mu sync.Mutex // protects following
	sampleBuffer
}

// recorder counts and times sends. Samples reach one of a few shards in batches; a shard's histograms are large, so
// there are few of them, and a lock each.
type recorder struct {
	plan   *plan
	apart  bool // the times of sends without an answer are with their kind's only: see plan.mixes
	shards []shard

	start   int64 // remoting.Nanotime of the case's beginning; set before the first send
	anatomy anatomy

	quarter, threeQuarters int64 // of the measured time, in the case's time

	shared []sharedBuffer // of async sends, which end on any goroutine

	mu      sync.Mutex // protects following
	buffers []*sampleBuffer

	spareMu sync.Mutex // protects following
	spare   []*tally   // empty ones for the shards

	collecting sync.Mutex // protects following; before a shard's lock
	total      []tally    // by stage: all that the shards held when an interval was over
	ledger     ledger
	events     []event // kept for look
	interval   *tally  // all stages since the interval began; kept for collect
}

type shard struct {
	mu     sync.Mutex // protects following
	stages []*tally   // nil: nothing of that stage since the interval began
	events []event    // since the last look

	kept []event // the other of two slices, guarded by recorder.collecting
}

// tally is what came of the sends of one stage.
type tally struct {
	counts             results.Counts
	retries, ambiguous int64
	callTime           int64 // sum of done - called over every outcome
	lastDone           int64
	bodyBytes          int64              // of sends acknowledged or written
	response           *results.Histogram // acknowledged or written: due until done
	service            *results.Histogram // called until done
	delay              *results.Histogram // due until called
	late               *results.Histogram // the same of slots that found a worker free: the generator's own
	first, last        *results.Histogram // service of the sends due in the first and the last quarter of the measured time

	sent         sent
	parts        parts
	unsuccessful [outcomes]*results.Histogram // due until done, of each other outcome; nil: none had it

	kinds []tally // of a mix, those of each kind, without late, first, last and parts; nil: there is one kind
}

func newTally(waits bool) tally {
	t := tally{service: results.NewHistogram(), counts: results.Counts{Statuses: map[string]int64{}, Errors: map[string]int64{}}}
	if waits {
		t.response, t.delay, t.late = results.NewHistogram(), results.NewHistogram(), results.NewHistogram()
		t.first, t.last = results.NewHistogram(), results.NewHistogram()
	}
	return t
}

// newKinds is newTally with a tally for each kind, if there are several.
func newKinds(p *plan) tally {
	t := newTally(p.waits())
	if len(p.mould.kinds) == 1 {
		return t
	}
	for range p.mould.kinds {
		k := newTally(p.waits())
		k.late, k.first, k.last = nil, nil, nil
		t.kinds = append(t.kinds, k)
	}
	return t
}

func newRecorder(p *plan) *recorder {
	r := &recorder{plan: p, apart: p.mixes(), shards: make([]shard, 2*runtime.GOMAXPROCS(0))}
	for i := range r.shards {
		r.shards[i].stages = make([]*tally, len(p.stages))
	}
	for range p.stages {
		r.total = append(r.total, newKinds(p))
	}
	for range r.shards { // so that no measured time pays for them
		r.spare = append(r.spare, new(newKinds(p)))
	}
	r.interval = new(newTally(p.waits()))
	r.ledger.plan, r.ledger.apart, r.ledger.delayed = p, r.apart, newDelayBook(p.mould.delay)
	r.ledger.outages.topics, r.ledger.outages.proxy = p.mould.topics, p.proxy
	from := p.measuredFrom()
	r.quarter, r.threeQuarters = from+(p.length()-from)/4, from+(p.length()-from)/4*3
	r.shared = make([]sharedBuffer, 2*len(r.shards))
	for i := range r.shared {
		r.shared[i].shard = i % len(r.shards)
	}
	return r
}

// buffer makes a buffer that the recorder will find again at the end.
func (r *recorder) buffer() *sampleBuffer {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := &sampleBuffer{shard: len(r.buffers) % len(r.shards)}
	r.buffers = append(r.buffers, b)
	return b
}

// record files a send by its outcome; b is the calling goroutine's.
func (r *recorder) record(b *sampleBuffer, s sample, res *producer.SendResult, err error) {
	r.attempts(&s, max(res.Attempts-1, 0), res.Ambiguous)
	o, cause := classify(res, err, r.oneway(&s))
	s.broker, s.queue, s.offset = res.Broker, res.QueueID, res.QueueOffset
	if roll := r.plan.roll; roll != nil {
		roll.note(s.index, o, res.Ambiguous > 0)
	}
	switch o {
	case acknowledged, written:
		s.stamp(&res.Stamps, r.start)
		if res.Prepared != 0 && s.stamped && !r.plan.stages[s.stage].warmup && !(r.apart && o == written) {
			r.anatomy.record(&s, res.Prepared-r.start, res.Stamps.Encoded-r.start)
		}
		r.success(b, s)
	case weak:
		r.other(s, o, res.Status.String())
	default:
		if se, ok := errors.AsType[*producer.SendError](err); ok {
			s.broker = se.Broker
		} else if nr, ok := errors.AsType[*producer.NoReplyError](err); ok {
			s.broker = nr.Broker
		}
		r.empty(b) // so that an outage's beginning is seen in order
		r.other(s, o, cause)
	}
}

// recordShared is record where many goroutines share b.
func (r *recorder) recordShared(b *sharedBuffer, s sample, res *producer.SendResult, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.record(&b.sampleBuffer, s, res, err)
}

// success takes a sample in; b is the calling goroutine's.
func (r *recorder) success(b *sampleBuffer, s sample) {
	b.samples[b.n] = s
	b.n++
	if b.n == len(b.samples) || s.done-b.samples[0].done >= flushAfter {
		r.empty(b)
	}
}

// oneway reports whether a send has no answer.
func (r *recorder) oneway(s *sample) bool {
	return r.plan.mould.kinds[s.kind].mode == scenarios.Oneway
}

// empty moves b's samples into its shard.
func (r *recorder) empty(b *sampleBuffer) {
	sh := &r.shards[b.shard]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for i := range b.samples[:b.n] {
		s := &b.samples[i]
		o := acknowledged
		if r.oneway(s) {
			o = written
		}
		sh.events = append(sh.events, s.event(o))
		t := r.tally(sh, s.stage)
		t.sent.add(r.plan, s)
		t.success(s, o)
		if t.kinds != nil {
			k := &t.kinds[s.kind]
			k.success(s, o)
			k.time(s)
		}
		if t.late != nil && s.free {
			t.late.Record(s.called - s.due)
		}
		if r.apart && o == written {
			continue
		}
		t.time(s)
		t.parts.add(s)
		switch {
		case t.first == nil:
		case s.due < r.quarter:
			t.first.Record(s.done - s.called)
		case s.due >= r.threeQuarters:
			t.last.Record(s.done - s.called)
		}
	}
	b.n = 0
}

// success counts a send that was acknowledged or written.
func (t *tally) success(s *sample, o outcome) {
	t.counts.Attempted++
	if o == written {
		t.counts.Written++
	} else {
		t.counts.Acknowledged++
	}
	t.callTime += s.done - s.called
	t.lastDone = max(t.lastDone, s.done)
	t.bodyBytes += int64(s.size)
}

// time takes in how long it took.
func (t *tally) time(s *sample) {
	t.service.Record(s.done - s.called)
	if t.response != nil {
		t.response.Record(s.done - s.due)
		t.delay.Record(s.called - s.due)
	}
}

// tally is a shard's of a stage. Under the shard's mu.
func (r *recorder) tally(sh *shard, stage int16) *tally {
	if sh.stages[stage] == nil {
		sh.stages[stage] = r.emptyTally()
	}
	return sh.stages[stage]
}

// emptyTally is one that was used before, or a new one.
func (r *recorder) emptyTally() *tally {
	r.spareMu.Lock()
	defer r.spareMu.Unlock()
	if n := len(r.spare); n > 0 {
		t := r.spare[n-1]
		r.spare = r.spare[:n-1]
		return t
	}
	return new(newKinds(r.plan))
}

func (s *sample) event(o outcome) event {
	return event{topic: s.topic, broker: s.broker, queue: s.queue, key: s.key, offset: s.offset, stage: s.stage, outcome: o, called: s.called, done: s.done, response: s.done - s.due}
}

// attempts adds what a send's result says about its attempts, if it took more than one.
func (r *recorder) attempts(s *sample, retries, ambiguous int) {
	if retries == 0 && ambiguous == 0 {
		return
	}
	sh := &r.shards[0]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := r.tally(sh, s.stage)
	t.attempts(retries, ambiguous)
	if t.kinds != nil {
		t.kinds[s.kind].attempts(retries, ambiguous)
	}
}

func (t *tally) attempts(retries, ambiguous int) {
	t.retries += int64(retries)
	t.ambiguous += int64(ambiguous)
}

// other takes in a send that was neither acknowledged nor written.
func (r *recorder) other(s sample, o outcome, label string) {
	sh := &r.shards[0]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.events = append(sh.events, s.event(o))
	t := r.tally(sh, s.stage)
	t.sent.add(r.plan, &s)
	t.other(&s, o, label)
	if t.kinds != nil {
		t.kinds[s.kind].other(&s, o, label)
	}
	if s.free && t.late != nil {
		t.late.Record(s.called - s.due)
	}
}

func (t *tally) other(s *sample, o outcome, label string) {
	t.counts.Attempted++
	t.callTime += s.done - s.called
	t.lastDone = max(t.lastDone, s.done)
	if t.unsuccessful[o] == nil {
		t.unsuccessful[o] = results.NewHistogram()
	}
	t.unsuccessful[o].Record(s.done - s.due)
	switch o {
	case weak:
		t.counts.Weak++
		t.counts.Statuses[label]++
		return
	case refused:
		t.counts.Refused++
	case ambiguous:
		t.counts.Ambiguous++
	default:
		t.counts.Failed++
	}
	t.counts.Errors[label]++
}

// progress is what became of the sends so far, all stages, behind by what waits in buffers.
func (r *recorder) progress() (c results.Counts) {
	r.collecting.Lock()
	defer r.collecting.Unlock()
	for i := range r.total {
		c.Add(&r.total[i].counts)
	}
	for i := range r.shards {
		sh := &r.shards[i]
		sh.mu.Lock()
		for _, t := range sh.stages {
			if t != nil {
				c.Add(&t.counts)
			}
		}
		sh.mu.Unlock()
	}
	return c
}

// recent are the times that the ledger's window holds, which goes on with it; empty where nobody watches.
func (r *recorder) recent() *results.Packed {
	r.collecting.Lock()
	defer r.collecting.Unlock()
	if r.ledger.recent == nil {
		return &results.Packed{}
	}
	return r.ledger.recent.turn()
}

// look gives the ledger what has ended since the last time. A shard's lock is held for two assignments.
func (r *recorder) look() {
	r.collecting.Lock()
	defer r.collecting.Unlock()
	r.take(nil)
}

// take gives the ledger the shards' events, and each shard's tallies of the same sends to tallied; nil leaves these where they
// are. A shard's lock is held while things are taken out, not while they are added up. Under collecting.
func (r *recorder) take(tallied func([]*tally)) {
	r.events = r.events[:0]
	for i := range r.shards {
		sh, events := &r.shards[i], r.shards[i].kept
		var stages []*tally
		if tallied != nil {
			stages = make([]*tally, len(r.plan.stages))
		}
		sh.mu.Lock()
		sh.events, events = events[:0], sh.events
		if tallied != nil {
			sh.stages, stages = stages, sh.stages
		}
		sh.mu.Unlock()
		r.events, sh.kept = append(r.events, events...), events
		if tallied != nil {
			tallied(stages)
		}
	}
	r.ledger.take(r.events)
}

// collect ends an interval: what the shards hold goes to the total, and is what it returns, all stages together, until the next
// collect.
func (r *recorder) collect() (*tally, error) {
	r.collecting.Lock()
	defer r.collecting.Unlock()
	r.interval.reset()
	var err error
	r.take(func(stages []*tally) {
		for stage, t := range stages {
			if t == nil {
				continue
			}
			err = errors.Join(err, r.total[stage].merge(t), r.interval.merge(t))
			t.reset()
			r.spareMu.Lock()
			r.spare = append(r.spare, t)
			r.spareMu.Unlock()
		}
	})
	return r.interval, err
}

// snapshot is the total as it is, whose histograms go on to change with the next collect.
func (r *recorder) snapshot() []tally {
	r.collecting.Lock()
	defer r.collecting.Unlock()
	return snapshot(r.total)
}

func snapshot(of []tally) []tally {
	all := slices.Clone(of)
	for i := range all {
		c := &all[i].counts
		c.Statuses, c.Errors = maps.Clone(c.Statuses), maps.Clone(c.Errors)
		if c.Acknowledged > 0 {
			c.Statuses[producer.SendOK.String()] = c.Acknowledged
		}
		all[i].kinds = snapshot(all[i].kinds)
	}
	return all
}

// finish collects what is left: the last interval. No send may be under way any more.
func (r *recorder) finish() (*tally, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.buffers {
		r.empty(b)
	}
	for i := range r.shared {
		b := &r.shared[i]
		b.mu.Lock()
		r.empty(&b.sampleBuffer)
		b.mu.Unlock()
	}
	return r.collect()
}

// reset empties t and keeps its memory, but for the errors' times, which are few.
func (t *tally) reset() {
	clear(t.counts.Statuses)
	clear(t.counts.Errors)
	counts := results.Counts{Statuses: t.counts.Statuses, Errors: t.counts.Errors}
	for _, h := range t.histograms() {
		if h != nil {
			h.Reset()
		}
	}
	*t = tally{counts: counts, response: t.response, service: t.service, delay: t.delay, late: t.late, first: t.first, last: t.last, kinds: t.kinds}
	for i := range t.kinds {
		t.kinds[i].reset()
	}
}

// histograms are those that every tally of its kind has; nil where nothing waits, as on a closed loop.
func (t *tally) histograms() [6]*results.Histogram {
	return [...]*results.Histogram{t.service, t.response, t.delay, t.late, t.first, t.last}
}

// merge adds all of from, losing nothing that t has room for: a t without kinds is of all of them together.
func (t *tally) merge(from *tally) error {
	t.counts.Add(&from.counts)
	t.retries += from.retries
	t.ambiguous += from.ambiguous
	t.callTime += from.callTime
	t.bodyBytes += from.bodyBytes
	t.parts.merge(&from.parts)
	t.sent.merge(from.sent)
	t.lastDone = max(t.lastDone, from.lastDone)
	parts := from.histograms()
	for i, h := range t.histograms() {
		if h == nil {
			continue
		}
		if err := h.Merge(parts[i]); err != nil {
			return err
		}
	}
	for o, h := range from.unsuccessful {
		if h == nil {
			continue
		}
		if t.unsuccessful[o] == nil {
			t.unsuccessful[o] = results.NewHistogram()
		}
		if err := t.unsuccessful[o].Merge(h); err != nil {
			return err
		}
	}
	for i := range t.kinds {
		if err := t.kinds[i].merge(&from.kinds[i]); err != nil {
			return err
		}
	}
	return nil
}
