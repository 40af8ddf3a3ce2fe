package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
)

// TestR02_R58_StallIsSeen holds response to what is true of a constant schedule with one stall, by arithmetic: a send that falls
// due x before the stall's end waits x. The time from the call, which only the senders at hand see, shows hardly anything.
func TestR02_R58_StallIsSeen(t *testing.T) {
	for name, tt := range map[string]struct {
		load         string
		at, stall    time.Duration
		sends, waits int64
		want         map[float64]time.Duration
		calls        int64 // that see the stall from the call
	}{
		"1 s in 10 s": {"workers: 8, stages: [{for: 10s, rate: 1k/s}]", 4 * time.Second, time.Second, 10_000, 1000,
			map[float64]time.Duration{0.95: 500 * time.Millisecond, 0.99: 900 * time.Millisecond}, 8},
		"quick": {"workers: 8, stages: [{for: 5s, rate: 1k/s}]", 2 * time.Second, 500 * time.Millisecond, 5000, 500,
			map[float64]time.Duration{0.99: 450 * time.Millisecond, 0.95: 250 * time.Millisecond}, 8},
		"async, nothing waits": {"workers: 2, mode: async, in_flight: 4096, stages: [{for: 10s, rate: 1k/s}]", 4 * time.Second, time.Second, 10_000, 0,
			map[float64]time.Duration{0.95: 500 * time.Millisecond, 0.99: 900 * time.Millisecond}, 1000},
		"async, 100 in flight": {"workers: 2, mode: async, in_flight: 100, stages: [{for: 10s, rate: 1k/s}]", 4 * time.Second, time.Second, 10_000, 900,
			map[float64]time.Duration{0.95: 500 * time.Millisecond, 0.99: 900 * time.Millisecond}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.service, f.stallAt, f.stallFor = 50*time.Microsecond, tt.at, tt.stall
				m := measure(t.Context(), t, loadOf(t, tt.load), f)
				if m.Acknowledged != tt.sends {
					t.Errorf("%d acknowledged, want %d", m.Acknowledged, tt.sends)
				}
				for q, want := range tt.want {
					near(t, fmt.Sprintf("response at %v", q), m.quantile("response", q), want, 0.02)
				}
				total := newTally(true)
				for i := range m.tallies {
					if err := total.merge(&m.tallies[i]); err != nil {
						t.Fatal(err)
					}
				}
				const half = int64(5 * time.Millisecond) // a send due later than that before the end doesn't count as stalled
				if n := total.service.CountAbove(half); n > tt.calls || n < tt.calls-8 {
					t.Errorf("%d calls saw the stall, want %d", n, tt.calls)
				}
				if n := total.delay.CountAbove(0); n < tt.waits-tt.calls-8 || n > tt.waits+100 {
					t.Errorf("%d sends waited before the call, want about %d", n, tt.waits)
				}
				if tt.calls < 10 && m.quantile("service", 0.99) > 10*f.service {
					t.Errorf("p99 from the call is %v", m.quantile("service", 0.99))
				}
			})
		})
	}
}

func TestRateIsKept(t *testing.T) {
	for _, tt := range []struct {
		mode, rate, length string
		want               int64
	}{
		{"sync", "1k/s", "10s", 10_000}, {"sync", "10k/s", "1s", 10_000}, {"sync", "50k/s", "500ms", 25_000},
		{"async", "1k/s", "5s", 5000}, {"async", "50k/s", "500ms", 25_000}, {"oneway", "10k/s", "1s", 10_000}, {"sync", "7/3s", "30s", 70},
	} {
		t.Run(tt.mode+" "+strings.ReplaceAll(tt.rate, "/", " a "), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.service = 300 * time.Microsecond
				m := measure(t.Context(), t, loadOf(t, fmt.Sprintf("workers: 64, mode: %s, stages: [{for: %s, rate: %s}]", tt.mode, tt.length, tt.rate)), f)
				if m.Offered != tt.want || m.Dropped != 0 {
					t.Errorf("%d offered and %d dropped, want %d", m.Offered, m.Dropped, tt.want)
				}
				near(t, "attempted", m.Attempted, m.Offered, 0.001)
				if m.Delay.Max > batchGap {
					t.Errorf("a send waited %v", time.Duration(m.Delay.Max))
				}
				if m.Generator.MissedSlots != 0 {
					t.Errorf("%d slots missed", m.Generator.MissedSlots)
				}
				// The rate is over the time to the last outcome, which comes up to a slot's gap before the end.
				p := planOf(t, loadOf(t, fmt.Sprintf("stages: [{for: 1s, rate: %s}]", tt.rate)))
				near(t, "messages a second", *m.MessagesPerSecond, p.rate(&p.stages[0]), 0.02)
			})
		})
	}
}

