// Package metrics tells Prometheus of a run while it goes on: what became of sends, and how long they took as native histograms.
// It is fed once an interval, never on the path of a send, and its server only reads.
package metrics

import (
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rmqbench/results"
)

// Live is a run so far, for a registry. The zero Live is empty; safe for concurrent use.
type Live struct {
	mu    sync.Mutex
	order []string
	cases map[string]*caseSoFar
}

// caseSoFar is what Add told of a case, in sum.
type caseSoFar struct {
	began    time.Time // of the first interval's Add
	outcomes map[string]int64
	count    uint64
	seconds  float64
	buckets  map[int]int64 // of a native histogram of our schema, seconds
	zero     uint64
	last     results.Point
}

// schema is that of our native histograms: 8 buckets a doubling, each 9 % wider than the one before.
const schema = 3

// Add takes an interval of a case in, with its times from due to done; response isn't kept.
func (l *Live) Add(p *results.Point, response *results.Histogram) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.cases[p.Case]
	if c == nil {
		c = &caseSoFar{began: time.Now(), outcomes: map[string]int64{}, buckets: map[int]int64{}}
		if l.cases == nil {
			l.cases = map[string]*caseSoFar{}
		}
		l.cases[p.Case] = c
		l.order = append(l.order, p.Case)
	}
	for name, n := range map[string]int64{"acknowledged": p.Acknowledged, "weak": p.Weak, "written": p.Written, "refused": p.Refused, "ambiguous": p.Ambiguous, "failed": p.Failed} {
		c.outcomes[name] += n
	}
	for ns, n := range response.Bars() {
		c.count += uint64(n)
		if ns == 0 {
			c.zero += uint64(n)
			continue
		}
		c.buckets[int(math.Ceil(math.Log2(float64(ns)/1e9)*(1<<schema)))] += n
	}
	c.seconds += float64(response.Mean()) / 1e9 * float64(response.Count())
	c.last = *p
	c.last.Brokers, c.last.Queues = nil, nil
}

var (
	sends    = prometheus.NewDesc("rmqbench_sends_total", "Sends that have ended, by what became of them.", []string{"case", "outcome"}, nil)
	response = prometheus.NewDesc("rmqbench_response_seconds", "From when a send was due until its answer (oneway: until it was written), a native histogram.", []string{"case"}, nil)
	rate     = prometheus.NewDesc("rmqbench_messages_per_second", "Messages acknowledged or written a second in the last interval.", []string{"case"}, nil)
	quantile = prometheus.NewDesc("rmqbench_interval_response_seconds", "The last interval's percentiles, where it had enough sends to claim them, and the longest.", []string{"case", "percentile"}, nil)
)

// Describe implements [prometheus.Collector].
func (l *Live) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sends, response, rate, quantile} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (l *Live) Collect(to chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range l.order {
		c, name := l.cases[key], results.Printable(key)
		for outcome, n := range c.outcomes {
			to <- prometheus.MustNewConstMetric(sends, prometheus.CounterValue, float64(n), name, outcome)
		}
		buckets := make(map[int]int64, len(c.buckets)) // the metric outlives our lock
		for i, n := range c.buckets {
			buckets[i] = n
		}
		h, err := prometheus.NewConstNativeHistogram(response, c.count, c.seconds, buckets, nil, c.zero, schema, 0, c.began, name)
		if err != nil {
			h = prometheus.NewInvalidMetric(response, err)
		}
		to <- h
		if v := c.last.MessagesPerSecond; v != nil {
			to <- prometheus.MustNewConstMetric(rate, prometheus.GaugeValue, *v, name)
		}
		if r := c.last.Response; r != nil {
			for q, v := range map[string]*int64{"p50": r.P50, "p90": r.P90, "p99": r.P99, "p99.9": r.P99_9, "max": &r.Max} {
				if v != nil {
					to <- prometheus.MustNewConstMetric(quantile, prometheus.GaugeValue, float64(*v)/1e9, name, q)
				}
			}
		}
	}
}
