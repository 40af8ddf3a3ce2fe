package results

import (
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
		queues = fmt.Sprintf(", %d queues", *t.Queues)
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
	var scenario struct{ Seed *int64 }
	if json.Unmarshal(r.Scenario, &scenario) == nil && scenario.Seed != nil {
		add("seed", fmt.Sprint(*scenario.Seed))
	}
	return all
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
