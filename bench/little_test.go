package bench

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
)

// TestLittlesLaw: what was in flight over time is known by arithmetic here, and the permits' holders and the recorder come
// to it on their own ways, whatever became of the sends.
func TestLittlesLaw(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		load     string
		service  time.Duration
		hang     time.Duration
		integral time.Duration // in flight × time
	}{
		"closed":                 {"workers: 64, stages: [{for: 1s}]", time.Millisecond, 0, 64 * time.Second},
		"closed, oneway":         {"workers: 8, mode: oneway, stages: [{for: 1s}]", time.Millisecond, 0, 8 * time.Second},
		"closed, async":          {"workers: 2, in_flight: 100, mode: async, stages: [{for: 1s}]", time.Millisecond, 0, 100 * time.Second},
		"warm-up counts":         {"workers: 4, stages: [{for: 1s, warmup: true}, {for: 1s}]", time.Millisecond, 0, 8 * time.Second},
		"open":                   {"workers: 64, stages: [{for: 2s, rate: 1k/s}]", 10 * time.Millisecond, 0, 20 * time.Second},
		"open, async":            {"mode: async, in_flight: 64, stages: [{for: 2s, rate: 1k/s}]", 10 * time.Millisecond, 0, 20 * time.Second},
		"cut off in the drain":   {"workers: 8, stages: [{for: 2s, rate: 1k/s}]", time.Millisecond, time.Second, 1*time.Second + 8*6*time.Second},
		"abandoned in the drain": {"mode: async, in_flight: 8, stages: [{for: 2s, rate: 1k/s}]", time.Millisecond, time.Second, 1*time.Second + 8*6*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.service, f.hangAt, f.deaf = tt.service, tt.hang, true
				c := loadOf(t, tt.load)
				m := measure(t.Context(), t, c, f)
				integral, sum := *m.Generator.InFlightIntegralNS, *m.Generator.CallTimeSumNS
				if integral != sum {
					t.Errorf("the permits were held for %v, the sends took %v", time.Duration(integral), time.Duration(sum))
				}
				near(t, "in flight over time", time.Duration(integral), tt.integral, 0.01)

				m.tallies[0].callTime -= m.tallies[0].callTime / 10 // as if the recorder had lost samples
				lost, _, err := m.measurement.record(c)
				if err != nil {
					t.Fatal(err)
				}
				run := &results.Run{Cases: []results.Case{lost}}
				results.Judge(run)
				if run.Verdict != results.Invalid || !slices.ContainsFunc(run.Evidence, func(e results.Evidence) bool { return e.Code == "conservation.little" }) {
					t.Errorf("samples were lost, and the verdict is %s: %+v", run.Verdict, run.Evidence)
				}
			})
		})
	}
}

// TestFailuresAreTimedApart: quick refusals don't make the latency of what was acknowledged look better.
func TestFailuresAreTimedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = time.Millisecond
		f.answer = func(n int64) (producer.SendResult, error) {
			switch n % 10 {
			case 0, 1, 2:
				return producer.SendResult{Attempts: 1, Status: producer.FlushDiskTimeout}, nil
			case 3:
				time.Sleep(4 * time.Millisecond)
				return producer.SendResult{Attempts: 1}, &producer.SendError{Attempts: 1, Ambiguous: true, Err: errDrained}
			}
			return producer.SendResult{Attempts: 1}, nil
		}
		m := measure(t.Context(), t, loadOf(t, "workers: 4, count: 10000"), f)
		if m.Response.Count != 6000 || m.Response.Max != 1e6 {
			t.Errorf("acknowledged: %+v", m.Response)
		}
		for name, want := range map[string]struct{ n, ns int64 }{"weak": {3000, 1e6}, "ambiguous": {1000, 5e6}} {
			if l := m.Unsuccessful[name]; l == nil || l.Count != want.n || l.Min != want.ns || l.Max != want.ns {
				t.Errorf("%s: %+v, want %d of %d ns", name, l, want.n, want.ns)
			}
		}
		if len(m.Unsuccessful) != 2 {
			t.Errorf("times of %v", m.Unsuccessful)
		}
	})
}
