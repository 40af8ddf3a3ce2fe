package bench

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/results"
	"rmqbench/scenarios"
)

func TestWarmWindows(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b warmWindow
		want bool
	}{
		"nothing yet":           {warmWindow{}, warmWindow{1000, 500}, false},
		"nothing succeeds":      {warmWindow{}, warmWindow{}, false},
		"the same":              {warmWindow{1000, 500}, warmWindow{1000, 500}, true},
		"a little faster":       {warmWindow{1000, 500}, warmWindow{1040, 490}, true},
		"the rate still rises":  {warmWindow{1000, 500}, warmWindow{1100, 500}, false},
		"the rate fell":         {warmWindow{1100, 500}, warmWindow{1000, 500}, false},
		"the median still sank": {warmWindow{1000, 600}, warmWindow{1000, 500}, false},
		"the median rose":       {warmWindow{1000, 500}, warmWindow{1000, 530}, false},
		"at the border":         {warmWindow{95, 100}, warmWindow{100, 95}, true},
		"under a nanosecond":    {warmWindow{10, 0}, warmWindow{10, 0}, true},
	} {
		if got := warm(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// driveAll drives a case's warm-up and what follows, and gives the judged record.
func driveAll(ctx context.Context, t *testing.T, c *scenarios.Case, s Sender) *measured {
	t.Helper()
	m, err := driveWarm(ctx, c, planOf(t, c), s, timerWaiter{}, func(*measurement) watcher { return watcher{} })
	if err != nil {
		t.Fatal(err)
	}
	if m.warmup != nil {
		m.offset = m.start - m.warmup.start
	}
	out, hists, err := m.record(c)
	if err != nil {
		t.Fatal(err)
	}
	run := &results.Run{Cases: []results.Case{out}}
	results.Judge(run)
	wantSums(t, run)
	return &measured{run.Cases[0], m, hists}
}

// TestAutoWarmup: a target that gets faster for a while isn't measured before it is done with that, and what is measured is the
// scenario's schedule whatever the warm-up took.
func TestAutoWarmup(t *testing.T) {
	for name, tt := range map[string]struct {
		load      string
		settles   time.Duration // the service time falls from 9 ms to 1 ms until then
		interrupt time.Duration
		agreed    bool
		low, high time.Duration // of the warm-up's length
		measured  int64
	}{
		"open, steady at once": {"workers: 64, stages: [{rate: 1k/s, warmup: auto}, {for: 3s, rate: 1k/s}]", 0, 0, true, 2 * time.Second, 3 * time.Second, 3000},
		"open, settles":        {"workers: 64, stages: [{for: 20s, rate: 1k/s, warmup: auto}, {for: 3s, rate: 1k/s}]", 4 * time.Second, 0, true, 5 * time.Second, 8 * time.Second, 3000},
		"closed, settles":      {"workers: 8, stages: [{warmup: auto}, {for: 3s}]", 4 * time.Second, 0, true, 5 * time.Second, 8 * time.Second, 24_000},
		"never settles":        {"workers: 8, stages: [{for: 5s, warmup: auto}, {for: 1s}]", time.Hour, 0, false, 5 * time.Second, 5 * time.Second, 0},
		"poisson":              {"workers: auto, arrivals: poisson, stages: [{rate: 1k/s, warmup: auto}, {for: 3s, rate: 1k/s}]", 0, 0, true, 2 * time.Second, 20 * time.Second, 0},
		"interrupted in it":    {"workers: 64, stages: [{rate: 1k/s, warmup: auto}, {for: 3s, rate: 1k/s}]", time.Hour, 1500 * time.Millisecond, false, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.serve = func(_ int64, at time.Duration) time.Duration {
					if at >= tt.settles {
						return time.Millisecond
					}
					if tt.settles == time.Hour { // up by a fifth each second
						return time.Millisecond * (10 + 2*(at/time.Second)) / 10
					}
					return time.Millisecond + 8*time.Millisecond*(tt.settles-at)/tt.settles
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.interrupt > 0 {
					time.AfterFunc(tt.interrupt, cancel)
				}
				c := loadOf(t, tt.load)
				m := driveAll(ctx, t, c, f)
				if m.Warmup == nil || m.Warmup.Attempted == 0 {
					t.Fatalf("warm-up: %+v", m.Warmup)
				}
				if m.Attempted+m.Warmup.Attempted != f.calls.Load() {
					t.Errorf("%d measured and %d before, %d were called", m.Attempted, m.Warmup.Attempted, f.calls.Load())
				}
				if *m.Generator.CallTimeSumNS < m.Warmup.Service.Mean*m.Warmup.Attempted/2 {
					t.Errorf("Little's law is held to %d ns, without the warm-up", *m.Generator.CallTimeSumNS)
				}
				if tt.interrupt > 0 {
					if m.Offered != 0 || m.CutShort != results.Interrupted || m.Verdict != results.Partial || m.WarmupEnd != nil {
						t.Errorf("offered %d, %q, %s, %+v", m.Offered, m.CutShort, m.Verdict, m.WarmupEnd)
					}
					return
				}
				end := m.WarmupEnd
				if took := time.Duration(end.AfterNS); end.Agreed != tt.agreed || took < tt.low || took > tt.high {
					t.Errorf("agreed %v after %v, want %v after %v to %v", end.Agreed, took, tt.agreed, tt.low, tt.high)
				}
				if m.StartOffsetNS < end.AfterNS || m.Warmup.StartOffsetNS != 0 {
					t.Errorf("measured from %d, the warm-up from %d, which took %d", m.StartOffsetNS, m.Warmup.StartOffsetNS, end.AfterNS)
				}
				if tt.agreed && m.quantile("service", 1) > 2*time.Millisecond && tt.settles > 0 {
					t.Errorf("a measured send took %v: the target was still warming up", m.quantile("service", 1))
				}
				if tt.measured > 0 {
					near(t, "acknowledged", m.Acknowledged, tt.measured, 0.01)
				}
				i := 0
				for i < len(m.Evidence) && m.Evidence[i].Code != "warmup" {
					i++
				}
				if i == len(m.Evidence) || !strings.HasSuffix(m.Evidence[i].Text, "dropped from the figures") {
					t.Errorf("evidence: %+v", m.Evidence)
				}
				if points := m.points("a", 0); len(points) < 3 || points[0].StartOffsetNS != 0 || points[len(points)-1].StartOffsetNS < end.AfterNS {
					t.Errorf("%d points: %+v", len(points), points)
				}
				fixed := loadOf(t, strings.NewReplacer("{rate: 1k/s, warmup: auto}, ", "", "{for: 20s, rate: 1k/s, warmup: auto}, ", "").Replace(tt.load))
				if c.Load.OpenLoop() && m.ScheduleHash != planOf(t, fixed).scheduleHash() {
					t.Error("the measured schedule depends on the warm-up")
				}
			})
		})
	}
}

// TestAutoWarmupRun runs one on the embedded broker: the queues' intervals and the preview are right with it too.
func TestAutoWarmupRun(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Parse("a.yaml", []byte("version: 1\nname: a\nload: {workers: 4, stages: [{for: 2500ms, warmup: auto}, {for: 500ms}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, r.Run)
	c := &r.Run.Cases[0]
	if c.WarmupEnd == nil || c.Warmup == nil || c.Warmup.Attempted == 0 || c.Acknowledged == 0 {
		t.Fatalf("%+v, warm-up %+v, %d acknowledged", c.WarmupEnd, c.Warmup, c.Acknowledged)
	}
	var sum int64
	for _, p := range r.Series {
		if len(p.Queues) != len(c.Queues) {
			t.Fatalf("%d queues in an interval, the case has %d", len(p.Queues), len(c.Queues))
		}
		for _, n := range p.Queues {
			sum += n
		}
	}
	if want := c.Acknowledged + c.Warmup.Acknowledged; sum != want {
		t.Errorf("the queues took %d in the intervals, want %d", sum, want)
	}
	planned, err := Preview(t.Context(), s, Options{})
	if err != nil || planned[0].Length != 3*time.Second {
		t.Errorf("%v, %+v", err, planned)
	}
}
