package results

import (
	"errors"
	"fmt"
)

// Kind is what came of the sends of one kind, of a case or a stage whose messages are of several. Its rates are over the time of
// the whole case or stage.
type Kind struct {
	Name string `json:"name"`
	Mode string `json:"mode"`
	Measured
}

// modeMixed is the Case.Mode whose kinds have several modes. Its service, delay and anatomy are of the answered sends, and so is
// what its queues and brokers took; what has no answer is with its kind.
const modeMixed = "mixed"

// Timed is how many of a mode's sends the service and the delay are of.
func (c *Counts) Timed(mode string) int64 {
	if mode == modeMixed {
		return c.Acknowledged
	}
	return c.Successes()
}

// Set puts the times into m, whose sends they are of, and into its kinds, one for one.
func (t *StageTimes) Set(m *Measured, kinds []Kind, mode string) error {
	m.setTimes(&t.Times, mode)
	return m.setKinds(t.Kinds, kinds, mode)
}

// setKinds sets the times of m's kinds, one for one, and what m takes from them.
func (m *Measured) setKinds(times []Times, kinds []Kind, mode string) error {
	for i := range times {
		kinds[i].setTimes(&times[i], kinds[i].Mode)
	}
	if mode != modeMixed {
		return nil
	}
	written := NewHistogram()
	for i := range times {
		if kinds[i].Mode != modeOneway {
			continue
		}
		if err := written.Merge(times[i].Response); err != nil {
			return err
		}
	}
	m.WriteTime = Summarize(written)
	return nil
}

// Tagged are the histograms for a log, without their case and time.
func (t *StageTimes) Tagged(mode string, kinds []Kind) []TaggedHistogram {
	all := t.tagged(mode, "")
	for i := range t.Kinds {
		all = append(all, t.Kinds[i].tagged(kinds[i].Mode, kinds[i].Name)...)
	}
	return all
}

// tagged are those of one kind, or with "" of all of them together.
func (t *Times) tagged(mode, kind string) []TaggedHistogram {
	all := []TaggedHistogram{{Metric: timedMetric(mode), Histogram: t.Response}, {Metric: "service", Histogram: t.Service}, {Metric: "delay", Histogram: t.Delay}}
	for i := range all {
		all[i].Metric = metricOf(all[i].Metric, kind)
	}
	return all
}

// metricOf is the name that a kind's metric has in a log.
func metricOf(metric, kind string) string {
	if kind == "" {
		return metric
	}
	return metric + ":" + kind
}

// poolKinds puts the kinds of the rounds together; times are the rounds' histograms by metric.
func (c *Case) poolKinds(rounds []*Case, times map[string][]*Histogram) error {
	var all []Times
	for i := range rounds[0].Kinds {
		k := Kind{Name: rounds[0].Kinds[i].Name, Mode: rounds[0].Kinds[i].Mode}
		same := []*Measured{}
		for _, r := range rounds {
			if i < len(r.Kinds) && r.Kinds[i].Name == k.Name {
				same = append(same, &r.Kinds[i].Measured)
			}
		}
		k.pool(same)
		merged := NewTimes()
		var err error
		for metric, into := range map[string]*Histogram{timedMetric(k.Mode): merged.Response, "service": merged.Service, "delay": merged.Delay} {
			for _, h := range times[metricOf(metric, k.Name)] {
				err = errors.Join(err, into.Merge(h))
			}
		}
		if err != nil {
			return err
		}
		c.Kinds, all = append(c.Kinds, k), append(all, merged)
	}
	return c.setKinds(all, c.Kinds, c.Mode)
}

// kindRows are the kinds' lines of the table.
func (c *Case) kindRows() []row {
	var rows []row
	for i := range c.Kinds {
		k := &c.Kinds[i]
		times, name := k.timed(k.Mode)
		r := row{label: "  " + Printable(k.Name) + " · " + Printable(k.Mode), rate: noClaim, times: times, errors: formatShare(k.ErrorShare()), what: name + "_ns"}
		if k.MessagesPerSecond != nil {
			r.rate = FormatRate(*k.MessagesPerSecond)
		}
		if c.OpenLoop && !c.Ordered && k.Delay != nil && k.Delay.P50 != nil {
			r.atLeast = claimOverDelay * *k.Delay.P50
		}
		rows = append(rows, r)
	}
	return rows
}

// stage checks what must hold within a stage, the warm-up or the whole case, which where leads to, and that its kinds add up to it.
func (b *breachList) stage(where, what, mode string, m *Measured, kinds []Kind) {
	b.measured(where, mode, m)
	if len(kinds) == 0 {
		return
	}
	b.sums(where, "kinds", what, &m.Counts, len(kinds), func(i int) *Counts { return &kinds[i].Counts })
	var bytes int64
	for i := range kinds {
		k := &kinds[i]
		b.measured(fmt.Sprintf("%skind %s: ", where, Printable(k.Name)), k.Mode, &k.Measured)
		bytes += valueOf(k.BodyBytes)
	}
	if m.BodyBytes != nil && bytes != *m.BodyBytes {
		b.add("kinds", "%sthe kinds' body bytes sum to %d, %s has %d", where, bytes, what, *m.BodyBytes)
	}
}
