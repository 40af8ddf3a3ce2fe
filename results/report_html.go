package results

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The page's parts. uPlot 1.6.32 is uplot.min.js and uplot.min.css of the npm package uplot, under uplot.LICENSE (MIT).
var (
	//go:embed assets/report.html
	pageHTML string
	//go:embed assets/report.css
	pageCSS string
	//go:embed assets/report.js
	pageJS string
	//go:embed assets/uplot.min.js
	uplotJS string
	//go:embed assets/uplot.min.css
	uplotCSS string
)

var pageTemplate = template.Must(template.New("report").Parse(pageHTML))

// What runs and what styles the page: one block each, whose hashes its policy allows and nothing else.
var (
	pageScript = uplotJS + "\n" + pageJS
	pageStyle  = uplotCSS + "\n" + pageCSS
	pagePolicy = "default-src 'none'; script-src '" + hashOf(pageScript) + "'; style-src '" + hashOf(pageStyle) + "'; base-uri 'none'; form-action 'none'"
)

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// page is what the template shows. Texts from outside are printable; the template escapes them.
type page struct {
	Policy  template.HTMLAttr
	Style   template.CSS
	Script  template.JS
	Data    template.JS // chartData
	Title   string
	Verdict Verdict
	Kind    string // good, warn or bad
	Line    string
	Answer  string // of a search for a capacity
	Target  string

	Embedded  bool
	Selectors *grid    // nil: nothing of that kind is compared
	Choice    []string // what the comparison's columns mean
	Cases     *grid
	Claims    []string
	SLO       []pageObjective
	Searches  *grid // nil: one
	Need      string
	Steps     []*grid  // of a search
	Shards    *grid    // nil: it isn't merged
	Kept      []string // how the shards kept together
	Topics    *grid    // nil: no case has several
	Anatomy   []pageBar
	EachWhole bool // each bar of Anatomy is full: its parts are shares
	Parts     []pagePart
	Outcomes  *grid
	Errors    *grid
	Outages   []string
	Evidence  []pageEvidence // against the numbers
	Noted     []pageEvidence // the rest
	Told      []pageTold
	Words     []pageTold

	Series, Curve, Rates, Heat, Skew bool // which charts there are
	More                             bool // intervals were put together
}

type pageObjective struct {
	Case, Text, Class string
}

// pageBar is a case's bar of parts; X and Width are in thousandths of the longest.
type pageBar struct {
	Name, Total string
	Parts       []pageSlice
}

type pageSlice struct {
	Index    int
	X, Width string
	Title    string
}

type pagePart struct {
	Index       int
	Name, Title string
}

type pageEvidence struct {
	Case, Text, Class string
	Verdict           Verdict
}

type pageTold struct{ Name, Value string }

// writeHTML writes the page: one file, which asks for nothing.
func writeHTML(w io.Writer, r *Result) error {
	run := r.Run
	p := &page{Policy: template.HTMLAttr(`content="` + pagePolicy + `"`), Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Title: Printable(run.Name), Verdict: run.Verdict, Kind: verdictKind(run.Verdict), Line: VerdictLine(run), Target: Title(run),
		Embedded: run.Target.Embedded, Claims: claimLines(run)}
	charts := chartsOf(r)
	data, err := json.Marshal(charts) // which escapes <, > and &
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	p.Data = template.JS(data)
	p.Series, p.Curve, p.Rates, p.Heat, p.More = len(charts.Time.At) > 0, len(charts.Curves) > 0, charts.Capacity != nil, len(charts.Heat) > 0, charts.Time.Together > 1
	if run.Selectors != nil {
		p.Selectors, p.Choice = selectorGrid(run).drawn(), run.Selectors.words()
	}
	if len(run.Shards) > 0 {
		p.Shards, p.Kept = shardGrid(run).drawn(), shardLines(run)
	}
	if topics := topicGrid(run); len(topics.Rows) > 0 {
		p.Topics = topics.drawn()
	}
	p.fillCases(run)
	p.fillCapacity(run)
	p.fillAnatomy(run)
	p.fillFailures(run)
	for _, e := range run.Evidence {
		p.Evidence = append(p.Evidence, pageEvidence{Case: Printable(e.Case), Text: Printable(e.Text), Verdict: e.Verdict, Class: verdictKind(e.Verdict)})
	}
	seen := map[string]bool{}
	for _, c := range run.wholes() {
		for _, e := range c.Evidence {
			if line := c.label() + e.Text; e.Verdict == Valid && !seen[line] {
				seen[line] = true
				p.Noted = append(p.Noted, pageEvidence{Case: c.label(), Text: Printable(e.Text)})
			}
		}
	}
	for _, line := range slices.Concat(costLines(run), skewLines(run), roundLines(run), arrivalLines(run), compressionLines(run), remarkLines(run), leftoverLines(run)) {
		p.Told = append(p.Told, pageTold{"", line})
	}
	for _, d := range disclosure(run) {
		p.Told = append(p.Told, pageTold{d.name, Printable(d.value)})
	}
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		p.Words = append(p.Words, pageTold{name, definitions[name]})
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, p); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	_, err = out.WriteTo(w)
	return err
}

