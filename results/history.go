package results

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Past is one case of a run that is kept in a directory of results.
type Past struct {
	Path    string // of its directory
	At      time.Time
	Run     string
	Case    string
	Target  string // embedded, or the cluster's name and its name servers
	Verdict Verdict
	load    facts                // what was sent and how: of unlike loads figures are no series, whatever their name
	values  map[string]pastValue // by metric
}

type pastValue struct {
	metric Metric
	v      float64
}

// maxHistory is how many results are looked at, the newest by their directories' names.
const maxHistory = 10_000

// ReadHistory reads the records of the result directories in dir, by time. Those that can't be read are named in unread, with why; a
// directory without a record is none.
func ReadHistory(dir string) (all []Past, unread []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read results: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !e.IsDir() })
	for _, e := range entries[max(len(entries)-maxHistory, 0):] {
		path := filepath.Join(dir, e.Name())
		r, err := Read(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // a comparison, or something else
			continue
		case err != nil:
			unread = append(unread, err.Error())
			continue
		}
		all = append(all, pastOf(r, path)...)
	}
	slices.SortStableFunc(all, func(a, b Past) int { return a.At.Compare(b.At) })
	return all, unread, nil
}

// pastOf are the cases of a run that is kept in path.
func pastOf(r *Run, path string) (all []Past) {
	cases := r.wholes()
	for i := range cases {
		p := Past{Path: path, At: r.StartedAt, Run: r.Name, Case: cases[i].Name, Target: targetName(&r.Target), load: loadOf(r, &cases[i]), Verdict: cases[i].Verdict, values: map[string]pastValue{}}
		for _, s := range samplesOf(&cases[i]) {
			p.values[s.Metric.Name] = pastValue{s.Metric, s.Values[0]}
		}
		if v := cases[i].MessagesPerSecond; v != nil { // of an open loop too
			p.values["msg/s"] = pastValue{Metric{Name: "msg/s", Unit: "per_second", HigherIsBetter: true}, *v}
		}
		all = append(all, p)
	}
	return all
}

// targetName is where a run was, in short. Figures of an embedded broker are the client's, and those through a proxy the proxy's too.
func targetName(t *Target) string {
	if t.AnyEmbedded() {
		return "EMBEDDED"
	}
	if t.Proxy {
		return "proxy " + strings.Join(t.Namesrv, ";")
	}
	return cmp.Or(t.Cluster, strings.Join(t.Namesrv, ";"))
}

// loadOf is what tells a load from others of its name. A later rmqbench that has a new field has the same loads.
func loadOf(r *Run, c *Case) facts {
	f := caseSetup(r, c, -1)
	maps.DeleteFunc(f, func(path, _ string) bool {
		return !slices.ContainsFunc([]string{"mode", "load.mode", "load.workers", "load.stages", "message.size", "message.compressible", "producer.profile", "producer.selector"}, func(of string) bool {
			return strings.HasPrefix(path, of)
		})
	})
	return f
}

// cell is a metric's value for people.
func (p *Past) cell(metric string) string {
	v, ok := p.values[metric]
	if !ok {
		return noClaim
	}
	return v.metric.Format(v.v)
}

// history is a load's runs.
type history struct {
	runs []Past
	load string // in what the load differs from others of its name on its target: "message.size_bytes 128"; "" where there is none
}

// title names the load: run, within, case, and sep before what else there is.
func (h *history) title(within, sep string) string {
	p := &h.runs[0]
	title := Printable(p.Run) + within + Printable(p.Case) + sep + Printable(p.Target)
	if h.load != "" {
		title += sep + Printable(h.load)
	}
	return title
}