// TestBacklogBound: what finds no worker and no room to wait is dropped and counted, and what is sent isn't late by more
// than the backlog.
func TestBacklogBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = 5 * time.Millisecond // 1,600/s with 8 workers
		m := measure(t.Context(), t, loadOf(t, "workers: 8, backlog: 80, stages: [{for: 10s, rate: 2k/s}]"), f)
		near(t, "offered", m.Offered, 20_000, 0)
		near(t, "attempted", m.Attempted, 16_000+80, 0.01)
		if m.Dropped != m.Offered-m.Attempted {
			t.Errorf("%d dropped of %d, %d attempted", m.Dropped, m.Offered, m.Attempted)
		}
		if late := time.Duration(m.Delay.Max); late > 56*time.Millisecond { // 80 waiting sends at 1,600/s are 50 ms
			t.Errorf("a send waited %v", late)
		}
	})
}

// TestDebtIsKept: what a stage could not send on time is sent late in the next, and still counts from when it was due.
func TestDebtIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = 10 * time.Millisecond // 100/s with one worker
		m := measure(t.Context(), t, loadOf(t, "workers: 1, stages: [{for: 1s, rate: 200/s}, {for: 3s, rate: 10/s..20/s}]"), f)
		if m.Stages[0].Offered != 200 || m.Stages[0].Acknowledged != 200 || m.Dropped != 0 {
			t.Errorf("%d of the first stage's %d acknowledged, %d dropped", m.Stages[0].Acknowledged, m.Stages[0].Offered, m.Dropped)
		}
		near(t, "delay of the last one due in the first stage", time.Duration(m.Stages[0].Delay.Max), 995*time.Millisecond, 0.01)
		near(t, "delay of the first one due in the second", time.Duration(m.Stages[1].Delay.Max), time.Second, 0.01)
	})
}

// TestPoissonIsKept: a random schedule is kept as well as a regular one.
func TestPoissonIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := loadOf(t, "workers: auto, arrivals: poisson, stages: [{for: 2s, rate: 5k/s}, {for: 2s, rate: 5k/s..15k/s, steps: 2}]")
		m := measure(t.Context(), t, c, f)
		if want := int64(len(slots(planOf(t, c)))); m.Offered != want || m.Acknowledged != want || len(m.Stages) != 3 {
			t.Errorf("%d offered and %d acknowledged in %d stages, want %d in 3", m.Offered, m.Acknowledged, len(m.Stages), want)
		}
		if m.Delay.Max > batchGap || m.Generator.MissedSlots != 0 {
			t.Errorf("a send waited %v, %d slots missed", time.Duration(m.Delay.Max), m.Generator.MissedSlots)
		}
	})
}

// TestCap: a closed loop keeps to its cap, and a low one keeps nobody beyond the end.
func TestCap(t *testing.T) {
	for load, tt := range map[string]struct {
		sends int64
		ends  time.Duration
	}{
		"workers: 8, cap: 1k/s, stages: [{for: 5s}]":                                      {5000, 5 * time.Second},
		"workers: 2, mode: async, in_flight: 8, cap: 500/s, stages: [{for: 4s}]":          {2000, 4 * time.Second},
		"workers: 64, cap: 10/m, stages: [{for: 30s}]":                                    {5, 30 * time.Second},
		"workers: 8, cap: 1k/s, count: 500, stages: [{for: 1s, warmup: true}, {for: 1h}]": {500, 1500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.service = time.Millisecond
			m := measure(t.Context(), t, loadOf(t, load), f)
			if m.Acknowledged < tt.sends || m.Acknowledged > tt.sends+tt.sends/100+1 {
				t.Errorf("%s: %d sends, want %d", load, m.Acknowledged, tt.sends)
			}
			if took := time.Since(f.began); took > tt.ends+20*time.Millisecond {
				t.Errorf("%s: took %v, want %v", load, took, tt.ends)
			}
		})
	}
}

func TestStagesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = time.Millisecond
		m := measure(t.Context(), t, loadOf(t, `workers: 32, stages: [{for: 1s, rate: 100/s, warmup: true}, {for: 1s, rate: 500/s, warmup: true},`+
			` {for: 2s, rate: 1k/s}, {for: 1s, rate: 2k/s}]`), f)
		if m.Warmup == nil || m.Warmup.Acknowledged != 600 || *m.Warmup.PlannedNS != 2e9 || m.Warmup.RatePerSecond != nil {
			t.Errorf("warm-up: %+v", m.Warmup)
		}
		if len(m.Stages) != 2 || m.Stages[0].Acknowledged != 2000 || m.Stages[1].Acknowledged != 2000 || m.Acknowledged != 4000 {
			t.Fatalf("stages: %+v", m.Stages)
		}
		if m.StartOffsetNS != 2e9 || m.Stages[1].StartOffsetNS != 4e9 {
			t.Errorf("measured from %d ns, the second stage from %d", m.StartOffsetNS, m.Stages[1].StartOffsetNS)
		}
		near(t, "elapsed", time.Duration(m.ElapsedNS), 3*time.Second, 0.01)
		near(t, "elapsed of the second stage", time.Duration(m.Stages[1].ElapsedNS), time.Second, 0.01)
	})
}

// TestClosedLoop: each worker has a send in flight all the time, none is favoured, and what begins in a stage is that
// stage's.
func TestClosedLoop(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"sync", "oneway", "async"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.service = time.Millisecond
				m := measure(t.Context(), t, loadOf(t, "workers: 64, "+inFlight(mode, 64)+"stages: [{for: 100ms, warmup: true}, {for: 1s}]"), f)
				near(t, "sends", m.Acknowledged+m.Written, 64_000, 0.01)
				near(t, "warm-up", m.Warmup.Acknowledged+m.Warmup.Written, 6400, 0.02)
				near(t, "elapsed", time.Duration(m.ElapsedNS), time.Second, 0.01)
				if got := f.fairness(); got > 1.2 {
					t.Errorf("one made %.2f times the sends of another", got)
				}
				if got := f.highest.Load(); got != 64 {
					t.Errorf("%d in flight at one time, want 64", got)
				}
				if m.Delay.Max != 0 || m.Delay.Count != m.Service.Count || m.Generator.Slots != 0 {
					t.Errorf("delay of a closed loop: %+v", m.Delay)
				}
				if share := *m.Generator.WorkersBusyShare; share < 0.98 {
					t.Errorf("busy share %v", share)
				}
			})
		})
	}
}

// TestR49_Fairness: in a closed loop none of 1 to 10,000 workers makes many more sends than another.
func TestR49_Fairness(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 2, 64, 4096, 10_000} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.service = time.Millisecond
			m := measure(t.Context(), t, loadOf(t, fmt.Sprintf("workers: %d, stages: [{for: 10ms}]", workers)), f)
			if got := f.fairness(); got > 1.2 || int(f.highest.Load()) != workers || m.Acknowledged < 9*int64(workers) {
				t.Errorf("%d workers: %d at one time, one made %.2f times the sends of another; %+v", workers, f.highest.Load(), got, m.Counts)
			}
		})
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for _, load := range []string{
		"workers: 64, count: 1000", "workers: 3, count: 1000, mode: oneway", "workers: 4, in_flight: 100, count: 1000, mode: async",
		"workers: 64, count: 1000, stages: [{for: 50ms, warmup: true}, {for: 1h}]",
		"workers: 4, in_flight: 100, count: 1000, mode: async, stages: [{for: 50ms, warmup: true}, {for: 1h}]",
		"workers: 64, count: 1000, stages: [{for: 50ms, rate: 2k/s, warmup: true}, {for: 1h, rate: 2k/s}]",
		"workers: 4, in_flight: 100, count: 1000, mode: async, stages: [{rate: 2k/s}]",
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.service = time.Millisecond
			m := measure(t.Context(), t, loadOf(t, load), f)
			if m.Offered != 1000 || m.Acknowledged+m.Written != 1000 {
				t.Errorf("%s: %d offered, %d acknowledged", load, m.Offered, m.Acknowledged)
			}
			if warm := strings.Contains(load, "warmup"); warm != (m.Warmup != nil && m.Warmup.Attempted > 0) {
				t.Errorf("%s: warm-up %+v", load, m.Warmup)
			}
			if took := time.Since(f.began); took > 5*time.Second {
				t.Errorf("%s: took %v", load, took)
			}
		})
	}
}

