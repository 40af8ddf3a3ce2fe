package results

// Latency is a Histogram in a few numbers, in integer nanoseconds. A nil Latency says that nothing was measured.
//
// A percentile pX is null unless n × (1 − X) ≥ 100, for fewer sends than that lie beyond it; Needs then says how many
// sends would do. Min ≤ P50 ≤ … ≤ P99_99 ≤ Max always; Min, Max and Mean are exact, the percentiles within 0.1 %.
type Latency struct {
	Count   int64               `json:"count"`
	Mean    int64               `json:"mean"` // rounded down
	Min     int64               `json:"min"`
	P50     *int64              `json:"p50"`
	P90     *int64              `json:"p90"`
	P99     *int64              `json:"p99"`
	P99_9   *int64              `json:"p99_9"`
	P99_99  *int64              `json:"p99_99"`
	Max     int64               `json:"max"`
	Needs   map[string]int64    `json:"needs,omitempty"`   // percentile's JSON name to the count from which it may be claimed
	CI95    map[string][2]int64 `json:"ci95,omitempty"`    // percentile's JSON name to its 95 % interval; see Confide
	Clamped int64               `json:"clamped,omitempty"` // durations outside 0 ns to 1 h
}

// percentile is one that a Latency holds.
type percentile struct {
	key   string // in JSON
	label string // for people
	q     float64
	needs int64 // sends: 100 / (1 − q)
	of    func(*Latency) **int64
}

var percentiles = []percentile{
	{"p50", "p50", 0.50, 200, func(l *Latency) **int64 { return &l.P50 }},
	{"p90", "p90", 0.90, 1_000, func(l *Latency) **int64 { return &l.P90 }},
	{"p99", "p99", 0.99, 10_000, func(l *Latency) **int64 { return &l.P99 }},
	{"p99_9", "p99.9", 0.999, 100_000, func(l *Latency) **int64 { return &l.P99_9 }},
	{"p99_99", "p99.99", 0.9999, 1_000_000, func(l *Latency) **int64 { return &l.P99_99 }},
}

// Summarize returns h's Latency, nil if h is empty.
func Summarize(h *Histogram) *Latency {
	if h.Count() == 0 {
		return nil
	}
	l := &Latency{Count: h.Count(), Mean: h.Mean(), Min: h.Min(), Max: h.Max(), Clamped: h.Clamped()}
	for _, p := range percentiles {
		if l.Count >= p.needs {
			*p.of(l) = new(h.Quantile(p.q))
			continue
		}
		if l.Needs == nil {
			l.Needs = map[string]int64{}
		}
		l.Needs[p.key] = p.needs
	}
	return l
}
