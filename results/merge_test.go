package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// synthetic is what came of send i of a schedule, a pure function of i.
type synthetic struct {
	due, called, done int64
	stage             int // 0 is the warm-up
	queue             int32
	broker            string
	outcome           string
}

const (
	everyNS     = 100_000
	stageSends  = 4_000
	stagesOfAll = 3
)

func send(i int) synthetic {
	r := rand.New(rand.NewPCG(1, uint64(i)))
	due := int64(i) * everyNS
	called := due + int64(r.ExpFloat64()*50_000)
	s := synthetic{due: due, called: called, done: called + 200_000 + int64(r.ExpFloat64()*1e6), stage: i / stageSends, queue: int32(r.IntN(8)), outcome: "acknowledged"}
	s.broker = fmt.Sprintf("broker-%d", s.queue%2)
	if r.IntN(100) == 0 {
		s.outcome = "failed"
	}
	return s
}

// sentBy is the record of those sends for which mine is true, as a run of their own.
func sentBy(index, of int, mine func(i int) bool) *Whole {
	c := Case{Name: "load", Mode: "sync", OpenLoop: true, Warmup: &Stage{}, Stages: make([]Stage, stagesOfAll-1)}
	w := WholeCase{Warmup: &StageTimes{Times: NewTimes()}, First: NewHistogram(), Last: NewHistogram(), Batches: &BatchesInOrder{LengthNS: 250_000_000}}
	w.Stages = []StageTimes{{Times: NewTimes()}, {Times: NewTimes()}}
	for range anatomyParts {
		w.Anatomy = append(w.Anatomy, NewHistogram())
	}
	var lasts [stagesOfAll]int64
	queues := map[QueueTimes]*QueueTimes{}
	for i := range stageSends * stagesOfAll {
		if !mine(i) {
			continue
		}
		s := send(i)
		m, t := &c.Warmup.Measured, w.Warmup
		if s.stage > 0 {
			m, t = &c.Stages[s.stage-1].Measured, &w.Stages[s.stage-1]
		}
		m.Offered++
		m.Attempted++
		lasts[s.stage] = max(lasts[s.stage], s.done)
		if s.outcome == "failed" {
			m.Failed++
			m.Errors = addCounts(m.Errors, map[string]int64{"timeout": 1})
			if t.Unsuccessful == nil {
				t.Unsuccessful = map[string]*Histogram{"failed": NewHistogram()}
			}
			t.Unsuccessful["failed"].Record(s.done - s.due)
			continue
		}
		m.Acknowledged++
		m.Statuses = addCounts(m.Statuses, map[string]int64{"SEND_OK": 1})
		m.BodyBytes = sum(new(int64(128)), cmpOr(m.BodyBytes))
		m.BodyBytesEach = new(int64(128))
		t.Response.Record(s.done - s.due)
		t.Service.Record(s.done - s.called)
		t.Delay.Record(s.called - s.due)
		if s.stage == 0 {
			continue
		}
		if i%17 == 0 {
			for _, h := range w.Anatomy {
				h.Record((s.done - s.called) / int64(len(anatomyParts)))
			}
		}
		w.First.Record(s.done - s.called)
		w.Last.Record(s.done - s.called)
		key := QueueTimes{Topic: []string{"T", "U"}[i%3/2], Broker: s.broker, Queue: s.queue}
		if queues[key] == nil {
			queues[key] = &QueueTimes{Topic: key.Topic, Broker: key.Broker, Queue: key.Queue, Times: &Packed{}}
		}
		q := queues[key]
		q.Times.Record(s.done - s.due)
		q.ServiceNS, q.DelayNS = q.ServiceNS+s.done-s.called, q.DelayNS+s.called-s.due
		for int64(len(w.Batches.Batches)) <= s.done/w.Batches.LengthNS {
			w.Batches.Batches = append(w.Batches.Batches, &Packed{})
		}
		w.Batches.Batches[s.done/w.Batches.LengthNS].Record(s.done - s.due)
	}
	for _, q := range queues {
		w.Queues = append(w.Queues, *q)
	}
	slices.SortFunc(w.Queues, compareQueues)
	c.LateNS = new(int64(index) * 1000)
	c.Warmup.ElapsedNS = lasts[0]
	total := NewTimes()
	for i := range c.Stages {
		st := &c.Stages[i]
		st.RatePerSecond = new(10_000 / float64(of))
		st.StartOffsetNS = int64(i+1) * stageSends * everyNS
		st.ElapsedNS = max(lasts[i+1]-st.StartOffsetNS, 0)
		c.Measured.sum(&st.Measured)
		_ = total.Merge(&w.Stages[i].Times)
		st.setTimes(&w.Stages[i].Times, c.Mode)
	}
	c.BodyBytes, c.BodyBytesEach = new(128*c.Acknowledged), new(int64(128))
	c.Warmup.setTimes(&w.Warmup.Times, c.Mode)
	c.StartOffsetNS = stageSends * everyNS
	c.ElapsedNS = slices.Max(lasts[:]) - c.StartOffsetNS
	c.setTimes(&total, c.Mode)
	c.Anatomy = &Anatomy{}
	for i, p := range anatomyParts {
		*p.of(c.Anatomy) = NewPart(total.Service.Mean()/int64(len(anatomyParts)), w.Anatomy[i])
	}
	c.SetQueues(w.Queues)
	c.Generator = Generator{Workers: 4, Slots: c.Offered, InFlightIntegralNS: new(c.Offered * 1000), CallTimeSumNS: new(c.Offered * 1000), WorkersBusyShare: new(0.5), CPUQuotaShare: new(0.1 * float64(index%5))}
	c.Process = &Process{CPUNS: new(c.Acknowledged * 5000), AllocsPerMessage: new(2.0), MaxRSSBytes: new(int64(50 << 20))}
	c.Transport = &Transport{Connections: 1, Writes: c.Acknowledged, MessagesPerWrite: new(1.0), BytesOut: 400 * c.Acknowledged}
	point := Point{Case: "load", LengthNS: 1e9, Attempted: c.Attempted + c.Warmup.Attempted, Acknowledged: c.Acknowledged + c.Warmup.Acknowledged}
	c.Intervals = Sum([]Point{point})
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	r := &Run{Name: "synthetic", StartedAt: at.Add(time.Duration(index)), EndedAt: at.Add(2 * time.Second), Cases: []Case{c}, Scenario: []byte(`{"name": "synthetic"}`),
		Shard: &Shard{Index: index, Of: of, StartAt: at, Host: fmt.Sprintf("pod-%d", index)}, Process: &Process{CPUNS: c.Process.CPUNS, AllocsPerMessage: new(2.0)}}
	Judge(r)
	return &Whole{Run: r, Cases: []WholeCase{w}, Series: []Point{point}}
}

