package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"rmqbench/internal/nearest"
)

// Metric is what an [Objective] speaks of.
type Metric struct {
	Name    string // as it is written: p99, errors, rate
	Unit    string // of a limit: ns, share (from 0 to 1) or per_second
	AtLeast bool   // the limit is a floor, written with >; otherwise a ceiling, written with <
}

// Metrics are all there are. Latencies are those from due to answer, and of oneway sends write times.
var Metrics = []Metric{
	{"p50", "ns", false},
	{"p90", "ns", false},
	{"p99", "ns", false},
	{"p99.9", "ns", false},
	{"p99.99", "ns", false},
	{"mean", "ns", false},
	{"max", "ns", false},
	{"errors", "share", false}, // all but acknowledged and written, of the offered
	{"rate", "per_second", true},
}

// Objective is a demand on what a case measures.
type Objective struct {
	Metric Metric
	Limit  float64 // in Metric.Unit; the value must be under it, or over it if Metric.AtLeast
	text   string  // of the limit
}

// String gives p99<10ms, which [ParseObjectives] reads back.
func (o Objective) String() string {
	sign := "<"
	if o.Metric.AtLeast {
		sign = ">"
	}
	return o.Metric.Name + sign + o.text
}

// ParseObjectives reads demands with commas between them: p99<10ms,errors<0.1%.
func ParseObjectives(text string) ([]Objective, error) {
	var all []Objective
	for part := range strings.SplitSeq(text, ",") {
		o, err := parseObjective(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("objective %q %w", clip(part), err)
		}
		all = append(all, o)
	}
	return all, nil
}

func parseObjective(text string) (Objective, error) {
	const like = "p99<10ms"
	at := strings.IndexAny(text, "<>")
	if at < 0 {
		return Objective{}, problemf("must be a metric and its limit, like %s, not %q", like, clip(text))
	}
	name, limit := strings.TrimSpace(text[:at]), strings.TrimPrefix(text[at+1:], "=")
	var names []string
	for _, m := range Metrics {
		names = append(names, m.Name)
		if m.Name != name {
			continue
		}
		if m.AtLeast != (text[at] == '>') {
			return Objective{}, problemf("must be the other way round; write %s", map[bool]string{true: name + ">1k/s", false: name + "<" + strings.TrimSpace(limit)}[m.AtLeast])
		}
		v, canonical, err := m.parseLimit(strings.ReplaceAll(limit, " ", ""))
		if err != nil {
			return Objective{}, problemf("limit %v", err)
		}
		return Objective{m, v, canonical}, nil
	}
	return Objective{}, problemf("has no metric %q; nearest: %s", clip(name), nearest.Any(name, names))
}

// parseLimit reads a limit of m and gives it as it is written best.
func (m Metric) parseLimit(text string) (limit float64, canonical string, err error) {
	switch m.Unit {
	case "share":
		return parsePercentage(text)
	case "per_second":
		r, err := parseRate(text)
		return r.PerSecond(), r.String(), err
	}
	d, err := parseSpan(text)
	return float64(d), d.String(), err
}

// parsePercentage reads 0.1% as 0.001.
func parsePercentage(text string) (float64, string, error) {
	const like = "0.1%"
	digits, ok := strings.CutSuffix(text, "%")
	if !ok {
		return 0, "", problemf("must be a percentage like %s, not %q", like, clip(text))
	}
	n, rest, err := parseDecimal(digits, like)
	if err != nil {
		return 0, "", err
	}
	percent := float64(n.mantissa) / math.Pow10(n.scale)
	switch {
	case rest != "":
		return 0, "", problemf("must be a percentage like %s, not %q", like, clip(text))
	case percent == 0 || percent > 100:
		return 0, "", problem("must be over 0% and at most 100%")
	}
	return percent / 100, strconv.FormatFloat(percent, 'f', -1, 64) + "%", nil
}
