package bench

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// listed is one send as the schedule has it.
type listed struct {
	index, due int64
	key        string
	size       int
}

// list is what a plan sends, by the plan alone.
func list(p *plan) []listed {
	var all []listed
	var m producer.Message
	p.mould.begin(&m)
	for c, more := walk(p); more; more = c.next() {
		for i := range c.size {
			p.mould.fill(&m, c.index+i)
			key := ""
			if len(m.Keys) > 0 {
				key = strings.Join(m.Keys, " ")
			}
			all = append(all, listed{c.index + i, c.due, key, len(m.Body)})
		}
	}
	return all
}

// TestSharesAreOneSchedule: the shares of a schedule, put together, are exactly the run of one machine: the same index, key, size and due
// time for each send, whatever the arrivals and the mode.
func TestSharesAreOneSchedule(t *testing.T) {
	for name, load := range map[string]string{
		"constant":  "stages: [{for: 1s, rate: 1k/s, warmup: true}, {for: 2s, rate: 3k/s}]",
		"poisson":   "arrivals: poisson, stages: [{for: 3s, rate: 2k/s}]",
		"ramp":      "arrivals: poisson, stages: [{for: 3s, rate: 100/s..4k/s}]",
		"staircase": "stages: [{for: 3s, rate: 1k/s..2k/s, steps: 4}]",
		"batch":     "mode: batch, batch: 7, arrivals: poisson, stages: [{for: 2s, rate: 3k/s}]",
		"count":     "count: 1001, stages: [{for: 2s, rate: 1k/s}]",
		"few":       "stages: [{for: 1s, rate: 3/s}]",
	} {
		c := &parse(t, "load: {"+load+"}\nmessage: {size: {uniform: [10B, 200B]}, keys: {distinct: 100}}")[0]
		whole := planOf(t, c)
		want := list(whole)
		for _, of := range []int{1, 4, 7} {
			var got []listed
			for k := range of {
				p := planOf(t, c)
				p.share, p.of = k, of
				mine := list(p)
				if n := len(mine); of == 4 && name == "constant" && n != len(want)/4 {
					t.Errorf("%s: share %d of %d has %d sends of %d", name, k, of, n, len(want))
				}
				got = append(got, mine...)
			}
			slices.SortStableFunc(got, func(a, b listed) int { return int(a.index - b.index) })
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %d shares have %d sends together, not the %d of one run, or others", name, of, len(got), len(want))
			}
		}
	}
}

// runShares runs s as so many shares at once, each as a process would.
func runShares(t *testing.T, s *scenarios.Scenario, of int, late func(k int) time.Duration) []*Report {
	t.Helper()
	begin := beginTogether(of)
	return together(t, of, func(k int) (*Report, error) {
		return Run(t.Context(), s, Options{Share: &Share{Index: k, Of: of, Host: fmt.Sprintf("pod-%d", k), Begin: func(ctx context.Context) (time.Time, error) {
			at, err := begin(ctx)
			waitUntil(ctx, at.Add(late(k)))
			return at, err
		}}})
	})
}