func cmpOr(n *int64) *int64 {
	if n == nil {
		return new(int64(0))
	}
	return n
}

// mergeOf merges shares in the order given, as their encoded form.
func mergeOf(t *testing.T, shares ...*Whole) *Whole {
	t.Helper()
	var m Merger
	for _, w := range shares {
		data, err := EncodeWhole(w)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Add("a file", data); err != nil {
			t.Fatal(err)
		}
	}
	w, err := m.Merge()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func shares(of int) []*Whole {
	var all []*Whole
	for k := range of {
		all = append(all, sentBy(k, of, func(i int) bool { return i%of == k }))
	}
	return all
}

func sameHistogram(a, b *Histogram) bool {
	return a.buckets.Equals(b.buckets) && a.min == b.min && a.max == b.max && a.sumHigh == b.sumHigh && a.sumLow == b.sumLow && a.clamped == b.clamped
}

// TestMergeEqualsOneRecorder: rule 4, whole: of 4 shares of a schedule and of one run of it each histogram, count, percentile, queue and
// interval is the same.
func TestMergeEqualsOneRecorder(t *testing.T) {
	one := sentBy(0, 1, func(int) bool { return true })
	merged := mergeOf(t, shares(4)...)
	if merged.Run.Verdict != Valid {
		t.Errorf("verdict %s: %+v", merged.Run.Verdict, merged.Run.Evidence)
	}
	a, b := &one.Cases[0], &merged.Cases[0]
	for i := range a.Stages {
		for name, pair := range map[string][2]*Histogram{"response": {a.Stages[i].Response, b.Stages[i].Response}, "service": {a.Stages[i].Service, b.Stages[i].Service},
			"delay": {a.Stages[i].Delay, b.Stages[i].Delay}, "failed": {a.Stages[i].Unsuccessful["failed"], b.Stages[i].Unsuccessful["failed"]}} {
			if !sameHistogram(pair[0], pair[1]) {
				t.Errorf("stage %d: %s differs", i, name)
			}
		}
	}
	want, got := one.Run.Cases[0], merged.Run.Cases[0]
	want.Response.CI95, want.LateNS = nil, got.LateNS
	if len(got.Stages) > 1 && got.Response.CI95 != nil {
		t.Error("an interval over stages that differ")
	}
	if *got.LateNS != 3000 {
		t.Errorf("began %d ns late, the last share 3000", *got.LateNS)
	}
	near := func(a, b int64) bool { return max(a-b, b-a) <= 4 } // means of shares are rounded down
	for i, p := range anatomyParts {
		if x, y := p.of(want.Anatomy), p.of(got.Anatomy); !near(x.Mean, y.Mean) || !sameHistogram(a.Anatomy[i], b.Anatomy[i]) {
			t.Errorf("%s: mean %d, want %d", p.name, y.Mean, x.Mean)
		}
	}
	want.Anatomy, got.Anatomy = nil, nil
	// What differs by design: the elapsed time counts the late beginning, widths add up, and each share has an interval of its own.
	for _, c := range []*Case{&want, &got} {
		c.ElapsedNS, c.MessagesPerSecond, c.BodyBytesPerSecond, c.WireBytesPerSecond = 0, nil, nil, nil
		for i := range c.Stages {
			c.Stages[i].ElapsedNS, c.Stages[i].MessagesPerSecond, c.Stages[i].BodyBytesPerSecond = 0, nil, nil
		}
		c.Warmup.ElapsedNS, c.Warmup.MessagesPerSecond, c.Warmup.BodyBytesPerSecond = 0, nil, nil
		c.Generator.Workers, c.Generator.CPUQuotaShare, c.Generator.ServiceGrowth = 0, nil, nil
		c.Transport.Connections, c.Intervals.Count, c.Process.MaxRSSBytes, c.Process.CPUNSPerMessage = 0, 0, nil, nil
		c.Evidence = nil
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("merged\n%+v\nwant\n%+v", got, want)
	}
	if n := len(merged.Run.Shards); n != 4 {
		t.Errorf("%d rows of shares", n)
	}
	if skew := merged.Run.StartSkew(); skew == nil || *skew != 3000 {
		t.Errorf("skew %v", skew)
	}
}

// TestMergeOrderIsIrrelevant: whatever the order, the result is the same to the byte.
func TestMergeOrderIsIrrelevant(t *testing.T) {
	var want []byte
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		all := shares(3)
		var in []*Whole
		for _, i := range order {
			in = append(in, all[i])
		}
		got, err := EncodeWhole(mergeOf(t, in...))
		if err != nil {
			t.Fatal(err)
		}
		if want != nil && !bytes.Equal(got, want) {
			t.Errorf("order %v gives another result", order)
		}
		want = got
	}
}

