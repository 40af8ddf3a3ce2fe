package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// maxStairs bounds a share's cases: each has histograms of its own, and the record of all of them goes through logs.
const maxStairs = 60

// climb runs a share of the stairs that all shares of a search agree upon beforehand: see [results.PhaseStair]. Nothing is judged here.
func climb(ctx context.Context, s *scenarios.Scenario, c *scenarios.Case, o CapacityOptions) (*Report, error) {
	rates, err := stairs(c.Load.Stages[0].Rate.PerSecond(), &o)
	if err != nil {
		return nil, err
	}
	h := newHunt(&results.Run{}, c, &o)
	so := searchOptionsOf(c, &o)
	h.record.Ended = results.EndedShare
	var cases []scenarios.Case
	var takes time.Duration
	for round := range o.Rounds {
		for _, rate := range rates {
			t := (&search{searchOptions: so, now: trial{round: round}}).trialAt(stair, rate)
			step := h.caseOf(t, len(cases))
			if round > 0 {
				step.Name += fmt.Sprintf(" (round %d)", round+1)
			}
			cases = append(cases, *step)
			h.record.Steps = append(h.record.Steps, results.CapacityStep{Phase: string(t.phase), Round: round, RatePerSecond: t.rate, PlannedNS: int64(t.length)})
			takes += t.length + settle(t.length) + o.between()
		}
	}
	if takes -= o.between(); takes > o.Budget {
		return nil, scenarios.Faults{{Msg: fmt.Sprintf("%s in %s take %v and the budget is %v: give --budget %v, or fewer --steps or --rounds",
			results.FormatCount(len(rates), "step"), results.FormatCount(o.Rounds, "round"), takes.Round(time.Second), o.Budget, (takes + time.Minute).Truncate(time.Minute))}}
	}
	if o.Tell != nil {
		o.Tell(fmt.Sprintf("%s from %s/s to %s/s of all shares together, %d in all, %v; rmqbench merge of the shares has the answer",
			results.FormatCount(len(rates), "step"), results.FormatRate(rates[0]), results.FormatRate(rates[len(rates)-1]), len(cases), takes.Round(time.Second)))
	}
	r, err := runCases(ctx, s, cases, o.Options)
	if err != nil {
		return nil, err
	}
	for i := range r.Run.Cases {
		h.record.BytesOut += sentBytes(&r.Run.Cases[i])
	}
	r.Run.Capacity = h.record
	return r, nil
}

// stairs are the rates, each as many times the one below it, from the first to the ceiling.
func stairs(from float64, o *CapacityOptions) ([]float64, error) {
	to := o.MaxRate.PerSecond()
	fault := func(format string, args ...any) ([]float64, error) {
		return nil, scenarios.Faults{{Msg: fmt.Sprintf(format, args...)}}
	}
	switch {
	case o.MaxRate.IsZero():
		return fault("--shard: all shares must know the highest step: give --max-rate, the rate of all shares together")
	case o.Steps > 1 && to < from*math.Pow(1+o.Tolerance, float64(o.Steps-1)):
		return fault("%d steps from --start %s/s to --max-rate %s/s would be less than %s apart", o.Steps, results.FormatRate(from), results.FormatRate(to), percent(o.Tolerance))
	case o.Steps*o.Rounds > maxStairs:
		return fault("%s in %s: at most %d in all", results.FormatCount(o.Steps, "step"), results.FormatCount(o.Rounds, "round"), maxStairs)
	}
	rates := make([]float64, o.Steps)
	for i := range rates {
		rates[i] = from * math.Pow(to/from, float64(i)/float64(max(o.Steps-1, 1)))
	}
	rates[len(rates)-1] = to
	return rates, nil
}

// sentBytes is about what a case's frames have, its warm-up's too.
func sentBytes(c *results.Case) int64 {
	if c.Transport == nil || c.Attempted == 0 {
		return 0
	}
	n := float64(c.Attempted)
	if c.Warmup != nil {
		n += float64(c.Warmup.Attempted)
	}
	return int64(float64(c.Transport.BytesOut) * n / float64(c.Attempted))
}
