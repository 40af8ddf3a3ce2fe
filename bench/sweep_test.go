package bench

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestSweep is a sweep on the embedded broker, which serves 1,000 a second, whatever this machine makes of it.
func TestSweep(t *testing.T) {
	t.Parallel()
	report, err := Sweep(t.Context(), scenario(t, "target: {embedded: {service_time: 1ms}}\nload: {mode: sync}\n"), SweepOptions{Step: 200 * time.Millisecond, Rounds: 2, Most: 32})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	s := report.Run.Sweep
	var workers []int
	rates := 0 // a busy machine may give a run no turn in its 200 ms: it has no rate then, and is no point
	for i := range report.Run.Cases {
		c := &report.Run.Cases[i]
		workers = append(workers, c.Generator.Workers)
		if c.MessagesPerSecond != nil {
			rates++
		}
	}
	slices.Sort(workers)
	if want := []int{1, 1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32}; !slices.Equal(workers, want) || len(s.Points) != rates || rates == 0 || (s.Fit == nil) == (s.Refused == "") || len(report.Run.Pooled) != 6 {
		t.Errorf("%v, %+v", workers, s)
	}
	var text strings.Builder
	if err := results.WriteSweep(&text, report.Run); err != nil || !strings.Contains(text.String(), s.Sentence()) {
		t.Errorf("%v: %s", err, text.String())
	}
}

func TestSweepLeavesOut(t *testing.T) {
	of := func(n int, rate float64) results.Case {
		c := results.Case{Generator: results.Generator{Workers: n}}
		c.MessagesPerSecond, c.Offered, c.Attempted, c.Acknowledged = &rate, 100, 100, 100
		return c
	}
	cases := []results.Case{of(4, 960), of(2, 500), of(1, 250), of(8, 900), of(16, 940)}
	cases[3].Acknowledged, cases[3].Failed = 98, 2
	cases[4].CutShort = results.Interrupted
	cases = append(cases, results.Case{})
	for i, want := range []results.SweepPoint{{Workers: 1, PerSecond: 250}, {Workers: 2, PerSecond: 500}, {Workers: 4, PerSecond: 960, Left: "the cap"}, {Workers: 8, PerSecond: 900, Left: "errors"}, {Workers: 16, PerSecond: 940, Left: "cut short"}} {
		if got := sweepOf(cases, 1000).Points[i]; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestNotSweepable(t *testing.T) {
	for text, want := range map[string]string{
		"load: {stages: [{for: 1s, rate: 1k/s}]}\n":  "take the rate out",
		"load: {mode: async}\n":                      "load.in_flight",
		"load: {mode: oneway}\n":                     "oneway",
		"slo: [p99<1s]\n":                            "take slo out",
		"events: [{at: 0s, for: 1s, stall: true}]\n": "events",
		"cases: [{name: one}, {name: two}]\n":        "has 2",
	} {
		_, err := Sweep(t.Context(), scenario(t, text), SweepOptions{})
		if _, ok := errors.AsType[scenarios.Faults](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