// TestEnd ends cases in the middle, with senders that answer, hang, or hang and don't hear: nothing stays in flight, the
// sums hold, and no drain takes longer than it may.
func TestEnd(t *testing.T) {
	t.Parallel()
	const never, between = time.Duration(0), 2500500 * time.Microsecond // when no slot falls due
	cut := errDrainedCause(t)
	for name, tt := range map[string]struct {
		load        string
		interrupt   time.Duration // never: the load ends by itself
		hang        time.Duration // the sender hangs from then on
		deaf        bool
		ends        time.Duration // when drive returns, give or take 50 ms
		offered     int64         // give or take 1 %
		ambiguous   int64
		anyMissing  bool // dropped > 0
		acknowledge int64
	}{
		"interrupt, open":          {"workers: 8, stages: [{for: 10s, rate: 1k/s}]", between, never, false, between, 2500, 0, false, 2500},
		"interrupt, closed":        {"workers: 8, stages: [{for: 10s}]", between, never, false, between, 20_000, 0, false, 20_000},
		"interrupt, async":         {"workers: 2, mode: async, in_flight: 8, stages: [{for: 10s}]", between, never, false, between, 20_000, 0, false, 20_000},
		"interrupt, open async":    {"workers: 2, mode: async, in_flight: 8, stages: [{for: 10s, rate: 1k/s}]", between, never, false, between, 2500, 0, false, 2500},
		"interrupt while it hangs": {"workers: 8, stages: [{for: 10s, rate: 1k/s}]", 3 * time.Second, 2 * time.Second, false, 8 * time.Second, 3000, 8, true, 2000},
		"the same, closed":         {"workers: 8, stages: [{for: 10s}]", 3 * time.Second, 2 * time.Second, false, 8 * time.Second, 16_000, 8, false, 16_000},
		"the same, async":          {"workers: 2, mode: async, in_flight: 100, stages: [{for: 10s, rate: 1k/s}]", 3 * time.Second, 2 * time.Second, false, 8 * time.Second, 3000, 100, true, 2000},
		"async that doesn't hear":  {"workers: 2, mode: async, in_flight: 100, stages: [{for: 10s, rate: 1k/s}]", 3 * time.Second, 2 * time.Second, true, 8 * time.Second, 3000, 100, true, 2000},
		"closed, doesn't hear":     {"workers: 2, mode: async, in_flight: 100, stages: [{for: 10s}]", 3 * time.Second, 2 * time.Second, true, 8 * time.Second, 200_000, 100, false, 200_000},
		"in the warm-up":           {"workers: 8, stages: [{for: 2s, rate: 1k/s, warmup: true}, {for: 1s, rate: 1k/s}]", time.Second, never, false, time.Second, 0, 0, false, 0},
		"in the drain":             {"workers: 8, stages: [{for: 1s, rate: 1k/s}]", 4 * time.Second, 500 * time.Millisecond, false, 6 * time.Second, 1000, 8, true, 500},
		"hangs to the end":         {"workers: 8, stages: [{for: 3s, rate: 1k/s}]", never, 2 * time.Second, false, 8 * time.Second, 3000, 8, true, 2000},
		"closed, hangs":            {"workers: 8, stages: [{for: 3s}]", never, 2 * time.Second, false, 8 * time.Second, 16_000, 8, false, 16_000},
		"async, hangs":             {"workers: 2, mode: async, in_flight: 100, stages: [{for: 3s, rate: 1k/s}]", never, 2 * time.Second, true, 8 * time.Second, 3000, 100, true, 2000},
		"a full backlog":           {"workers: 1, stages: [{for: 10s, rate: 25k/s}]", 3 * time.Second, 500 * time.Millisecond, false, 8 * time.Second, 75_000, 1, true, 500},
		"a full backlog, no end":   {"workers: 1, stages: [{for: 3s, rate: 25k/s}]", never, 500 * time.Millisecond, false, 8 * time.Second, 75_000, 1, true, 500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.service, f.hangAt, f.deaf = time.Millisecond, tt.hang, tt.deaf
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.interrupt > 0 {
					time.AfterFunc(tt.interrupt, cancel)
				}
				m := measure(ctx, t, loadOf(t, tt.load), f)
				took := time.Since(f.began)
				if took < tt.ends-50*time.Millisecond || took > tt.ends+50*time.Millisecond {
					t.Errorf("took %v, want %v", took, tt.ends)
				}
				if m.interrupted != (tt.interrupt > 0) || m.interrupted != (m.Verdict == results.Partial) {
					t.Errorf("interrupted: %v, verdict %s", m.interrupted, m.Verdict)
				}
				near(t, "offered", m.Offered, tt.offered, 0.01)
				near(t, "acknowledged", m.Acknowledged, tt.acknowledge, 0.01)
				if m.Ambiguous != tt.ambiguous || m.Errors[cut] != tt.ambiguous {
					t.Errorf("%d ambiguous, want %d: %v", m.Ambiguous, tt.ambiguous, m.Errors)
				}
				if (m.Dropped > 0) != tt.anyMissing {
					t.Errorf("%d dropped of %d", m.Dropped, m.Offered)
				}
				synctest.Wait()
				if n := f.inFlight.Load(); n != 0 {
					t.Errorf("%d still in flight", n)
				}
				if tt.interrupt > 0 && f.lasts.Sub(f.began) > tt.interrupt {
					t.Errorf("a send began %v after the start, the interrupt came at %v", f.lasts.Sub(f.began), tt.interrupt)
				}
			})
		})
	}
}

