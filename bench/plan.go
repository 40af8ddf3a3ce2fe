package bench

import (
	"math"
	"math/bits"

	"rmqbench/scenarios"
)

// plan is a case made ready to run: which sends fall due when, by whom, with what. It does not change while it runs.
type plan struct {
	mode     scenarios.Mode
	open     bool // sends fall due at known times; otherwise as replies come
	stages   []stagePlan
	workers  int
	auto     bool  // workers grow as slots find none free
	inFlight int   // async: sends without an answer at one time
	count    int64 // measured sends at the most; 0: no limit
	topic    string
	bodies   [][]byte
}

// stagePlan is a stretch of time; times are nanoseconds since the case began.
type stagePlan struct {
	from, to int64
	rate     scenarios.Rate
	first    int64 // index of its first slot; open loop
	slots    int64 // how many fall due in it
	warmup   bool
}

// Workers of an open loop whose number is left to us.
const (
	autoWorkers    = 64
	maxAutoWorkers = 4096
)

// forever stands for a stage that only a count ends.
const forever = int64(math.MaxInt64 / 4)

func newPlan(c *scenarios.Case) *plan {
	p := &plan{mode: c.Load.Mode, open: c.Load.OpenLoop(), workers: c.Load.Workers.N, auto: c.Load.Workers.Auto, inFlight: c.Load.InFlight, count: c.Load.Count,
		topic: c.Topic.Name, bodies: makeBodies(c.Seed, int(c.Message.Size), c.Message.Compressible)}
	if p.auto {
		p.workers = autoWorkers
	}
	at, slot := int64(0), int64(0)
	for _, s := range c.Load.Stages {
		st := stagePlan{from: at, rate: s.Rate, first: slot, warmup: s.Warmup}
		d := int64(s.For)
		if d == 0 {
			d = forever - at
		}
		if p.open {
			st.slots = slotsIn(d, s.Rate)
			if left := p.countLeft(); !s.Warmup && p.count > 0 && st.slots >= left {
				st.slots = left
				d = min(d, dueAfter(left, s.Rate))
			}
		}
		at += d
		slot += st.slots
		st.to = at
		p.stages = append(p.stages, st)
		if p.open && p.count > 0 && p.countLeft() == 0 {
			break
		}
	}
	return p
}

// countLeft is what the stages so far leave of the count.
func (p *plan) countLeft() int64 {
	left := p.count
	for i := range p.stages {
		if !p.stages[i].warmup {
			left -= p.stages[i].slots
		}
	}
	return left
}

// length is when the last stage ends.
func (p *plan) length() int64 { return p.stages[len(p.stages)-1].to }

// slots is how many sends fall due in all.
func (p *plan) slots() int64 {
	last := &p.stages[len(p.stages)-1]
	return last.first + last.slots
}

// slot says when send i falls due and in which stage: a pure function of i, so that a stall can't move it.
func (p *plan) slot(i int64) (due int64, stage int) {
	for stage = range p.stages {
		s := &p.stages[stage]
		if i < s.first+s.slots {
			return s.from + dueAfter(i-s.first, s.rate), stage
		}
	}
	panic("bench: a slot after the last one")
}

// stageAt is the stage that runs at a time; -1 after the last one.
func (p *plan) stageAt(at int64) int {
	for i := range p.stages {
		if at < p.stages[i].to {
			return i
		}
	}
	return -1
}

// dueBy is how many slots have fallen due at a time.
func (p *plan) dueBy(at int64) int64 {
	var n int64
	for i := range p.stages {
		if s := &p.stages[i]; at >= s.from {
			n += min(slotsIn(at-s.from+1, s.rate), s.slots)
		}
	}
	return n
}

// dueAfter is k / rate in nanoseconds, exact to the nanosecond for any k (128-bit arithmetic); at most forever.
func dueAfter(k int64, r scenarios.Rate) int64 {
	hi, lo := bits.Mul64(uint64(k), uint64(r.Per))
	if hi >= uint64(r.Count) {
		return forever
	}
	q, _ := bits.Div64(hi, lo, uint64(r.Count))
	return int64(min(q, uint64(forever)))
}

// slotsIn is how many slots k = 0, 1, … fall due before d has passed.
func slotsIn(d int64, r scenarios.Rate) int64 {
	hi, lo := bits.Mul64(uint64(d), uint64(r.Count))
	lo, carry := bits.Add64(lo, uint64(r.Per)-1, 0)
	hi += carry
	if hi >= uint64(r.Per) {
		return forever
	}
	q, _ := bits.Div64(hi, lo, uint64(r.Per))
	return int64(min(q, uint64(forever)))
}

// firstMeasured is the number of the first measured slot.
func (p *plan) firstMeasured() int64 {
	for i := range p.stages {
		if !p.stages[i].warmup {
			return p.stages[i].first
		}
	}
	return 0
}

// measuredFrom is when the first measured stage begins.
func (p *plan) measuredFrom() int64 {
	for i := range p.stages {
		if !p.stages[i].warmup {
			return p.stages[i].from
		}
	}
	return 0
}