// beginTogether is Begin of so many shares: half a second after the last of them is ready, however long that takes on this machine.
func beginTogether(of int) func(context.Context) (time.Time, error) {
	var at time.Time
	var ready atomic.Int64
	all := make(chan struct{})
	return func(ctx context.Context) (time.Time, error) {
		if ready.Add(1) == int64(of) {
			at = time.Now().Add(500 * time.Millisecond)
			close(all)
		}
		select {
		case <-all:
			return at, nil
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// together runs shares at the same time.
func together(t *testing.T, of int, run func(k int) (*Report, error)) []*Report {
	t.Helper()
	type result struct {
		k      int
		report *Report
		err    error
	}
	done := make(chan result, of)
	for k := range of {
		go func() {
			report, err := run(k)
			done <- result{k, report, err}
		}()
	}
	reports := make([]*Report, of)
	for range of {
		r := <-done
		if r.err != nil {
			t.Fatal(r.err)
		}
		reports[r.k] = r.report
	}
	return reports
}

// mergeShares is the whole of what shares measured, as rmqbench merge makes it.
func mergeShares(t *testing.T, of []*Report) *results.Whole {
	t.Helper()
	var m results.Merger
	for _, r := range of {
		data, err := results.EncodeWhole(r.Whole)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Add("f", data); err != nil {
			t.Fatal(err)
		}
	}
	merged, err := m.Merge()
	if err != nil {
		t.Fatal(err)
	}
	return merged
}

// TestSharesMerge: three shares over real sockets to one embedded broker, merged through their printed form: what the brokers got is the
// sum, each case's sums hold, and the shares began together.
func TestSharesMerge(t *testing.T) {
	cluster := cluster(t, broker.Options{})
	s, err := scenarios.FromFlags(
		scenarios.Override{Path: "target.namesrv", Value: cluster.NameServer()},
		scenarios.Override{Path: "load.rate", Value: "600/s"},
		scenarios.Override{Path: "load.duration", Value: "1s"},
		scenarios.Override{Path: "load.warmup", Value: "200ms"},
		scenarios.Override{Path: "load.workers", Value: "8"},
	)
	if err != nil {
		t.Fatal(err)
	}
	reports := runShares(t, s, 3, func(int) time.Duration { return 0 })
	var log strings.Builder
	for _, r := range reports {
		if err := results.PrintWhole(&log, r.Whole); err != nil {
			t.Fatal(err)
		}
	}
	var m results.Merger
	if err := m.AddPrinted("-", strings.NewReader(log.String())); err != nil {
		t.Fatal(err)
	}
	merged, err := m.Merge()
	if err != nil {
		t.Fatal(err)
	}
	c := &merged.Run.Cases[0]
	if c.Offered != 600 || c.Warmup.Offered != 120 || c.Acknowledged != 600 {
		t.Errorf("offered %d, warm-up %d, acknowledged %d: want 600, 120, 600", c.Offered, c.Warmup.Offered, c.Acknowledged)
	}
	if merged.Run.Verdict == results.Partial || merged.Run.Verdict == results.Invalid {
		t.Errorf("%s: %+v", merged.Run.Verdict, merged.Run.Evidence)
	}
	if got := *c.Stages[0].RatePerSecond; got != 600 {
		t.Errorf("the stage's rate is %v, want 600", got)
	}
	if skew := merged.Run.StartSkew(); skew == nil || *skew > int64(time.Second) {
		t.Errorf("skew %v", skew)
	}
	if clock := merged.Run.Shards[0].Clock; clock == nil || clock.LowNS > int64(2*time.Second) || clock.HighNS < -int64(2*time.Second) {
		t.Errorf("the broker of this machine has another clock: %+v", clock)
	}
}

// TestShareThatIsLate: it says so, and the merged run is PARTIAL.
func TestShareThatIsLate(t *testing.T) {
	cluster := cluster(t, broker.Options{})
	s, err := scenarios.FromFlags(scenarios.Override{Path: "target.namesrv", Value: cluster.NameServer()},
		scenarios.Override{Path: "load.rate", Value: "200/s"}, scenarios.Override{Path: "load.duration", Value: "500ms"})
	if err != nil {
		t.Fatal(err)
	}
	reports := runShares(t, s, 2, func(k int) time.Duration { return time.Duration(k) * 1500 * time.Millisecond })
	merged := mergeShares(t, reports)
	if merged.Run.Verdict != results.Partial || !strings.Contains(strings.Join(merged.Run.Lost, "|"), "shard 1 of 2 (pod-1) in time: it began 1.") {
		t.Errorf("%s, lost %q", merged.Run.Verdict, merged.Run.Lost)
	}
}

func TestShareRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		load string
		k, n int
		want string
	}{
		"unknown length": {"stages: [{rate: 1k/s, warmup: auto}, {for: 1s, rate: 1k/s}]", 0, 2, "warmup: auto ends at a time that nobody knows"},
		"closed loop":    {"workers: 2", 0, 2, "a closed loop has no schedule to share; give a rate"},
		"count alone":    {"count: 10, stages: [{rate: 1k/s}]", 0, 2, "give a duration"},
		"ordered":        {"ordered: true, stages: [{for: 1s, rate: 1k/s}]}\nmessage: {keys: {distinct: 9}", 0, 2, "ordered keeps one send of each key under way, and the others send the same keys"},
		"beyond":         {"stages: [{for: 1s, rate: 1k/s}]", 2, 2, "the first is 0 of N"},
		"none":           {"stages: [{for: 1s, rate: 1k/s}]", 0, 0, "the first is 0 of N"},
	} {
		c := loadOf(t, tt.load)
		_, err := newShare(&Share{Index: tt.k, Of: tt.n}, []scenarios.Case{*c}, []turn{{}}, betweenCases)
		if e, ok := errors.AsType[*ShareError](err); !ok || !strings.Contains(e.Msg, tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
