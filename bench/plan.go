package bench

import (
	"math"
	"slices"
	"time"

	"rmqbench/scenarios"
)

// plan is a case made ready to run: which sends fall due when, by whom, with what. It does not change while it runs.
type plan struct {
	mode     scenarios.Mode // of all messages, or Mixed
	open     bool           // sends fall due at known times; otherwise as replies come
	stages   []stagePlan
	workers  int
	auto     bool           // workers grow as slots find none free
	inFlight int            // async: sends without an answer at one time
	ordered  bool           // of each key one send is under way at a time
	count    int64          // measured sends at the most; 0: no limit
	batch    int            // messages of a send; 1 unless they are sent in batches
	backlog  int            // slots that may wait for a worker before more are dropped; 0: none is dropped
	cap      scenarios.Rate // closed loop: sends at the most; zero: no limit
	poisson  bool           // sends fall due at random, at the stages' rates
	gaps     draws          // of a Poisson schedule
	mould    *mould
	roll     *roll // nil: nobody asks what became of each message

	share, of     int   // which slots of the schedule are sent: those i with i mod of = share; of below 2: all
	inFlightBytes int64 // async: of their bodies; 0: no limit

	offsets bool  // an answer says where in its queue the message is
	change  int64 // when the topic's queues change first, in the case's time; 0: they don't
	placed  bool  // which queue a message goes to follows from the message
	proxy   bool  // all goes through one, and no broker is spoken of
	pulse   int64 // ns of the bins in which sends are counted by broker, if something happens to one; 0: nothing does
}

// stagePlan is a stretch of time; times are nanoseconds since the case began.
type stagePlan struct {
	from, to int64
	curve    *curve // open loop
	warmup   bool
}

// rate is how many of a stage's sends fall due a second, on average; of a share, its own.
func (p *plan) rate(s *stagePlan) float64 {
	return s.curve.perSecond(s.to-s.from) / float64(max(p.of, 1))
}

// Workers of an open loop whose number is left to us.
const (
	autoWorkers    = 64
	maxAutoWorkers = 4096
)

// forever stands for a stage that only a count ends.
const forever = int64(math.MaxInt64 / 4)

// newPlan makes a case ready; an error is the scenario's fault.
func newPlan(c *scenarios.Case) (*plan, error) {
	mould, err := newMould(c)
	if err != nil {
		return nil, err
	}
	p := &plan{mould: mould, batch: mould.batchOf(&c.Load), mode: c.Load.Way(), open: c.Load.OpenLoop(), workers: c.Load.Workers.N, auto: c.Load.Workers.Auto, inFlight: c.Load.InFlight, count: c.Load.Count,
		ordered: c.Load.Ordered, inFlightBytes: int64(c.Load.InFlightBytes), backlog: c.Load.Backlog, cap: c.Load.Cap, poisson: c.Load.Arrivals == scenarios.Poisson, gaps: drawsOf(c.Seed, drawGap)}
	p.placed = byHash(c.Producer.Selector)
	if p.auto {
		p.workers = autoWorkers
	}
	p.offsets = p.mode == scenarios.Sync || p.mode == scenarios.Async
	defer func() { p.expect(c.Events) }()
	at := int64(0)
	left := p.count
	for _, s := range c.Load.Stages {
		if s.Auto { // a drive of its own: see newWarmup
			continue
		}
		for _, st := range stagesOf(s, at, p.open) {
			if p.open && p.count > 0 && !s.Warmup && !p.poisson { // chance decides when a Poisson schedule comes to the count
				if n := st.curve.dueBefore(st.to - st.from); n < left {
					left -= n
				} else {
					st.to = min(st.to, st.from+st.curve.due(left))
					p.stages = append(p.stages, st)
					return p, nil
				}
			}
			p.stages = append(p.stages, st)
			at = st.to
		}
	}
	return p, nil
}

// expect prepares for what will happen to the target.
func (p *plan) expect(events []scenarios.Event) {
	const shortest, most = int64(50_000_000), 4_096 // of the bins: their length, and their number in a run of an hour
	for _, e := range events {
		p.pulse = max(shortest, min(p.length(), int64(time.Hour))/most)
		if at := p.measuredFrom() + int64(e.At); e.Topic != nil && (p.change == 0 || at < p.change) {
			p.change = max(at, 1)
		}
	}
}

// stagesOf are the stretches that a scenario's stage is made of: a staircase's steps, or itself.
func stagesOf(s scenarios.Stage, from int64, open bool) []stagePlan {
	d := int64(s.For)
	if d == 0 {
		d = forever - from
	}
	if s.Steps > 0 {
		steps := make([]stagePlan, s.Steps)
		for i := range steps {
			at, end := d*int64(i)/int64(s.Steps), d*int64(i+1)/int64(s.Steps)
			steps[i] = stagePlan{from: from + at, to: from + end, curve: step(s.Rate, s.To, i, s.Steps), warmup: s.Warmup}
		}
		return steps
	}
	st := stagePlan{from: from, to: from + d, warmup: s.Warmup}
	switch {
	case !open:
	case s.To.IsZero():
		st.curve = flat(s.Rate)
	case s.Burst > 0:
		st.curve = bursts(s.Rate, s.To, int64(s.Burst), int64(s.Every))
	case s.Sine > 0:
		st.curve = sine(s.Rate, s.To, int64(s.Sine))
	default:
		st.curve = ramp(s.Rate, s.To, d)
	}
	return []stagePlan{st}
}

// mostInFlight is how many async sends may be without an answer, by both bounds.
func (p *plan) mostInFlight() int {
	if p.inFlightBytes == 0 {
		return p.inFlight
	}
	return min(max(int(float64(p.inFlightBytes)/p.mould.meanBody()), 1), p.inFlight)
}

// mixes reports whether sends with an answer and sends without one go together: their times are kept apart.
func (p *plan) mixes() bool {
	return p.mode == scenarios.Mixed && slices.ContainsFunc(p.mould.kinds, func(k kind) bool { return k.mode == scenarios.Oneway })
}

// waits reports whether a send can be due before it is called: when its turn comes late, or its key is taken.
func (p *plan) waits() bool { return p.open || p.ordered }

// length is when the last stage ends.
func (p *plan) length() int64 { return p.stages[len(p.stages)-1].to }

// stageAt is the stage that runs at a time; -1 after the last one.
func (p *plan) stageAt(at int64) int {
	for i := range p.stages {
		if at < p.stages[i].to {
			return i
		}
	}
	return -1
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
