package results

import "fmt"

// Objective is a demand on a case, and what came of it.
type Objective struct {
	Text    string   `json:"objective"` // p99<10ms
	Metric  string   `json:"metric"`    // p50 … p99.99, mean, max, errors, rate
	Unit    string   `json:"unit"`      // of Limit and Value: ns, share or per_second
	AtLeast bool     `json:"at_least"`  // Value must be over Limit; otherwise under it
	Limit   float64  `json:"limit"`
	Value   *float64 `json:"value"` // by Judge; null where the record can't tell
	Met     *bool    `json:"met"`   // by Judge; null where Value is
	Needs   int64    `json:"needs"` // by Judge: sends from which Value could be told; 0 where that isn't what is missing
}

// judge sets what c's record says of o. A percentile that may not be claimed for want of sends decides nothing; without
// a single success no latency holds.
func (o *Objective) judge(c *Case) {
	o.Value, o.Met, o.Needs = nil, nil, 0
	set := func(v float64) {
		o.Value = &v
		o.Met = new(v < o.Limit && !o.AtLeast || v > o.Limit && o.AtLeast)
	}
	l := c.Response
	if c.Mode == modeOneway {
		l = c.WriteTime
	}
	switch {
	case c.Offered == 0:
		return
	case o.Metric == "errors":
		set(c.ErrorShare())
		return
	case o.Metric == "rate":
		if c.MessagesPerSecond != nil {
			set(*c.MessagesPerSecond)
		}
		return
	case l == nil:
		o.Met = new(false)
		return
	case o.Metric == "mean":
		set(float64(l.Mean))
	case o.Metric == "max":
		set(float64(l.Max))
	}
	for _, p := range percentiles {
		if p.label != o.Metric {
			continue
		}
		if v := *p.of(l); v != nil {
			set(float64(*v))
		} else {
			o.Needs = p.needs
		}
	}
}

// PercentileNeeds is how many sends a metric must have before it may be claimed; 0 for one that isn't a percentile.
func PercentileNeeds(metric string) int64 {
	for _, p := range percentiles {
		if p.label == metric {
			return p.needs
		}
	}
	return 0
}

// Words say what came of a judged o in a few.
func (o *Objective) Words() string {
	said := Printable(o.Text) + " "
	switch {
	case o.Met == nil && o.Needs > 0:
		return said + "can't be told: it needs " + FormatCount(o.Needs, "send")
	case o.Met == nil:
		return said + "can't be told"
	case *o.Met:
		said += "holds"
	default:
		said += "MISSED"
	}
	if o.Value == nil {
		return said + " (nothing succeeded)"
	}
	return said + " (" + o.format(*o.Value) + ")"
}

// format writes a value of o's unit for people.
func (o *Objective) format(v float64) string {
	switch o.Unit {
	case "share":
		return formatShare(v)
	case "per_second":
		return FormatRate(v) + "/s"
	}
	return FormatDuration(int64(v))
}

// objectiveLines say of each objective what came of it.
func objectiveLines(r *Run) []string {
	var lines []string
	cases := r.wholes()
	for i := range cases {
		for j := range cases[i].SLO {
			lines = append(lines, fmt.Sprintf("objective %s: %s", cases[i].label(), cases[i].SLO[j].Words()))
		}
	}
	return lines
}

// objectives says whether any was missed, whether any can't be told, and whether there is one.
func (r *Run) objectives() (missed, open, asked bool) {
	for _, c := range r.wholes() {
		for _, o := range c.SLO {
			asked = true
			open = open || o.Met == nil
			missed = missed || o.Met != nil && !*o.Met
		}
	}
	return missed, open, asked
}