// TestR52_MergeNeverSilentlyFewer: a share that is missing, doubled, late or of another version is named, and makes the whole PARTIAL.
func TestR52_MergeNeverSilentlyFewer(t *testing.T) {
	for name, tt := range map[string]struct {
		shares func() []*Whole
		lost   string
	}{
		"missing": {func() []*Whole { return shares(3)[:2] }, "shard 2 of 3"},
		"doubled": {func() []*Whole {
			all := shares(3)
			again := sentBy(1, 3, func(i int) bool { return i%3 == 1 })
			again.Run.StartedAt = again.Run.StartedAt.Add(time.Second)
			again.Run.Shard.Host = "pod-1-again"
			return append(all, again)
		}, "shard 1 of 3 came twice, from pod-1 and from pod-1-again, with unlike contents: the later one is left out"},
		"late": {func() []*Whole {
			all := shares(3)
			all[2].Run.Cases[0].LateNS = new(int64(3 * time.Second))
			return all
		}, "shard 2 of 3 (pod-2) in time: it began 3.00 s late"},
		"another version": {func() []*Whole {
			all := shares(3)
			all[0].Run.Environment.ToolVersion = "2"
			return all
		}, "shard 0 of 3 (pod-0), which is of rmqbench 2, the others of rmqbench"},
		"cut short": {func() []*Whole {
			all := shares(3)
			all[1].Run.CutShort, all[1].Run.Cases[0].CutShort = Interrupted, Interrupted
			return all
		}, "the rest of shard 1 of 3 (pod-1): interrupted"},
	} {
		got := mergeOf(t, tt.shares()...)
		if got.Run.Verdict != Partial || ExitStatus(got.Run, true) != exitCouldNot {
			t.Errorf("%s: %s, status %d", name, got.Run.Verdict, ExitStatus(got.Run, true))
		}
		if !slices.Contains(got.Run.Lost, tt.lost) {
			t.Errorf("%s: lost %q, want %q", name, got.Run.Lost, tt.lost)
		}
	}
	// The same share read twice is one share.
	all := shares(2)
	if got := mergeOf(t, all[0], all[1], all[0]); got.Run.Verdict != Valid || got.Run.Cases[0].Acknowledged == 0 {
		t.Errorf("a share read twice: %s %v", got.Run.Verdict, got.Run.Lost)
	}
}

