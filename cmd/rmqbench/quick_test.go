package main

import (
	"slices"
	"testing"
	"time"

	"rmqbench/bench"
	"rmqbench/results"
)

// quick's lines tell what was measured; a figure that is missing is a dash, and without one of the cases there are no lines.
func TestQuickLines(t *testing.T) {
	report := func() *bench.Report {
		r := &bench.Report{Run: &results.Run{Name: "quick"}}
		for i, name := range []string{"sync 64", "async 1024", "oneway", "stall", "round robin", "avoiding"} {
			c := results.Case{Name: name}
			if i > 2 {
				c.Events = []results.Event{{Kind: "stall", Broker: "b0"}}
			}
			c.Attempted, c.MessagesPerSecond = 1, new(float64(i+1)*1e5)
			h := results.NewHistogram()
			h.Record(int64(i+1) * int64(time.Millisecond))
			r.Histograms = append(r.Histograms, results.TaggedHistogram{Case: name, Metric: "response", Histogram: h},
				results.TaggedHistogram{Case: name, Metric: "service", Histogram: h})
			r.Run.Cases = append(r.Run.Cases, c)
		}
		return r
	}
	r := report()
	r.Run.Cases[0].Response = &results.Latency{P99: new(int64(447_000))}
	avoiding := &r.Run.Cases[5]
	avoiding.Events = []results.Event{{Kind: "service_time", AtNS: 2e8, LengthNS: 3e9, Broker: "b0"}}
	avoiding.Pulse = []results.Pulse{{Broker: "b0", BinNS: 5e7}, {Broker: "b1", BinNS: 5e7}}
	for i := range 68 { // b0 takes its part until 1.3 s
		avoiding.Pulse[0].Sends = append(avoiding.Pulse[0].Sends, map[bool]int64{true: 25}[i < 26])
		avoiding.Pulse[1].Sends = append(avoiding.Pulse[1].Sends, 25)
	}
	for name, tt := range map[string]struct {
		report *bench.Report
		want   []string
	}{
		"all": {r, []string{
			"1 speed   sync 64 100k/s p99 447 µs   async 1024 200k/s p99 —   oneway 300k/s",
			"2 truth   1,000/s, broker stalls once for 0.5 s:  timed from the call p99 4.00 ms · from when it was due p99 4.00 ms",
			"3 queues  3 brokers, one slow for 3 s:  round_robin p99 5.00 ms · avoiding p99 6.00 ms, left it after 1.10 s",
		}},
		"nothing known": {func() *bench.Report {
			r := report()
			r.Histograms = nil
			for i := range r.Run.Cases {
				r.Run.Cases[i].MessagesPerSecond = nil
			}
			return r
		}(), []string{
			"1 speed   sync 64 — p99 —   async 1024 — p99 —   oneway —",
			"2 truth   1,000/s, broker stalls once for 0.5 s:  timed from the call p99 — · from when it was due p99 —",
			"3 queues  3 brokers, one slow for 3 s:  round_robin p99 — · avoiding p99 —, left it after —",
		}},
		"somebody's brokers": {func() *bench.Report {
			r := report()
			for i := range r.Run.Cases {
				r.Run.Cases[i].Events = nil
			}
			return r
		}(), []string{"1 speed   sync 64 100k/s p99 —   async 1024 200k/s p99 —   oneway 300k/s"}},
		"a case is missing": {func() *bench.Report {
			r := report()
			r.Run.Cases = r.Run.Cases[:5]
			return r
		}(), nil},
		"another run": {&bench.Report{Run: &results.Run{Name: "sizes"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := quickLines(tt.report); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}
