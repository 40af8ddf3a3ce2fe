package bench

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/remoting"
	"rmqbench/results"
)

// TestProgressTells: what a watcher is told of an open loop at 400/s whose sends take 10 ms, and of a closed one.
func TestProgressTells(t *testing.T) {
	for name, tt := range map[string]struct {
		load string
		due  float64 // 0: closed loop
	}{
		"open":   {"load: {workers: 16, stages: [{for: 4s, rate: 400/s}]}\n", 400},
		"async":  {"load: {mode: async, in_flight: 32, stages: [{for: 4s, rate: 400/s}]}\n", 400},
		"closed": {"load: {workers: 4, stages: [{for: 4s}]}\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.service = 10 * time.Millisecond
				var told []Progress
				c := scenario(t, tt.load).Cases()[0]
				m, err := drive(t.Context(), planOf(t, &c), f, timerWaiter{}, watcher{tick: func(p Progress) { told = append(told, p) }})
				if err != nil {
					t.Fatal(err)
				}
				if len(told) < 14 || len(told) > 17 {
					t.Fatalf("told %d times in 4 s", len(told))
				}
				p := told[10]
				if math.Abs(p.PerSecond-400) > 150 || p.InFlight < 1 || p.InFlight > 7 || p.Waiting != 0 || p.Total != 4*time.Second {
					t.Errorf("%+v", p)
				}
				if (p.DueAt == nil) != (tt.due == 0) || p.DueAt != nil && math.Abs(*p.DueAt-tt.due) > 2 {
					t.Errorf("due %v", p.DueAt)
				}
				if p.P50 < 9900*time.Microsecond || p.P50 > 10100*time.Microsecond || p.Max < p.P99 || p.P99 < p.P50 || p.Recently == 0 || p.Failed != 0 {
					t.Errorf("%+v", p)
				}
				if last := told[len(told)-1]; last.Ended > m.tallies[0].counts.Attempted || last.Ended < 1200 {
					t.Errorf("%d have ended, of %d", last.Ended, m.tallies[0].counts.Attempted)
				}
			})
		})
	}
}

// TestProgressOfWaiting: 1,000/s at two workers that make 200/s.
func TestProgressOfWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = 10 * time.Millisecond
		var last Progress
		c := scenario(t, "load: {workers: 2, stages: [{for: 3s, rate: 1k/s}]}\n").Cases()[0]
		if _, err := drive(t.Context(), planOf(t, &c), f, timerWaiter{}, watcher{tick: func(p Progress) {
			if p.Elapsed < 3*time.Second {
				last = p
			}
		}}); err != nil {
			t.Fatal(err)
		}
		if last.Waiting < 2000 || last.Waiting > 2400 || last.InFlight != 2 || last.Workers != 2 {
			t.Errorf("%+v", last)
		}
	})
	counts := results.Counts{Errors: map[string]int64{"b": 2, "a": 2, "c": 7}}
	if got := counts.ByCause(); len(got) != 3 || got[0].Cause != "c" || got[1].Cause != "a" {
		t.Errorf("%v", got)
	}
}

func TestWindowForgets(t *testing.T) {
	w := &window{}
	for i := range int64(3 * recentSlots) {
		w.record(i)
		got := w.turn()
		if want := min(i+1, recentSlots); got.Count() != want || got.Quantile(1) != i || got.Quantile(0) != max(i-recentSlots+1, 0) {
			t.Fatalf("%d: %d times from %d to %d", i, got.Count(), got.Quantile(0), got.Quantile(1))
		}
	}
}

// TestHurry: what is under way is cut off at once and counted as ambiguous, where an interrupt alone waits for it.
func TestHurry(t *testing.T) {
	for _, mode := range []string{"sync", "async"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.service = time.Hour
			hurry := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			time.AfterFunc(2*time.Second, func() { close(hurry) })
			c := scenario(t, "load: {mode: "+mode+", workers: 4, stages: [{for: 1h}]}\n").Cases()[0]
			began := remoting.Nanotime()
			m, err := drive(ctx, planOf(t, &c), f, timerWaiter{}, watcher{hurry: hurry})
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Duration(remoting.Nanotime() - began); took < 2*time.Second || took > 2100*time.Millisecond || !m.interrupted {
				t.Errorf("%s: after %v", mode, took)
			}
			if n := m.tallies[0].counts; n.Attempted == 0 || n.Attempted != n.Ambiguous+n.Failed || n.Errors["cut off to end at once"] != n.Attempted {
				t.Errorf("%s: %+v", mode, n)
			}
		})
	}
}
