package results

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/perf/benchfmt"

	"rmqbench/internal/golden"
)

func written(t *testing.T, format string, r *Result) string {
	t.Helper()
	f, ok := FormatNamed(format)
	if !ok {
		t.Fatalf("no format %s", format)
	}
	var b strings.Builder
	if err := f.Write(&b, r); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

// hostileResult has names that would like to be more than names.
func hostileResult() *Result {
	r := &Result{Run: hostileRun()}
	evil := "=cmd()|' /C calc'!A0 <script>alert(1)</script> [x](https://evil.example) @everyone `|` \x1b[31m </script><!-- ]]> \""
	r.Run.Name = evil
	r.Run.Target.Topic = evil
	r.Run.Cases[0].Name = evil
	r.Run.Cases[0].Params = map[string]string{"=evil": evil, "producer.selector": "+1"}
	r.Run.Cases[0].SLO = []Objective{{Text: evil, Metric: "p99", Unit: "ns", Limit: 1}}
	Judge(r.Run)
	r.Series = []Point{{Case: evil, LengthNS: 1e9, Attempted: 3, Brokers: []BrokerPoint{{Broker: evil, Unknown: evil}}}}
	r.Histograms = []TaggedHistogram{{Case: evil, Metric: "response", Histogram: spread(100, 1000, 100_000)}}
	return r
}

// What each format looks like, of a usual result and of one whose names would like to be more.
func TestFormats(t *testing.T) {
	for _, f := range Formats() {
		if f.Name == "json" || f.Name == "hlog" || f.Name == "html" {
			continue // tests of their own
		}
		for name, r := range map[string]*Result{"quick": wholeResult(), "hostile": hostileResult()} {
			if f.Name == "hgrm" {
				r.Histograms = r.Histograms[:1]
			}
			golden.Compare(t, "report_"+name+"."+f.Name, written(t, f.Name, r))
		}
	}
}

// No name reaches a terminal, a spreadsheet or a page as anything but text.
func TestR43_NamesStayNames(t *testing.T) {
	r := hostileResult()
	for _, f := range Formats() {
		text := written(t, f.Name, r)
		if f.Name == "json" { // which is for programs: what no terminal may see is escaped, the rest kept
			text = strings.ReplaceAll(strings.ReplaceAll(text, "\u202e", ""), "\u009b", "")
		}
		if strings.ContainsAny(text, "\x1b\u202e\u009b") {
			t.Errorf("%s: an escape sequence", f.Name)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(written(t, "csv", r))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r|%") {
				t.Errorf("csv: %q is a formula", cell)
			}
		}
	}
	md := strings.NewReplacer(`\\`, "", `\<`, "", `\]`, "").Replace(written(t, "md", r))
	for _, live := range []string{"<script", "](http", "https://", "@everyone", "<!--"} {
		if strings.Contains(md, live) {
			t.Errorf("md: %q is alive", live)
		}
	}
}