// verdictKind is how a verdict is coloured.
func verdictKind(v Verdict) string {
	switch v {
	case Valid:
		return "good"
	case Suspect, GeneratorLimited:
		return "warn"
	}
	return "bad"
}

func (p *page) fillCases(run *Run) {
	t := &grid{Caption: "Times are from when a send was due", Head: []gridHead{words("", "case"), numbers("messages_per_second", "msg/s")}}
	for _, q := range shown {
		t.Head = append(t.Head, gridHead{Text: q.label, Title: definitions[q.key]})
	}
	t.Head = append(t.Head, numbers("max", "max"), numbers("error_share", "errors"), words("verdict", "verdict"))
	p.Cases = t
	cases := run.wholes()
	for i := range cases {
		c := &cases[i]
		for j, row := range rowsOf(c) {
			name := gridCell{Text: row.label, Sort: fmt.Sprintf("%s %d", c.label(), j)}
			if j > 0 {
				name.Text, name.Class = strings.TrimSpace(row.label), "sub"
			}
			cells := []gridCell{name, {Text: row.rate, Sort: csvFloat(c.MessagesPerSecond)}}
			for _, q := range shown {
				cells = append(cells, row.cell(q))
			}
			verdict := gridCell{Text: row.verdict}
			if row.verdict != "" {
				verdict.Class = verdictKind(c.Verdict)
			}
			t.Rows = append(t.Rows, append(cells, longestCell(row.times, row.what), gridCell{Text: row.errors, Sort: number(c.ErrorShare())}, verdict))
		}
		for j := range c.SLO {
			o := &c.SLO[j]
			class := "warn"
			if o.Met != nil {
				class = map[bool]string{true: "good", false: "bad"}[*o.Met]
			}
			p.SLO = append(p.SLO, pageObjective{Case: c.label(), Text: o.Words(), Class: class})
		}
	}
}

func (p *page) fillCapacity(run *Run) {
	c := run.Capacity
	if c == nil {
		return
	}
	p.Answer = c.Sentence(run.Target.Embedded)
	if c.Need != nil {
		p.Need = c.Need.Sentence()
	}
	p.Steps = []*grid{c.curveGrid("").drawn()}
	for i := range c.Parts {
		p.Steps = append(p.Steps, c.Parts[i].curveGrid(c.Parts[i].With()).drawn())
	}
	if len(c.Parts) > 0 {
		p.Searches = c.searchGrid().drawn()
	}
}

// mostUnlike is how many times the shortest mean the longest may be for both to be drawn to one scale: past it one of them is no more than a line.
const mostUnlike = 20

func (p *page) fillAnatomy(run *Run) {
	var longest int64
	shortest := int64(math.MaxInt64)
	cases := run.wholes()
	for i := range cases {
		if a := cases[i].Anatomy; a != nil {
			longest, shortest = max(longest, a.Sum()), min(shortest, a.Sum())
		}
	}
	if longest == 0 {
		return
	}
	p.EachWhole = longest > mostUnlike*shortest
	for i, part := range anatomyParts {
		p.Parts = append(p.Parts, pagePart{i, part.name, definitions[part.name]})
	}
	for i := range cases {
		c := &cases[i]
		if c.Anatomy == nil {
			continue
		}
		sum := c.Anatomy.Sum()
		bar := pageBar{Name: c.label(), Total: FormatDuration(sum)}
		x, full := 0.0, longest
		if p.EachWhole {
			full = max(sum, 1)
		}
		for j, part := range anatomyParts {
			mean := part.of(c.Anatomy).Mean
			width := 1000 * float64(mean) / float64(full)
			said := fmt.Sprintf("%s %s, mean. %s", part.name, FormatDuration(mean), definitions[part.name])
			if ns := c.network(); ns != nil && part.name == "reply" {
				said += fmt.Sprintf(" The network's shortest round trip: %s.", FormatDuration(*ns))
			}
			bar.Parts = append(bar.Parts, pageSlice{j, strconv.FormatFloat(x, 'f', 1, 64), strconv.FormatFloat(width, 'f', 1, 64), said})
			x += width
		}
		p.Anatomy = append(p.Anatomy, bar)
	}
}

