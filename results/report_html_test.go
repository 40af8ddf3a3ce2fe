package results

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// dom is what a browser makes of a page, flat: its elements with their attributes and the text right in them.
type dom struct {
	elements []element
}

type element struct {
	name  string
	attrs map[string]string
	text  string
}

func parsePage(t *testing.T, page string) *dom {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	d := &dom{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		e := element{name: n.Data, attrs: map[string]string{}}
		for _, a := range n.Attr {
			e.attrs[a.Key] = a.Val
		}
		for c := range n.ChildNodes() {
			if c.Type == html.TextNode {
				e.text += c.Data
			}
		}
		d.elements = append(d.elements, e)
	}
	return d
}

func (d *dom) named(name string) []element {
	var all []element
	for _, e := range d.elements {
		if e.name == name {
			all = append(all, e)
		}
	}
	return all
}

// The page asks for nothing, runs its own script and nothing else, and shows hostile names as text, whatever is in the result.
func TestPage(t *testing.T) {
	search := searched([]float64{1000, 2000, 3000, 4000}, []int64{1e6, 2e6, 9e6, 50e6}, 3)
	Judge(search)
	empty := &Run{Name: "killed", CutShort: Unfinished}
	Judge(empty)
	for name, r := range map[string]*Result{"whole": wholeResult(), "hostile": hostileResult(), "search": {Run: search}, "empty": {Run: empty}, "no histograms": {Run: wholeResult().Run}} {
		page := written(t, "html", r)
		if len(page) > 1<<20 {
			t.Errorf("%s: %d bytes", name, len(page))
		}
		d := parsePage(t, page)
		for _, e := range d.elements {
			for key := range e.attrs {
				if slices.Contains([]string{"src", "href", "srcset", "style", "action", "data", "poster", "xlink:href"}, key) || strings.HasPrefix(key, "on") {
					t.Errorf("%s: <%s> has %s", name, e.name, key)
				}
			}
			if slices.Contains([]string{"a", "img", "iframe", "object", "embed", "link", "base", "form", "audio", "video", "image", "use"}, e.name) {
				t.Errorf("%s: there is a <%s>", name, e.name)
			}
		}
		scripts, styles := d.named("script"), d.named("style")
		if len(scripts) != 2 || len(styles) != 1 || scripts[0].attrs["type"] != "application/json" {
			t.Fatalf("%s: %d scripts, %d styles", name, len(scripts), len(styles))
		}
		policy := ""
		for _, m := range d.named("meta") {
			if m.attrs["http-equiv"] == "Content-Security-Policy" {
				policy = m.attrs["content"]
			}
		}
		for _, part := range []string{"default-src 'none'", "script-src '" + hash(scripts[1].text) + "'", "style-src '" + hash(styles[0].text) + "'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q lacks %s", name, policy, part)
			}
		}
		if strings.Contains(styles[0].text, "url(") || strings.Contains(styles[0].text, "@import") {
			t.Errorf("%s: the style asks for something", name)
		}
		var charts chartData
		if err := json.Unmarshal([]byte(scripts[0].text), &charts); err != nil {
			t.Errorf("%s: the charts' data: %v", name, err)
		}
		for list, null := range map[string]bool{"spans": charts.Spans == nil, "outages": charts.Outages == nil, "marks": charts.Marks == nil,
			"curves": charts.Curves == nil, "heat": charts.Heat == nil, "brokers": charts.Stacked == nil, "the axis": charts.Time.At == nil} {
			if null {
				t.Errorf("%s: %s is null, which the page goes through", name, list)
			}
		}
		n := len(charts.Time.At)
		if len(charts.Time.Rate) != n || len(charts.Time.Errors) != n {
			t.Errorf("%s: columns of unlike lengths", name)
		}
		for _, b := range charts.Stacked {
			if len(b.Put) != n || len(b.Queue) != n || len(b.Lock) != n {
				t.Errorf("%s: %s has %d points, the axis %d", name, b.Name, len(b.Put), n)
			}
		}
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// A case's row has the numbers of the record, each with what it means.
func TestPageNumbers(t *testing.T) {
	r := wholeResult()
	r.Run.Cases[0].SLO = []Objective{{Text: "p99<1us", Metric: "p99", Unit: "ns", Limit: 1e3}}
	Judge(r.Run)
	page := written(t, "html", r)
	d := parsePage(t, page)
	cells := d.named("td")
	if cells[0].text != "sync 64" || cells[1].text != "250k" || cells[4].text != FormatDuration(*r.Run.Cases[0].Response.P99) {
		t.Errorf("first row: %q %q %q", cells[0].text, cells[1].text, cells[4].text)
	}
	for _, c := range cells[1:7] {
		if len(c.attrs["title"]) < 20 {
			t.Errorf("%q has no definition: %q", c.text, c.attrs["title"])
		}
	}
	if !strings.Contains(page, "p99&lt;1us MISSED") {
		t.Error("the objective isn't there")
	}
	for _, id := range []string{"throughput", "latency", "brokers", "curve"} {
		if !slices.ContainsFunc(d.elements, func(e element) bool { return e.attrs["id"] == id }) {
			t.Errorf("no chart %s", id)
		}
	}
}

