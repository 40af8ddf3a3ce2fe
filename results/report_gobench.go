package results

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"
)

// benchUnit is one of the values of a benchmark line. Its name is the unit's too, since the format knows a value by its unit.
type benchUnit struct {
	unit   string
	better string // higher or lower
	of     func(*Case) *float64
}

// benchUnits are the values of a case's line. benchstat shows ns as seconds. A oneway send's write times have names of their own.
var benchUnits = func() []benchUnit {
	units := []benchUnit{{"msg/s", "higher", func(c *Case) *float64 { return c.MessagesPerSecond }}}
	for _, t := range []struct {
		prefix string
		of     func(*Case) *Latency
	}{{"", func(c *Case) *Latency { return c.Response }}, {"write-", func(c *Case) *Latency { return c.WriteTime }}} {
		for _, p := range percentiles {
			units = append(units, benchUnit{t.prefix + p.label + "-ns", "lower", func(c *Case) *float64 { return benchTime(t.of(c), p) }})
		}
		units = append(units, benchUnit{t.prefix + "mean-ns", "lower", func(c *Case) *float64 {
			if l := t.of(c); l != nil {
				return new(float64(l.Mean))
			}
			return nil
		}})
	}
	return append(units, benchUnit{"errors/msg", "lower", func(c *Case) *float64 { return new(c.ErrorShare()) }},
		benchUnit{"cpu-ns/msg", "lower", func(c *Case) *float64 { return orNull(c.Process).CPUNSPerMessage }},
		benchUnit{"allocs/msg", "lower", func(c *Case) *float64 { return orNull(c.Process).AllocsPerMessage }},
		benchUnit{"wire-B/msg", "lower", func(c *Case) *float64 {
			if c.Transport == nil || c.Successes() == 0 {
				return nil
			}
			return new(float64(c.Transport.BytesOut) / float64(c.Successes()))
		}},
		benchUnit{"msg/write", "higher", func(c *Case) *float64 { return orNull(c.Transport).MessagesPerWrite }},
		benchUnit{"queue-max/mean", "lower", func(c *Case) *float64 {
			if c.Skew == nil {
				return nil
			}
			return &c.Skew.MaxOverMean
		}})
}()

func benchTime(l *Latency, p percentile) *float64 {
	if l == nil || *p.of(l) == nil {
		return nil
	}
	return new(float64(**p.of(l)))
}

// orNull is v, or one whose values aren't known.
func orNull[T any](v *T) *T {
	if v == nil {
		return new(T)
	}
	return v
}

// writeGobench writes a line of Go's benchmark text for each case, in each round if there are several: benchstat takes them for
// samples. Params are /key=value in its name, so that benchstat puts them in columns: benchstat -col /selector. The messages that
// succeeded are the iterations. A case that measured nothing has no line; one that isn't VALID is told of in a comment, since a
// line can't say so.
func writeGobench(w io.Writer, r *Result) error {
	run := r.Run
	out := benchfmt.NewWriter(w)
	for _, u := range benchUnits {
		if err := out.Write(&benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: u.unit, Key: "better"}, OrigUnit: u.unit, Value: u.better}); err != nil {
			return err
		}
	}
	keys := benchKeys(run)
	for i := range run.Cases {
		c := &run.Cases[i]
		if c.Successes() == 0 {
			continue
		}
		if c.Verdict != Valid {
			if _, err := fmt.Fprintf(w, "# %s: %s\n", Printable(c.Name), c.Verdict); err != nil {
				return err
			}
		}
		line := &benchfmt.Result{Config: benchConfig(run), Name: benchfmt.Name(benchName(run, c, keys)), Iters: int(c.Successes())}
		for _, u := range benchUnits {
			if v := u.of(c); v != nil {
				line.Values = append(line.Values, benchfmt.Value{Value: *v, Unit: u.unit})
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// benchKeys are the names that params have in a benchmark's: a path's last part where it tells them apart, else the whole.
func benchKeys(r *Run) map[string]string {
	last := map[string]map[string]bool{}
	for i := range r.Cases {
		for path := range r.Cases[i].Params {
			name := benchWord(path[strings.LastIndexByte(path, '.')+1:])
			if last[name] == nil {
				last[name] = map[string]bool{}
			}
			last[name][path] = true
		}
	}
	keys := map[string]string{}
	for name, paths := range last {
		for path := range paths {
			if keys[path] = name; len(paths) > 1 {
				keys[path] = benchWord(path)
			}
		}
	}
	return keys
}

// benchName is Run/case=NAME-CPUS, or Run/key=value/…-CPUS where params tell the cases apart. The CPUs are always there: without
// them a name that ends in a number would lose it to them.
func benchName(r *Run, c *Case, keys map[string]string) string {
	name := []rune(benchWord(r.Name))
	if len(name) == 0 {
		name = []rune("Run")
	}
	name[0] = unicode.ToUpper(name[0])
	words := []string{string(name)}
	if len(c.Params) == 0 {
		words = append(words, "case="+benchWord(c.Name))
	}
	for _, path := range slices.Sorted(maps.Keys(c.Params)) {
		words = append(words, keys[path]+"="+benchWord(c.Params[path]))
	}
	return fmt.Sprintf("%s-%d", strings.Join(words, "/"), max(r.Environment.GOMAXPROCS, 1))
}

// benchWord is s without what would end a name or a part of it.
func benchWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
}

// benchConfig are the lines that say what the benchmark ran on. Two results of which one differs are compared apart.
func benchConfig(r *Run) []benchfmt.Config {
	var all []benchfmt.Config
	add := func(key, value string) {
		if value != "" {
			all = append(all, benchfmt.Config{Key: key, Value: []byte(Printable(value)), File: true})
		}
	}
	target := "embedded"
	if !r.Target.Embedded {
		target = strings.Join(r.Target.Namesrv, ";")
		if r.Target.Proxy {
			target = "proxy " + target
		}
	}
	add("goos", r.Environment.OS)
	add("goarch", r.Environment.Arch)
	add("pkg", "rmqbench")
	add("cpu", r.Environment.CPUModel)
	add("target", target)
	return all
}
