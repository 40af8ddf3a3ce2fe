package bench

import (
	"runtime"
	"sync"

	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// sample is one send that has ended; times are nanoseconds since the case began.
type sample struct {
	due, called, done  int64
	began, ended, read int64 // of the write, and when the reply was read; see stamp
	stage              int16
	free               bool // see slot
	stamped            bool // the times in between are known
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
	oneway bool
	shards []shard

	start   int64 // remoting.Nanotime of the case's beginning; set before the first send
	anatomy anatomy

	quarter, threeQuarters int64 // of the measured time, in the case's time

	shared []sharedBuffer // of async sends, which end on any goroutine

	mu      sync.Mutex // protects following
	buffers []*sampleBuffer
}

type shard struct {
	mu     sync.Mutex // protects following
	stages []tally
}

// tally is what came of the sends of one stage.
type tally struct {
	counts             results.Counts
	retries, ambiguous int64
	callTime           int64 // sum of done - called over every outcome
	lastDone           int64
	response           *results.Histogram // acknowledged or written: due until done
	service            *results.Histogram // called until done
	delay              *results.Histogram // due until called
	late               *results.Histogram // the same of slots that found a worker free: the generator's own
	first, last        *results.Histogram // service of the sends due in the first and the last quarter of the measured time

	parts        parts
	unsuccessful [outcomes]*results.Histogram // due until done, of each other outcome; nil: none had it
}

func newTally(open bool) tally {
	t := tally{service: results.NewHistogram(), counts: results.Counts{Statuses: map[string]int64{}, Errors: map[string]int64{}}}
	if open {
		t.response, t.delay, t.late = results.NewHistogram(), results.NewHistogram(), results.NewHistogram()
		t.first, t.last = results.NewHistogram(), results.NewHistogram()
	}
	return t
}

func newRecorder(p *plan) *recorder {
	r := &recorder{plan: p, oneway: p.mode == scenarios.Oneway, shards: make([]shard, 2*runtime.GOMAXPROCS(0))}
	for i := range r.shards {
		for range p.stages {
			r.shards[i].stages = append(r.shards[i].stages, newTally(p.open))
		}
	}
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
	r.attempts(int(s.stage), max(res.Attempts-1, 0), res.Ambiguous)
	o, cause := classify(res, err, r.oneway)
	switch o {
	case acknowledged, written:
		s.stamp(&res.Stamps, r.start)
		if res.Prepared != 0 && s.stamped && !r.plan.stages[s.stage].warmup {
			r.anatomy.record(&s, res.Prepared-r.start, res.Stamps.Encoded-r.start)
		}
		r.success(b, s)
	case weak:
		r.other(s, o, res.Status.String())
	default:
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

// empty moves b's samples into its shard.
func (r *recorder) empty(b *sampleBuffer) {
	sh := &r.shards[b.shard]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for i := range b.samples[:b.n] {
		s := &b.samples[i]
		t := &sh.stages[s.stage]
		t.counts.Attempted++
		if r.oneway {
			t.counts.Written++
		} else {
			t.counts.Acknowledged++
		}
		t.callTime += s.done - s.called
		t.lastDone = max(t.lastDone, s.done)
		t.service.Record(s.done - s.called)
		t.parts.add(s)
		if t.response != nil {
			t.response.Record(s.done - s.due)
			t.delay.Record(s.called - s.due)
			if s.free {
				t.late.Record(s.called - s.due)
			}
			switch {
			case s.due < r.quarter:
				t.first.Record(s.done - s.called)
			case s.due >= r.threeQuarters:
				t.last.Record(s.done - s.called)
			}
		}
	}
	b.n = 0
}

// attempts adds what a send's result says about its attempts, if it took more than one.
func (r *recorder) attempts(stage int, retries, ambiguous int) {
	if retries == 0 && ambiguous == 0 {
		return
	}
	sh := &r.shards[0]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.stages[stage].retries += int64(retries)
	sh.stages[stage].ambiguous += int64(ambiguous)
}

// other takes in a send that was neither acknowledged nor written.
func (r *recorder) other(s sample, o outcome, label string) {
	sh := &r.shards[0]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := &sh.stages[s.stage]
	t.counts.Attempted++
	t.callTime += s.done - s.called
	t.lastDone = max(t.lastDone, s.done)
	if s.free && t.late != nil {
		t.late.Record(s.called - s.due)
	}
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

// progress is how many sends have ended so far, all stages, and how many of them well; behind by what waits in
// buffers.
func (r *recorder) progress() (ended, well int64) {
	for i := range r.shards {
		sh := &r.shards[i]
		sh.mu.Lock()
		for j := range sh.stages {
			ended += sh.stages[j].counts.Attempted
			well += sh.stages[j].counts.Successes()
		}
		sh.mu.Unlock()
	}
	return ended, well
}

// finish merges everything, stage by stage. No send may be under way any more.
func (r *recorder) finish() ([]tally, error) {
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
	all := r.shards[0].stages
	for i := range r.shards[1:] {
		for j := range all {
			if err := all[j].merge(&r.shards[i+1].stages[j]); err != nil {
				return nil, err
			}
		}
	}
	for j := range all {
		if n := all[j].counts.Acknowledged; n > 0 {
			all[j].counts.Statuses["SEND_OK"] = n
		}
	}
	return all, nil
}

// merge adds all of from, losing nothing.
func (t *tally) merge(from *tally) error {
	c, f := &t.counts, &from.counts
	c.Offered += f.Offered
	c.Attempted += f.Attempted
	c.Acknowledged += f.Acknowledged
	c.Weak += f.Weak
	c.Written += f.Written
	c.Refused += f.Refused
	c.Ambiguous += f.Ambiguous
	c.Failed += f.Failed
	c.Dropped += f.Dropped
	for k, v := range f.Statuses {
		c.Statuses[k] += v
	}
	for k, v := range f.Errors {
		c.Errors[k] += v
	}
	t.retries += from.retries
	t.ambiguous += from.ambiguous
	t.callTime += from.callTime
	t.parts.merge(&from.parts)
	t.lastDone = max(t.lastDone, from.lastDone)
	pairs := [...][2]*results.Histogram{{t.service, from.service}, {t.response, from.response}, {t.delay, from.delay},
		{t.late, from.late}, {t.first, from.first}, {t.last, from.last}}
	for _, p := range pairs {
		if p[0] == nil {
			continue
		}
		if err := p[0].Merge(p[1]); err != nil {
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
	return nil
}
