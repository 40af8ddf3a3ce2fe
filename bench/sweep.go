package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// SweepOptions is what a sweep of workers needs beside its scenario.
type SweepOptions struct {
	Options
	Step   time.Duration // each number of workers, after a warm-up; 0 means 5s
	Rounds int           // each of all numbers in an order of its own; 0 means 3
	Most   int           // workers; 0 means 1024
}

const (
	mostOfCap   = 0.95 // a rate over that share of load.cap may be the cap's and not the workers'
	mostErrors  = 0.01 // a rate with more of them isn't the workers' either
	sweepBy     = 2
	mostWorkers = 1024
)

// Sweep runs the one case of s, a closed loop, with 1, 2, 4, … workers, and fits the Universal Scalability Law to what they
// make. The record's Cases are those runs. ctx and errors are as [Run]'s, scenarios.Faults too.
func Sweep(ctx context.Context, s *scenarios.Scenario, o SweepOptions) (*Report, error) {
	c, err := sweepable(s)
	if err != nil {
		return nil, err
	}
	swept := *s
	swept.Repeat = cmp.Or(o.Rounds, 3)
	length := scenarios.Duration(cmp.Or(o.Step, 5*time.Second))
	var cases []scenarios.Case
	for n := 1; n <= cmp.Or(o.Most, mostWorkers); n *= sweepBy {
		one := *c
		one.Name = strings.ReplaceAll(results.FormatCount(n, "worker"), ",", "") // as it always was: comparisons go by it
		one.Load.Workers = scenarios.Workers{N: n}
		one.Load.Count = 0
		one.Load.Stages = []scenarios.Stage{{For: scenarios.Duration(settle(time.Duration(length))), Warmup: true}, {For: length}}
		cases = append(cases, one)
	}
	report, err := runCases(ctx, &swept, cases, o.Options)
	if err != nil {
		return nil, err
	}
	report.Run.Sweep = sweepOf(report.Run.Cases, c.Load.Cap.PerSecond())
	return report, nil
}

// sweepable is the one case of s if it may be swept.
func sweepable(s *scenarios.Scenario) (*scenarios.Case, error) {
	cases := s.Cases()
	c := &cases[0]
	why := ""
	switch {
	case len(cases) > 1:
		why = fmt.Sprintf("looks at one case at a time, and %s has %d", s.Name, len(cases))
	case c.Load.OpenLoop():
		why = "is of a closed loop, as fast as answers come: take the rate out (--max-rate 20k/s caps it)"
	case c.Load.Uses(scenarios.Async):
		why = "changes how many send at once, which in mode async load.in_flight bounds and not the workers; use -m sync"
	case c.Load.Uses(scenarios.Oneway):
		why = "needs answers, which oneway sends have none of; use -m sync"
	case len(c.Events) > 0:
		why = "compares steady states, and events happen at times of their own; take them out"
	case len(c.SLO) > 0:
		why = "looks for how rates grow, not whether objectives hold; take slo out"
	default:
		return c, nil
	}
	return nil, scenarios.Faults{{Msg: "a sweep of workers " + why}}
}

// sweepOf are the points of cases, by workers, with the law fitted to them. limit is the cap, 0 for none.
func sweepOf(cases []results.Case, limit float64) *results.Sweep {
	s := &results.Sweep{Points: []results.SweepPoint{}}
	for i := range cases {
		c := &cases[i]
		if c.MessagesPerSecond == nil || c.Generator.Workers == 0 { // it never began
			continue
		}
		p := results.SweepPoint{Workers: c.Generator.Workers, PerSecond: *c.MessagesPerSecond}
		switch {
		case c.CutShort != "":
			p.Left = "cut short"
		case limit > 0 && p.PerSecond > mostOfCap*limit:
			p.Left = "the cap"
		case c.ErrorShare() > mostErrors:
			p.Left = "errors"
		}
		s.Points = append(s.Points, p)
	}
	slices.SortStableFunc(s.Points, func(a, b results.SweepPoint) int { return cmp.Compare(a.Workers, b.Workers) })
	s.Settle()
	return s
}