func (p *page) fillFailures(run *Run) {
	cases := run.wholes()
	p.Outcomes = &grid{Caption: "What became of the sends", Head: []gridHead{words("", "case")}}
	for _, f := range countFields {
		p.Outcomes.Head = append(p.Outcomes.Head, numbers(f.name, f.name))
	}
	p.Errors = &grid{Caption: "Failures by cause", Head: []gridHead{words("", "case"), words("", "cause"), {Text: "sends"}, {Text: "of the offered"}}}
	for i := range cases {
		c := &cases[i]
		row := []gridCell{word(c.label())}
		for _, f := range countFields {
			n := *f.of(&c.Counts)
			cell := known(&n, groupDigits, "")
			if n == 0 {
				cell.Class = "nil"
			} else if f.isError {
				cell.Class = "bad"
			}
			row = append(row, cell)
		}
		p.Outcomes.Rows = append(p.Outcomes.Rows, row)
		all := c.ByCause()
		for _, e := range all[:min(len(all), 50)] {
			p.Errors.Rows = append(p.Errors.Rows, []gridCell{word(c.label()), word(e.Cause), known(&e.N, groupDigits, ""), known(new(float64(e.N)/float64(max(c.Offered, 1))), formatShare, "")})
		}
	}
	p.Outages = slices.Concat(markLines(run), outageLines(run), eventLines(run), avoidanceLines(run))
}

// chartData is what the page's script draws. Times are in seconds since the run's start, latencies in nanoseconds; null is a gap.
type chartData struct {
	Time     timeline     `json:"time"`
	Spans    []stretch    `json:"spans"` // of the cases
	Outages  []stretch    `json:"outages"`
	Marks    []stretch    `json:"marks"` // events, moments that somebody marked, changes of the routes
	Curves   []curve      `json:"curves"`
	Capacity *rateCurve   `json:"capacity"`
	Heat     []heat       `json:"heat"`
	Stacked  []brokerLine `json:"brokers"`
}

// stretch is a time with a name; To is From for a moment.
type stretch struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Name string  `json:"name"`
}

// timeline is the intervals side by side.
type timeline struct {
	At       []float64             `json:"at"` // the middle
	Rate     []*float64            `json:"rate"`
	Errors   []*float64            `json:"errors"` // a second
	Times    map[string][]*float64 `json:"times"`  // by percentile, and max
	Together int                   `json:"together"`
}

// brokerLine is what one broker said over the intervals of the timeline.
type brokerLine struct {
	Name  string     `json:"name"`
	Put   []*float64 `json:"put"`
	Queue []*float64 `json:"queue"`
	Lock  []*float64 `json:"lock"`
}

// curve is a case's times by how many nines: N is 1 / (1 − q).
type curve struct {
	Name string    `json:"name"`
	N    []float64 `json:"n"`
	NS   []int64   `json:"ns"`
}

type rateCurve struct {
	Rate  []float64             `json:"rate"`
	Times map[string][]*float64 `json:"times"` // by the percentile's label
	Found []string              `json:"found"`
	Knee  *float64              `json:"knee"`
	Holds *float64              `json:"holds"`
	Low   *float64              `json:"low"`
	High  *float64              `json:"high"`
}

// heat is how many messages each queue of a case took in each interval.
type heat struct {
	Name   string    `json:"name"`
	Queues []string  `json:"queues"`
	At     []float64 `json:"at"`     // when intervals began, and the end of the last; empty: the case's sums only
	Counts [][]int64 `json:"counts"` // an interval a row, a second
}

// What a page draws at most.
const (
	mostPoints = 3_000 // intervals; beyond, neighbours are put together
	mostCurves = 24
	mostHeats  = 24
)

func chartsOf(r *Result) *chartData {
	d := &chartData{Spans: []stretch{}, Outages: []stretch{}, Marks: []stretch{}, Curves: []curve{}, Heat: []heat{}, Stacked: []brokerLine{}}
	d.Time, d.Spans = timelineOf(r, d)
	for i := range r.Run.Outages {
		o := &r.Run.Outages[i]
		length := o.LastFailureNS
		if o.FirstSuccessNS != nil {
			length = *o.FirstSuccessNS
		}
		d.Outages = append(d.Outages, stretch{seconds(o.StartOffsetNS), seconds(o.StartOffsetNS + length), cmp.Or(Printable(o.Broker), "any broker")})
	}
	d.Marks = append(append(d.Marks, eventMarks(r.Run)...), momentsOf(r.Run)...) // empty, not null: the page goes through it
	d.Curves = append(d.Curves, curvesOf(r)...)
	d.Heat = append(d.Heat, heatsOf(r)...)
	if c := r.Run.Capacity; c != nil {
		rates := &rateCurve{Times: map[string][]*float64{}, Knee: c.KneePerSecond, Holds: c.RatePerSecond, Low: c.LowPerSecond, High: c.HighPerSecond}
		for _, s := range c.curve() {
			rates.Rate, rates.Found = append(rates.Rate, s.RatePerSecond), append(rates.Found, s.Found)
			for _, q := range shown {
				rates.Times[q.label] = append(rates.Times[q.label], benchTime(s.Response, q))
			}
		}
		d.Capacity = rates
	}
	return d
}

