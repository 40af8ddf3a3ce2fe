package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"rmqbench/remoting"
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

// yielder passes the time as a pacer must not.
type yielder struct{}

func (yielder) attach() {}
func (yielder) until(ctx context.Context, at, _ int64) {
	for remoting.Nanotime() < at && ctx.Err() == nil {
		runtime.Gosched()
	}
}

// TestRule07Bystander has a bystander's round trips over loopback measured with a pacer beside them and without, in pairs whose order
// chance decides: they are disturbed if the lower end of a change's 95 % interval says so. A pacer that yields is put to the same
// judge, which has to find it out.
func TestRule07Bystander(t *testing.T) {
	if accuracyFor(t) == 0 {
		t.Skip("only with ACCURACY=30s: TestPacerLeavesOthersAlone is the short form")
	}
	const pairs, each, much = 12, 500 * time.Millisecond, 0.5
	for _, tt := range []struct {
		name, rate string
		wait       func() waiter
		disturbs   bool
	}{
		{"1k/s", "1k/s", func() waiter { return &threadWaiter{} }, false},
		{"10k/s", "10k/s", func() waiter { return &threadWaiter{} }, false},
		{"1k/s, yielding", "1k/s", func() waiter { return yielder{} }, true},
	} {
		t.Run(strings.ReplaceAll(tt.name, "/", " a "), func(t *testing.T) {
			var medians, tails [2][]float64 // without, with
			for range pairs {
				first := rand.IntN(2)
				for _, side := range []int{first, 1 - first} {
					stop := func() {}
					if side == 1 {
						stop = startPacer(t, "workers: 1, stages: [{for: 1h, rate: "+tt.rate+"}]", tt.wait())
					}
					trips := roundTrips(t, each)
					stop()
					medians[side] = append(medians[side], float64(trips[len(trips)/2]))
					tails[side] = append(tails[side], float64(trips[len(trips)*99/100]))
				}
			}
			change, tail := results.PairedChange(medians[0], medians[1]), results.PairedChange(tails[0], tails[1])
			t.Logf("a bystander's round trips, %d pairs: %s; %s", pairs, changeOf("p50", medians, &change), changeOf("p99", tails, &tail))
			if change.Low == nil || tail.Low == nil {
				t.Fatalf("no interval: %+v, %+v", change, tail)
			}
			if found := max(*change.Low, *tail.Low) > much; found != tt.disturbs {
				t.Errorf("for sure more than %.0f %% slower at p50 or p99: %v, want %v", 100*much, found, tt.disturbs)
			}
		})
	}
}

func changeOf(what string, sides [2][]float64, c *results.Change) string {
	share := func(v *float64) string {
		if v == nil {
			return "—"
		}
		return fmt.Sprintf("%+.1f %%", 100**v)
	}
	return fmt.Sprintf("%s %v without a pacer, %v with it, %s (95 %%: %s to %s, p %.3f)", what, time.Duration(results.Median(sides[0])), time.Duration(results.Median(sides[1])),
		share(c.Share), share(c.Low), share(c.High), c.P)
}
