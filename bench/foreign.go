package bench

import (
	"context"
	"errors"

	"rmqbench/results"
	"rmqbench/scenarios"
)

var errMixedTransactions = errors.New("load.mix: this client can't tell which sends are transactions; give them a case of their own")

// measureForeign drives a case on somebody else's client. Of its target nothing is known but what its sends say.
func (r *runner) measureForeign(ctx context.Context, c *scenarios.Case, index int) (*measurement, error) {
	if c.Load.Way() == scenarios.Mixed && c.Load.Uses(scenarios.Transactional) {
		return nil, errMixedTransactions
	}
	sender, err := r.Sender(c)
	if err != nil {
		return nil, err
	}
	plan, err := newPlan(c)
	if err != nil {
		return nil, err
	}
	if r.share != nil {
		plan.share, plan.of = r.share.Index, r.share.Of
	}
	r.run.Target = results.Target{}
	nameTopics(&r.run.Target, c)
	complete := func(m *measurement) {
		if w := m.warmup; w != nil {
			w.timerP99, w.offset = r.timer, w.start-r.began
		}
		m.timerP99, m.offset = r.timer, m.start-r.began
	}
	look := func(warmup *measurement) watcher {
		stops := newStops(c, &target{local: true}, &r.Options)
		look := watcher{stops: stops, review: reviewOf(c, stops), tick: r.tick(c, index), hurry: r.Hurry}
		if r.share != nil {
			look.gate = r.share.gate(index)
		}
		if r.Checkpoint != nil {
			look.checkpoint = func(m *measurement) {
				m.warmup = warmup
				complete(m)
				r.checkpoint(c, m)
			}
		}
		return look
	}
	m, err := driveWarm(ctx, c, plan, sender, &threadWaiter{}, look)
	if err != nil {
		return nil, err
	}
	complete(m)
	return m, nil
}