func seconds(ns int64) float64 { return float64(ns/1e5) / 1e4 }

// timelineOf puts the series on one axis, with a gap between cases, and fills in d's brokers. Where there are more points than
// a page draws, or several shards' at one time, neighbours of a case become one: counts are summed, of times the longest is shown.
func timelineOf(r *Result, d *chartData) (timeline, []stretch) {
	t := timeline{At: []float64{}, Rate: []*float64{}, Errors: []*float64{}, Times: map[string][]*float64{}, Together: 1}
	spans := []stretch{}
	points := slices.Clone(r.Series)
	slices.SortStableFunc(points, func(a, b Point) int { return cmp.Compare(a.StartOffsetNS, b.StartOffsetNS) })
	for len(points)/t.Together > mostPoints {
		t.Together++
	}
	keys := []string{"max"}
	for _, q := range percentiles[:4] {
		keys = append(keys, q.key)
	}
	brokers := map[string]int{}
	gap := func(at float64) {
		t.At, t.Rate, t.Errors = append(t.At, at), append(t.Rate, nil), append(t.Errors, nil)
		for _, k := range keys {
			t.Times[k] = append(t.Times[k], nil)
		}
		for i := range d.Stacked {
			b := &d.Stacked[i]
			b.Put, b.Queue, b.Lock = append(b.Put, nil), append(b.Queue, nil), append(b.Lock, nil)
		}
	}
	for from := 0; from < len(points); {
		first := &points[from]
		to, together := from+1, 1
		end := first.StartOffsetNS + first.LengthNS
		for to < len(points) && points[to].Case == first.Case && points[to].Round == first.Round {
			p := &points[to]
			overlaps := p.Shard != nil && p.StartOffsetNS+p.LengthNS/2 < end
			if !overlaps {
				if together == t.Together {
					break
				}
				together++
				end = max(end, p.StartOffsetNS+p.LengthNS)
			}
			to++
		}
		name := inRound(first.Case, first.Round)
		start := seconds(first.StartOffsetNS)
		if n := len(spans); n == 0 || spans[n-1].Name != name {
			if n > 0 {
				gap((spans[n-1].To + start) / 2)
			}
			spans = append(spans, stretch{start, seconds(end), name})
		}
		spans[len(spans)-1].To = seconds(end)
		gap((start + seconds(end)) / 2)
		at := len(t.At) - 1
		length := float64(end-first.StartOffsetNS) / 1e9
		var well, all int64
		for _, p := range points[from:to] {
			well, all = well+p.Acknowledged+p.Written, all+p.Attempted
			longest(t.Times["max"], at, p.Response, func(l *Latency) *int64 { return &l.Max })
			for _, q := range percentiles[:4] {
				longest(t.Times[q.key], at, p.Response, func(l *Latency) *int64 { return *q.of(l) })
			}
			for i := range p.Brokers {
				said := &p.Brokers[i]
				n, ok := brokers[said.Broker]
				if !ok {
					if len(brokers) == 8 {
						continue
					}
					n = len(d.Stacked)
					brokers[said.Broker] = n
					nulls := func() []*float64 { return make([]*float64, len(t.At)) }
					d.Stacked = append(d.Stacked, brokerLine{Printable(said.Broker), nulls(), nulls(), nulls()})
				}
				b := &d.Stacked[n]
				if said.PutPerSecond != nil {
					b.Put[at] = said.PutPerSecond
				}
				atMost(b.Queue, at, said.SendQueue)
				atMost(b.Lock, at, said.PageCacheLockNS)
			}
		}
		if length > 0 {
			t.Rate[at], t.Errors[at] = new(float64(well)/length), new(float64(all-well)/length)
		}
		from = to
	}
	return t, spans
}

func longest(column []*float64, at int, l *Latency, of func(*Latency) *int64) {
	if l != nil {
		atMost(column, at, of(l))
	}
}

