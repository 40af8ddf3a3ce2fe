package results

import (
	"math"
	"slices"
	"strings"
)

// Metric is what is compared of two results.
type Metric struct {
	Name           string  `json:"name"` // msg/s, p50, p99, cpu/msg, …; of Go benchmark text the unit
	Unit           string  `json:"unit"` // ns, per_second, share, bytes or count; of Go benchmark text as Name
	HigherIsBetter bool    `json:"higher_is_better"`
	Counted        bool    `json:"counted"`         // a count, the same on any machine; else it is timed
	Leading        bool    `json:"leading"`         // one that must be told before a gate passes
	Grain          float64 `json:"grain,omitempty"` // of a count: differences up to it are none, in Unit
}

// Sample is what one side of a comparison measured of one metric: a value a round.
type Sample struct {
	Case   string
	Metric Metric
	Values []float64
}

// counted are the counts that are compared, a message each.
var (
	allocsMetric = Metric{Name: "allocs/msg", Unit: "count", Counted: true, Grain: 0.5}
	bytesMetric  = Metric{Name: "wire B/msg", Unit: "bytes", Counted: true, Grain: 1}
	writesMetric = Metric{Name: "writes/msg", Unit: "count", Counted: true, Grain: 0.05}
)

// outcomeGrain is the share of the offered sends up to which an outcome that isn't success differs by chance.
const outcomeGrain = 0.001

// breaksGrain is the share of the pairs up to which order breaks differ by chance, where order isn't kept: which of two sends of one key that are
// under way together is stored first is one.
const breaksGrain = 0.01

// strayAllocs is by how many allocations two runs of one thing may differ that have nothing to do with their messages: clocks that tick,
// the runtime's own. Six runs of a second lay up to 3,400 apart.
const strayAllocs = 4_000

// samplesOf are a case's metrics, a value each.
func samplesOf(c *Case) []Sample {
	var all []Sample
	add := func(m Metric, v *float64) {
		if v != nil {
			all = append(all, Sample{c.Name, m, []float64{*v}})
		}
	}
	if !c.OpenLoop { // with a rate, that is what was asked for
		add(Metric{Name: "msg/s", Unit: "per_second", HigherIsBetter: true, Leading: true}, c.MessagesPerSecond)
	}
	for _, p := range percentiles {
		if p.label != "p50" && p.label != "p99" { // the others go with them: more tests, less seen by each
			continue
		}
		if l := c.latency(); l != nil {
			if v := *p.of(l); v != nil {
				add(Metric{Name: p.label, Unit: "ns", Leading: c.OpenLoop}, new(float64(*v)))
			}
		}
	}
	if a := c.Arrivals; a != nil {
		if a.Gaps != nil && a.Gaps.P99 != nil {
			add(Metric{Name: "gap p99", Unit: "ns"}, new(float64(*a.Gaps.P99)))
		}
		if c.Acknowledged > 0 {
			add(Metric{Name: "body B/msg", Unit: "bytes", Counted: true, Grain: 1}, new(float64(valueOf(c.BodyBytes))/float64(c.Acknowledged)))
			add(Metric{Name: "stored B/msg", Unit: "bytes", Counted: true, Grain: 1}, new(float64(a.StoredBytes)/float64(c.Acknowledged)))
			add(Metric{Name: "duplicates", Unit: "share", Counted: true}, new(float64(a.Duplicates)/float64(c.Acknowledged)))
		}
	}
	if k := c.Keys; k != nil && k.Used > 0 {
		add(Metric{Name: "keys in two queues", Unit: "share", Counted: true}, new(float64(k.InTwoQueues)/float64(k.Used)))
	}
	if k := c.Keys; k != nil && k.Pairs > 0 {
		m := Metric{Name: "order breaks", Unit: "share", Counted: true, Grain: breaksGrain}
		if c.Ordered {
			m.Grain = 0
		}
		add(m, new(float64(k.OrderBreaks)/float64(k.Pairs)))
	}
	if c.Process != nil {
		add(Metric{Name: "cpu/msg", Unit: "ns"}, c.Process.CPUNSPerMessage)
		m := allocsMetric
		if n := c.Successes(); n > 0 {
			m.Grain += strayAllocs / float64(n)
		}
		add(m, c.Process.AllocsPerMessage)
	}
	if n := c.Successes(); c.Transport != nil && n > 0 {
		add(bytesMetric, new(float64(c.Transport.BytesOut)/float64(n)))
		add(writesMetric, new(float64(c.Transport.Writes)/float64(n)))
	}
	if c.Offered > 0 {
		for _, f := range countFields {
			if n := *f.of(&c.Counts); isTrouble(f.name) {
				add(Metric{Name: f.name, Unit: "share", Counted: true, Grain: outcomeGrain}, new(float64(n)/float64(c.Offered)))
			}
		}
	}
	return all
}

// isTrouble tells the outcomes of which fewer are better.
func isTrouble(outcome string) bool {
	return slices.Contains([]string{"weak", "refused", "ambiguous", "failed", "dropped"}, outcome)
}

// latency is the one that a case's percentiles are of.
func (c *Case) latency() *Latency {
	if c.Mode == modeOneway {
		return c.WriteTime
	}
	return c.Response
}

// goMetric is a unit of Go benchmark text: by what the text says of it, else by its name.
func goMetric(unit string, better int, exact bool) Metric {
	m := Metric{Name: unit, Unit: unit, HigherIsBetter: better > 0, Leading: true}
	if better == 0 {
		m.HigherIsBetter = strings.HasSuffix(unit, "/s") || strings.HasSuffix(unit, "/sec")
	}
	if exact || unit == "B/op" || unit == "allocs/op" {
		m.Counted, m.Leading = true, false
	}
	return m
}

// better reports whether v is on base's good side.
func (m *Metric) better(base, v float64) bool { return v > base == m.HigherIsBetter }

// Format writes a value of m for people.
func (m *Metric) Format(v float64) string {
	switch {
	case math.IsNaN(v):
		return noClaim
	case m.Unit == "ns":
		return FormatDuration(int64(math.Round(v)))
	case m.Unit == "sec/op":
		return FormatDuration(int64(math.Round(v * 1e9)))
	case m.Unit == "share":
		return formatShare(v)
	case m.Unit == "bytes", m.Unit == "count":
		return scale(v, 1000, []unit{{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}})
	}
	return FormatRate(v)
}
