package bench

import (
	"context"
	"errors"
	"slices"
	"time"

	"rmqbench/remoting"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// A warm-up that ends by itself is a drive of its own before the one that is measured. When the measured sends fall due, and which
// they are, then doesn't depend on how long it took: the schedule is the scenario's whatever the machine.

// warmWithin is how far two windows may be apart and still agree, as a share of the larger.
const warmWithin = 0.05

// errWarm ends a warm-up whose windows agree.
var errWarm = errors.New("the warm-up is over")

// warmWindow is what an interval of a warm-up saw.
type warmWindow struct {
	perSecond float64 // sends that ended well
	median    int64   // of their service time, ns
}

// warm reports whether two adjacent windows say the same of the target. Without a success a window says nothing.
func warm(a, b warmWindow) bool {
	near := func(x, y float64) bool { return max(x, y)-min(x, y) <= warmWithin*max(x, y) }
	return a.perSecond > 0 && b.perSecond > 0 && near(a.perSecond, b.perSecond) && near(float64(a.median), float64(b.median))
}

// windowOf is an interval as a window; false: it is too short to be one.
func windowOf(p *results.Point, t *tally) (warmWindow, bool) {
	if p.LengthNS < int64(firstInterval)/2 || p.MessagesPerSecond == nil {
		return warmWindow{}, false
	}
	return warmWindow{*p.MessagesPerSecond, t.service.Quantile(0.5)}, true
}

// newWarmup is the plan of a warm-up that ends by itself; nil: the case has none.
func newWarmup(c *scenarios.Case) (*plan, error) {
	if !c.Load.AutoWarmup() {
		return nil, nil
	}
	like := *c
	like.Events, like.Load.Count = nil, 0
	like.Load.Stages = []scenarios.Stage{c.Load.Stages[0]}
	like.Load.Stages[0].Auto = false
	return newPlan(&like)
}

// warmUp drives c's warm-up if it is one that ends by itself; nil: it has none. Who looks on sees it as a case of its own, without
// events and without a review.
func warmUp(ctx context.Context, c *scenarios.Case, proxy bool, sender Sender, wait waiter, look watcher) (*measurement, error) {
	p, err := newWarmup(c)
	if p == nil || err != nil {
		return nil, err
	}
	p.proxy = proxy
	look.gate, look.began, look.review, look.interval, look.untilWarm = nil, nil, nil, nil, true
	if look.stops != nil {
		look.stops.slo = false
	}
	if tick := look.tick; tick != nil {
		look.tick = func(p Progress) {
			p.WarmingUp = true
			tick(p)
		}
	}
	return drive(ctx, p, sender, wait, look)
}

// cutShort reports whether the case ends with this.
func (m *measurement) cutShort() bool { return m.interrupted || m.stopped != nil }

// unbegun is the measurement of a case that ended in its warm-up.
func unbegun(p *plan, warmup *measurement) *measurement {
	r := newRecorder(p)
	return &measurement{plan: p, tallies: r.snapshot(), offered: make([]int64, len(p.stages)), ofKinds: p.byKind(), anatomy: &r.anatomy, ledger: &r.ledger,
		began: time.Now(), start: remoting.Nanotime(), workers: warmup.workers, process: warmup.process, inFlightIntegral: new(int64(0)),
		interrupted: warmup.interrupted, stopped: warmup.stopped}
}

// driveWarm drives a case, its warm-up first. look is asked for anew for each of the two; it is given the warm-up that went before.
func driveWarm(ctx context.Context, c *scenarios.Case, p *plan, sender Sender, wait waiter, look func(warmup *measurement) watcher) (*measurement, error) {
	warmup, err := warmUp(ctx, c, p.proxy, sender, wait, look(nil))
	if err != nil {
		return nil, err
	}
	if warmup != nil && warmup.cutShort() {
		m := unbegun(p, warmup)
		m.warmup = warmup
		return m, nil
	}
	m, err := drive(ctx, p, sender, wait, look(warmup))
	if err != nil {
		return nil, err
	}
	m.warmup = warmup
	return m, nil
}

// addWarmup puts the warm-up that ended by itself into the record of the case that it went before, and into warm what came of it.
func (m *measurement) addWarmup(out *results.Case, warm *tally) error {
	w := m.warmup
	if w == nil {
		return nil
	}
	w.fellDue()
	t, s := &w.tallies[0], &w.plan.stages[0]
	if err := warm.merge(t); err != nil {
		return err
	}
	of, err := w.stage(warm, 0, t.lastDone)
	if err != nil {
		return err
	}
	out.Warmup = &of
	out.Warmup.PlannedNS = new(s.to)
	if w.plan.open {
		out.Warmup.RatePerSecond = new(w.plan.rate(s))
	}
	if !w.cutShort() {
		out.WarmupEnd = &results.WarmupEnd{Agreed: w.warm, AfterNS: w.lasted, WindowNS: int64(firstInterval)}
	}
	return nil
}

// know makes room for the queues that the other ledger knows, so that both list the same.
func (l *ledger) know(other *ledger) {
	for _, b := range other.books {
		for id, q := range b.queues {
			if q == nil {
				continue
			}
			if own := l.book(slices.Index(l.plan.mould.topics, b.topic), b.name, int32(id)); own != nil {
				own.queue(int32(id))
			}
		}
	}
}
