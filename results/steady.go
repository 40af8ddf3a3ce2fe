package results

import (
	"fmt"
	"strings"
	"time"
)

// A steady state is kept by a target that answers as fast as sends fall due.
const (
	SteadyQuarters = 4    // of a trial, each a stage of its own
	steadyDrift    = 0.01 // the wait may grow by that much of the time that passes: the backlog then grows by 1 % of the rate
	steadyDrain    = 0.02 // of a trial's time may go by, and the longest latency demanded, until the last send is answered
	steadyAttempts = 0.98 // of the offered must have been attempted
)

// Weigh says what a judged case at a constant rate, in [SteadyQuarters] stages of one length, shows of the target: [StepHeld], [StepBroke]
// or [StepLimited], and why if it isn't held. What holds while the generator falls short holds all the more; what breaks then says
// nothing of the target. An error is a case whose numbers contradict one another.
func Weigh(c *Case) (found, why string, err error) {
	for _, e := range c.Evidence {
		if strings.HasPrefix(e.Code, "conservation.") {
			return StepBroke, "", fmt.Errorf("the step's numbers contradict one another: %s", e.Text)
		}
	}
	why = missed(c)
	if why == "" {
		why = unsteady(c)
	}
	if why == "" {
		return StepHeld, "", nil
	}
	for _, e := range c.Evidence {
		if e.Verdict == GeneratorLimited {
			return StepLimited, e.Text, nil
		}
	}
	return StepBroke, why, nil
}

// missed names the first objective that doesn't hold; "" if all do.
func missed(c *Case) string {
	for i := range c.SLO {
		if o := &c.SLO[i]; o.Met == nil || !*o.Met {
			return o.Words()
		}
	}
	return ""
}

// unsteady says why a case was in no steady state; "" if it was.
func unsteady(c *Case) string {
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
		return "the backlog took " + FormatDuration(drain) + " to answer"
	}
	first, last := c.Stages[0].Response, c.Stages[len(c.Stages)-1].Response
	if first == nil || last == nil || len(c.Stages) < 2 {
		return ""
	}
	between := planned / int64(len(c.Stages)) * int64(len(c.Stages)-1)
	if grew := last.Mean - first.Mean; float64(grew) > steadyDrift*float64(between) {
		return fmt.Sprintf("the backlog grew: the mean response rose from %s to %s within %v",
			FormatDuration(first.Mean), FormatDuration(last.Mean), time.Duration(between).Round(time.Second))
	}
	return ""
}
