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
	plan, err := r.planOf(c)
	if err != nil {
		return nil, err
	}
	r.run.Target = results.Target{}
	nameTopics(&r.run.Target, c)
	m, err := driveWarm(ctx, c, plan, sender, &threadWaiter{}, func(warmup *measurement) watcher {
		return r.watch(c, index, &target{local: true}, warmup, r.place)
	})
	if err != nil {
		return nil, err
	}
	r.place(m)
	return m, nil
}
