//go:build e2e

package e2e

import (
	"context"
	"testing"

	"rmqbench/bench"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// testRun puts load on the cluster as the command does: as fast as answers come, and at a rate.
func (s *suite) testRun(t *testing.T) {
	for _, tt := range []struct {
		name, topic string
		load        []scenarios.Override
		offered     int64 // 0: as many as it comes to
	}{
		{"closed loop", "RMQBENCH_E2E_CLOSED", []scenarios.Override{
			{Path: "load.workers", Value: "16"}, {Path: "load.duration", Value: "1s"}}, 0},
		{"async closed loop", "RMQBENCH_E2E_CLOSED_ASYNC", []scenarios.Override{
			{Path: "load.mode", Value: "async"}, {Path: "load.in_flight", Value: "256"}, {Path: "load.duration", Value: "1s"}}, 0},
		{"open loop", "RMQBENCH_E2E_OPEN", []scenarios.Override{
			{Path: "load.rate", Value: "500/s"}, {Path: "load.duration", Value: "2s"}, {Path: "producer.serialize", Value: "json"}}, 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run, err := s.run(t.Context(), t, tt.topic, bench.Options{}, append(tt.load, scenarios.Override{Path: "verify", Value: "bodies"})...)
			if err != nil {
				t.Fatal(err)
			}
			c := &run.Cases[0]
			if v := c.Verify; v.Unverified != "" || v.Missing != 0 || v.Bodies == nil || v.Bodies.Acknowledged != c.Acknowledged ||
				v.Bodies.Missing+v.Bodies.Corrupt+v.Bodies.Unexplained+v.Bodies.Unread != 0 {
				t.Errorf("read back: %+v, %+v", v, v.Bodies)
			}
			s.ledger.acknowledgeApart(tt.topic, c.Acknowledged)
			if c.Acknowledged == 0 || c.Acknowledged != c.Attempted {
				t.Errorf("want every send acknowledged, got %+v", c.Counts)
			}
			if tt.offered != 0 && c.Offered != tt.offered {
				t.Errorf("%d fell due, want %d", c.Offered, tt.offered)
			}
			if b := run.Target.Brokers; len(b) != 1 || b[0].Addr != s.broker().Addr || b[0].Version == "" {
				t.Errorf("the record has brokers %+v, want %+v with its version", b, s.broker())
			}
		})
	}
}

// run runs a load of one case, whose record must be in order.
func (s *suite) run(ctx context.Context, t *testing.T, topic string, o bench.Options, load ...scenarios.Override) (*results.Run, error) {
	load = append(load, scenarios.Override{Path: "target.namesrv", Value: s.NameServer()}, scenarios.Override{Path: "topic.name", Value: topic},
		scenarios.Override{Path: "message.size", Value: "128B"}, scenarios.Override{Path: "producer.send_timeout", Value: patience.String()})
	scenario, err := scenarios.FromFlags(load...)
	if err != nil {
		return nil, err
	}
	report, err := bench.Run(ctx, scenario, o)
	if err != nil {
		return nil, err
	}
	run := report.Run
	for _, e := range run.Evidence {
		if e.Verdict != results.Valid {
			t.Logf("%s: %s", e.Verdict, e.Text)
		}
	}
	if run.Verdict == results.Invalid {
		t.Errorf("the run is %s", run.Verdict)
	}
	for i := range run.Cases {
		c := &run.Cases[i]
		t.Logf("%s: %d offered, %d acknowledged, %v", run.Verdict, c.Offered, c.Acknowledged, c.Errors)
	}
	return run, nil
}
