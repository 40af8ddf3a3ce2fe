package bench

import (
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestIntervalsSumToTheTotals: whatever ends when, each send is in one interval.
func TestIntervalsSumToTheTotals(t *testing.T) {
	for _, load := range []string{"workers: 8, stages: [{for: 2s, rate: 1k/s, warmup: true}, {for: 3500ms, rate: 1k/s}]",
		"workers: 8, stages: [{for: 3500ms}]", "mode: async, in_flight: 64, stages: [{for: 2500ms, rate: 1k/s}]", "mode: oneway, workers: 2, stages: [{for: 2500ms}]"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.service, f.stallAt, f.stallFor = time.Millisecond, 1500*time.Millisecond, 1200*time.Millisecond
			f.answer = func(n int64) (producer.SendResult, error) {
				if n%7 == 0 {
					return producer.SendResult{Attempts: 1}, &producer.SendError{Attempts: 1, Err: errDrained}
				}
				return producer.SendResult{Attempts: 1}, nil
			}
			m := measure(t.Context(), t, loadOf(t, load), f)
			var sum results.Point
			var end int64
			points := m.series.of("c", 0, 5)
			for _, p := range points {
				if p.Case != "c" || p.StartOffsetNS != end+5 || p.LengthNS <= 0 {
					t.Errorf("%s: an interval of %d ns from %d on, the one before ended at %d", load, p.LengthNS, p.StartOffsetNS, end+5)
				}
				end = p.StartOffsetNS - 5 + p.LengthNS
				sum.Attempted += p.Attempted
				sum.Acknowledged += p.Acknowledged
				sum.Written += p.Written
				sum.Failed += p.Failed
				if n := p.Acknowledged + p.Written; (p.Response == nil) != (n == 0) || p.Response != nil && p.Response.Count != n {
					t.Errorf("%s: %d sends, %+v", load, n, p.Response)
				}
			}
			n := counted(&m.Case)
			failed, attempted := m.Failed, m.Attempted
			if m.Warmup != nil {
				failed, attempted = failed+m.Warmup.Failed, attempted+m.Warmup.Attempted
			}
			if sum.Attempted != attempted || sum.Acknowledged != n.Acknowledged || sum.Written != n.Written || sum.Failed != failed {
				t.Errorf("%s: the intervals sum to %+v, the case has %+v", load, sum, n)
			}
			if len(points) < 3 || len(points) > 10 {
				t.Errorf("%s: %d intervals", load, len(points))
			}
		})
	}
}

// TestR27_SeriesOfADay: the interval widens, so that a day is a few thousand lines.
func TestR27_SeriesOfADay(t *testing.T) {
	var at time.Duration
	n := 0
	for ; at < 24*time.Hour; n++ {
		at += intervalAt(n)
	}
	if intervalAt(0) != time.Second || intervalAt(widenAfter) != 2*time.Second || n > 6000 {
		t.Errorf("%d intervals, the first of %v", n, intervalAt(0))
	}
}

// The intervals of the series tell what each queue took, and sum to the case's queues.
func TestIntervalsByQueue(t *testing.T) {
	t.Parallel()
	scenario, err := scenarios.FromFlags(scenarios.Override{Path: "load.duration", Value: "1500ms"}, scenarios.Override{Path: "load.workers", Value: "2"})
	if err != nil {
		t.Fatal(err)
	}
	var told, timed int64
	report, err := Run(t.Context(), scenario, Options{Interval: func(p *results.Point, times *results.Histogram) {
		told += p.Acknowledged
		timed += times.Count()
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := &report.Run.Cases[0]
	if told != c.Acknowledged || timed != told {
		t.Errorf("intervals that ended told of %d sends and %d times, the case has %d", told, timed, c.Acknowledged)
	}
	sums := make([]int64, len(c.Queues))
	for _, p := range report.Series {
		if len(p.Queues) != len(c.Queues) {
			t.Fatalf("%d queues in an interval, the case has %d", len(p.Queues), len(c.Queues))
		}
		for i, n := range p.Queues {
			sums[i] += n
		}
	}
	for i, q := range c.Queues {
		if sums[i] != q.Acknowledged || sums[i] == 0 {
			t.Errorf("%s:%d took %d in the intervals, %d in all", q.Broker, *q.Queue, sums[i], q.Acknowledged)
		}
	}
}
