package results

import (
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// csvTables are what a run has that is no case's row, each in a file of its own.
func csvTables(r *Run) map[string]*grid {
	tables := map[string]*grid{}
	if r.Selectors != nil {
		tables["selectors.csv"] = selectorGrid(r)
	}
	if len(r.Shards) > 0 {
		tables["shards.csv"] = shardGrid(r)
	}
	if c := r.Capacity; c != nil {
		tables["capacity.csv"] = c.searchGrid()
		rates := c.curveGrid("")
		for i := range c.Parts {
			rates.Rows = append(rates.Rows, c.Parts[i].curveGrid(c.Parts[i].With()).Rows...)
		}
		tables["rates.csv"] = rates
	}
	return tables
}

// csvFiles are the tables' files: cases.csv, and what else there is.
func csvFiles(r *Result) []reportFile {
	files := []reportFile{{"cases.csv", func(w io.Writer) error { return writeCases(w, r.Run) }}}
	tables := csvTables(r.Run)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		files = append(files, reportFile{name, tables[name].csv})
	}
	return files
}

// writeCSV writes the same tables one after another, with an empty line between them.
func writeCSV(w io.Writer, r *Result) error {
	for i, f := range csvFiles(r) {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := f.fill(w); err != nil {
			return err
		}
	}
	return nil
}

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
