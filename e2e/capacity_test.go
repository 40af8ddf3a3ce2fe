//go:build e2e

package e2e

import (
	"testing"
	"time"

	"rmqbench/bench"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestCapacity looks for what a real broker holds on this machine, which is any rate: the search ends within its budget,
// and a longer run confirms the answer.
func TestCapacity(t *testing.T) {
	s := newSuite(t, latest())
	scenario, err := scenarios.FromFlags(
		scenarios.Override{Path: "target.namesrv", Value: s.NameServer()}, scenarios.Override{Path: "topic.name", Value: "RMQBENCH_E2E_CAPACITY"},
		scenarios.Override{Path: "load.rate", Value: "500/s"}, scenarios.Override{Path: "slo", Value: "p99<100ms,errors<0.1%"})
	if err != nil {
		t.Fatal(err)
	}
	report, err := bench.Capacity(t.Context(), scenario, bench.CapacityOptions{Step: 3 * time.Second, Confirm: 10 * time.Second, Rounds: 2, Tolerance: 0.1,
		Budget: 5 * time.Minute, Told: func(_ string, step results.CapacityStep) {
			t.Logf("%s %.0f/s %s: %s", step.Phase, step.RatePerSecond, step.Found, step.Why)
		}})
	if err != nil {
		t.Fatal(err)
	}
	c := report.Run.Capacity
	t.Log(c.Sentence(false))
	if c.RatePerSecond == nil || c.Ended == results.EndedNothingHeld || len(report.Run.Cases) == 0 {
		t.Errorf("nothing was confirmed: %s", c.Ended)
	}
	for i := range report.Run.Cases {
		for _, o := range report.Run.Cases[i].SLO {
			if o.Met == nil || !*o.Met {
				t.Errorf("a run that confirms: %s", o.Words())
			}
		}
	}
}
