package bench

import (
	"testing"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestForeignIntervals: whoever sends, each interval of a case is told, and they sum to it.
func TestForeignIntervals(t *testing.T) {
	t.Parallel()
	var attempted int64
	report, err := Run(t.Context(), scenario(t, "load: {workers: 2, count: 50}"), Options{
		Sender: func(*scenarios.Case) (Sender, error) { return limitedSender{}, nil },
		Interval: func(p *results.Point, _ *results.Histogram) {
			if p.Case == "" {
				t.Error("an interval of no case")
			}
			attempted += p.Attempted
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := &report.Run.Cases[0]; c.Attempted != 50 || attempted != 50 {
		t.Errorf("%d attempted, %d in the intervals", c.Attempted, attempted)
	}
}
