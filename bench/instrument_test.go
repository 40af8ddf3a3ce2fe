package bench

import (
	"context"
	"testing"
	"time"

	"rmqbench/scenarios"
)

// TestInstrumentCost: the null broker answers each mode, and what it costs is a figure beside the result, not part of it.
func TestInstrumentCost(t *testing.T) {
	for _, load := range []string{"mode: sync, workers: 8", "mode: async, workers: 2, in_flight: 64", "mode: oneway, workers: 2", "mode: sync, stages: [{for: 1h, rate: 1k/s}]"} {
		c := parse(t, "message: {size: 300B}\nproducer: {serialize: json}\nload: {"+load+"}\n")[0]
		cost := instrumentCost(t.Context(), &c, 300*time.Millisecond)
		if cost == nil {
			t.Fatalf("%s: none", load)
		}
		if cost.Mode != string(c.Load.Mode) || cost.BodyBytes != 300 || cost.DurationNS != 3e8 || cost.MessagesPerSecond == nil || *cost.MessagesPerSecond <= 0 || cost.P50NS == nil {
			t.Errorf("%s: %+v", load, cost)
		}
		if c.Load.OpenLoop() && *cost.MessagesPerSecond > 1100 {
			t.Errorf("%v/s of 1,000", *cost.MessagesPerSecond)
		}
	}
}

func TestInstrumentCostOnlyWhereItIsAsked(t *testing.T) {
	for _, cost := range []time.Duration{0, 50 * time.Millisecond} {
		report, err := Run(t.Context(), scenario(t, "load: {workers: 2, count: 1000}\n"), Options{Cost: cost})
		if err != nil {
			t.Fatal(err)
		}
		wantSums(t, report.Run)
		if (report.Run.InstrumentCost != nil) != (cost > 0) || report.Run.Cases[0].Attempted != 1000 {
			t.Errorf("%v: %+v, %d sent", cost, report.Run.InstrumentCost, report.Run.Cases[0].Attempted)
		}
	}
	c := parse(t, "load: {workers: 2}\n")[0]
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if cost := instrumentCost(ended, &c, time.Second); cost != nil {
		t.Errorf("interrupted: %+v", cost)
	}
	c.Load.Mode = scenarios.Mode("transaction")
	if cost := instrumentCost(t.Context(), &c, time.Second); cost != nil {
		t.Errorf("a mode that needs a broker: %+v", cost)
	}
}