// atMost keeps the larger.
func atMost(column []*float64, at int, v *int64) {
	if v != nil && (column[at] == nil || float64(*v) > *column[at]) {
		column[at] = new(float64(*v))
	}
}

// momentsOf are what the person at the terminal marked, and the first changes of the routes.
func momentsOf(r *Run) []stretch {
	const most = 50 // of each
	var marks []stretch
	for i := range r.Marks[:min(len(r.Marks), most)] {
		at := seconds(r.Marks[i].OffsetNS)
		marks = append(marks, stretch{at, at, fmt.Sprintf("mark %d", i+1)})
	}
	for i := range r.RouteChanges[:min(len(r.RouteChanges), most)] {
		c := &r.RouteChanges[i]
		at := seconds(c.StartOffsetNS)
		marks = append(marks, stretch{at, at, c.words()})
	}
	return marks
}

// eventMarks are the scenario's events, on the run's axis: they count from where a case's measured stages begin.
func eventMarks(r *Run) []stretch {
	var scenario struct {
		Cases []struct {
			Name   string `json:"name"`
			Events []struct {
				At     int64 `json:"at_ns"`
				For    int64 `json:"for_ns"`
				Broker int   `json:"broker"`
				Delay  int64 `json:"delay_ns"`
				Busy   any   `json:"busy"`
				Down   any   `json:"down"`
				Stall  any   `json:"stall"`
			} `json:"events"`
		} `json:"cases"`
	}
	if json.Unmarshal(r.Scenario, &scenario) != nil {
		return nil // somebody else's scenario
	}
	var marks []stretch
	for i := range r.Cases {
		for _, c := range scenario.Cases {
			if c.Name != r.Cases[i].Name {
				continue
			}
			for _, e := range c.Events {
				what := "event"
				switch {
				case e.Stall != nil:
					what = "stall"
				case e.Down != nil:
					what = "down"
				case e.Busy != nil:
					what = "busy"
				case e.Delay > 0:
					what = "delay " + FormatDuration(e.Delay)
				}
				from := r.Cases[i].StartOffsetNS + e.At
				marks = append(marks, stretch{seconds(from), seconds(from + e.For), fmt.Sprintf("%s of broker %d for %s", what, e.Broker, time.Duration(e.For))})
			}
			break
		}
	}
	return marks
}

// curvesOf are the cases' times from due, as far as 100 sends lie beyond.
func curvesOf(r *Result) []curve {
	var all []curve
	seen := map[string]int{}
	for _, t := range r.Histograms {
		h := t.Histogram
		if (t.Metric != "response" && t.Metric != "write_time") || h.Count() < percentiles[0].needs || len(all) == mostCurves {
			continue
		}
		name := Printable(t.Case)
		if t.Metric == "write_time" {
			name += " · write time"
		}
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s, round %d", name, seen[name])
		}
		c := curve{Name: name}
		for n := 1.0; n <= float64(h.Count())/100; n *= 1.1220184543019633 { // 20 a factor of ten
			c.N, c.NS = append(c.N, float64(int64(n*1e4))/1e4), append(c.NS, max(h.Quantile(1-1/n), 1))
		}
		all = append(all, c)
	}
	return all
}

// heatsOf are the cases that have several queues.
func heatsOf(r *Result) []heat {
	var all []heat
	for i := range r.Run.Cases {
		c := &r.Run.Cases[i]
		if len(c.Queues) < 2 || len(c.Queues) > MostQueues || len(all) == mostHeats {
			continue
		}
		h := heat{Name: inRound(c.Name, c.Round), At: []float64{}, Counts: [][]int64{}}
		whole := make([]int64, len(c.Queues))
		for j, q := range c.Queues {
			h.Queues = append(h.Queues, q.label())
			whole[j] = q.Acknowledged
		}
		var end int64
		for j := range r.Series {
			p := &r.Series[j]
			if p.Case != c.Name || p.Round != c.Round || p.Shard != nil || len(p.Queues) != len(c.Queues) || p.LengthNS <= 0 {
				continue
			}
			row := make([]int64, len(p.Queues))
			for k, n := range p.Queues {
				row[k] = int64(float64(n) / float64(p.LengthNS) * 1e9)
			}
			if h.At = append(h.At, seconds(p.StartOffsetNS)); len(h.At) > 600 {
				break
			}
			h.Counts, end = append(h.Counts, row), p.StartOffsetNS+p.LengthNS
		}
		if len(h.Counts) > 0 {
			h.At = append(h.At[:len(h.Counts)], seconds(end))
		} else {
			h.At, h.Counts = []float64{}, [][]int64{whole}
		}
		all = append(all, h)
	}
	return all
}
