package results

import (
	"fmt"
	"math"
	"slices"
)

// breaches returns a line for each conservation rule that c breaks: its numbers contradict one another, and none can be
// believed.
func breaches(c *Case) []Evidence {
	b := breachList{}
	b.stage("", "the case", c.Mode, &c.Measured, c.Kinds)
	if c.Warmup != nil {
		b.stage("warm-up: ", "all of it", c.Mode, &c.Warmup.Measured, c.Warmup.Kinds)
	}
	for i := range c.Stages {
		b.stage(fmt.Sprintf("stage %d: ", i+1), "all of it", c.Mode, &c.Stages[i].Measured, c.Stages[i].Kinds)
	}
	b.stages(c)
	b.intervals(c)
	b.little(&c.Generator)
	if c.Anatomy != nil && c.Service != nil {
		if sum, whole := c.Anatomy.Sum(), c.Service.Mean; math.Abs(float64(sum-whole)) > anatomyTolerate*float64(whole)+rounding {
			b.add("anatomy", "the parts of a send add up to %s, its mean from the call is %s", FormatDuration(sum), FormatDuration(whole))
		}
	}
	b.shares("queues", c.Queues, c)
	b.shares("topics", c.Topics, c)
	b.shares("brokers", c.Brokers, c)
	if slots := c.Generator; slots.MissedSlots > slots.Slots {
		b.add("slots", "%d slots missed of %d", slots.MissedSlots, slots.Slots)
	}
	return b
}

type breachList []Evidence

func (b *breachList) add(rule, format string, args ...any) {
	*b = append(*b, Evidence{Code: "conservation." + rule, Verdict: Invalid, Text: fmt.Sprintf(format, args...)})
}

// measured checks what must hold within one Measured of a case in mode; where leads each line.
func (b *breachList) measured(where, mode string, m *Measured) {
	c := &m.Counts
	for _, f := range countFields {
		if n := *f.of(c); n < 0 {
			b.add("sign", "%s%s is %d", where, f.name, n)
		}
	}
	if c.Offered != c.Attempted+c.Dropped {
		b.add("offered", "%soffered %d ≠ attempted %d + dropped %d", where, c.Offered, c.Attempted, c.Dropped)
	}
	outcomes := c.Acknowledged + c.Weak + c.Written + c.Refused + c.Ambiguous + c.Failed
	if c.Attempted != outcomes {
		b.add("attempted", "%sattempted %d ≠ sum of the outcomes %d", where, c.Attempted, outcomes)
	}
	if sum := sumOf(c.Statuses); c.Statuses != nil && sum != c.Acknowledged+c.Weak {
		b.add("statuses", "%sstatuses sum to %d, acknowledged and weak to %d", where, sum, c.Acknowledged+c.Weak)
	}
	if sum := sumOf(c.Errors); c.Errors != nil && sum != c.Refused+c.Ambiguous+c.Failed {
		b.add("errors", "%serrors sum to %d, refused, ambiguous and failed to %d", where, sum, c.Refused+c.Ambiguous+c.Failed)
	}
	if m.BodyBytes != nil && m.BodyBytesEach != nil && *m.BodyBytes != c.Successes()**m.BodyBytesEach {
		b.add("bytes", "%s%d body bytes ≠ %d messages × %d", where, *m.BodyBytes, c.Successes(), *m.BodyBytesEach)
	}
	b.latencies(where, mode, m)
}

// latencies checks that each histogram holds as many sends as had its outcome, and that its numbers are in order.
func (b *breachList) latencies(where, mode string, m *Measured) {
	timed := "response"
	times := m.Response
	if mode == modeOneway {
		timed, times = "write time", m.WriteTime
	}
	if n := m.Timed(mode); times == nil && n > 0 && mode != ModeArrived {
		b.add("histogram", "%s%d sends succeeded and none has a %s", where, n, timed)
	}
	for _, h := range []struct {
		name string
		l    *Latency
		want int64
	}{
		{"response", m.Response, m.Acknowledged},
		{"write time", m.WriteTime, m.Written},
		{"service", m.Service, m.Timed(mode)},
		{"delay", m.Delay, m.Timed(mode)},
	} {
		if h.l == nil {
			continue
		}
		if h.l.Count != h.want {
			b.add("histogram", "%s%s holds %d sends, %d had that outcome", where, h.name, h.l.Count, h.want)
		}
		if !h.l.ordered() {
			b.add("order", "%s%s: minimum, percentiles and maximum are not in order", where, h.name)
		}
	}
	for _, f := range countFields {
		l := m.Unsuccessful[f.name]
		if l == nil {
			continue
		}
		if n := *f.of(&m.Counts); l.Count != n {
			b.add("histogram", "%sthe times of %s hold %d sends, %d had that outcome", where, f.name, l.Count, n)
		}
		if !l.ordered() {
			b.add("order", "%sthe times of %s: minimum, percentiles and maximum are not in order", where, f.name)
		}
	}
}

