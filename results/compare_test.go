package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/golden"
)

// comparable is a judged run of one case, at so many messages a second.
func comparableRun(rate float64) *Run {
	count := int64(20_000)
	l := &Latency{Count: count, Mean: 900_000, Min: 100_000, P50: new(int64(800_000)), P90: new(int64(1_500_000)), P99: new(int64(2_000_000)), Max: 9_000_000,
		Needs: map[string]int64{"p99_9": 100_000, "p99_99": 1_000_000}}
	return &Run{Name: "run", Verdict: Valid, StartedAt: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC),
		Environment: Environment{HostFingerprint: "here"},
		Target: Target{Namesrv: []string{"a:9876"}, Cluster: "c", Topic: "T", Queues: new(int64(8)),
			Brokers: []Broker{{Name: "broker-a", Version: "5.4.0", Settings: map[string]string{"flushDiskType": "ASYNC_FLUSH"}}}},
		Scenario: json.RawMessage(`{"cases":[{"name":"sync 64","load":{"mode":"sync","workers":64,"stages":[{"for_ns":10}]},
			"message":{"size_bytes":128,"compressible":0},"producer":{"profile":"measure","selector":"round_robin","group":"g"},
			"topic":{"queues_per_broker":8}}]}`),
		Cases: []Case{{Name: "sync 64", Mode: "sync", Verdict: Valid,
			Measured: Measured{Counts: Counts{Offered: count, Attempted: count, Acknowledged: count}, ElapsedNS: 1e9, MessagesPerSecond: &rate, Response: l, Service: l},
			Process:  &Process{CPUNSPerMessage: new(7_000.0), AllocsPerMessage: new(3.0)}, Transport: &Transport{BytesOut: 360 * count, Writes: 2_000}}}}
}

// A run through a proxy and one to the brokers are unlike, two through proxies of one version are not.
func TestCompareThroughProxy(t *testing.T) {
	through := func(speaks string) *Side {
		r := comparableRun(10_000)
		r.Target.Proxy, r.Target.Speaks, r.Target.Brokers = true, speaks, nil
		return SideOf("NEW", r, nil)
	}
	_, err := Compare(SideOf("BASE", comparableRun(10_000), nil), through("5.4.0"), CompareOptions{})
	if _, refused := errors.AsType[*UnlikeError](err); !refused || !strings.Contains(err.Error(), "\n  target: a cluster and a cluster through a proxy") {
		t.Errorf("%v", err)
	}
	if _, err := Compare(through("5.3.2"), through("5.4.0"), CompareOptions{}); err == nil || !strings.HasSuffix(err.Error(), ":\n  proxy speaks: 5.3.2 and 5.4.0") {
		t.Errorf("%v", err)
	}
	if _, err := Compare(through("5.4.0"), through("5.4.0"), CompareOptions{}); err != nil {
		t.Error(err)
	}
}

