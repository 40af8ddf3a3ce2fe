package results

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// csvTable is one of the tables of a run, each of which is a file of its own: what reads CSV takes one.
type csvTable struct {
	name  string
	write func(*Run) func(io.Writer) error // nil: the run has none
}

// csvTables are all that a run may have, the first of which every run has.
var csvTables = []csvTable{
	{"cases", func(r *Run) func(io.Writer) error { return func(w io.Writer) error { return writeCases(w, r) } }},
	{"capacity", func(r *Run) func(io.Writer) error {
		if r.Capacity == nil {
			return nil
		}
		return r.Capacity.searchGrid().csv
	}},
	{"rates", func(r *Run) func(io.Writer) error {
		c := r.Capacity
		if c == nil {
			return nil
		}
		rates := c.curveGrid("")
		for i := range c.Parts {
			rates.Rows = append(rates.Rows, c.Parts[i].curveGrid(c.Parts[i].With()).Rows...)
		}
		return rates.csv
	}},
	{"selectors", func(r *Run) func(io.Writer) error {
		if r.Selectors == nil {
			return nil
		}
		return selectorGrid(r).csv
	}},
	{"shards", func(r *Run) func(io.Writer) error {
		if len(r.Shards) == 0 {
			return nil
		}
		return shardGrid(r).csv
	}},
	{"topics", func(r *Run) func(io.Writer) error {
		if g := topicGrid(r); len(g.Rows) > 0 {
			return g.csv
		}
		return nil
	}},
}

// csvNames are the tables' names.
func csvNames() []string {
	var names []string
	for _, t := range csvTables {
		names = append(names, t.name)
	}
	return names
}

// csvFormat is the format of one table alone.
func csvFormat(t csvTable) Format {
	return Format{Name: "csv:" + t.name, What: "the table of " + t.name + " alone", file: t.name + ".csv", write: func(w io.Writer, r *Result) error {
		write := t.write(r.Run)
		if write == nil {
			var there []string
			for _, f := range csvFiles(r) {
				there = append(there, strings.TrimSuffix(f.name, ".csv"))
			}
			return fmt.Errorf("the result has no table of %s; it has %s", t.name, strings.Join(there, ", "))
		}
		return write(w)
	}}
}

// csvFiles are the files of the tables that the run has.
func csvFiles(r *Result) []reportFile {
	var files []reportFile
	for _, t := range csvTables {
		if write := t.write(r.Run); write != nil {
			files = append(files, reportFile{t.name + ".csv", write})
		}
	}
	return files
}

// writeCSV writes the table of cases.
func writeCSV(w io.Writer, r *Result) error { return writeCases(w, r.Run) }

// writeCases writes a row for each case (of a run with rounds, in each), its warm-up and each of its stages, and for the kinds of each. Columns are named as in run.json; what isn't known is
// empty. A text that a spreadsheet would take for a formula begins with an apostrophe.
func writeCases(w io.Writer, run *Run) error {
	keys := map[string]bool{}
	for i := range run.Cases {
		for key := range run.Cases[i].Params {
			keys[key] = true
		}
	}
	params := slices.Sorted(maps.Keys(keys))
	header := []string{"run", "started_at", "run_verdict", "case", "round", "part", "mode", "open_loop", "verdict"}
	for _, key := range params {
		header = append(header, csvText(key))
	}
	for _, f := range countFields {
		header = append(header, f.name)
	}
	header = append(header, "elapsed_ns", "messages_per_second", "body_bytes_per_second", "wire_bytes_per_second")
	for _, l := range csvTimes {
		for _, column := range []string{"count", "mean", "min"} {
			header = append(header, l.name+"_ns."+column)
		}
		for _, p := range percentiles {
			header = append(header, l.name+"_ns."+p.key)
		}
		header = append(header, l.name+"_ns.max")
	}
	header = append(header, "cpu_ns_per_message", "allocs_per_message", "queue_max_over_mean")
	out := csv.NewWriter(w)
	_ = out.Write(header) // Error tells
	for _, p := range sections(run) {
		c, round := p.of, ""
		if c.Round > 0 {
			round = strconv.Itoa(c.Round)
		}
		row := []string{csvText(run.Name), run.StartedAt.UTC().Format(time.RFC3339Nano), string(run.Verdict), csvText(c.Name), round, csvText(p.name), csvText(p.mode),
			strconv.FormatBool(c.OpenLoop), string(c.Verdict)}
		for _, key := range params {
			row = append(row, csvText(c.Params[key]))
		}
		for _, f := range countFields {
			row = append(row, strconv.FormatInt(*f.of(&p.m.Counts), 10))
		}
		row = append(row, strconv.FormatInt(p.m.ElapsedNS, 10), csvFloat(p.m.MessagesPerSecond), csvFloat(p.m.BodyBytesPerSecond), csvFloat(p.m.WireBytesPerSecond))
		for _, l := range csvTimes {
			row = append(row, csvLatency(l.of(p.m))...)
		}
		var cpu, allocs, skew *float64
		if p.name == "" && c.Process != nil {
			cpu, allocs = c.Process.CPUNSPerMessage, c.Process.AllocsPerMessage
		}
		if p.name == "" && c.Skew != nil {
			skew = &c.Skew.MaxOverMean
		}
		_ = out.Write(append(row, csvFloat(cpu), csvFloat(allocs), csvFloat(skew))) // Error tells
	}
	out.Flush()
	return out.Error()
}

// csvTimes are the latencies that have columns.
var csvTimes = []struct {
	name string
	of   func(*Measured) *Latency
}{
	{"response", func(m *Measured) *Latency { return m.Response }},
	{"write_time", func(m *Measured) *Latency { return m.WriteTime }},
	{"service", func(m *Measured) *Latency { return m.Service }},
	{"delay", func(m *Measured) *Latency { return m.Delay }},
}

func csvLatency(l *Latency) []string {
	if l == nil {
		return make([]string, 4+len(percentiles))
	}
	row := []string{strconv.FormatInt(l.Count, 10), strconv.FormatInt(l.Mean, 10), strconv.FormatInt(l.Min, 10)}
	for _, p := range percentiles {
		cell := ""
		if v := *p.of(l); v != nil {
			cell = strconv.FormatInt(*v, 10)
		}
		row = append(row, cell)
	}
	return append(row, strconv.FormatInt(l.Max, 10))
}

func csvFloat(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// csvText is a text from outside, without what a spreadsheet would carry out.
func csvText(s string) string {
	s = Printable(s)
	if strings.IndexAny(strings.TrimLeft(s, " "), "=+-@|%") == 0 {
		return "'" + s
	}
	return s
}