func TestMergeRefuses(t *testing.T) {
	other := func(change func(*Run)) []*Whole {
		all := shares(2)
		change(all[1].Run)
		return all
	}
	for name, tt := range map[string]struct {
		shares []*Whole
		want   string
	}{
		"through a proxy":  {other(func(r *Run) { r.Target.Proxy = true }), "unlike runs: one went through a proxy, one to the brokers"},
		"another name":     {other(func(r *Run) { r.Name = "x" }), "unlike runs: synthetic and x"},
		"another number":   {other(func(r *Run) { r.Shard.Of = 3 }), "one of 2 shards, one of 3"},
		"another time":     {other(func(r *Run) { r.Shard.StartAt = r.Shard.StartAt.Add(1) }), "unlike times"},
		"another scenario": {other(func(r *Run) { r.Scenario = []byte(`{"name":"other"}`) }), "scenarios differ"},
		"nothing":          {nil, "nothing to merge"},
	} {
		var m Merger
		for _, w := range tt.shares {
			data, err := EncodeWhole(w)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Add("f", data); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := m.Merge(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	lone := sentBy(0, 1, func(int) bool { return true })
	lone.Run.Shard = nil
	data, err := EncodeWhole(lone)
	if err != nil {
		t.Fatal(err)
	}
	if err := new(Merger).Add("f", data); err == nil || !strings.Contains(err.Error(), "no share of a run") {
		t.Errorf("a run that is no share: %v", err)
	}
}

// TestPrintedComesBack: through logs whose lines are mixed, prefixed and broken into by others.
func TestPrintedComesBack(t *testing.T) {
	var logs [][]string
	for k, w := range shares(3) {
		var b bytes.Buffer
		if err := PrintBegan(&b, w.Run.Shard); err != nil {
			t.Fatal(err)
		}
		b.WriteString("rate 1k/s, for people\n")
		if err := PrintWhole(&b, w); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		for i := range lines {
			lines[i] = fmt.Sprintf("[pod/bench-%d/rmqbench] %s", k, lines[i])
		}
		logs = append(logs, lines)
	}
	mixed := func(change func(k, i int, line string) string) string {
		var b strings.Builder
		for i := range 1000 {
			for k, lines := range logs {
				if i < len(lines) {
					b.WriteString(change(k, i, lines[i]) + "\n")
				}
			}
		}
		return b.String() + strings.Repeat("x", 200_000)
	}
	merge := func(log string) *Run {
		t.Helper()
		var m Merger
		if err := m.AddPrinted("-", strings.NewReader(log)); err != nil {
			t.Fatal(err)
		}
		w, err := m.Merge()
		if err != nil {
			t.Fatal(err)
		}
		return w.Run
	}
	whole := merge(mixed(func(_, _ int, line string) string { return line }))
	if whole.Verdict != Valid || len(whole.Shards) != 3 || whole.Cases[0].Attempted != stageSends*(stagesOfAll-1) {
		t.Errorf("%s, %d shards, %d attempted: %v", whole.Verdict, len(whole.Shards), whole.Cases[0].Attempted, whole.Lost)
	}
	killed := merge(mixed(func(k, i int, line string) string {
		if k == 1 && i > 1 {
			return ""
		}
		return line
	}))
	if want := "shard 1 of 3 (pod-1), which began and gave no record"; killed.Verdict != Partial || !slices.Contains(killed.Lost, want) {
		t.Errorf("killed: %s, lost %q, want %q", killed.Verdict, killed.Lost, want)
	}
	cut := merge(mixed(func(k, i int, line string) string {
		if k == 2 && i == len(logs[2])-1 {
			return ""
		}
		return line
	}))
	if cut.Verdict != Partial || !strings.Contains(strings.Join(cut.Lost, "|"), "shard 2 of 3 (pod-2) in -: cut short: ") {
		t.Errorf("cut: %s, lost %q", cut.Verdict, cut.Lost)
	}
	changed := merge(mixed(func(k, i int, line string) string {
		if k == 0 && i == 3 {
			return line[:len(line)-8] + "AAAAAAAA"
		}
		return line
	}))
	if changed.Verdict != Partial || !strings.Contains(strings.Join(changed.Lost, "|"), "its checksum doesn't fit") {
		t.Errorf("changed: %s, lost %q", changed.Verdict, changed.Lost)
	}
}

// TestPrintedTooLong: a record that is too long loses its series first, then its batches, and the merged result says whose; the totals stay
// whole, and the complete record takes the place of the shortened one, which is no other share.
func TestPrintedTooLong(t *testing.T) {
	record := func(k int) *Whole { return shares(3)[k] }
	long := func() *Whole {
		w := record(1)
		for i := range 2_000 {
			w.Series = append(w.Series, Point{Case: "load", StartOffsetNS: int64(i) * 7_919, LengthNS: int64(i * i)})
		}
		return w
	}
	whole, err := EncodeWhole(long())
	if err != nil {
		t.Fatal(err)
	}
	bare := long()
	bare.Series, bare.Run.Cases[0].Intervals = nil, nil
	middle, err := EncodeWhole(bare)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		most  int
		left  []string
		lines []string
	}{
		"it fits":     {len(whole), nil, nil},
		"its series":  {len(middle) + 300, []string{"series"}, []string{"of shard 1 of 3 (pod-1) the series was too long to print: series.jsonl"}},
		"its batches": {len(middle) - 1, []string{"series", "batches"}, []string{"of shard 1 of 3 (pod-1) the series was", "of shard 1 of 3 (pod-1) the batches were too long to print: no percentile has an interval"}},
	} {
		t.Run(name, func(t *testing.T) {
			data, left, err := encodePrinted(long(), tt.most)
			if err != nil || len(data) > tt.most || (left == nil) != (tt.left == nil) || left != nil && !slices.Equal(left.Parts, tt.left) {
				t.Fatalf("%d bytes of %d, %+v, %v", len(data), tt.most, left, err)
			}
			add := func(also ...[]byte) *Whole {
				var m Merger
				for k := range 3 {
					one := data
					if k != 1 {
						if one, err = EncodeWhole(record(k)); err != nil {
							t.Fatal(err)
						}
					}
					if err := m.Add("f", one); err != nil {
						t.Fatal(err)
					}
				}
				for _, more := range also {
					if err := m.Add("g", more); err != nil {
						t.Fatal(err)
					}
				}
				w, err := m.Merge()
				if err != nil {
					t.Fatal(err)
				}
				return w
			}
			w := add()
			got := strings.Join(shardLines(w.Run), "\n")
			for _, line := range tt.lines {
				if !strings.Contains(got, line) {
					t.Errorf("%q lacks %q", got, line)
				}
			}
			if n := strings.Count(got, "too long to print"); n != len(tt.lines) || !slices.Equal(w.Run.Shards[1].LeftOut, tt.left) {
				t.Errorf("%d lines, shard 1 lacks %v: %q", n, w.Run.Shards[1].LeftOut, got)
			}
			all := mergeOf(t, shares(3)...)
			if w.Run.Cases[0].Attempted != all.Run.Cases[0].Attempted || w.Run.Cases[0].Response.Mean != all.Run.Cases[0].Response.Mean || w.Run.Cases[0].Response.Max != all.Run.Cases[0].Response.Max || w.Run.Verdict == Partial {
				t.Errorf("%s, %d attempted of %d", w.Run.Verdict, w.Run.Cases[0].Attempted, all.Run.Cases[0].Attempted)
			}
			if hasSums := w.Run.Cases[0].Intervals != nil; hasSums != (tt.left == nil) {
				t.Errorf("sums of the intervals: %v", hasSums)
			}
			both := add(whole)
			if len(both.Run.Lost) > 0 || both.Run.Shards[1].LeftOut != nil || len(both.Series) != len(all.Series)+2_000 {
				t.Errorf("with the complete record too: lost %q, lacks %v, %d points", both.Run.Lost, both.Run.Shards[1].LeftOut, len(both.Series))
			}
		})
	}
	if _, _, err := encodePrinted(long(), 1000); err == nil || !strings.Contains(err.Error(), "take it from whole.zst") {
		t.Errorf("no room at all: %v", err)
	}
	var log bytes.Buffer
	huge := record(1)
	noise := rand.New(rand.NewPCG(1, 1))
	for i := range 80_000 {
		huge.Series = append(huge.Series, Point{Case: "load", StartOffsetNS: noise.Int64(), LengthNS: noise.Int64N(1 << 62), Attempted: int64(i)})
	}
	if err := PrintWhole(&log, huge); err != nil {
		t.Fatal(err)
	}
	if line, _, _ := strings.Cut(log.String(), "\n"); line != "shard 1 of 3 (pod-1): left out of the record below, which may have 1 MiB: series; whole.zst has all" {
		t.Errorf("said: %q", line)
	}
}

// TestMergeKnowsEveryField: a field that comes into the record has to be given a place here, so that no merge loses it unseen.
func TestMergeKnowsEveryField(t *testing.T) {
	known := map[reflect.Type]string{
		reflect.TypeFor[Run]():          "Schema Name Verdict Evidence StartedAt EndedAt CutShort StoppedBy Lost Target Environment Scenario Process InstrumentCost Outages MoreOutages RouteChanges Marks Leftover Capacity Sweep Shard Shards Cases Pooled Selectors",
		reflect.TypeFor[Case]():         "Name Round Rounds Params Mode OpenLoop Ordered Verdict Evidence CutShort StoppedBy LateNS ScheduleHash SentHash PlacedHash Warmup WarmupEnd Stages SLO Measured Kinds Queues Topics Brokers Delayed Others Keys Verify Skew Intervals Anatomy Generator Process Transport Transactions Replier Arrivals RoundP99NS Events Pulse Avoidance",
		reflect.TypeFor[Kind]():         "Name Mode Measured",
		reflect.TypeFor[Stage]():        "PlannedNS RatePerSecond RateEndPerSecond Measured Kinds",
		reflect.TypeFor[Measured]():     "Counts StartOffsetNS ElapsedNS MessagesPerSecond BodyBytes BodyBytesEach BodyBytesPerSecond WireBytesPerSecond Response WriteTime Service Delay Unsuccessful",
		reflect.TypeFor[Counts]():       "Offered Attempted Acknowledged Weak Written Refused Ambiguous Failed Dropped Statuses Errors Retries AmbiguousAttempts",
		reflect.TypeFor[Generator]():    "Workers WorkersMost InFlightCap InFlightCapBytes Slots MissedSlots MissedBoundNS TimerP99NS PacerSpunNS CPUQuotaShare GCCPUShare SchedulerLatencyP99NS StealShare PressureShare OthersCPUShare Pauses PausedNS ClockSetNS WorkersBusyShare ServiceGrowth InFlightIntegralNS CallTimeSumNS",
		reflect.TypeFor[Transport]():    "Connections BytesOut BytesIn Writes MessagesPerWrite Dials StrayReplies PermitWaits PermitRefusals RoundTripNS RoundTripLeastNS Retransmits",
		reflect.TypeFor[Process]():      "CPUNS CPUNSPerMessage MaxRSSBytes AllocsPerMessage",
		reflect.TypeFor[Transactions](): "Committed RolledBack CheckedBack AskedAgain Open",
		reflect.TypeFor[Share]():        "Topic Broker Queue Acknowledged P99NS BeforeChange ServiceMeanNS DelayMeanNS",
	}
	for typ, words := range known {
		var got []string
		for i := range typ.NumField() {
			got = append(got, typ.Field(i).Name)
		}
		for _, name := range got {
			if !slices.Contains(strings.Fields(words), name) {
				t.Errorf("%s.%s is new: say in merge_*.go what becomes of it when shares are merged, and then here", typ.Name(), name)
			}
		}
	}
}

// TestMergeMany: shares are opened one at a time, so that what a merge takes does not grow with their number. SHARES=1000 (make scale)
// is what docs/scale.md speaks of.
func TestMergeMany(t *testing.T) {
	of := 200
	if n, err := strconv.Atoi(os.Getenv("SHARES")); err == nil {
		of = n
	}
	few := shares(8)
	var cases []json.RawMessage // their histograms, compressed once: it is the merge that is looked at
	for _, w := range few {
		data, err := json.Marshal(w.Cases)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, data)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var m Merger
	for k := range of {
		w := few[k%len(few)]
		w.Run.Shard = &Shard{Index: k, Of: of, StartAt: w.Run.Shard.StartAt, Host: fmt.Sprintf("pod-%d", k)}
		var run bytes.Buffer
		if err := Encode(&run, w.Run); err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(map[string]any{"schema": WholeSchema, "run": json.RawMessage(run.Bytes()), "cases": cases[k%len(few)], "series": w.Series})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Add("f", z.EncodeAll(plain, nil)); err != nil {
			t.Fatal(err)
		}
	}
	var after runtime.MemStats
	began := time.Now()
	w, err := m.Merge()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	if len(w.Run.Shards) != of || w.Run.Verdict != Valid {
		t.Errorf("%d shards, %s: %v", len(w.Run.Shards), w.Run.Verdict, w.Run.Lost)
	}
	var want int64
	for k := range of {
		want += few[k%len(few)].Run.Cases[0].Acknowledged
	}
	if got := w.Run.Cases[0].Acknowledged; got != want {
		t.Errorf("%d acknowledged, want %d", got, want)
	}
	t.Logf("merged %d shares in %v; the process has had %s from the system", of, took.Round(time.Millisecond), FormatBytes(int64(after.Sys)))
	if after.Sys > 500<<20 {
		t.Errorf("it took %s", FormatBytes(int64(after.Sys)))
	}
}

func FuzzDecodeWhole(f *testing.F) {
	data, err := EncodeWhole(sentBy(0, 4, func(i int) bool { return i%400 == 0 }))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{})
	f.Fuzz(func(_ *testing.T, data []byte) {
		if w, err := DecodeWhole(data); err == nil {
			var m Merger
			if m.Add("f", data) == nil {
				_, _ = m.Merge()
			}
			_ = w
		}
	})
}

func FuzzAddPrinted(f *testing.F) {
	var b bytes.Buffer
	if err := PrintWhole(&b, sentBy(0, 4, func(i int) bool { return i%400 == 0 })); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add("x rmqbench:whole a 0/1 {}\nrmqbench:whole a 1/1 AAAA\n")
	f.Add("rmqbench:began {\"index\":1,\"of\":3}\n")
	f.Fuzz(func(_ *testing.T, log string) {
		var m Merger
		if m.AddPrinted("-", strings.NewReader(log)) == nil {
			_, _ = m.Merge()
		}
	})
}

// addCounts adds from's counts to a map of its own.
func addCounts(into, from map[string]int64) map[string]int64 {
	into = maps.Clone(into)
	for k, n := range from {
		if into == nil {
			into = map[string]int64{}
		}
		into[k] += n
	}
	return into
}
