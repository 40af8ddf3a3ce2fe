package bench

import (
	"context"
	"time"

	"rmqbench/scenarios"
)

// Planned is what a case would do in one round.
type Planned struct {
	Case     string
	Embedded bool
	Messages int64         // warm-up and all; of no meaning unless Bounded
	Bounded  bool          // by a rate, a cap or a count; otherwise by what the target answers
	Length   time.Duration // 0: a count ends it
	Body     float64       // bytes of a message's body, on average
	Stored   float64       // bytes of a message in a broker's commit log, about
}

// Preview gives what s would do, and sends nothing: it looks at the targets as [Run] does before it begins, makes no topic, and
// refuses what Run would refuse; with o.Share too, whose plan is that of all shares. o.Tell is told what brokers off loopback would store.
func Preview(ctx context.Context, s *scenarios.Scenario, o Options) ([]Planned, error) {
	cases := s.Cases()
	planned := make([]Planned, len(cases))
	for i := range cases {
		c := &cases[i]
		p, err := newPlan(c)
		if err != nil {
			return nil, err
		}
		planned[i] = Planned{Case: c.Name, Embedded: c.Target.Embedded != nil, Body: p.mould.meanBody(),
			Stored: p.mould.recordBytes(&c.Producer)}
		if planned[i].Messages, planned[i].Bounded, err = messagesOf(c, p); err != nil {
			return nil, err
		}
		if length := p.length(); length < forever {
			planned[i].Length = time.Duration(length)
			if c.Load.AutoWarmup() {
				planned[i].Length += time.Duration(c.Load.Stages[0].For)
			}
		}
	}
	if o.Share != nil {
		if _, err := newShare(o.Share, cases, turnsOf(len(cases), s.Repeat, s.Seed), o.between()); err != nil {
			return nil, err
		}
	}
	o.rounds, o.dry = s.Repeat, true
	_, err := preflight(ctx, cases, o)
	return planned, err
}
