package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// told is a line of what one must know to make anything of a result.
type told struct{ name, value string }

// disclosure is where a run ran and on what.
func disclosure(r *Run) []told {
	var all []told
	add := func(name, value string) {
		if value != "" {
			all = append(all, told{name, value})
		}
	}
	e, t := &r.Environment, &r.Target
	add("started", r.StartedAt.UTC().Format(time.RFC3339))
	add("rmqbench", strings.TrimSpace(e.ToolVersion+" "+e.Commit))
	add("Go", strings.TrimPrefix(e.GoVersion, "go"))
	cpus := fmt.Sprintf("%d × %s", e.CPUs, e.CPUModel)
	if e.CPUQuota != nil {
		cpus += fmt.Sprintf(", quota %g", *e.CPUQuota)
	}
	add("CPU", strings.TrimSuffix(cpus, " × "))
	add("system", strings.TrimSpace(e.OS+"/"+e.Arch+" "+e.Kernel))
	add("governor", e.Governor)
	add("steal", formatPhases(e.Steal))
	add("CPU pressure", formatPhases(e.Pressure))
	switch {
	case t.Embedded:
		add("target", "the embedded broker: measures this client, never RocketMQ")
	default:
		add("target", strings.TrimSpace(t.Cluster+" "+strings.Join(t.Namesrv, ";")))
	}
	if t.Proxy {
		add("proxy", "speaks as "+cmp.Or(t.Speaks, "an unknown version")+"; no claim about single brokers, their versions and settings")
	}
	for _, b := range t.Brokers {
		value := strings.TrimSpace(b.Name + " " + b.Version)
		for _, name := range slices.Sorted(maps.Keys(b.Settings)) {
			value += " " + name + "=" + b.Settings[name]
		}
		add("broker", value)
	}
	if t.TLS {
		add("TLS", map[bool]string{false: "verified", true: "NOT VERIFIED"}[t.TLSInsecure])
	}
	queues := ""
	if t.Queues != nil {
		queues = ", " + FormatCount(*t.Queues, "queue")
	}
	topic := t.Topic
	if n := len(t.Topics); n > 0 {
		topic = fmt.Sprintf("%d, %s to %s", n, t.Topics[0], t.Topics[n-1])
	}
	add("topic", topic+queues)
	for i := range r.Cases {
		c := &r.Cases[i]
		if words := c.othersWords(); words != "" {
			add("other topics' put rate", inRound(c.Name, c.Round)+": "+words)
		}
	}
	all = append(all, sentAs(r.Scenario)...)
	var scenario struct{ Seed *int64 }
	if json.Unmarshal(r.Scenario, &scenario) == nil && scenario.Seed != nil {
		add("seed", fmt.Sprint(*scenario.Seed))
	}
	return all
}

// ranOn is the disclosure of two sides, each name once.
func ranOn(base, changed *Side) []Difference {
	var all []Difference
	add := func(s *Side, into func(*Difference) *string) {
		if s.ran == nil {
			return
		}
		lines := disclosure(s.ran)
		if s.Cost != nil {
			lines = append(lines, told{instrumentItself, strings.TrimPrefix(s.Cost.words(), instrumentItself+" ")})
		}
		for _, line := range lines {
			i := slices.IndexFunc(all, func(d Difference) bool { return d.What == line.name })
			if i < 0 {
				i, all = len(all), append(all, Difference{What: line.name})
			}
			if v := into(&all[i]); *v == "" {
				*v = Printable(line.value)
			} else {
				*v += "; " + Printable(line.value)
			}
		}
	}
	add(base, func(d *Difference) *string { return &d.Base })
	add(changed, func(d *Difference) *string { return &d.New })
	return all
}

// sentAs is how a run's messages were made and sent, by its resolved scenario: what cases differ in, each value once.
func sentAs(scenario json.RawMessage) []told {
	var s struct {
		Cases []struct {
			Message struct {
				Bytes        *int64          `json:"size_bytes"`
				Sizes        json.RawMessage `json:"size"`
				Compressible float64         `json:"compressible"`
			} `json:"message"`
			Load struct {
				Stages []struct {
					ForNS  int64 `json:"for_ns"`
					Warmup any   `json:"warmup"` // true or auto
				} `json:"stages"`
			} `json:"load"`
			Producer struct {
				Profile   string `json:"profile"`
				Retries   int64  `json:"retries"`
				TimeoutNS int64  `json:"send_timeout_ns"`
				Compress  string `json:"compress"`
				OverBytes int64  `json:"compress_over_bytes"` // 0: never
			} `json:"producer"`
		} `json:"cases"`
	}
	if json.Unmarshal(scenario, &s) != nil {
		return nil
	}
	var profiles, bodies, warmups []string
	for i := range s.Cases {
		c := &s.Cases[i]
		if c.Producer.Profile == "" { // a record of what arrived, or one that doesn't say
			continue
		}
		profiles = append(profiles, fmt.Sprintf("%s, %d retries, send timeout %s", c.Producer.Profile, c.Producer.Retries, FormatDuration(c.Producer.TimeoutNS)))
		size := strings.NewReplacer(`"`, "", "{", " ", "}", "", ":", " ", ",", ", ").Replace(string(c.Message.Sizes))
		if c.Message.Bytes != nil {
			size = FormatBytes(*c.Message.Bytes)
		}
		packed := "never compressed"
		if c.Producer.OverBytes > 0 {
			packed = fmt.Sprintf("by %s over %s", c.Producer.Compress, FormatBytes(c.Producer.OverBytes))
		}
		bodies = append(bodies, fmt.Sprintf("%s, %g compressible, %s", strings.TrimSpace(size), c.Message.Compressible, packed))
		warm := "none"
		var ns int64
		for _, stage := range c.Load.Stages {
			switch stage.Warmup {
			case true:
				ns += stage.ForNS
				warm = FormatDuration(ns)
			case "auto":
				warm = "auto"
			}
		}
		warmups = append(warmups, warm)
	}
	var all []told
	for _, t := range []struct {
		name   string
		values []string
	}{{"producer", profiles}, {"bodies", bodies}, {"warm-up", warmups}} {
		if value := eachOnce(t.values); value != "" {
			all = append(all, told{t.name, value})
		}
	}
	return all
}

// mostValues is how many values of the cases are told.
const mostValues = 6

// eachOnce joins values, in their order.
func eachOnce(values []string) string {
	var unlike []string
	for _, v := range values {
		if !slices.Contains(unlike, v) {
			unlike = append(unlike, v)
		}
	}
	if more := len(unlike) - mostValues; more > 1 {
		unlike = append(unlike[:mostValues], fmt.Sprintf("%d more", more))
	}
	return strings.Join(unlike, " | ")
}

// formatPhases are shares before, during and after; "" where none is known.
func formatPhases(p Phases) string {
	if p == (Phases{}) {
		return ""
	}
	var said []string
	for _, v := range []*float64{p.Before, p.During, p.After} {
		if v == nil {
			said = append(said, noClaim)
		} else {
			said = append(said, formatShare(*v))
		}
	}
	return strings.Join(said, " → ")
}
