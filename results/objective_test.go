package results

import (
	"slices"
	"strings"
	"testing"
)

func TestJudgeObjectives(t *testing.T) {
	times := &Latency{Count: 20_000, Mean: 2e6, P50: new(int64(1e6)), P90: new(int64(3e6)), P99: new(int64(9e6)), Max: 4e7}
	base := Case{Mode: "sync", Measured: Measured{Counts: Counts{Offered: 20_010, Attempted: 20_010, Acknowledged: 20_000, Failed: 10},
		Response: times, MessagesPerSecond: new(1000.0)}}
	under := func(metric, unit string, limit float64) Objective {
		return Objective{Text: metric + "<x", Metric: metric, Unit: unit, Limit: limit}
	}
	for name, tt := range map[string]struct {
		o      Objective
		change func(*Case)
		words  string
	}{
		"holds":               {under("p99", "ns", 1e7), nil, "p99<x holds (9.00 ms)"},
		"missed":              {under("p99", "ns", 9e6), nil, "p99<x MISSED (9.00 ms)"},
		"mean":                {under("mean", "ns", 3e6), nil, "holds (2.00 ms)"},
		"maximum":             {under("max", "ns", 3e6), nil, "MISSED (40.0 ms)"},
		"too few sends":       {under("p99.9", "ns", 1e9), nil, "can't be told: it needs 100,000 sends"},
		"errors":              {under("errors", "share", 0.001), nil, "holds (0.05 %)"},
		"too many errors":     {under("errors", "share", 0.0004), nil, "MISSED (0.05 %)"},
		"rate":                {Objective{Text: "rate>x", Metric: "rate", Unit: "per_second", AtLeast: true, Limit: 999}, nil, "holds (1.00k/s)"},
		"too low a rate":      {Objective{Text: "rate>x", Metric: "rate", Unit: "per_second", AtLeast: true, Limit: 1001}, nil, "MISSED"},
		"nothing succeeded":   {under("p99", "ns", 1e9), func(c *Case) { c.Response, c.Acknowledged, c.Failed = nil, 0, 20_010 }, "MISSED (nothing succeeded)"},
		"nothing was offered": {under("errors", "share", 1), func(c *Case) { *c = Case{} }, "can't be told"},
		"oneway":              {under("p50", "ns", 2e6), func(c *Case) { c.Mode, c.Response, c.WriteTime = modeOneway, nil, times }, "holds"},
	} {
		c := base
		if tt.change != nil {
			tt.change(&c)
		}
		tt.o.judge(&c)
		if got := tt.o.Words(); !strings.Contains(got, tt.words) {
			t.Errorf("%s: %q, want %q", name, got, tt.words)
		}
	}
}

// The exit status of a run with objectives: the order is that of the command's help.
func TestExitStatusOfObjectives(t *testing.T) {
	held, missed, open := Objective{Met: new(true)}, Objective{Met: new(false)}, Objective{}
	for _, tt := range []struct {
		verdict Verdict
		slo     []Objective
		want    int
	}{
		{Valid, []Objective{held}, 0}, {Valid, []Objective{held, missed}, 3}, {Valid, []Objective{held, open}, 4}, {Valid, []Objective{open, missed}, 3},
		{Suspect, nil, 0}, {Suspect, []Objective{held}, 4}, {Suspect, []Objective{missed}, 3},
		{GeneratorLimited, nil, 0}, {GeneratorLimited, []Objective{missed}, 5}, {Invalid, []Objective{missed}, 1},
	} {
		r := &Run{Verdict: tt.verdict, Cases: []Case{{SLO: tt.slo}}}
		if got := ExitStatus(r, false); got != tt.want {
			t.Errorf("%s with %v: exit status %d, want %d", tt.verdict, tt.slo, got, tt.want)
		}
	}
}

func TestObjectivesInTable(t *testing.T) {
	r := &Run{Cases: []Case{{Name: "a\x1b", SLO: []Objective{{Text: "p99<10ms", Met: new(true), Value: new(8e6), Unit: "ns"}}}}}
	if got := objectiveLines(r); !slices.Equal(got, []string{`objective a\x1b: p99<10ms holds (8.00 ms)`}) {
		t.Errorf("%q", got)
	}
}