// errDrainedCause is what the record calls a send that the drain's end cut off.
func errDrainedCause(t *testing.T) string {
	const want = "cut off at the end of the drain"
	if got := causeOf(&producer.SendError{Err: fmt.Errorf("wrapped: %w", errDrained)}); got != want {
		t.Fatalf("the cause is %q, want %q", got, want)
	}
	return want
}

// TestCountThenHang: when the last send of a count hangs, the drain is bounded though the stage has no end.
func TestCountThenHang(t *testing.T) {
	for _, load := range []string{"workers: 8, count: 104", "workers: 2, mode: async, in_flight: 8, count: 104"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.service, f.hangAt, f.deaf = time.Millisecond, 11500*time.Microsecond, true
			m := measure(t.Context(), t, loadOf(t, load), f)
			if took := time.Since(f.began); took > 6*time.Second {
				t.Errorf("%s: took %v", load, took)
			}
			if m.Attempted != 104 || m.Ambiguous != 8 {
				t.Errorf("%s: %+v", load, m.Counts)
			}
		})
	}
}

func TestWorkersGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = 200 * time.Millisecond // at 1,000/s that takes 200 workers
		m := measure(t.Context(), t, loadOf(t, "workers: auto, stages: [{for: 5s, rate: 1k/s}]"), f)
		if m.workers < 200 || m.workers > 202 {
			t.Errorf("%d workers, want 200", m.workers)
		}
		if m.Delay.Max != 0 || m.Acknowledged != 5000 {
			t.Errorf("%d acknowledged, the longest wait %v", m.Acknowledged, time.Duration(m.Delay.Max))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = time.Second
		m := measure(t.Context(), t, loadOf(t, "workers: auto, stages: [{for: 1s, rate: 10k/s}]"), f)
		if m.workers != maxAutoWorkers {
			t.Errorf("%d workers, want no more than %d", m.workers, maxAutoWorkers)
		}
	})
	synctest.Test(t, func(t *testing.T) { // more workers would only wait for permits
		f := newFake()
		f.service = 200 * time.Millisecond
		m := measure(t.Context(), t, loadOf(t, "workers: auto, mode: async, in_flight: 10, stages: [{for: 1s, rate: 1k/s}]"), f)
		if m.workers != autoWorkers || f.highest.Load() != 10 {
			t.Errorf("%d workers, %d in flight", m.workers, f.highest.Load())
		}
	})
}

// lateWaiter is a generator that is late by so much each time.
type lateWaiter struct{ by int64 }

func (lateWaiter) attach()         {}
func (lateWaiter) spinning() int64 { return 0 }
func (w lateWaiter) until(ctx context.Context, at, next int64) {
	timerWaiter{}.until(ctx, at+w.by, next)
}

// TestR24_MissedSlots: lateness is the generator's only if somebody could have sent.
func TestR24_MissedSlots(t *testing.T) {
	for name, tt := range map[string]struct {
		load    string
		late    int64
		service time.Duration
		share   float64 // of slots missed
	}{
		"on time":            {"workers: 8, stages: [{for: 2s, rate: 1k/s}]", 0, time.Millisecond, 0},
		"late generator":     {"workers: 8, stages: [{for: 2s, rate: 100/s}]", 5e6, time.Millisecond, 1},
		"slow target":        {"workers: 1, stages: [{for: 2s, rate: 1k/s}]", 0, 5 * time.Millisecond, 0},
		"both":               {"workers: 1, stages: [{for: 2s, rate: 1k/s}]", 5e6, 5 * time.Millisecond, 0},
		"slow target, async": {"workers: 2, mode: async, in_flight: 1, stages: [{for: 2s, rate: 1k/s}]", 0, 5 * time.Millisecond, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.service = tt.service
			m := measureBy(t.Context(), t, loadOf(t, tt.load), f, lateWaiter{tt.late})
			g := &m.Generator
			if got := float64(g.MissedSlots) / float64(g.Slots); got < tt.share-0.01 || got > tt.share+0.01 {
				t.Errorf("%s: %d of %d slots missed (bound %v)", name, g.MissedSlots, g.Slots, time.Duration(g.MissedBoundNS))
			}
		})
	}
}

