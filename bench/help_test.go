package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// parse is a scenario's cases; text follows version and name.
func parse(t testing.TB, text string) []scenarios.Case {
	t.Helper()
	s, err := scenarios.Parse("test.yaml", []byte("version: 1\nname: test\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Cases()
}

// loadOf is the only case of a scenario that is its load.
func loadOf(t testing.TB, load string) *scenarios.Case {
	t.Helper()
	return &parse(t, "load: {"+load+"}")[0]
}

// inFlight is a load's mode, with n in flight where that is its own.
func inFlight(mode string, n int) string {
	if mode == "async" {
		return fmt.Sprintf("mode: async, in_flight: %d, ", n)
	}
	return "mode: " + mode + ", "
}

// planOf is a case made ready.
func planOf(t testing.TB, c *scenarios.Case) *plan {
	t.Helper()
	p, err := newPlan(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fake is a sender of known behaviour, for virtual time: an answer takes service, and none comes while it stalls.
type fake struct {
	service  time.Duration
	serve    func(n int64, at time.Duration) time.Duration // instead of service: the n-th call, from 1, that long since began; nil: service
	stallAt  time.Duration                                 // since began
	stallFor time.Duration
	hangAt   time.Duration // from then on nothing is answered until ctx ends; 0: never
	deaf     bool          // async sends that hang don't end with ctx either: their callbacks never come
	answer   func(n int64) (producer.SendResult, error)

	began             time.Time
	calls             atomic.Int64
	inFlight, highest atomic.Int64 // now, and the most at one time

	mu    sync.Mutex // protects following
	of    map[*producer.Message]int
	lasts time.Time // the last call
}

func newFake() *fake { return &fake{began: time.Now(), of: map[*producer.Message]int{}} }

func (f *fake) send(ctx context.Context, m *producer.Message) (producer.SendResult, error) {
	n := f.calls.Add(1)
	now := f.inFlight.Add(1)
	defer f.inFlight.Add(-1)
	for {
		most := f.highest.Load()
		if now <= most || f.highest.CompareAndSwap(most, now) {
			break
		}
	}
	f.mu.Lock()
	f.of[m]++
	f.lasts = time.Now()
	f.mu.Unlock()
	at := time.Since(f.began)
	wait := f.service
	if f.serve != nil {
		wait = f.serve(n, at)
	}
	if end := f.stallAt + f.stallFor; at >= f.stallAt && at < end {
		wait += end - at
	}
	if f.hangAt > 0 && at >= f.hangAt {
		wait = 1000 * time.Hour
	}
	if !passed(ctx, wait) {
		return producer.SendResult{Attempts: 1}, &producer.SendError{Topic: m.Topic, Attempts: 1, Ambiguous: true, Err: context.Cause(ctx)}
	}
	if f.answer != nil {
		return f.answer(n)
	}
	return producer.SendResult{Attempts: 1}, nil
}

// passed waits so long; false: ctx ended first. No timer is over at once: goroutines of one synctest bubble that run such timers share a
// context of the race detector's, which crashes now and then (Go 1.26).
func passed(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *fake) Send(ctx context.Context, m *producer.Message, _ ...producer.SendOption) (producer.SendResult, error) {
	return f.send(ctx, m)
}

func (f *fake) SendOneway(ctx context.Context, m *producer.Message, _ ...producer.SendOption) (producer.SendResult, error) {
	return f.send(ctx, m)
}

func (f *fake) SendAsync(ctx context.Context, m *producer.Message, callback func(producer.SendResult, error), _ ...producer.SendOption) error {
	go func() {
		res, err := f.send(ctx, m)
		if err != nil && f.deaf {
			return
		}
		callback(res, err)
	}()
	return nil
}

// fairness is the most sends of a message over the fewest: workers have a message each.
func (f *fake) fairness() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	fewest, most := 1<<62, 0
	for _, n := range f.of {
		fewest, most = min(fewest, n), max(most, n)
	}
	return float64(most) / float64(max(fewest, 1))
}

// measured is what a measurement says of a case, whose sums hold.
type measured struct {
	results.Case
	*measurement
	histograms []results.TaggedHistogram
}

func (m *measured) quantile(name string, q float64) time.Duration {
	for _, h := range m.histograms {
		if h.Metric == name {
			return time.Duration(h.Histogram.Quantile(q))
		}
	}
	return -1
}

// measure drives a case under virtual time.
func measure(ctx context.Context, t testing.TB, c *scenarios.Case, s Sender) *measured {
	t.Helper()
	return measureBy(ctx, t, c, s, timerWaiter{})
}

func measureBy(ctx context.Context, t testing.TB, c *scenarios.Case, s Sender, w waiter) *measured {
	t.Helper()
	m, err := drive(ctx, planOf(t, c), s, w, watcher{})
	if err != nil {
		t.Fatal(err)
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

// wantSums holds every case of a run to the conservation rules.
func wantSums(t testing.TB, run *results.Run) {
	t.Helper()
	for i := range run.Cases {
		for _, e := range run.Cases[i].Evidence {
			if strings.HasPrefix(e.Code, "conservation") {
				t.Errorf("%s: %s", run.Cases[i].Name, e.Text)
			}
		}
	}
}

// near fails unless got is within a share of want.
func near[N int64 | float64 | time.Duration](t testing.TB, what string, got, want N, share float64) {
	t.Helper()
	if diff := float64(got) - float64(want); diff > share*float64(want) || -diff > share*float64(want) {
		t.Errorf("%s: %v, want %v ± %v %%", what, got, want, 100*share)
	}
}
