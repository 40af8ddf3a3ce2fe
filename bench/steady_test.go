package bench

import (
	"strings"
	"testing"
	"time"

	"rmqbench/results"
)

// TestWeigh looks at a step of 10 s at 1k/s in four quarters, which is held but for what each line changes.
func TestWeigh(t *testing.T) {
	const second = int64(time.Second)
	step := func() *results.Case {
		c := &results.Case{OpenLoop: true, SLO: []results.Objective{{Text: "p99<10ms", Unit: "ns", Limit: 1e7, Met: new(true)}}}
		c.Offered, c.Attempted, c.Acknowledged, c.ElapsedNS = 10_000, 10_000, 10_000, 10*second+3e6
		for range steadyQuarters {
			c.Stages = append(c.Stages, results.Stage{PlannedNS: new(10 * second / steadyQuarters), Measured: results.Measured{Response: &results.Latency{Mean: 2e6}}})
		}
		return c
	}
	short := results.Evidence{Code: "cpu", Verdict: results.GeneratorLimited, Text: "the CPU was full"}
	for name, tt := range map[string]struct {
		change func(*results.Case)
		want   finding
		why    string
	}{
		"held":                             {func(*results.Case) {}, held, ""},
		"an objective missed":              {func(c *results.Case) { c.SLO[0].Met = new(false) }, broke, "p99<10ms MISSED"},
		"an objective not told":            {func(c *results.Case) { c.SLO[0].Met, c.SLO[0].Needs = nil, 10_000 }, broke, "needs 10,000 sends"},
		"nothing succeeded":                {func(c *results.Case) { c.Acknowledged, c.SLO = 0, nil }, broke, "nothing succeeded"},
		"sends never made":                 {func(c *results.Case) { c.Attempted = 9700 }, broke, "only 9700 of 10000"},
		"a backlog at the end":             {func(c *results.Case) { c.ElapsedNS += second / 4 }, broke, "the backlog took 253 ms"},
		"a drain within reason":            {func(c *results.Case) { c.ElapsedNS += second / 5 }, held, ""},
		"a wait that grows":                {func(c *results.Case) { c.Stages[3].Response.Mean = 2e6 + 8e7 }, broke, "rose from 2.00 ms to 82.0 ms within 8s"},
		"a wait that falls":                {func(c *results.Case) { c.Stages[0].Response.Mean = 1e9 }, held, ""},
		"held in spite of the generator":   {func(c *results.Case) { c.Evidence = append(c.Evidence, short) }, held, ""},
		"missed, perhaps by the generator": {func(c *results.Case) { c.SLO[0].Met, c.Evidence = new(false), append(c.Evidence, short) }, limited, "the CPU was full"},
	} {
		c := step()
		tt.change(c)
		f, why, err := weigh(c)
		if err != nil || f != tt.want || !strings.Contains(why, tt.why) || (why == "") != (tt.why == "") {
			t.Errorf("%s: %s, %q, %v; want %s, %q", name, findings[f], why, err, findings[tt.want], tt.why)
		}
	}
	c := step()
	c.Evidence = append(c.Evidence, results.Evidence{Code: "conservation.offered", Verdict: results.Invalid, Text: "1 ≠ 2"})
	if _, _, err := weigh(c); err == nil || !strings.Contains(err.Error(), "1 ≠ 2") {
		t.Errorf("a broken sum: %v", err)
	}
}