// TestOutcomesAreCounted drives all outcomes at once, in each mode, and looks at what is left of them.
func TestOutcomesAreCounted(t *testing.T) {
	broker := func(code remoting.Code, remark string) error {
		return &producer.SendError{Attempts: 1, Err: remoting.NewBrokerError("b:1", code, remark)}
	}
	answers := []struct {
		res producer.SendResult
		err error
	}{
		{producer.SendResult{Attempts: 1}, nil},
		{producer.SendResult{Attempts: 3, Ambiguous: 1}, nil},
		{producer.SendResult{Attempts: 1, Status: producer.FlushDiskTimeout}, nil},
		{producer.SendResult{Attempts: 1}, broker(remoting.SystemBusy, "[PCBUSY_CLEAN_QUEUE]broker busy")},
		{producer.SendResult{Attempts: 1}, broker(remoting.MessageIllegal, "too large")},
		{producer.SendResult{Attempts: 1}, &producer.SendError{Attempts: 1, Ambiguous: true, Err: &remoting.CallError{Sent: true, Err: remoting.ErrTimeout}}},
		{producer.SendResult{}, &producer.SendError{Err: errors.New("body is empty")}},
	}
	for _, mode := range []string{"sync", "async"} {
		for _, rate := range []string{"", "rate: 1k/s, "} {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.answer = func(n int64) (producer.SendResult, error) {
					a := answers[int(n)%len(answers)]
					return a.res, a.err
				}
				f.service = time.Millisecond
				m := measure(t.Context(), t, loadOf(t, "workers: 10, count: 700, "+inFlight(mode, 10)+"stages: [{"+rate+"for: 10s}]"), f)
				want := results.Counts{Offered: 700, Attempted: 700, Acknowledged: 200, Weak: 100, Refused: 100, Ambiguous: 100, Failed: 200,
					Statuses:          map[string]int64{"SEND_OK": 200, "FLUSH_DISK_TIMEOUT": 100},
					Errors:            map[string]int64{"SYSTEM_BUSY [PCBUSY_CLEAN_QUEUE]": 100, "MESSAGE_ILLEGAL": 100, "timeout": 100, "refused by the client": 100},
					AmbiguousAttempts: new(int64(100)), Retries: new(int64(200))}
				if got, want := countsText(m.Counts), countsText(want); got != want {
					t.Errorf("%s, %q:\n%s\nwant\n%s", mode, rate, got, want)
				}
				if m.Response.Count != 200 {
					t.Errorf("%s: response holds %d sends, only the acknowledged belong there", mode, m.Response.Count)
				}
			})
		}
	}
}

// countsText shows what pointers hold.
func countsText(c results.Counts) string {
	retries, ambiguous := *c.Retries, *c.AmbiguousAttempts
	c.Retries, c.AmbiguousAttempts = nil, nil
	return fmt.Sprintf("%+v, %d retries, %d ambiguous", c, retries, ambiguous)
}

// TestProgress: whoever watches a slow case is not far behind.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = 10 * time.Millisecond
		var ticks, lastEnded, began int64
		_, err := drive(t.Context(), planOf(t, loadOf(t, "workers: 8, stages: [{for: 10s, rate: 100/s}]")), f, timerWaiter{}, watcher{
			began: func() { began++ },
			tick: func(p Progress) {
				ticks++
				at, ended, well := p.Elapsed, p.Ended, p.Ended-p.Failed
				if fell := int64(at / (10 * time.Millisecond)); ended > fell || fell-ended > 50 || ended < lastEnded || well != ended {
					t.Errorf("at %v %d had ended and %d well, %d had fallen due", at, ended, well, fell)
				}
				lastEnded = ended
			}})
		if err != nil || began != 1 || ticks < 38 || ticks > 41 {
			t.Errorf("%v, began %d times, %d ticks in 10 s", err, began, ticks)
		}
	})
}
