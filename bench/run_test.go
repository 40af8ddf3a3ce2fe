package bench

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

func scenario(t testing.TB, text string) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Parse("test.yaml", []byte("version: 1\nname: test\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stored is how many messages of a topic the brokers ever took in, once that stands still.
func stored(t testing.TB, c *broker.Cluster, topic string) int64 {
	t.Helper()
	last := int64(-1)
	for range 1000 {
		var n int64
		for _, b := range c.Brokers() {
			for _, q := range b.Stored() {
				if q.Topic == topic {
					n += q.Max
				}
			}
		}
		if n == last {
			return n
		}
		last = n
		time.Sleep(20 * time.Millisecond) // of something that happens in other goroutines and tells nobody
	}
	t.Errorf("what is stored of %s doesn't stand still", topic)
	return last
}

// counted adds up a case's warm-up and what was measured.
func counted(c *results.Case) results.Counts {
	n := c.Counts
	if c.Warmup != nil {
		n.Acknowledged += c.Warmup.Acknowledged
		n.Weak += c.Warmup.Weak
		n.Written += c.Warmup.Written
		n.Ambiguous += c.Warmup.Ambiguous
	}
	return n
}

// TestBrokersHoldWhatWasAcknowledged runs every mode over real sockets and reconciles with the brokers' offsets.
func TestBrokersHoldWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	var text strings.Builder
	text.WriteString(on(c.NameServer()) + "load: {stages: [{for: 50ms, warmup: true}, {for: 200ms}]}\nmessage: {size: 300B, compressible: 0.5}\ncases:\n")
	for i, load := range []string{
		"mode: sync, workers: 64", "mode: async, workers: 4, in_flight: 256", "mode: oneway, workers: 4", "mode: sync, count: 1000, stages: [{for: 50ms, warmup: true}, {for: 1h}]",
		"mode: sync, workers: 8, stages: [{for: 50ms, rate: 1k/s, warmup: true}, {for: 200ms, rate: 1k/s}]",
		"mode: async, in_flight: 64, stages: [{for: 200ms, rate: 5k/s}]",
		"mode: oneway, stages: [{for: 200ms, rate: 5k/s}]",
	} {
		fmt.Fprintf(&text, "  - {name: c%d, load: {%s}, topic: {name: T%d, queues_per_broker: 3}}\n", i, load, i)
	}
	text.WriteString("  - {name: json zlib, load: {workers: 4}, topic: {name: TZ}, producer: {serialize: json, compress_over: 100B}, message: {size: 5KiB}}\n")
	s := scenario(t, text.String())
	seen := map[string]bool{}
	report, err := Run(t.Context(), s, Options{Progress: func(p Progress) { seen[p.Case] = p.Of == 8 && p.Ended >= 0 && p.Failed == 0 }})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	if title := results.Title(report.Run); report.Run.Target.Embedded || !strings.Contains(title, "EMBEDDED BROKER") || !strings.Contains(title, c.NameServer()) {
		t.Errorf("rmqbench's broker, reached from outside, is titled %q", title)
	}
	if report.Run.CutShort != "" || len(report.Run.Lost) > 0 || len(report.Run.Cases) != 8 {
		t.Errorf("cut short %q, lost %v, %d cases", report.Run.CutShort, report.Run.Lost, len(report.Run.Cases))
	}
	for i, sc := range s.Cases() {
		got := &report.Run.Cases[i]
		n := counted(got)
		in := stored(t, c, sc.Topic.Name)
		if n.Acknowledged+n.Written == 0 || n.Failed+n.Refused+n.Weak+n.Ambiguous != 0 {
			t.Errorf("%s: %+v", got.Name, n)
		}
		if sc.Load.Mode == scenarios.Oneway && in > n.Written || sc.Load.Mode != scenarios.Oneway && in != n.Acknowledged {
			t.Errorf("%s: %d stored, %d acknowledged, %d written", got.Name, in, n.Acknowledged, n.Written)
		}
		if got.ElapsedNS > 0 && (got.WireBytesPerSecond == nil || *got.WireBytesPerSecond <= 0) || got.Process == nil || got.StartOffsetNS <= 0 {
			t.Errorf("%s: wire %v, process %+v, offset %d", got.Name, got.WireBytesPerSecond, got.Process, got.StartOffsetNS)
		}
		tr := got.Transport
		if tr == nil {
			t.Fatalf("%s: nothing of its transport", got.Name)
		}
		if on := got.Acknowledged + got.Written; tr.BytesOut < on*100 || tr.MessagesPerWrite == nil || *tr.MessagesPerWrite < 1 || tr.Dials != 0 || tr.StrayReplies != 0 || tr.PermitRefusals != 0 {
			t.Errorf("%s: %d messages, transport %+v", got.Name, on, tr)
		}
		if runtime.GOOS == "linux" && (tr.RoundTripNS == nil || *tr.RoundTripNS <= 0 || tr.Retransmits == nil) {
			t.Errorf("%s: the kernel's round trip: %+v", got.Name, tr)
		}
		if i > 0 && got.StartOffsetNS <= report.Run.Cases[i-1].StartOffsetNS {
			t.Errorf("%s began before the case before it", got.Name)
		}
		metric := "response"
		if sc.Load.Mode == scenarios.Oneway {
			metric = "write_time"
		}
		if h := report.Histogram(got.Name, metric); h == nil || h.Count() != got.Successes() {
			t.Errorf("%s: no histogram of the %s of all successes", got.Name, metric)
		}
	}
	if got := report.Run.Cases[3]; got.Attempted != 1000 {
		t.Errorf("%d sent of a count of 1000", got.Attempted)
	}
	if report.Histogram("c0", "no such metric") != nil {
		t.Error("a metric that isn't there has a histogram")
	}
	for name, right := range seen {
		if !right {
			t.Errorf("the progress of %s is wrong", name)
		}
	}
}

// TestR01_BrokerDiesMidRun: what was acknowledged is stored; what is stored beyond that is ambiguous.
func TestR01_BrokerDiesMidRun(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"sync", "async"} {
		for _, rate := range []string{"", "rate: 2k/s, "} {
			c := cluster(t, broker.Options{Brokers: 2})
			kill := sync.OnceFunc(c.Brokers()[0].Down)
			report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: T}\nproducer: {send_timeout: 1s}\n"+
				"load: {workers: 16, "+inFlight(mode, 64)+"stages: [{"+rate+"for: 1s}]}"), Options{Progress: func(Progress) { kill() }})
			if err != nil {
				t.Fatal(err)
			}
			wantSums(t, report.Run)
			n := report.Run.Cases[0].Counts
			if n.Acknowledged == 0 || n.Failed+n.Ambiguous == 0 {
				t.Errorf("%s %s: %+v", mode, rate, n)
			}
			if in := stored(t, c, "T"); in < n.Acknowledged || in > n.Acknowledged+n.Ambiguous {
				t.Errorf("%s %s: %d stored, %d acknowledged, %d ambiguous", mode, rate, in, n.Acknowledged, n.Ambiguous)
			}
		}
	}
}

