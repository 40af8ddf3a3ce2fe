package bench

import (
	"context"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// measureForeign drives a case on somebody else's client. Of its target nothing is known but what its sends say.
func (r *runner) measureForeign(ctx context.Context, c *scenarios.Case, index int) (*measurement, error) {
	sender, err := r.Sender(c)
	if err != nil {
		return nil, err
	}
	plan, err := newPlan(c)
	if err != nil {
		return nil, err
	}
	r.run.Target = results.Target{Topic: c.Topic.Name}
	complete := func(m *measurement) { m.timerP99, m.offset = r.timer, m.start-r.began }
	stops := newStops(c, &target{local: true}, &r.Options)
	look := watcher{stops: stops, review: reviewOf(c, stops), tick: r.tick(c, index), hurry: r.Hurry}
	if r.Checkpoint != nil {
		look.checkpoint = func(m *measurement) {
			complete(m)
			r.checkpoint(c, m)
		}
	}
	m, err := drive(ctx, plan, sender, &threadWaiter{}, look)
	if err != nil {
		return nil, err
	}
	complete(m)
	return m, nil
}