// series groups history by run's name, case, target and load, in the order of their last runs, the latest first.
func series(all []Past) []history {
	type name struct{ run, name, target string }
	var out []history
	alike := map[name][]int{} // places in out
	for _, p := range slices.Backward(all) {
		k := name{p.Run, p.Case, p.Target}
		at := slices.IndexFunc(alike[k], func(i int) bool { return len(out[i].runs[0].load.differences(p.load, "")) == 0 })
		if at < 0 {
			alike[k] = append(alike[k], len(out))
			out = append(out, history{runs: []Past{p}})
			continue
		}
		h := &out[alike[k][at]]
		h.runs = append(h.runs, p)
	}
	for _, places := range alike {
		paths := map[string]bool{} // in which the loads differ
		for _, i := range places[1:] {
			for _, d := range out[places[0]].runs[0].load.differences(out[i].runs[0].load, "") {
				paths[d.What] = true
			}
		}
		for _, i := range places {
			var said []string
			for _, path := range slices.Sorted(maps.Keys(paths)) {
				said = append(said, path+" "+cmp.Or(out[i].runs[0].load[path], "none"))
			}
			out[i].load = strings.Join(said, ", ")
		}
	}
	for i := range out {
		slices.Reverse(out[i].runs)
	}
	return out
}

// HistoryMetrics are the names of the metrics that any of all has.
func HistoryMetrics(all []Past) []string {
	var names []string
	for i := range all {
		for name := range all[i].values {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// WriteHistory writes a table of the last most rows for a terminal, and under it metric over time of each load that was run three times or
// more, of at most plots of them. o is a VALID or SUSPECT run, x another.
func WriteHistory(w io.Writer, all []Past, metric string, most, plots int) error {
	header := []string{"run", "case", "target", "at (UTC)", "msg/s", "p50", "p99"}
	if !slices.Contains(header, metric) {
		header = append(header, metric)
	}
	header = append(header, "verdict", "result")
	var rows [][]string
	for i := max(len(all)-most, 0); i < len(all); i++ {
		p := &all[i]
		row := []string{Printable(p.Run), Printable(p.Case), Printable(p.Target), p.At.UTC().Format("2006-01-02 15:04:05")}
		for _, name := range header[4 : len(header)-2] {
			row = append(row, p.cell(name))
		}
		rows = append(rows, append(row, string(p.Verdict), Printable(filepath.Base(p.Path))))
	}
	lines, err := drawTable(header, rows, 1, 2, 3, len(header)-2, len(header)-1)
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	if hidden := len(all) - len(rows); hidden > 0 {
		lines = append(lines, fmt.Sprintf("and %s earlier", groupDigits(int64(hidden))))
	}
	for _, h := range series(all) {
		if plots == 0 {
			break
		}
		if drawn := h.plot(metric); drawn != nil {
			plots--
			lines = append(lines, drawn...)
		}
	}
	_, err = fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// plot draws a load's metric over time; nil for fewer than three values.
func (h *history) plot(metric string) []string {
	var marks []mark
	var format Metric
	for i := range h.runs {
		p := &h.runs[i]
		v, ok := p.values[metric]
		if !ok || v.v <= 0 {
			continue
		}
		m := mark{x: float64(p.At.Unix()), y: v.v, char: 'o'}
		if !p.sound() {
			m.char = 'x'
		}
		format = v.metric
		marks = append(marks, m)
	}
	if len(marks) < leastPlot {
		return nil
	}
	layout := "2006-01-02"
	if marks[len(marks)-1].x-marks[0].x < 2*24*3600 {
		layout = "01-02 15:04"
	}
	lines := drawPlot(marks, plotWidth, plotHeight, false, false, func(v float64) string { return time.Unix(int64(v), 0).UTC().Format(layout) }, format.Format)
	if lines == nil {
		return nil
	}
	legend := fmt.Sprintf("%s over time, %s: o a run", metric, h.title(" ", ", "))
	if strings.ContainsRune(marksOf(marks), 'x') {
		legend += ", x one that says little (see its verdict)"
	}
	return append([]string{"", legend}, lines...)
}

// sound tells a run whose numbers mean what they say.
func (p *Past) sound() bool { return p.Verdict == Valid || p.Verdict == Suspect }

//go:embed assets/history.html
var historyHTML string

var historyTemplate = template.Must(template.New("history").Parse(historyHTML))

// historyStyle is the report's, and what its charts don't need.
var historyStyle = pageCSS + `
.sortable td, .sortable th { text-align: left; }
svg.history { width: 100%; height: auto; display: block; }
.history polyline { fill: none; stroke: var(--c0); stroke-width: 1.5; } .history circle { fill: var(--c0); } .history rect { fill: var(--c1); }
.history text { fill: var(--faint); font-size: 11px; } .history line { stroke: var(--line); }
`

// historyPage is what the template shows.
type historyPage struct {
	Policy template.HTMLAttr
	Style  template.CSS
	Metric string
	Charts []historyChart
	Header []string
	Rows   [][]string
}

// historyChart is a load's metric over time, in the units of an SVG 720 wide and 160 high.
type historyChart struct {
	Title       string
	Line        string // of a polyline
	Points      []historyPoint
	Low, High   string
	First, Last string
}

type historyPoint struct {
	X, Y  float64
	Sound bool
	Says  string
}

// WriteHistoryHTML writes all of history as a page that asks for nothing: metric over time of each load, and the table.
func WriteHistoryHTML(w io.Writer, all []Past, metric string) error {
	p := historyPage{Metric: metric, Style: template.CSS(historyStyle), Header: []string{"run", "case", "target", "at (UTC)", "msg/s", "p50", "p99"},
		Policy: template.HTMLAttr(`content="default-src 'none'; style-src '` + hashOf(historyStyle) + `'; base-uri 'none'; form-action 'none'"`)}
	if !slices.Contains(p.Header, metric) {
		p.Header = append(p.Header, metric)
	}
	for _, h := range series(all) {
		if c := h.chart(metric); c != nil {
			p.Charts = append(p.Charts, *c)
		}
	}
	for _, past := range slices.Backward(all) {
		row := []string{Printable(past.Run), Printable(past.Case), Printable(past.Target), past.At.UTC().Format("2006-01-02 15:04:05")}
		for _, name := range p.Header[4:] {
			row = append(row, past.cell(name))
		}
		p.Rows = append(p.Rows, append(row, string(past.Verdict), Printable(filepath.Base(past.Path))))
	}
	p.Header = append(p.Header, "verdict", "result")
	return historyTemplate.Execute(w, p)
}

// chart places a load's values; nil for fewer than two.
func (h *history) chart(metric string) *historyChart {
	const left, right, top, bottom = 80, 710, 12, 136
	var values []float64
	var format Metric
	with := slices.DeleteFunc(slices.Clone(h.runs), func(p Past) bool {
		v, ok := p.values[metric]
		if ok {
			values, format = append(values, v.v), v.metric
		}
		return !ok
	})
	if len(values) < 2 {
		return nil
	}
	low, high := slices.Min(values), slices.Max(values)
	if low > 0 && low < high/2 || low == high {
		low = min(low, 0)
	}
	span := cmp.Or(high-low, 1)
	first, last := with[0].At, with[len(with)-1].At
	ends := apart([]float64{low, high}, format.Format)
	c := &historyChart{Title: h.title(" · ", " · "), Low: ends[0], High: ends[1],
		First: first.UTC().Format("2006-01-02 15:04"), Last: last.UTC().Format("2006-01-02 15:04")}
	var line strings.Builder
	for i := range with {
		at := 0.5
		if length := last.Sub(first); length > 0 {
			at = float64(with[i].At.Sub(first)) / float64(length)
		}
		x, y := math.Round(10*(left+at*(right-left)))/10, math.Round(10*(bottom-(values[i]-low)/span*(bottom-top)))/10
		fmt.Fprintf(&line, "%g,%g ", x, y)
		c.Points = append(c.Points, historyPoint{x, y, with[i].sound(), fmt.Sprintf("%s %s, %s", with[i].At.UTC().Format("2006-01-02 15:04"), format.Format(values[i]), with[i].Verdict)})
	}
	c.Line = strings.TrimSpace(line.String())
	return c
}