// The axis is the run's: each interval in the middle of its time, a gap between cases, events from where measuring began; more
// intervals than a page draws are put together, and no send is lost by that.
func TestTimeline(t *testing.T) {
	run := quickRun()
	run.Scenario = []byte(`{"cases":[{"name":"sync 64","events":[{"at_ns":1000000000,"for_ns":500000000,"broker":1,"delay_ns":20000000}]}]}`)
	run.Cases[0].StartOffsetNS = 2e9
	r := &Result{Run: run}
	for i := range 2 * mostPoints {
		name := "sync 64"
		if i >= mostPoints {
			name = "async 1024"
		}
		r.Series = append(r.Series, Point{Case: name, StartOffsetNS: int64(i) * 1e9, LengthNS: 1e9, Attempted: 11, Acknowledged: 10,
			Response: &Latency{Count: 10, Max: int64(i + 1)}, Brokers: []BrokerPoint{{Broker: "b", SendQueue: new(int64(i))}}})
	}
	d := chartsOf(r)
	if len(d.Spans) != 2 || d.Spans[0] != (stretch{0, mostPoints, "sync 64"}) || d.Spans[1] != (stretch{mostPoints, 2 * mostPoints, "async 1024"}) {
		t.Errorf("spans %+v", d.Spans)
	}
	if d.Time.Together != 2 || len(d.Time.At) != mostPoints+1 {
		t.Fatalf("%d points, %d together", len(d.Time.At), d.Time.Together)
	}
	gaps := 0
	for i, rate := range d.Time.Rate {
		switch {
		case rate == nil:
			gaps++
		case *rate != 10 || *d.Time.Errors[i] != 1:
			t.Fatalf("at %v: %v/s, %v errors/s", d.Time.At[i], *rate, *d.Time.Errors[i])
		}
	}
	if gaps != 1 || d.Time.At[0] != 1 || *d.Time.Times["max"][0] != 2 || *d.Stacked[0].Queue[0] != 1 {
		t.Errorf("%d gaps, first at %v, max %v, queue %v", gaps, d.Time.At[0], *d.Time.Times["max"][0], *d.Stacked[0].Queue[0])
	}
	if len(d.Marks) != 1 || d.Marks[0] != (stretch{3, 3.5, "delay 20.0 ms of broker 1 for " + (500 * time.Millisecond).String()}) {
		t.Errorf("marks %+v", d.Marks)
	}
}

// What somebody marked, what the name servers told and what stays is on the page and in the summary, as it is on the terminal.
func TestMomentsInReports(t *testing.T) {
	run := quickRun()
	run.Marks = []Mark{{At: run.StartedAt.Add(2 * time.Second), OffsetNS: 2e9}}
	run.RouteChanges = []RouteChange{{Case: "sync 64", What: MasterMoved, Broker: "broker-a", From: "a:1", To: "b:2", At: run.StartedAt.Add(3 * time.Second), StartOffsetNS: 3e9}}
	run.Leftover = &Leftover{Bytes: 58 << 30, Hours: 72}
	run.Cases[0].Delayed = &Delayed{Messages: 12345, Until: time.Date(2026, 5, 4, 12, 4, 10, 0, time.UTC)}
	r := &Result{Run: run}
	want := []stretch{{2, 2, "mark 1"}, {3, 3, "broker-a: master moved from a:1 to b:2"}}
	if d := chartsOf(r); !slices.Equal(d.Marks, want) {
		t.Errorf("marks %+v", d.Marks)
	}
	var page, summary strings.Builder
	if err := writeHTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if err := writeMarkdown(&summary, r); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"mark 1 at ", "master moved from a:1 to b:2", "about 58 GiB in commit logs, until fileReservedTime", "about 12,345 delayed messages fire until 12:04:10Z"} {
		if !strings.Contains(page.String(), line) {
			t.Errorf("the page lacks %q", line)
		}
		if !strings.Contains(summary.String(), line) {
			t.Errorf("the summary lacks %q", line)
		}
	}
}

