package results

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Difference is something in which two results are unlike, so that a comparison of them would be one of that too.
type Difference struct {
	What string `json:"what"` // broker-0 flushDiskType, load.workers, message.size_bytes, …
	Base string `json:"base"` // "" where it isn't said
	New  string `json:"new"`
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s and %s", Printable(d.What), orUnsaid(d.Base), orUnsaid(d.New))
}

func orUnsaid(s string) string {
	if s == "" {
		return "nothing"
	}
	return Printable(s)
}

// UnlikeError refuses a comparison.
type UnlikeError struct {
	Base, New   string
	Differences []Difference // at least one
}

func (e *UnlikeError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s and %s are unlike, so they aren't compared (--allow-unlike does it and says so):", Printable(e.Base), Printable(e.New))
	for _, d := range e.Differences {
		b.WriteString("\n  " + d.String())
	}
	return b.String()
}

// facts are what must be alike in results that are compared, by their names.
type facts map[string]string

// setup is what a run says of its target and of how it was driven; of a case's own see caseSetup.
func setup(r *Run) facts {
	f := facts{}
	f["target"] = "a cluster"
	if r.Target.Embedded {
		f["target"] = "the embedded broker"
	}
	if r.Target.Proxy {
		f["target"] = "a cluster through a proxy"
		f["proxy speaks"] = r.Target.Speaks
	} else {
		f["brokers"] = fmt.Sprint(len(r.Target.Brokers))
	}
	f["TLS"] = fmt.Sprint(r.Target.TLS)
	f["topic"] = r.Target.Topic
	if n := len(r.Target.Topics); n > 0 {
		f["topics"] = fmt.Sprint(n)
	}
	if r.Target.Queues != nil {
		f["queues"] = fmt.Sprint(*r.Target.Queues)
	}
	for _, b := range r.Target.Brokers {
		f[b.Name+" version"] = b.Version
		if b.Embedded {
			f[b.Name] = "rmqbench's embedded broker"
		}
		for name, value := range b.Settings {
			f[b.Name+" "+name] = value
		}
	}
	return f
}

// notCompared are the keys of a resolved case that say where and under what name, not what: they may differ. How long it took may too.
var notCompared = []string{
	"name", "producer.group", "target.namesrv", "target.cluster", "target.credentials", "target.resolve", "target.tls", "topic.create",
	"topic.keep", "slo", "verify", "seed", "repeat", "round", "description",
}

// caseSetup is what a case was told to do, by the paths of a scenario's file.
func caseSetup(r *Run, c *Case, index int) facts {
	f := facts{"mode": c.Mode}
	var scenario struct {
		Cases []map[string]any `json:"cases"`
	}
	if json.Unmarshal(r.Scenario, &scenario) != nil {
		return f
	}
	found := slices.IndexFunc(scenario.Cases, func(m map[string]any) bool { return m["name"] == c.Name })
	if found < 0 && len(scenario.Cases) == len(r.Cases) {
		found = index
	}
	if found < 0 {
		return f
	}
	flat := facts{}
	flattenInto(flat, "", scenario.Cases[found])
	for path, value := range flat {
		if !slices.ContainsFunc(notCompared, func(key string) bool { return path == key || strings.HasPrefix(path, key+".") }) && !strings.HasSuffix(path, "for_ns") {
			f[path] = value
		}
	}
	return f
}

// flattenInto puts v's leaves under their paths.
func flattenInto(f facts, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			flattenInto(f, strings.TrimPrefix(path+"."+key, "."), child)
		}
	case []any:
		for i, child := range v {
			flattenInto(f, fmt.Sprintf("%s[%d]", path, i), child)
		}
	default:
		text, err := json.Marshal(v)
		if err == nil {
			f[path] = strings.Trim(string(text), `"`)
		}
	}
}

// differences are those of two results' facts, by name. prefix stands before each.
func (f facts) differences(other facts, prefix string) []Difference {
	var all []Difference
	for name, value := range f {
		if _, said := other[name]; other[name] != value && (said || !blank(value)) {
			all = append(all, Difference{prefix + name, value, other[name]})
		}
	}
	for name, value := range other {
		if _, said := f[name]; !said && !blank(value) {
			all = append(all, Difference{prefix + name, "", value})
		}
	}
	slices.SortFunc(all, func(a, b Difference) int { return strings.Compare(a.What, b.What) })
	return all
}

// blank tells a value that means the same as none: an older rmqbench had no such field.
func blank(value string) bool {
	return slices.Contains([]string{"", "0", "false", "null"}, value)
}

// oneJob is how far apart runs may begin whose times are compared. A machine isn't the same one day later.
const oneJob = 6 * time.Hour

// machine is where times were taken. Unlike machines leave the counts to be compared.
type machine struct {
	fingerprint string
	cpu         string
	procs       int       // CPUs that were used; 0: not said
	began       time.Time // zero: not said
}

// unlike is why times of two machines can't be compared; "" if they can.
func (m machine) unlike(other machine) string {
	switch {
	case m.fingerprint != other.fingerprint:
		return "the times are of different machines"
	case m.cpu != other.cpu:
		return fmt.Sprintf("the times are of different machines (%s and %s)", orUnsaid(m.cpu), orUnsaid(other.cpu))
	case m.procs != other.procs:
		return fmt.Sprintf("the times were taken with %d CPUs and with %d", m.procs, other.procs)
	case !m.began.IsZero() && !other.began.IsZero() && m.began.Sub(other.began).Abs() > oneJob:
		return fmt.Sprintf("the times are not of one job: they began on %s and on %s",
			m.began.UTC().Format("2006-01-02 15:04"), other.began.UTC().Format("2006-01-02 15:04"))
	}
	return ""
}
