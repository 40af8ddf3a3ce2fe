package results

import (
	"strings"
	"testing"
	"time"
)

// TestWeigh looks at a step of 10 s at 1k/s in four quarters, which is held but for what each line changes.
func TestWeigh(t *testing.T) {
	const second = int64(time.Second)
	step := func() *Case {
		c := &Case{OpenLoop: true, SLO: []Objective{{Text: "p99<10ms", Unit: "ns", Limit: 1e7, Met: new(true)}}}
		c.Offered, c.Attempted, c.Acknowledged, c.ElapsedNS = 10_000, 10_000, 10_000, 10*second+3e6
		for range SteadyQuarters {
			c.Stages = append(c.Stages, Stage{PlannedNS: new(10 * second / SteadyQuarters), Measured: Measured{Response: &Latency{Mean: 2e6}}})
		}
		return c
	}
	short := Evidence{Code: "cpu", Verdict: GeneratorLimited, Text: "the CPU was full"}
	for name, tt := range map[string]struct {
		change func(*Case)
		want   string
		why    string
	}{
		"held":                             {func(*Case) {}, StepHeld, ""},
		"an objective missed":              {func(c *Case) { c.SLO[0].Met = new(false) }, StepBroke, "p99<10ms MISSED"},
		"an objective not told":            {func(c *Case) { c.SLO[0].Met, c.SLO[0].Needs = nil, 10_000 }, StepBroke, "needs 10,000 sends"},
		"nothing succeeded":                {func(c *Case) { c.Acknowledged, c.SLO = 0, nil }, StepBroke, "nothing succeeded"},
		"sends never made":                 {func(c *Case) { c.Attempted = 9700 }, StepBroke, "only 9700 of 10000"},
		"a backlog at the end":             {func(c *Case) { c.ElapsedNS += second / 4 }, StepBroke, "the backlog took 253 ms"},
		"a drain within reason":            {func(c *Case) { c.ElapsedNS += second / 5 }, StepHeld, ""},
		"a wait that grows":                {func(c *Case) { c.Stages[3].Response.Mean = 2e6 + 8e7 }, StepBroke, "rose from 2.00 ms to 82.0 ms within 8s"},
		"a wait that falls":                {func(c *Case) { c.Stages[0].Response.Mean = 1e9 }, StepHeld, ""},
		"held in spite of the generator":   {func(c *Case) { c.Evidence = append(c.Evidence, short) }, StepHeld, ""},
		"missed, perhaps by the generator": {func(c *Case) { c.SLO[0].Met, c.Evidence = new(false), append(c.Evidence, short) }, StepLimited, "the CPU was full"},
	} {
		c := step()
		tt.change(c)
		f, why, err := Weigh(c)
		if err != nil || f != tt.want || !strings.Contains(why, tt.why) || (why == "") != (tt.why == "") {
			t.Errorf("%s: %s, %q, %v; want %s, %q", name, f, why, err, tt.want, tt.why)
		}
	}
	c := step()
	c.Evidence = append(c.Evidence, Evidence{Code: "conservation.offered", Verdict: Invalid, Text: "1 ≠ 2"})
	if _, _, err := Weigh(c); err == nil || !strings.Contains(err.Error(), "1 ≠ 2") {
		t.Errorf("a broken sum: %v", err)
	}
}
