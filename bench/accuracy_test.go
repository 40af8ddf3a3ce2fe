package bench

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"rmqbench/results"
)

// accuracyFor is how long each rate is held, ACCURACY; 0: a glance is enough.
func accuracyFor(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("ACCURACY")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRule05RateAccuracy runs three rates on the embedded broker in real time: what was attempted is within 0.1 % of what fell due,
// which is exactly the rate times the time. With ACCURACY the last send has to end within 0.1 % of that time, too. That holds below
// saturation: where a busy machine makes the run anything but VALID, being late is no failure, and the test is skipped in so many words.
func TestRule05RateAccuracy(t *testing.T) {
	const within = 0.001
	length := accuracyFor(t)
	whole := length > 0
	if !whole {
		t.Parallel()
		length = time.Second
	}
	for _, perSecond := range []int64{1_000, 10_000, 50_000} {
		rate := fmt.Sprintf("%dk/s", perSecond/1000)
		t.Run(strings.ReplaceAll(rate, "/", " a "), func(t *testing.T) {
			if perSecond > 10_000 && !whole {
				t.Skip("only with ACCURACY=30s: it takes the CPUs of others")
			}
			text := fmt.Sprintf("load: {workers: auto, stages: [{for: 1s, rate: %s, warmup: true}, {for: %s, rate: %s}]}\nmessage: {size: 128B}\n", rate, length, rate)
			report, err := Run(t.Context(), scenario(t, text), Options{})
			if err != nil {
				t.Fatal(err)
			}
			c := &report.Run.Cases[0]
			off := float64(c.Attempted)/float64(c.Offered) - 1
			over := time.Duration(c.ElapsedNS) - length
			t.Logf("%s for %s: offered %d, attempted %d (%+.3f %%), acknowledged %d, the last one ended %+.3f %% after the time; %s; missed %d slots; %s",
				rate, length, c.Offered, c.Attempted, 100*off, c.Acknowledged, 100*over.Seconds()/length.Seconds(), delayWords(c.Delay), c.Generator.MissedSlots, report.Run.Verdict)
			if want := perSecond * length.Nanoseconds() / int64(time.Second); c.Offered != want {
				t.Errorf("%d sends fell due, want %d", c.Offered, want)
			}
			if report.Run.Verdict == results.Invalid {
				t.Errorf("%s: %+v", report.Run.Verdict, c.Evidence)
			}
			late := math.Abs(off) > within || whole && over.Seconds() > within*length.Seconds()
			switch {
			case late && report.Run.Verdict != results.Valid:
				t.Skipf("this machine is too busy now to say it of %s, which the run says too: %s", rate, report.Run.Verdict)
			case late:
				t.Errorf("%d attempted of %d, the last one ended %v after the time, and the run is %s", c.Attempted, c.Offered, over, report.Run.Verdict)
			}
		})
	}
}

// delayWords are what sends waited before they were called.
func delayWords(l *results.Latency) string {
	if l == nil {
		return "none was called"
	}
	parts := []string{"p50", "p99", "p99.9"}
	for i, ns := range []*int64{l.P50, l.P99, l.P99_9} {
		if ns == nil {
			parts[i] += " —"
			continue
		}
		parts[i] += " " + results.FormatDuration(*ns)
	}
	return "waited before sending " + strings.Join(append(parts, "max "+results.FormatDuration(l.Max)), ", ")
}
