package bench

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/results"
)

// TestR58_Oracles drives targets whose times are known by arithmetic: 10,000 sends of a constant schedule, none of which waits for
// a sender. Every percentile is the truth's, to a histogram's error and a slot. One that stalls is TestR02_R58_StallIsSeen's.
func TestR58_Oracles(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		serve  func(n int64, at time.Duration) time.Duration
		want   map[float64]time.Duration
		min    time.Duration
		max    time.Duration
		mean   time.Duration
		growth float64 // of the last quarter's median over the first's
	}{
		"constant": {func(int64, time.Duration) time.Duration { return 3 * ms },
			map[float64]time.Duration{0.5: 3 * ms, 0.9: 3 * ms, 0.99: 3 * ms}, 3 * ms, 3 * ms, 3 * ms, 1},
		"bimodal, one in twenty is slow": {func(n int64, _ time.Duration) time.Duration {
			if n%20 == 0 {
				return 20 * ms
			}
			return ms
		}, map[float64]time.Duration{0.5: ms, 0.9: ms, 0.94: ms, 0.96: 20 * ms, 0.99: 20 * ms}, ms, 20 * ms, 1950 * time.Microsecond, 1},
		"bimodal, half and half": {func(n int64, _ time.Duration) time.Duration {
			if n%2 == 0 {
				return 40 * ms
			}
			return 2 * ms
		}, map[float64]time.Duration{0.49: 2 * ms, 0.51: 40 * ms, 0.99: 40 * ms}, 2 * ms, 40 * ms, 21 * ms, 1},
		"drifting from 1 to 11 ms": {func(_ int64, at time.Duration) time.Duration { return ms + at/1000 },
			map[float64]time.Duration{0.5: 6 * ms, 0.9: 10 * ms, 0.95: 10500 * time.Microsecond, 0.99: 10900 * time.Microsecond}, ms, 10999 * time.Microsecond, 5999500, 9.75 / 2.25},
		"drifting, from 11 to 1 ms": {func(_ int64, at time.Duration) time.Duration { return 11*ms - at/1000 },
			map[float64]time.Duration{0.5: 6 * ms, 0.9: 10 * ms, 0.99: 10900 * time.Microsecond}, 1001 * time.Microsecond, 11 * ms, 6000500, 2.25 / 9.75},
	} {
		for _, mode := range []string{"sync, workers: 512", "async, workers: 2, in_flight: 4096"} {
			t.Run(name+" "+mode[:5], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					f.serve = tt.serve
					m := measure(t.Context(), t, loadOf(t, fmt.Sprintf("mode: %s, stages: [{for: 10s, rate: 1k/s}]", mode)), f)
					if m.Acknowledged != 10_000 || m.Response.Count != 10_000 || m.Service.Count != 10_000 {
						t.Fatalf("%d acknowledged, %d and %d timed", m.Acknowledged, m.Response.Count, m.Service.Count)
					}
					for q, want := range tt.want {
						for _, of := range []string{"response", "service"} {
							near(t, fmt.Sprintf("%s at %v", of, q), m.quantile(of, q), want, 0.0015)
						}
					}
					for _, l := range []*results.Latency{m.Response, m.Service} {
						if time.Duration(l.Min) != tt.min || time.Duration(l.Max) != tt.max {
							t.Errorf("from %v to %v, want exactly %v to %v", time.Duration(l.Min), time.Duration(l.Max), tt.min, tt.max)
						}
						near(t, "mean", time.Duration(l.Mean), tt.mean, 0.001)
					}
					if got := *m.Generator.ServiceGrowth; got < tt.growth*0.99 || got > tt.growth*1.01 {
						t.Errorf("service grew %v times, want %v", got, tt.growth)
					}
				})
			})
		}
	}
}

// TestR58_WhoseLimit: a slow target with workers to spare makes nothing worse; too few workers are the generator's limit, with the
// cure, and exit status 5 where a rate was asked.
func TestR58_WhoseLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		load    string
		service time.Duration
		verdict results.Verdict
		says    string
		status  int
	}{
		"slow, workers to spare":    {"workers: 256, stages: [{for: 10s, rate: 1k/s}]", 100 * time.Millisecond, results.Valid, "", 0},
		"slow, workers grow":        {"workers: auto, stages: [{for: 10s, rate: 1k/s}]", 100 * time.Millisecond, results.Valid, "", 0},
		"too few workers":           {"workers: 8, stages: [{for: 10s, rate: 2k/s}]", 10 * time.Millisecond, results.GeneratorLimited, "8 workers / 10.0 ms = at most 800/s; use -w ", 5},
		"too few in flight at once": {"mode: async, workers: 8, in_flight: 8, stages: [{for: 10s, rate: 2k/s}]", 10 * time.Millisecond, results.GeneratorLimited, "8 in flight / 10.0 ms = at most 800/s; use --set load.in_flight=", 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.service = tt.service
				m := measure(t.Context(), t, loadOf(t, tt.load), f)
				g := &m.Generator // the machine of the test isn't what is looked at
				g.CPUQuotaShare, g.GCCPUShare, g.SchedulerLatencyP99NS, g.StealShare, g.PressureShare = nil, nil, nil, nil, nil
				run := &results.Run{Cases: []results.Case{m.Case}}
				results.Judge(run)
				var said []string
				for _, e := range run.Cases[0].Evidence {
					said = append(said, e.Text)
				}
				if run.Verdict != tt.verdict || !strings.Contains(strings.Join(said, "\n"), tt.says) {
					t.Errorf("%s, want %s and %q:\n%s", run.Verdict, tt.verdict, tt.says, strings.Join(said, "\n"))
				}
				if got := results.ExitStatus(run, true); got != tt.status {
					t.Errorf("exit status %d, want %d", got, tt.status)
				}
			})
		})
	}
}