// Several shards' intervals of one time are one point.
func TestTimelineOfShards(t *testing.T) {
	r := &Result{Run: quickRun()}
	for shard := range 3 {
		for i := range 4 {
			r.Series = append(r.Series, Point{Case: "c", Shard: new(shard), StartOffsetNS: int64(i)*1e9 + int64(shard)*1e6, LengthNS: 1e9, Attempted: 10, Acknowledged: 10,
				Response: &Latency{Count: 10, Max: int64(shard + 1)}})
		}
	}
	d := chartsOf(r)
	if len(d.Time.At) != 4 {
		t.Fatalf("%d points: %v", len(d.Time.At), d.Time.At)
	}
	for i, rate := range d.Time.Rate {
		if *rate < 29.9 || *rate > 30 || *d.Time.Times["max"][i] != 3 {
			t.Errorf("at %v: %v/s, max %v", d.Time.At[i], *rate, *d.Time.Times["max"][i])
		}
	}
}

// A curve ends where fewer than 100 sends lie beyond, rises, and is of what the histogram says.
func TestCurve(t *testing.T) {
	r := wholeResult()
	curves := curvesOf(r)
	if len(curves) != len(r.Histograms) {
		t.Fatalf("%d curves", len(curves))
	}
	for i, c := range curves {
		if !slices.IsSorted(c.NS) || !slices.IsSorted(c.N) || c.N[len(c.N)-1] > float64(r.Histograms[i].Histogram.Count())/100 {
			t.Errorf("%s: %v %v", c.Name, c.N, c.NS)
		}
	}
}

// What each queue took in each interval, and where the series doesn't say, in all.
func TestHeat(t *testing.T) {
	r := &Result{Run: quickRun()}
	c := &r.Run.Cases[0]
	for q := range int32(3) {
		c.Queues = append(c.Queues, Share{Broker: "b", Queue: new(q), Acknowledged: int64(q + 1)})
	}
	if h := heatsOf(r); len(h) != 1 || fmt.Sprint(h[0].Queues, h[0].At, h[0].Counts) != "[b:0 b:1 b:2] [] [[1 2 3]]" {
		t.Errorf("%+v", h)
	}
	for i := range 2 {
		r.Series = append(r.Series, Point{Case: c.Name, StartOffsetNS: int64(i) * 5e8, LengthNS: 5e8, Queues: []int64{1, 2, int64(i)}})
	}
	if h := heatsOf(r); len(h) != 1 || fmt.Sprint(h[0].At, h[0].Counts) != "[0 0.5 1] [[2 4 0] [2 4 2]]" {
		t.Errorf("%+v", h)
	}
}

// Cases whose times lie far apart are no bars to one scale: of the short one nothing would be seen.
func TestAnatomyOfUnlikeCases(t *testing.T) {
	for times, wantShort := range map[int64]float64{2: 500, 1000: 1000} {
		short, long := anatomyCase(), anatomyCase()
		for _, p := range anatomyParts {
			p.of(long.Anatomy).Mean *= times
		}
		p := &page{}
		p.fillAnatomy(&Run{Cases: []Case{short, long}})
		if p.EachWhole != (wantShort == 1000) {
			t.Errorf("%d times as long: each is a whole: %v", times, p.EachWhole)
		}
		for i, want := range []float64{wantShort, 1000} {
			var width float64
			for _, s := range p.Anatomy[i].Parts {
				w, err := strconv.ParseFloat(s.Width, 64)
				if err != nil {
					t.Fatal(err)
				}
				width += w
			}
			if math.Abs(width-want) > 1 {
				t.Errorf("%d times as long: bar %d is %v wide, want %v", times, i, width, want)
			}
		}
	}
}
