package bench

import (
	"time"

	"rmqbench/results"
)

// Progress is a case under way, for whoever watches.
type Progress struct {
	Case      string
	Index, Of int           // of the run's cases, from 0; Of is 0 where nobody knows
	Elapsed   time.Duration // of the case, warm-up included
	Total     time.Duration // 0: only a count ends it
	WarmingUp bool          // this is a warm-up that ends by itself, after Total at the latest; the case's time begins anew after it

	Ended     int64            // sends that have ended
	Failed    int64            // of those, neither acknowledged nor written
	Causes    []results.Caused // of the failed, the most frequent first
	PerSecond float64          // sends that ended well, over the last second
	DueAt     *float64         // sends that fall due a second now; nil: a closed loop

	InFlight, Waiting int64 // sends called and not ended, about; sends that fell due and wait for a worker
	Workers           int64

	// Of the sends acknowledged or written in the last [Recent], due until done. Zero where there were none.
	Recently      int64
	P50, P99, Max time.Duration
}

const (
	recentSlots = 20
	// Recent is how long the times of a Progress reach back.
	Recent = recentSlots * watchEvery
)

// window keeps the times of the last slots of sends. One goroutine uses it at a time.
type window struct {
	slots [recentSlots]*results.Packed
	at    int
}

// record takes a time into the slot under way.
func (w *window) record(ns int64) {
	if w.slots[w.at] == nil {
		w.slots[w.at] = &results.Packed{}
	}
	w.slots[w.at].Record(ns)
}

// turn gives the times of all slots together, and forgets the oldest.
func (w *window) turn() *results.Packed {
	all := &results.Packed{}
	for _, s := range w.slots {
		if s != nil {
			all.Merge(s)
		}
	}
	w.at = (w.at + 1) % recentSlots
	w.slots[w.at] = nil
	return all
}

// progressNow is how far the case is; PerSecond is left to who knows the one before.
func (l *load) progressNow(now int64, counts *results.Counts, recent *results.Packed) Progress {
	p := Progress{Elapsed: time.Duration(now), Ended: counts.Attempted, Failed: counts.Attempted - counts.Successes(), Workers: l.spawned.Load(), Causes: counts.ByCause(),
		Recently: recent.Count(), P50: time.Duration(recent.Quantile(0.5)), P99: time.Duration(recent.Quantile(0.99)), Max: time.Duration(recent.Quantile(1))}
	if end := l.plan.length(); end < forever {
		p.Total = time.Duration(end)
	}
	batch := int64(l.plan.batch)
	switch {
	case l.free != nil:
		p.InFlight = int64(cap(l.free) - len(l.free))
		p.Waiting = int64(len(l.slots)) * batch
	case l.plan.open: // idle is what would be free if nothing waited
		taken := p.Workers - l.idle.Load()
		p.InFlight = min(max(taken, 0), p.Workers) * batch
		p.Waiting = max(taken-p.Workers, 0) * batch
	default:
		p.InFlight = p.Workers * batch
	}
	if l.plan.open {
		p.DueAt = l.plan.rateAt(now)
	}
	return p
}

// rateAt is how many sends fall due a second at a time of an open loop, over the second before; nil after the last stage.
func (p *plan) rateAt(now int64) *float64 {
	i := p.stageAt(now)
	if i < 0 {
		return nil
	}
	s := &p.stages[i]
	from := max(now-int64(time.Second), s.from)
	if now <= from {
		return nil
	}
	return results.PerSecond((s.curve.dueBefore(now-s.from)-s.curve.dueBefore(from-s.from))/int64(max(p.of, 1)), now-from)
}

// teller makes a case's progress out of what the recorder knows, for whoever watches.
type teller struct {
	tick   func(Progress)
	before []reading // of the last second and a bit, oldest first
}

// reading is how many sends had ended well at a time.
type reading struct{ at, well int64 }

// smooth is over how long a rate is told: samples wait a little with those who made them.
const smooth = int64(time.Second)

// tell tells what is known now.
func (t *teller) tell(l *load, now int64, counts *results.Counts) {
	p := l.progressNow(now, counts, l.recorder.recent())
	for len(t.before) > 1 && now-t.before[1].at >= smooth {
		t.before = t.before[1:]
	}
	since := reading{}
	if len(t.before) > 0 {
		since = t.before[0]
	}
	if each := results.PerSecond(counts.Successes()-since.well, now-since.at); each != nil {
		p.PerSecond = *each
	}
	t.before = append(t.before, reading{now, counts.Successes()})
	t.tick(p)
}