func TestCompareRefusesUnlikeRuns(t *testing.T) {
	rescenario := func(from, to string) func(*Run) {
		return func(r *Run) {
			r.Scenario = json.RawMessage(strings.Replace(string(r.Scenario), from, to, 1))
		}
	}
	for name, tt := range map[string]struct {
		change func(*Run)
		want   string // in the list of differences; "" if it is no difference
	}{
		"broker's configuration": {func(r *Run) { r.Target.Brokers[0].Settings = map[string]string{"flushDiskType": "SYNC_FLUSH"} }, "broker-a flushDiskType: ASYNC_FLUSH and SYNC_FLUSH"},
		"a setting not said":     {func(r *Run) { r.Target.Brokers[0].Settings = nil }, "broker-a flushDiskType: ASYNC_FLUSH and nothing"},
		"broker's version":       {func(r *Run) { r.Target.Brokers[0].Version = "4.9.8" }, "broker-a version: 5.4.0 and 4.9.8"},
		"embedded":               {func(r *Run) { r.Target.Embedded = true }, "target: a cluster and the embedded broker"},
		"embedded elsewhere":     {func(r *Run) { r.Target.Brokers[0].Embedded = true }, "broker-a: nothing and rmqbench's embedded broker"},
		"TLS":                    {func(r *Run) { r.Target.TLS = true }, "TLS: false and true"},
		"topic":                  {func(r *Run) { r.Target.Topic = "U" }, "topic: T and U"},
		"queues":                 {func(r *Run) { r.Target.Queues = new(int64(16)) }, "queues: 8 and 16"},
		"several topics":         {func(r *Run) { r.Target.Topics = []string{"T_00", "T_01", "T_02"} }, "topics: nothing and 3"},
		"topics of a case":       {rescenario(`"topic":{`, `"topic":{"count":3,`), "topic.count: nothing and 3"},
		"payload":                {rescenario(`"size_bytes":128`, `"size_bytes":1024`), "message.size_bytes: 128 and 1024"},
		"compressibility":        {rescenario(`"compressible":0`, `"compressible":0.5`), "message.compressible: 0 and 0.5"},
		"profile":                {rescenario("measure", "java-5.4"), "producer.profile: measure and java-5.4"},
		"mode":                   {rescenario(`"mode":"sync"`, `"mode":"async"`), "load.mode: sync and async"},
		"mode of the record":     {func(r *Run) { r.Cases[0].Mode = "async" }, "mode: sync and async"},
		"selector":               {rescenario("round_robin", "random"), "producer.selector: round_robin and random"},
		"workers":                {rescenario(`"workers":64`, `"workers":8`), "load.workers: 64 and 8"},
		"rate":                   {rescenario(`{"for_ns":10}`, `{"for_ns":10,"rate":"1k/s"}`), "load.stages[0].rate: nothing and 1k/s"},
		"events":                 {rescenario(`"name":"sync 64",`, `"name":"sync 64","events":[{"at_ns":1}],`), "events[0].at_ns: nothing and 1"},
		"a field that is new":    {rescenario(`"name":"sync 64",`, `"name":"sync 64","ordered":false,`), ""},
		"another address":        {func(r *Run) { r.Target.Namesrv = []string{"b:9876"} }, ""},
		"another group":          {rescenario(`"group":"g"`, `"group":"h"`), ""},
		"longer":                 {rescenario(`"for_ns":10`, `"for_ns":20`), ""},
		"a lone case's name":     {func(r *Run) { r.Cases[0].Name = "again" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			changed := comparableRun(10_000)
			tt.change(changed)
			base, other := SideOf("BASE", comparableRun(10_000), nil), SideOf("NEW", changed, nil)
			c, err := Compare(base, other, CompareOptions{})
			unlike, refused := errors.AsType[*UnlikeError](err)
			if tt.want == "" {
				if err != nil || len(c.Differs) > 0 {
					t.Fatalf("refused, or unlike: %v", err)
				}
				return
			}
			if !refused || len(unlike.Differences) != 1 || !strings.Contains(err.Error(), "\n  "+tt.want) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			allowed, err := Compare(base, other, CompareOptions{AllowUnlike: true})
			if err != nil || !allowed.AllowedUnlike || len(allowed.Differs) != 1 {
				t.Errorf("--allow-unlike doesn't compare, or doesn't say so: %v", err)
			}
		})
	}
}

