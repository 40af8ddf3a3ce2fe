package bench

import (
	"fmt"
	"strings"
	"time"

	"rmqbench/results"
)

// A steady state is kept by a target that answers as fast as sends fall due.
const (
	steadyQuarters = 4    // of a trial, each a stage of its own
	steadyDrift    = 0.01 // the wait may grow by that much of the time that passes: the backlog then grows by 1 % of the rate
	steadyDrain    = 0.02 // of a trial's time may go by, and the longest latency demanded, until the last send is answered
	steadyAttempts = 0.98 // of the offered must have been attempted
)

// weigh says what a judged case at a constant rate, in stages of one length, shows of the target, and why if it isn't
// held. What holds while the generator falls short holds all the more; what breaks then says nothing of the target.
func weigh(c *results.Case) (f finding, why string, err error) {
	for _, e := range c.Evidence {
		if strings.HasPrefix(e.Code, "conservation.") {
			return broke, "", fmt.Errorf("the step's numbers contradict one another: %s", e.Text)
		}
	}
	why = missed(c)
	if why == "" {
		why = unsteady(c)
	}
	if why == "" {
		return held, "", nil
	}
	for _, e := range c.Evidence {
		if e.Verdict == results.GeneratorLimited {
			return limited, e.Text, nil
		}
	}
	return broke, why, nil
}

// missed names the first objective that doesn't hold; "" if all do.
func missed(c *results.Case) string {
	for i := range c.SLO {
		if o := &c.SLO[i]; o.Met == nil || !*o.Met {
			return o.Words()
		}
	}
	return ""
}

// unsteady says why a case was in no steady state; "" if it was.
func unsteady(c *results.Case) string {
	if c.Successes() == 0 {
		return "nothing succeeded"
	}
	if float64(c.Attempted) < steadyAttempts*float64(c.Offered) {
		return fmt.Sprintf("only %d of %d sends that fell due were made", c.Attempted, c.Offered)
	}
	var planned, demanded int64
	for i := range c.Stages {
		planned += *c.Stages[i].PlannedNS
	}
	for _, o := range c.SLO {
		if o.Unit == "ns" {
			demanded = max(demanded, int64(o.Limit))
		}
	}
	if drain := c.ElapsedNS - planned; float64(drain) > steadyDrain*float64(planned)+float64(demanded) {
		return "the backlog took " + results.FormatDuration(drain) + " to answer"
	}
	first, last := c.Stages[0].Response, c.Stages[len(c.Stages)-1].Response
	if first == nil || last == nil || len(c.Stages) < 2 {
		return ""
	}
	between := planned / int64(len(c.Stages)) * int64(len(c.Stages)-1)
	if grew := last.Mean - first.Mean; float64(grew) > steadyDrift*float64(between) {
		return fmt.Sprintf("the backlog grew: the mean response rose from %s to %s within %v",
			results.FormatDuration(first.Mean), results.FormatDuration(last.Mean), time.Duration(between).Round(time.Second))
	}
	return ""
}