// What the terminal says under its table of what arrived and of compressing, pages and summaries say too, and how it was sent.
func TestReportsSayHowItWasSent(t *testing.T) {
	r := comparableRun(10_000)
	r.Scenario = json.RawMessage(`{"cases":[
		{"name":"off","load":{"stages":[{"for_ns":2000000000,"warmup":true},{"for_ns":1}]},"message":{"size_bytes":128,"compressible":0.5},"producer":{"profile":"java-5.4","retries":2,"send_timeout_ns":3000000000,"compress":"zlib"}},
		{"name":"zlib","load":{"stages":[{"warmup":"auto"}]},"message":{"size":{"uniform_bytes":[100,4096]},"compressible":0.5},"producer":{"profile":"java-5.4","retries":2,"send_timeout_ns":3000000000,"compress":"zlib","compress_over_bytes":4096}}]}`)
	off := r.Cases[0]
	off.Name, off.Params, off.Anatomy = "off", map[string]string{compressOver: never}, &Anatomy{Compress: Part{Mean: 100}}
	off.BodyBytes = new(128 * off.Acknowledged)
	zlib := off
	zlib.Name, zlib.Params, zlib.Anatomy = "zlib", map[string]string{compressOver: "4KiB"}, &Anatomy{Compress: Part{Mean: 20_100}}
	zlib.Transport = &Transport{BytesOut: 300 * zlib.Acknowledged, Writes: 2_000}
	arrived := Case{Name: "ORDERS", Mode: ModeArrived, Verdict: Valid, Measured: Measured{Counts: Counts{Offered: 3, Attempted: 3, Acknowledged: 3}, BodyBytes: new(int64(384))},
		Arrivals: &Arrivals{Gaps: &Latency{Count: 2, Max: 5_000_000}, StoredBytes: 1008, Duplicates: 1}}
	r.Cases = []Case{off, zlib, arrived}
	var table strings.Builder
	if err := WriteTable(&table, r); err != nil {
		t.Fatal(err)
	}
	lines := []string{
		"compressing, zlib: 20.0 µs more and 60 B less a message: it pays where the network gives each CPU that compresses under 24.0 Mbit/s",
		"ORDERS: 3 messages arrived, 384 B of bodies, 1008 B stored, from one to the next max 5.00 ms; 1 came twice",
	}
	for name, text := range map[string]string{"table": table.String(), "md": strings.ReplaceAll(written(t, "md", &Result{Run: r}), `\`, ""), "html": written(t, "html", &Result{Run: r})} {
		for _, want := range lines {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	got := map[string]string{}
	for _, d := range disclosure(r) {
		got[d.name] = d.value
	}
	for name, want := range map[string]string{
		"producer": "java-5.4, 2 retries, send timeout 3.00 s",
		"bodies":   "128 B, 0.5 compressible, never compressed | uniform_bytes [100, 4096], 0.5 compressible, by zlib over 4 KiB",
		"warm-up":  "2.00 s | auto",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}

// Real records, with every part that one can have, are what the schema says; and the published one is today's.
func TestJSONSchema(t *testing.T) {
	published, err := os.ReadFile("../docs/run.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(published) != string(JSONSchema()) {
		t.Error("docs/run.schema.json is another: rmqbench report --schema > docs/run.schema.json")
	}
	whole, search := wholeResult().Run, searched([]float64{1000, 2000, 3000}, []int64{1e6, 2e6, 9e6}, 2)
	Judge(search)
	for name, schema := range map[string][]byte{"published": published, "strict": jsonSchema(true)} {
		compiled := compile(t, schema)
		for _, r := range []*Run{whole, clusterRun(), hostileRun(), search} {
			Judge(r)
			var text strings.Builder
			if err := Encode(&text, r); err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(parsed(t, text.String())); err != nil {
				t.Errorf("%s, %s: %v", name, r.Name, err)
			}
		}
		for fault, text := range map[string]string{
			"no name":        `{"schema":"rmqbench.run/1"}`,
			"another schema": strings.Replace(written(t, "json", &Result{Run: whole}), "rmqbench.run/1", "rmqbench.run/2", 1),
			"another word":   strings.Replace(written(t, "json", &Result{Run: whole}), `"VALID"`, `"GOOD"`, 1),
			"text as number": strings.Replace(written(t, "json", &Result{Run: whole}), `"elapsed_ns": 2000000000`, `"elapsed_ns": "2 s"`, 1),
		} {
			if compiled.Validate(parsed(t, text)) == nil {
				t.Errorf("%s takes %s", name, fault)
			}
		}
	}
}

func compile(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaURL, parsed(t, string(schema))); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(SchemaURL)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func parsed(t *testing.T, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Go's own reader of benchmark text finds every case with its values, its units and which way is better.
func TestGobenchIsRead(t *testing.T) {
	r := wholeResult()
	for i, selector := range []string{"round_robin", "hash"} {
		r.Run.Cases[i].Params = map[string]string{"producer.selector": selector, "message.size": "1 KiB/x"}
	}
	reader := benchfmt.NewReader(strings.NewReader(written(t, "gobench", r)), "test")
	var names []string
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(rec)
		case *benchfmt.Result:
			names = append(names, string(rec.Name))
			if v, ok := rec.Value("msg/s"); !ok || v != *r.Run.Cases[len(names)-1].MessagesPerSecond {
				t.Errorf("%s: %v msg/s", rec.Name, v)
			}
			if l := r.Run.Cases[len(names)-1].Response; l != nil && l.P99 != nil {
				if v, ok := rec.Value("p99-sec"); !ok || v*1e9 < float64(*l.P99)-1 || v*1e9 > float64(*l.P99)+1 {
					t.Errorf("%s: p99 %v s, want %d ns", rec.Name, v, *l.P99)
				}
			}
			if rec.GetConfig("target") != "embedded" {
				t.Errorf("%s: target %q", rec.Name, rec.GetConfig("target"))
			}
		}
	}
	if units := reader.Units(); units.GetBetter("p99-ns") != -1 || units.GetBetter("msg/s") != 1 {
		t.Error("which way is better is not told")
	}
	want := []string{"Quick/size=1_KiB_x/selector=round_robin-2", "Quick/size=1_KiB_x/selector=hash-2", "Quick/case=oneway-2"}
	if len(names) != len(r.Run.Cases) || strings.Join(names[:3], " ") != strings.Join(want, " ") {
		t.Errorf("names %q, want %q and so on", names, want)
	}
}

func TestJUnitCounts(t *testing.T) {
	r := &Result{Run: clusterRun()}
	r.Run.Cases[1].SLO = []Objective{{Text: "p99<1ms", Metric: "p99", Unit: "ns", Limit: 1e6}, {Text: "errors<50%", Metric: "errors", Unit: "share", Limit: 0.5},
		{Text: "p99.9<1ms", Metric: "p99.9", Unit: "ns", Limit: 1e6}}
	Judge(r.Run)
	var got struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Skipped  int `xml:"skipped,attr"`
			Cases    []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(written(t, "junit", r)), &got); err != nil {
		t.Fatal(err)
	}
	s := got.Suites[0]
	failed, skipped := 0, 0
	for _, c := range s.Cases {
		if c.Failure != nil {
			failed++
		}
		if c.Skipped != nil {
			skipped++
		}
	}
	if s.Tests != len(s.Cases) || s.Tests != 7 || s.Failures != failed || s.Skipped != skipped || failed != 5 || skipped != 1 {
		t.Errorf("%d tests of which %d failed (%d told) and %d were skipped (%d told)", len(s.Cases), failed, s.Failures, skipped, s.Skipped)
	}
}

// Nothing that is there is ever overwritten, not through a symbolic link and not by two at once.
func TestWriteFile(t *testing.T) {
	r := wholeResult()
	md, _ := FormatNamed("md")
	dir := t.TempDir()
	paths, err := md.WriteFile(dir, r)
	if err != nil || len(paths) != 1 || paths[0] != filepath.Join(dir, SummaryFile) {
		t.Fatal(paths, err)
	}
	if _, err := md.WriteFile(dir, r); !errors.Is(err, fs.ErrExist) {
		t.Errorf("again: %v", err)
	}
	link := filepath.Join(dir, "link.md")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if _, err := md.WriteFile(link, r); !errors.Is(err, fs.ErrExist) {
		t.Errorf("through a link: %v", err)
	}
	var won, lost int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := md.WriteFile(filepath.Join(dir, "race.md"), r)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, fs.ErrExist):
				lost++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 || lost != 19 {
		t.Errorf("%d of 20 wrote the file, %d found it", won, lost)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// A disk that is full before, in or after the text leaves no file.
func TestR28_WriteFileOnAFullDisk(t *testing.T) {
	for _, room := range []int{0, 100, 1000} {
		path := filepath.Join(t.TempDir(), "report.md")
		left := failAfter(room)
		err := writeNew(path, func(io.Writer) error { return writeMarkdown(&left, wholeResult()) })
		if !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 0 {
			t.Errorf("room for %d bytes: %v is left", room, entries)
		}
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		for _, f := range Formats() {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Write(full, wholeResult()); err == nil {
				t.Errorf("%s: a full device took it", f.Name)
			}
			_ = full.Close() // nothing is in it
		}
	}
}

// One file for each histogram, whatever the cases are called.
func TestHgrmFiles(t *testing.T) {
	r := wholeResult()
	r.Histograms = append(r.Histograms, TaggedHistogram{Case: "sync/64", Metric: "response", Histogram: NewHistogram()}, TaggedHistogram{Case: "../../x", Metric: "response", Histogram: NewHistogram()})
	hgrm, _ := FormatNamed("hgrm")
	dir := t.TempDir()
	paths, err := hgrm.WriteFile(dir, r)
	if err != nil || len(paths) != len(r.Histograms) {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		if filepath.Dir(p) != dir {
			t.Errorf("%s is not in %s", p, dir)
		}
	}
	if _, err := hgrm.WriteFile(t.TempDir(), &Result{Run: r.Run}); !errors.Is(err, errNoHistograms) {
		t.Errorf("without histograms: %v", err)
	}
}

// The record that another format was made from comes out as it went in.
func TestJSONFormat(t *testing.T) {
	r := wholeResult()
	var again Run
	if err := json.Unmarshal([]byte(written(t, "json", r)), &again); err != nil || again.Name != r.Run.Name || again.Schema != Schema {
		t.Errorf("%+v, %v", again.Name, err)
	}
}