// Rule 18: what came of an embedded broker, of this process or of another one, says so wherever it is compared.
func TestRule18_ComparisonsNameTheEmbeddedBroker(t *testing.T) {
	for name, change := range map[string]func(*Target){
		"of this process": func(to *Target) { to.Embedded = true },
		"of another one":  func(to *Target) { to.Brokers[0].Embedded = true },
	} {
		r := comparableRun(10_000)
		change(&r.Target)
		s := &Side{Name: "BASE"}
		for range 2 {
			if err := s.Add(SideOf("BASE", r, nil)); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Compare(s, SideOf("NEW", r, nil), CompareOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !c.Embedded || !strings.HasSuffix(c.Sentence(), embeddedSays) {
			t.Errorf("%s: %s", name, c.Sentence())
		}
	}
	if c, err := Compare(SideOf("BASE", comparableRun(1), nil), SideOf("NEW", comparableRun(1), nil), CompareOptions{}); err != nil || c.Embedded || strings.Contains(c.Sentence(), "EMBEDDED") {
		t.Errorf("a cluster is called embedded: %v", err)
	}
}

// A comparison is a result too: it holds what its two sides ran on, and what the harness itself takes (rules 8 and 14).
func TestComparisonsDiscloseWhatRan(t *testing.T) {
	old, changed := comparableRun(10_000), comparableRun(9_000)
	old.Environment.ToolVersion, changed.Environment.ToolVersion = "v1", "v2\x1b"
	old.InstrumentCost = &InstrumentCost{Mode: "sync", BodyBytes: 128, P50NS: new(int64(90_000))}
	c, err := Compare(SideOf("BASE", old, nil), SideOf("NEW", changed, nil), CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Difference{
		{"rmqbench", "v1", `v2\x1b`},
		{"broker", "broker-a 5.4.0 flushDiskType=ASYNC_FLUSH", "broker-a 5.4.0 flushDiskType=ASYNC_FLUSH"},
		{"topic", "T, 8 queues", "T, 8 queues"},
		{"the instrument itself", "(sync, 128 B, a broker that does nothing): p50 90.0 µs", ""},
	} {
		if !slices.Contains(c.Ran, want) {
			t.Errorf("%q is not in %q", want, c.Ran)
		}
	}
	var text, markdown bytes.Buffer
	if err := errors.Join(WriteComparison(&text, c), WriteComparisonMarkdown(&markdown, c)); err != nil {
		t.Fatal(err)
	}
	if want := "the instrument itself base (sync, 128 B, a broker that does nothing): p50 90.0 µs; new nothing\n"; !strings.Contains(text.String(), want) {
		t.Errorf("the terminal lacks %q:\n%s", want, text.String())
	}
	if want := `rmqbench v1 against v2\\x1b · `; !strings.Contains(markdown.String(), want) {
		t.Errorf("the summary lacks %q:\n%s", want, markdown.String())
	}
	if text, err := ReadSide("testdata/quick.json"); err != nil || len(ranOn(text, text)) == 0 {
		t.Errorf("nothing is known of what ran: %v", err)
	}
}

// Of two loads without a case in common there is nothing to compare, allowed or not.
func TestCompareRefusesOtherCases(t *testing.T) {
	other := comparableRun(10_000)
	other.Cases = append(other.Cases, other.Cases[0])
	other.Cases[0].Name, other.Cases[1].Name = "async 64", "oneway"
	_, err := Compare(SideOf("BASE", comparableRun(10_000), nil), SideOf("NEW", other, nil), CompareOptions{})
	if unlike, refused := errors.AsType[*UnlikeError](err); !refused || !slices.Contains(unlike.Differences, Difference{"cases", "sync 64", "async 64, oneway"}) {
		t.Errorf("got %v", err)
	}
	if _, err = Compare(SideOf("BASE", comparableRun(10_000), nil), SideOf("NEW", other, nil), CompareOptions{AllowUnlike: true}); err == nil {
		t.Error("nothing was compared with nothing")
	}
}

// sideOf has repeats at such rates.
func repeated(t *testing.T, name string, rates ...float64) *Side {
	t.Helper()
	s := &Side{Name: name}
	for _, rate := range rates {
		if err := s.Add(SideOf(name, comparableRun(rate), nil)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func scaled(by float64) []float64 {
	var all []float64
	for _, v := range []float64{100, 101, 99, 100.5, 99.5, 100.2, 99.8, 100.1, 99.9, 100.3, 99.7, 100.4} {
		all = append(all, v*by)
	}
	return all
}

func (c *Comparison) row(metric string) *Row {
	i := slices.IndexFunc(c.Rows, func(r Row) bool { return r.Metric.Name == metric })
	if i < 0 {
		return &Row{}
	}
	return &c.Rows[i]
}

func TestCompareOutcomes(t *testing.T) {
	steady := scaled(100)
	again := slices.Clone(steady)
	slices.Reverse(again)
	noisy := []float64{10_000, 14_000, 8_000, 12_000, 7_000, 11_000, 15_000, 9_000, 13_000, 6_000, 10_500, 9_500}
	gate := CompareOptions{Paired: true, Gate: true, Alpha: 0.01, Metrics: []string{"msg/s"}}
	for name, tt := range map[string]struct {
		base, again, changed []float64
		o                    CompareOptions
		want                 Outcome
		status               int
	}{
		"slower by a tenth":             {steady, again, scaled(90), gate, Worse, 3},
		"faster by a tenth":             {steady, again, scaled(110), gate, Better, 0},
		"slower by less than tolerated": {steady, again, scaled(97), gate, NoDifference, 0},
		"the same":                      {steady, again, again, gate, NoDifference, 0},
		"too noisy":                     {noisy, steady, slices.Concat(noisy[6:], noisy[:6]), gate, Inconclusive, 4},
		"too few":                       {steady[:5], again[:5], scaled(90)[:5], gate, Inconclusive, 4},
		"one each":                      {steady[:1], nil, scaled(90)[:1], CompareOptions{}, Inconclusive, 4},
		"unpaired":                      {steady, nil, scaled(90), CompareOptions{Gate: true, Alpha: 0.01}, Worse, 3},
		"a small one that is sure":      {steady, nil, scaled(98), CompareOptions{}, Worse, 3}, // compare has no width
	} {
		t.Run(name, func(t *testing.T) {
			if tt.again != nil {
				tt.o.Again = repeated(t, "A", tt.again...)
			}
			c, err := Compare(repeated(t, "A", tt.base...), repeated(t, "B", tt.changed...), tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if c.Outcome != tt.want || c.Status() != tt.status {
				t.Errorf("%s, status %d, want %s, %d: %+v", c.Outcome, c.Status(), tt.want, tt.status, c.row("msg/s"))
			}
		})
	}
}

// TestNoiseWidens: what the base differs from itself is added to what a change must exceed.
func TestNoiseWidens(t *testing.T) {
	base, again := scaled(100), scaled(100)
	for i := range again { // a tenth up and down in turns: noise that the pairs of base and new don't have
		again[i] *= 1 + 0.1*float64(1-i%2*2)
	}
	c, err := Compare(repeated(t, "A", base...), repeated(t, "B", scaled(94)...), CompareOptions{Paired: true, Gate: true, Alpha: 0.01,
		Again: repeated(t, "A", again...), Metrics: []string{"msg/s"}})
	if err != nil {
		t.Fatal(err)
	}
	if r := c.row("msg/s"); r.Outcome != Inconclusive || r.Noise == nil || r.Width < 0.08 || r.Width != *r.Noise {
		t.Errorf("a change of 6 %% in a noise of 10 %% is %s, width %v", r.Outcome, r.Width)
	}
}

func TestCompareCounts(t *testing.T) {
	base, changed := comparableRun(10_000), comparableRun(1_000)
	changed.Environment.HostFingerprint = "elsewhere"
	changed.Cases[0].Process.AllocsPerMessage = new(5.0)
	c, err := Compare(SideOf("BASE", base, nil), SideOf("NEW", changed, nil), CompareOptions{Gate: true})
	if err != nil {
		t.Fatal(err)
	}
	if r := c.row("allocs/msg"); r.Outcome != Worse {
		t.Errorf("two more allocations a message are %q", r.Outcome)
	}
	if r := c.row("msg/s"); r.Outcome != Inconclusive || !strings.Contains(r.Why, "different machines") || r.AdjustedP != nil {
		t.Errorf("rates of two machines were compared: %+v", r)
	}
	if c.Status() != exitMissed {
		t.Errorf("status %d", c.Status())
	}

	changed = comparableRun(10_000)
	changed.StartedAt = changed.StartedAt.Add(24 * time.Hour)
	changed.Cases[0].Process.AllocsPerMessage = new(3.4) // within the grain
	if c, err = Compare(SideOf("BASE", base, nil), SideOf("NEW", changed, nil), CompareOptions{}); err != nil {
		t.Fatal(err)
	}
	if r := c.row("msg/s"); !strings.Contains(r.Why, "not of one job") {
		t.Errorf("rates of two days were compared: %+v", r)
	}
	if c.Status() != exitDone || !strings.Contains(c.Sentence(), "counts only: the times are not of one job") {
		t.Errorf("counts alone: status %d, %s", c.Status(), c.Sentence())
	}
	if r := c.row("allocs/msg"); r.Outcome != NoDifference {
		t.Errorf("0.4 allocations a message are %q", r.Outcome)
	}

	few, fewer := comparableRun(10_000), comparableRun(10_000)
	few.Cases[0].Acknowledged, fewer.Cases[0].Acknowledged = 200, 200
	few.Cases[0].Process.AllocsPerMessage, fewer.Cases[0].Process.AllocsPerMessage = new(14.0), new(19.0)
	if c, err = Compare(SideOf("BASE", few, nil), SideOf("NEW", fewer, nil), CompareOptions{Gate: true}); err != nil {
		t.Fatal(err)
	}
	if r := c.row("allocs/msg"); r.Outcome != NoDifference {
		t.Errorf("a thousand allocations beside 200 messages are %q", r.Outcome)
	}

	for _, tt := range []struct {
		ordered    bool
		base, more int64 // of 20,000 pairs
		want       Outcome
	}{
		{true, 0, 1, Worse},
		{false, 0, 100, NoDifference}, // by chance
		{false, 0, 400, Worse},
		{false, 400, 0, Better},
	} {
		base, changed := comparableRun(10_000), comparableRun(10_000)
		for r, breaks := range map[*Run]int64{base: tt.base, changed: tt.more} {
			r.Cases[0].Ordered = tt.ordered
			r.Cases[0].Keys = &Keys{Used: 100, Pairs: 20_000, OrderBreaks: breaks}
		}
		changed.Environment.HostFingerprint = "elsewhere"
		if c, err = Compare(SideOf("BASE", base, nil), SideOf("NEW", changed, nil), CompareOptions{Gate: true}); err != nil {
			t.Fatal(err)
		}
		if r := c.row("order breaks"); r.Outcome != tt.want {
			t.Errorf("order breaks %d → %d, ordered %v: %q, want %q", tt.base, tt.more, tt.ordered, r.Outcome, tt.want)
		}
	}

	changed = comparableRun(10_000)
	changed.Cases[0].Failed, changed.Cases[0].Acknowledged = 200, 19_800
	changed.Environment.GOMAXPROCS = 4
	if c, err = Compare(SideOf("BASE", base, nil), SideOf("NEW", changed, nil), CompareOptions{}); err != nil {
		t.Fatal(err)
	}
	if r := c.row("msg/s"); !strings.Contains(r.Why, "with 0 CPUs and with 4") {
		t.Errorf("rates with other CPUs were compared: %+v", r)
	}
	if r := c.row("failed"); r.Outcome != Worse || c.Outcome != Worse {
		t.Errorf("1 %% of failures is %q", r.Outcome)
	}
}

func TestWhatMayBeComparedAtAll(t *testing.T) {
	for _, tt := range []struct {
		verdict Verdict
		base    bool // may be one
		status  int  // of a gate as NEW
	}{{Valid, true, 0}, {Suspect, true, 4}, {GeneratorLimited, false, 5}, {Partial, false, 1}, {Invalid, false, 1}} {
		poor := func(name string) *Side {
			s := repeated(t, name, scaled(100)...)
			s.Verdicts = map[Verdict]int{Valid: 3, tt.verdict: 9}
			return s
		}
		if _, err := Compare(poor("BASE"), repeated(t, "NEW", scaled(100)...), CompareOptions{}); (err == nil) != tt.base {
			t.Errorf("%s as a base: %v", tt.verdict, err)
		}
		if c, err := Compare(poor("A"), repeated(t, "B", scaled(100)...), CompareOptions{Gate: true, ByDesign: true}); err != nil || c.Status() != tt.status {
			t.Errorf("%s as a base measured beside: status %d, want %d (%v)", tt.verdict, c.Status(), tt.status, err)
		}
		c, err := Compare(repeated(t, "BASE", scaled(100)...), poor("NEW"), CompareOptions{Gate: true})
		if err != nil || c.Status() != tt.status {
			t.Errorf("%s as new: status %d, want %d (%v)", tt.verdict, c.Status(), tt.status, err)
		}
	}
}

func TestDemand(t *testing.T) {
	side := repeated(t, "NEW", scaled(100)...)
	c, err := Compare(repeated(t, "BASE", scaled(100)...), side, CompareOptions{Gate: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o      Objective
		status int
	}{
		{Objective{Text: "p99<3ms", Metric: "p99", Unit: "ns", Limit: 3e6}, 0},
		{Objective{Text: "p99<1ms", Metric: "p99", Unit: "ns", Limit: 1e6}, 3},
		{Objective{Text: "p99.9<1s", Metric: "p99.9", Unit: "ns", Limit: 1e9}, 4},
		{Objective{Text: "rate>9950/s", Metric: "rate", Unit: "per_second", AtLeast: true, Limit: 9950}, 3}, // in some rounds only
	} {
		c.SLO = nil
		c.Demand(side, []Objective{tt.o})
		if c.Status() != tt.status {
			t.Errorf("%s: status %d, want %d", tt.o.Text, c.Status(), tt.status)
		}
	}
}

const goText = `some output of the program
goos: linux
goarch: amd64
pkg: example.com/service
cpu: A CPU
Unit alarms assume=exact better=lower
BenchmarkSend/size=128-4   1000   1000 ns/op   64 B/op   2 allocs/op   5000 msg/s   1 alarms
BenchmarkSend/size=128-4   1000   1010 ns/op   64 B/op   2 allocs/op   4990 msg/s   1 alarms
BenchmarkBroken xyz
PASS
`

func TestGoText(t *testing.T) {
	s, err := ParseSide("old.txt", []byte(goText))
	if err != nil {
		t.Fatal(err)
	}
	name := "example.com/service.Send/size=128-4"
	for _, tt := range []struct {
		unit                     string
		higher, counted, leading bool
		values                   []float64
	}{
		{"sec/op", false, false, true, []float64{1000e-9, 1010e-9}},
		{"msg/s", true, false, true, []float64{5000, 4990}},
		{"allocs/op", false, true, false, []float64{2, 2}},
		{"alarms", false, true, false, []float64{1, 1}},
	} {
		got := s.sample(name, tt.unit)
		if got == nil {
			t.Fatalf("no %s: %+v", tt.unit, s.Samples)
		}
		if m := got.Metric; m.HigherIsBetter != tt.higher || m.Counted != tt.counted || m.Leading != tt.leading || len(got.Values) != 2 {
			t.Errorf("%s: %+v, %v", tt.unit, m, got.Values)
		}
		for i, v := range got.Values {
			near(t, tt.unit, v, tt.values[i], 1e-12)
		}
	}
	other, err := ParseSide("new.txt", []byte(strings.ReplaceAll(goText, "A CPU", "Another CPU")))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(s, other, CompareOptions{})
	if err != nil || !strings.Contains(c.row("sec/op").Why, "A CPU and Another CPU") {
		t.Errorf("times of two CPUs: %v", err)
	}
	if _, err := ParseSide("none", []byte("PASS\nok\n")); err == nil || !strings.Contains(err.Error(), "BenchmarkX") {
		t.Errorf("a text without benchmarks: %v", err)
	}
	if _, err := Compare(s, SideOf("run", comparableRun(1), nil), CompareOptions{AllowUnlike: true}); err == nil || !strings.Contains(err.Error(), "no metric in common") {
		t.Errorf("a benchmark against a run: %v", err)
	}
}

func TestReadSide(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	encoded := func(rate float64) string {
		var b bytes.Buffer
		if err := Encode(&b, comparableRun(rate)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	histogram := NewHistogram()
	for range 300 {
		histogram.Record(1_000_000)
	}
	for i := range 3 {
		write(fmt.Sprintf("repeats/%d/run.json", i), encoded(float64(1000+i)))
		var log bytes.Buffer
		if err := encodeLog(&log, []TaggedHistogram{{Case: "sync 64", Metric: "response", Start: time.Now(), Histogram: histogram}}); err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf("repeats/%d/latency.hlog", i), log.String())
	}
	write("repeats/notes.md", "none")
	write("baselines/mine.txt", goText)
	write("empty/notes.md", "none")

	s, err := ReadSide(filepath.Join(dir, "repeats"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.sample("sync 64", "msg/s"); s.Rounds != 3 || !slices.Equal(got.Values, []float64{1000, 1001, 1002}) || s.histograms["sync 64"].Count() != 900 {
		t.Errorf("three repeats: %d rounds, %v, %d sends", s.Rounds, got.Values, s.histograms["sync 64"].Count())
	}
	if s, err = ReadSide(filepath.Join(dir, "repeats", "1")); err != nil || s.Rounds != 1 {
		t.Errorf("one directory: %v", err)
	}
	if _, err = ReadSide(filepath.Join(dir, "empty")); err == nil || !strings.Contains(err.Error(), "no run.json") {
		t.Errorf("an empty directory: %v", err)
	}
	t.Chdir(dir)
	if s, err = ReadSide("baseline:mine"); err != nil || s.Rounds != 2 || s.Name != "baseline:mine" {
		t.Errorf("a baseline of the working directory: %v", err)
	}
	for _, bad := range []string{"baseline:nosuch", "baseline:../mine", "baseline:"} {
		if _, err = ReadSide(bad); err == nil || !strings.Contains(err.Error(), "baseline") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if names := Baselines(); len(names) == 0 {
		t.Error("rmqbench comes without a baseline")
	}
	for _, name := range Baselines() {
		if s, err = ReadSide("baseline:" + name); err != nil || s.worst() != Valid {
			t.Errorf("baseline %s: %v", name, err)
		}
	}

	// Repeats must be of one kind.
	write("mixed/1/run.json", encoded(1))
	write("mixed/2/run.json", strings.Replace(encoded(1), `"topic": "T"`, `"topic": "U"`, 1))
	if _, err = ReadSide("mixed"); err == nil || !strings.Contains(err.Error(), "topic: T and U") {
		t.Errorf("unlike repeats: %v", err)
	}
}

func TestRoundsOfOneRun(t *testing.T) {
	r := comparableRun(100)
	second := r.Cases[0]
	r.Cases[0].Round, second.Round = 1, 2
	second.MessagesPerSecond = new(200.0)
	r.Cases = append(r.Cases, second)
	s := SideOf("rounds", r, nil)
	if got := s.sample("sync 64", "msg/s"); s.Rounds != 2 || !slices.Equal(got.Values, []float64{100, 200}) {
		t.Errorf("%d rounds, %v", s.Rounds, got)
	}
}

func TestUnsaidValuesStayInTheirRound(t *testing.T) {
	with, without := comparableRun(1), comparableRun(2)
	without.Cases[0].Response.P99 = nil
	s := &Side{}
	for _, r := range []*Run{without, with, without} {
		if err := s.Add(SideOf("s", r, nil)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Compare(s, s, CompareOptions{Paired: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range c.Samples {
		if want := map[string]int{"p99": 1, "msg/s": 3}[got.Metric]; want > 0 && len(got.Base) != want {
			t.Errorf("%s: %d values, want %d", got.Metric, len(got.Base), want)
		}
	}
	if err := EncodeComparison(&bytes.Buffer{}, c); err != nil {
		t.Errorf("its record: %v", err)
	}
}

func TestWriteComparison(t *testing.T) {
	gate := CompareOptions{Paired: true, ByDesign: true, Gate: true, Alpha: 0.01, Again: repeated(t, "A", scaled(100)...)}
	a, b := repeated(t, "A (old | `x`)", scaled(100)...), repeated(t, "B (new)", scaled(90)...)
	b.cases = maps.Clone(b.cases)
	b.cases["sync 64"] = maps.Clone(b.cases["sync 64"])
	b.cases["sync 64"]["load.workers"] = "8"
	for side, ns := range map[*Side]int64{a: 1_000_000, b: 1_100_000} {
		side.histograms = map[string]*Histogram{"sync 64": NewHistogram()}
		for i := range int64(2_000) {
			side.histograms["sync 64"].Record(ns + i*100)
		}
	}
	c, err := Compare(a, b, gate)
	if err != nil {
		t.Fatal(err)
	}
	c.Embedded = true
	c.Demand(b, []Objective{{Text: "p99<1ms", Metric: "p99", Unit: "ns", Limit: 1e6}, {Text: "p99.9<1s", Metric: "p99.9", Unit: "ns", Limit: 1e9}})
	var text, markdown, junit, metrics bytes.Buffer
	if err := errors.Join(WriteComparison(&text, c), WriteComparisonMarkdown(&markdown, c), WriteComparisonJUnit(&junit, c), WriteComparisonOpenMetrics(&metrics, c)); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "comparison.txt", text.String())
	golden.Compare(t, "comparison.md", markdown.String())
	golden.Compare(t, "comparison.xml", junit.String())
	golden.Compare(t, "comparison.prom", metrics.String())
}

func FuzzParseSide(f *testing.F) {
	f.Add([]byte(goText))
	var b bytes.Buffer
	if err := Encode(&b, comparableRun(1)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("BenchmarkX 1 NaN ns/op\nBenchmarkX 1 +Inf ns/op\nBenchmarkX 1 -1 ns/op\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSide("text", text)
		if err != nil {
			return
		}
		for _, o := range []CompareOptions{{}, {Paired: true, Gate: true}} {
			c, err := Compare(s, s, o)
			if err != nil {
				continue
			}
			if err := WriteComparison(&bytes.Buffer{}, c); err != nil {
				t.Fatal(err)
			}
			if err := EncodeComparison(&bytes.Buffer{}, c); err != nil {
				t.Fatal(err)
			}
		}
	})
}