// sums checks that the counts of n parts add up to those of what they are parts of.
func (b *breachList) sums(where, parts, what string, whole *Counts, n int, of func(i int) *Counts) {
	for _, f := range countFields {
		var sum int64
		for i := range n {
			sum += *f.of(of(i))
		}
		if want := *f.of(whole); sum != want {
			b.add(parts, "%sthe %s' %s sum to %d, %s has %d", where, parts, f.name, sum, what, want)
		}
	}
}

// stages checks that the stages add up to the case.
func (b *breachList) stages(c *Case) {
	if len(c.Stages) == 0 {
		return
	}
	b.sums("", "stages", "the case", &c.Counts, len(c.Stages), func(i int) *Counts { return &c.Stages[i].Counts })
	for _, f := range latencyFields {
		whole := *f.of(&c.Measured)
		if whole == nil {
			continue
		}
		var largest int64
		known := true
		for i := range c.Stages {
			part := *f.of(&c.Stages[i].Measured)
			if part != nil {
				largest = max(largest, part.Max)
			} else if c.Stages[i].Successes() > 0 {
				known = false // this stage's times weren't kept
			}
		}
		if known && largest != whole.Max {
			b.add("maximum", "the stages' largest %s is %d ns, the case's %d ns", f.name, largest, whole.Max)
		}
	}
}

// intervals checks that the series adds up to the case and its warm-up.
func (b *breachList) intervals(c *Case) {
	if c.Intervals == nil {
		return
	}
	attempted, successes := c.Attempted, c.Successes()
	if c.Warmup != nil {
		attempted, successes = attempted+c.Warmup.Attempted, successes+c.Warmup.Successes()
	}
	if s := c.Intervals; s.Attempted != attempted || s.Successes != successes {
		b.add("intervals", "the intervals sum to %d attempted and %d successes, the case has %d and %d", s.Attempted, s.Successes, attempted, successes)
	}
}

// shares checks that the successes of queues or brokers add up to the case's.
func (b *breachList) shares(what string, of []Share, c *Case) {
	var sum int64
	for i := range of {
		sum += of[i].Acknowledged
	}
	if want := c.Timed(c.Mode); of != nil && sum != want {
		b.add(what, "the %s' successes sum to %d, the case has %d", what, sum, want)
	}
}

// little checks Little's law: sends in flight over time, as the limiter saw them, against the time that the sends took.
func (b *breachList) little(g *Generator) {
	if g.InFlightIntegralNS == nil || g.CallTimeSumNS == nil {
		return
	}
	seen, took := float64(*g.InFlightIntegralNS), float64(*g.CallTimeSumNS)
	if math.Abs(seen-took) > littleTolerate*max(seen, took) {
		b.add("little", "Little's law: in flight over time is %s, the sends took %s",
			FormatDuration(*g.InFlightIntegralNS), FormatDuration(*g.CallTimeSumNS))
	}
}

// ordered says whether 0 ≤ min ≤ p50 ≤ … ≤ max, the mean among them.
func (l *Latency) ordered() bool {
	values := []int64{0, l.Min}
	for _, p := range percentiles {
		if v := *p.of(l); v != nil {
			values = append(values, *v)
		}
	}
	values = append(values, l.Max)
	return slices.IsSorted(values) && l.Min <= l.Mean && l.Mean <= l.Max
}

func sumOf(counts map[string]int64) int64 {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	return sum
}

// countFields are the counts that add up over stages.
var countFields = []struct {
	name    string
	isError bool // neither a success nor a sum
	of      func(*Counts) *int64
}{
	{"offered", false, func(c *Counts) *int64 { return &c.Offered }},
	{"attempted", false, func(c *Counts) *int64 { return &c.Attempted }},
	{"acknowledged", false, func(c *Counts) *int64 { return &c.Acknowledged }},
	{"weak", true, func(c *Counts) *int64 { return &c.Weak }},
	{"written", false, func(c *Counts) *int64 { return &c.Written }},
	{"refused", true, func(c *Counts) *int64 { return &c.Refused }},
	{"ambiguous", true, func(c *Counts) *int64 { return &c.Ambiguous }},
	{"failed", true, func(c *Counts) *int64 { return &c.Failed }},
	{"dropped", true, func(c *Counts) *int64 { return &c.Dropped }},
}

// latencyFields are the latencies of a Measured.
var latencyFields = []struct {
	name string
	of   func(*Measured) **Latency
}{
	{"response", func(m *Measured) **Latency { return &m.Response }},
	{"write time", func(m *Measured) **Latency { return &m.WriteTime }},
	{"service", func(m *Measured) **Latency { return &m.Service }},
	{"delay", func(m *Measured) **Latency { return &m.Delay }},
}
