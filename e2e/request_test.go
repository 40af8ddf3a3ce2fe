//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"rmqbench/bench"
	"rmqbench/scenarios"
)

// TestRequestMode runs the bench's request mode where the reply goes from who answers through a broker of RocketMQ to who asked, on an
// open loop and on a closed one: each request is answered, by the same broker, and is stored once.
func TestRequestMode(t *testing.T) {
	for _, version := range Versions() {
		t.Run(version, func(t *testing.T) {
			if slices.Compare(numbers(version), numbers("4.6.0")) < 0 {
				t.Skipf("RocketMQ %s has no requests, which came with 4.6.0", version)
			}
			s := newSuiteOn(t, startFor(t, version))
			for _, tt := range []struct {
				name, topic string
				load        []scenarios.Override
				offered     int64 // 0: as many as it comes to
			}{
				{"open loop", "RMQBENCH_E2E_REQUEST_OPEN", []scenarios.Override{{Path: "load.rate", Value: "100/s"}, {Path: "load.duration", Value: "5s"}}, 500},
				{"closed loop", "RMQBENCH_E2E_REQUEST_CLOSED", []scenarios.Override{{Path: "load.workers", Value: "16"}, {Path: "load.duration", Value: "3s"}}, 0},
			} {
				t.Run(tt.name, func(t *testing.T) {
					run, err := s.run(t.Context(), t, tt.topic, bench.Options{}, append(tt.load, scenarios.Override{Path: "load.mode", Value: "request"},
						scenarios.Override{Path: "verify", Value: "offsets"})...)
					if err != nil {
						t.Fatal(err)
					}
					c := &run.Cases[0]
					if c.Acknowledged == 0 || c.Acknowledged != c.Attempted || tt.offered != 0 && c.Offered != tt.offered {
						t.Errorf("want every request answered, got %+v", c.Counts)
					}
					if r := c.Replier; r == nil || r.Replied < c.Acknowledged || r.Unreplied != 0 || r.Fault != "" {
						t.Errorf("replier %+v", r)
					}
					if v := c.Verify; v == nil || v.Unverified != "" || v.Missing != 0 || v.Stored != c.Acknowledged {
						t.Errorf("verified %+v", v)
					}
					if c.Response == nil || c.Response.Min <= 0 || c.Response.Count != c.Acknowledged {
						t.Errorf("times %+v", c.Response)
					}
					t.Logf("%d requests answered, replier %+v, from due mean %d ns, max %d ns", c.Acknowledged, *c.Replier, c.Response.Mean, c.Response.Max)
				})
			}
		})
	}
}
