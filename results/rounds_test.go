package results

import (
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// roundOf is a round of a case and its histograms.
func roundOf(name string, round int, n int64, low, high time.Duration) (Case, []TaggedHistogram) {
	c := closedCase(name, "sync", n, low, high)
	c.Round = round
	c.Queues = []Share{{Broker: "b", Queue: new(int32(0)), Acknowledged: n / 2}, {Broker: "b", Queue: new(int32(1)), Acknowledged: n - n/2}}
	var logs []TaggedHistogram
	for _, metric := range []string{"response", "service"} {
		logs = append(logs, TaggedHistogram{Case: name, Metric: metric, Histogram: spread(n, low, high)})
	}
	return c, logs
}

func TestPool(t *testing.T) {
	run := Run{Target: Target{Embedded: true}}
	var logs []TaggedHistogram
	whole := NewHistogram()
	for round := 1; round <= 4; round++ {
		for _, name := range []string{"a", "b"} {
			c, hs := roundOf(name, round, 3000, time.Millisecond, time.Duration(8+round)*time.Millisecond)
			run.Cases, logs = append(run.Cases, c), append(logs, hs...)
			if name == "b" {
				if err := whole.Merge(hs[0].Histogram); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	run.Cases[3].CutShort = "by a test" // b's second round
	var err error
	if run.Pooled, err = Pool([]string{"b", "a", "none"}, run.Cases, logs); err != nil {
		t.Fatal(err)
	}
	Judge(&run)
	if len(run.Pooled) != 2 || run.Pooled[0].Name != "b" || run.Pooled[1].Name != "a" {
		t.Fatalf("pooled %d cases", len(run.Pooled))
	}
	b := &run.Pooled[0]
	if b.Rounds != 4 || b.Acknowledged != 12000 || b.Offered != 12000 || b.Attempted != 12000 || b.ElapsedNS != 8e9 || *b.MessagesPerSecond != 1500 {
		t.Errorf("pooled %+v, %d ns, %v/s", b.Counts, b.ElapsedNS, *b.MessagesPerSecond)
	}
	if got, want := *b.Response.P99, whole.Quantile(0.99); got != want {
		t.Errorf("p99 %d of the rounds together, want %d: that of the merge", got, want)
	}
	if run.Cases[1].Response.P99 != nil {
		t.Error("3,000 sends claim a p99")
	}
	ci, ok := b.Response.CI95["p99"]
	if !ok || ci[0] >= *b.Response.P99 || ci[1] <= *b.Response.P99 {
		t.Errorf("interval %v of p99 %d", ci, *b.Response.P99)
	}
	if len(b.Queues) != 2 || b.Queues[0].Acknowledged != 6000 || b.Queues[0].P99NS != nil {
		t.Errorf("queues %+v", b.Queues)
	}
	if b.Verdict != Partial || run.Pooled[1].Verdict != Valid || run.Verdict != Partial {
		t.Errorf("verdicts %s and %s, of all %s", b.Verdict, run.Pooled[1].Verdict, run.Verdict)
	}
	var text strings.Builder
	if err := WriteTable(&text, &run); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	if !strings.HasPrefix(lines[1], "b ") || !strings.HasPrefix(lines[2], "a ") || !strings.Contains(text.String(), "PARTIAL b (1 of 4 rounds, the worst): cut short: by a test") {
		t.Errorf("table:\n%s", text.String())
	}
}

func TestRoundsWithoutAPool(t *testing.T) { // a killed run's
	c, _ := roundOf("a", 2, 3000, time.Millisecond, 9*time.Millisecond)
	run := &Run{Target: Target{Embedded: true}, Cases: []Case{c}}
	Judge(run)
	var text strings.Builder
	if err := WriteTable(&text, run); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "a, round 2 ") {
		t.Errorf("table:\n%s", text.String())
	}
}

func TestPoolUnlikeConfigurations(t *testing.T) {
	c, logs := roundOf("a", 1, 300, time.Millisecond, 2*time.Millisecond)
	d, more := roundOf("a", 2, 300, time.Millisecond, 2*time.Millisecond)
	more[0].Histogram = &Histogram{buckets: hdrhistogram.New(lowestNS, highestNS, 2)}
	if _, err := Pool([]string{"a"}, []Case{c, d}, append(logs, more...)); err == nil {
		t.Error("histograms of unlike configurations were pooled")
	}
}