func TestR30_RunInterrupted(t *testing.T) {
	const text = "load: {stages: [{for: 30s}]}\ncases:\n  - {name: one}\n  - {name: two, load: {mode: async}}\n  - {name: three, load: {mode: oneway}}\n"
	for _, underWay := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		if !underWay {
			cancel()
		}
		began := time.Now()
		report, err := Run(ctx, scenario(t, text), Options{Progress: func(Progress) { cancel() }})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		run := report.Run
		if run.CutShort != results.Interrupted || run.Verdict != results.Partial || results.ExitStatus(run, false) != 130 || len(run.Cases) != 3 {
			t.Errorf("under way %v: cut short %q, %s, exit status %d, %d cases", underWay, run.CutShort, run.Verdict, results.ExitStatus(run, false), len(run.Cases))
		}
		wantSums(t, run)
		if first := run.Cases[0]; (first.Acknowledged > 0) != underWay || first.Verdict != results.Partial {
			t.Errorf("under way %v: %+v", underWay, first.Counts)
		}
		if last := run.Cases[2]; last.Attempted != 0 || last.CutShort == "" || last.Verdict != results.Partial {
			t.Errorf("the case that had not begun: %+v", last)
		}
		var table, record bytes.Buffer
		if err := results.WriteTable(&table, run); err != nil || !strings.Contains(table.String(), "three") {
			t.Errorf("table: %v\n%s", err, &table)
		}
		if err := results.Encode(&record, run); err != nil {
			t.Error(err)
		}
	}
}

// TestRunLosesACase: a case that can't be run costs those before it nothing.
func TestRunLosesACase(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{})
	s := scenario(t, on(c.NameServer())+"load: {stages: [{for: 300ms}]}\nproducer: {send_timeout: 200ms}\ncases:\n  - {name: first}\n  - {name: second}\n")
	var once bool
	report, err := Run(t.Context(), s, Options{Progress: func(Progress) {
		if !once {
			once = true
			c.Brokers()[0].Down()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Run.Cases) != 1 || report.Run.Cases[0].Acknowledged == 0 {
		t.Errorf("cases %+v", report.Run.Cases)
	}
	if len(report.Run.Lost) != 1 || !strings.Contains(report.Run.Lost[0], "second") || results.ExitStatus(report.Run, false) != 1 {
		t.Errorf("lost %q, exit status %d", report.Run.Lost, results.ExitStatus(report.Run, false))
	}
}

// TestEventsHappen: the stall that a scenario orders is there, when it is ordered.
func TestEventsHappen(t *testing.T) {
	report, err := Run(t.Context(), scenario(t, `load: {workers: 8, stages: [{for: 100ms, rate: 1k/s, warmup: true}, {for: 1s, rate: 1k/s}]}
events:
  - {at: 300ms, for: 200ms, broker: 0, stall: true}
  - {at: 700ms, for: 100ms, broker: 0, delay: 50ms}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	c := &report.Run.Cases[0]
	if c.Acknowledged != 1000 || !report.Run.Target.Embedded || report.Run.Target.Topic != "RMQBENCH_TEST" {
		t.Errorf("%+v of %+v", c.Counts, report.Run.Target)
	}
	h := report.Histogram(c.Name, "response")
	if got := time.Duration(h.Max()); got < 190*time.Millisecond || got > 2*time.Second {
		t.Errorf("the longest response is %v, the stall was 200 ms", got)
	}
	if late := h.CountAbove(int64(45 * time.Millisecond)); late < 200 || late > 900 {
		t.Errorf("%d sends took over 45 ms, about 250 should", late)
	}
}

// A scenario's profile is the producer's.
func TestProfiles(t *testing.T) {
	for name, want := range map[scenarios.Profile]producer.Profile{"measure": producer.Measure, "java-4.5.1": producer.Java451, "java-5.4": producer.Java54} {
		o := producerOptions(&scenarios.Case{Scenario: scenarios.Scenario{Producer: scenarios.Producer{Profile: name}}}, nil, 0)
		if o.Profile != want || want.String() != string(name) {
			t.Errorf("%s: %s", name, o.Profile)
		}
	}
}
