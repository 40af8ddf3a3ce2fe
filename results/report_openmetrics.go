package results

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// writeOpenMetrics writes the cases' figures as OpenMetrics text: gauges, since they are of a run that is over, and summaries of
// the times, in seconds. A value that isn't known has no line.
func writeOpenMetrics(w io.Writer, r *Result) error {
	run := r.Run
	cases := run.wholes()
	m := metricText{}
	m.family("rmqbench_run", "info", "The run that all of this is of.")
	m.sample("rmqbench_run_info", 1, "run", run.Name, "version", run.Environment.ToolVersion, "target", map[bool]string{true: "embedded", false: "cluster"}[run.Target.Embedded])
	m.family("rmqbench_verdict", "stateset", definitions["verdict"])
	for i := range cases {
		for _, v := range fromBest {
			m.sample("rmqbench_verdict", boolMetric(cases[i].Verdict == v), append(caseLabels(run, &cases[i]), "rmqbench_verdict", string(v))...)
		}
	}
	m.family("rmqbench_sends", "gauge", "Sends by what became of them; offered and attempted are sums of these.")
	for i := range cases {
		for _, f := range countFields {
			m.sample("rmqbench_sends", float64(*f.of(&cases[i].Counts)), append(caseLabels(run, &cases[i]), "outcome", f.name)...)
		}
	}
	for _, g := range []struct {
		name, what string
		of         func(*Case) *float64
	}{
		{"messages_per_second", definitions["messages_per_second"], func(c *Case) *float64 { return c.MessagesPerSecond }},
		{"wire_bytes_per_second", definitions["wire_bytes_per_second"], func(c *Case) *float64 { return c.WireBytesPerSecond }},
		{"error_ratio", definitions["error_share"], func(c *Case) *float64 { return new(c.ErrorShare()) }},
		{"allocs_per_message", definitions["allocs_per_message"], func(c *Case) *float64 { return orNull(c.Process).AllocsPerMessage }},
		{"messages_per_write", definitions["messages_per_write"], func(c *Case) *float64 { return orNull(c.Transport).MessagesPerWrite }},
		{"queue_max_over_mean", definitions["max_over_mean"], func(c *Case) *float64 {
			if c.Skew == nil {
				return nil
			}
			return &c.Skew.MaxOverMean
		}},
	} {
		m.family("rmqbench_"+g.name, "gauge", g.what)
		for i := range cases {
			if v := g.of(&cases[i]); v != nil {
				m.sample("rmqbench_"+g.name, *v, caseLabels(run, &cases[i])...)
			}
		}
	}
	m.family("rmqbench_objective_met", "gauge", "1 if the objective held, 0 if it was missed; nothing where it can't be told.")
	for i := range cases {
		c := &cases[i]
		for _, o := range c.SLO {
			if o.Met != nil {
				m.sample("rmqbench_objective_met", boolMetric(*o.Met), append(caseLabels(run, c), "objective", o.Text)...)
			}
		}
	}
	for _, t := range csvTimes {
		name := "rmqbench_" + t.name + "_seconds"
		m.family(name, "summary", definitions[t.name+"_ns"])
		for i := range cases {
			c := &cases[i]
			l := t.of(&c.Measured)
			if l == nil {
				continue
			}
			labels := caseLabels(run, c)
			for _, p := range percentiles {
				if v := *p.of(l); v != nil {
					m.sample(name, float64(*v)/1e9, append(labels, "quantile", strconv.FormatFloat(p.q, 'g', -1, 64))...)
				}
			}
			m.sample(name+"_sum", float64(l.Mean)/1e9*float64(l.Count), labels...)
			m.sample(name+"_count", float64(l.Count), labels...)
		}
	}
	m.text.WriteString("# EOF\n")
	_, err := io.WriteString(w, m.text.String())
	return err
}

func caseLabels(r *Run, c *Case) []string {
	return []string{"run", r.Name, "case", c.Name, "mode", c.Mode}
}

func boolMetric(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// metricText is OpenMetrics text in the making. A family that gets no sample has no line.
type metricText struct {
	text strings.Builder
	head string // of the family that is begun, until its first sample
}

func (m *metricText) family(name, kind, what string) {
	m.head = fmt.Sprintf("# TYPE %s %s\n", name, kind)
	if strings.HasSuffix(name, "_seconds") {
		m.head += "# UNIT " + name + " seconds\n"
	}
	m.head += fmt.Sprintf("# HELP %s %s\n", name, metricEscapes.Replace(what))
}

func (m *metricText) sample(name string, value float64, labels ...string) {
	m.text.WriteString(m.head)
	m.head = ""
	m.text.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		fmt.Fprintf(&m.text, `%c%s="%s"`, "{,"[min(i, 1)], labels[i], metricEscapes.Replace(Printable(labels[i+1])))
	}
	fmt.Fprintf(&m.text, "} %s\n", strconv.FormatFloat(value, 'g', -1, 64))
}

var metricEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
