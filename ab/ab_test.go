package ab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/internal/leaks"
	"rmqbench/results"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// fake measures v, and notes its name in order.
func fake(t *testing.T, name string, order *[]string, v func() float64) Arm {
	return Arm{Name: name, Measure: func(context.Context) (*results.Side, error) {
		*order = append(*order, name)
		return results.ParseSide(name, fmt.Appendf(nil, "BenchmarkX 1 %f ns/op\nBenchmarkX 1 %f ns/op\n", v(), v()))
	}}
}

func TestMeasure(t *testing.T) {
	var order []string
	n := 0.0
	count := func() float64 { n++; return n }
	told := 0
	sides, err := Measure(t.Context(), Plan{Base: fake(t, "A", &order, count), New: fake(t, "B", &order, count), Rounds: 20, Again: true, Seed: 3,
		Progress: func(p Progress) {
			if told++; p.Of != 20 || p.Round < 1 || p.Round > 20 {
				t.Errorf("progress %+v", p)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	firsts := map[string]int{}
	for i := 0; i < len(order); i += 3 {
		round := slices.Sorted(slices.Values(order[i : i+3]))
		if !slices.Equal(round, []string{"A", "A", "B"}) {
			t.Errorf("round %d measured %v", i/3, round)
		}
		firsts[order[i]]++
	}
	if firsts["B"] == 0 || firsts["B"] == 20 || told != 60 {
		t.Errorf("the order isn't random (%v), or progress was told %d times", firsts, told)
	}
	for _, s := range []*results.Side{sides.Base, sides.Again, sides.New} {
		if s.Rounds != 20 || len(s.Samples[0].Values) != 20 {
			t.Errorf("%s: %d rounds, %d values", s.Name, s.Rounds, len(s.Samples[0].Values))
		}
	}
}

func TestMeasureInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var order []string
	one := func() float64 {
		if len(order) == 8 { // in the third round
			cancel()
		}
		return 1
	}
	sides, err := Measure(ctx, Plan{Base: fake(t, "A", &order, one), New: fake(t, "B", &order, one), Rounds: 10, Again: true})
	if !errors.Is(err, context.Canceled) || sides.Base.Rounds != 2 || sides.New.Rounds != 2 || sides.Again.Rounds != 2 {
		t.Errorf("%v after %d rounds, want 2 whole ones", err, sides.Base.Rounds)
	}
	broken := Arm{Name: "B", Measure: func(context.Context) (*results.Side, error) { return nil, errors.New("broken") }}
	if _, err := Measure(t.Context(), Plan{Base: broken, New: broken, Rounds: 10}); err == nil || !strings.Contains(err.Error(), "round 1 of 10, B: broken") {
		t.Errorf("a broken arm: %v", err)
	}
}

func TestProgressForeseesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := Arm{Name: "A", Measure: func(context.Context) (*results.Side, error) {
			time.Sleep(2 * time.Second)
			return results.ParseSide("A", []byte("BenchmarkX 1 1 ns/op\n"))
		}}
		var left []time.Duration
		if _, err := Measure(t.Context(), Plan{Base: slow, New: slow, Rounds: 2, Progress: func(p Progress) { left = append(left, p.Left) }}); err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{0, 6 * time.Second, 4 * time.Second, 2 * time.Second}; !slices.Equal(left, want) {
			t.Errorf("left %v, want %v", left, want)
		}
	})
}

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		budget, turn time.Duration
		again        bool
		metrics      int
		want         int // 0: an error that asks for need
		need         time.Duration
	}{
		{5 * time.Minute, 5 * time.Second, true, 3, 20, 0},
		{5 * time.Minute, 5 * time.Second, false, 3, 30, 0},
		{time.Hour, time.Second, true, 3, maxRounds, 0},
		{time.Minute, 5 * time.Second, true, 3, 0, 165 * time.Second},
		{150 * time.Second, 5 * time.Second, true, 6, 0, 182 * time.Second}, // 6 metrics take 11 rounds at 1 %
	} {
		got, err := Fit(tt.budget, tt.turn, tt.again, tt.metrics, 0.01)
		if got != tt.want {
			t.Errorf("%+v: %d rounds (%v)", tt, got, err)
		}
		if short, ok := errors.AsType[*BudgetError](err); ok != (tt.want == 0) || ok && short.Need != tt.need {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestOutputIsBounded(t *testing.T) {
	h := &head{most: 4}
	for range 3 {
		if n, err := h.Write([]byte("abc")); n != 3 || err != nil {
			t.Fatal(n, err)
		}
	}
	l := &tail{most: 4}
	_, _ = l.Write([]byte("abcdef"))
	_, _ = l.Write([]byte("g"))
	if h.String() != "abca" || !h.over || l.String() != ": defg" {
		t.Errorf("kept %q and %q", h, l)
	}
}

func TestCalibration(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("LocalAppData", t.TempDir())
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	c := Calibration{Host: "here", Thing: "go test", At: now, Rounds: 10, Spreads: []results.StoredSpread{{Case: "X", Metric: "sec/op", Spread: 0.01}}}
	if Calibrated("here", "go test", now) != nil {
		t.Error("found before it was stored")
	}
	if _, err := c.Store(); err != nil {
		t.Fatal(err)
	}
	if got := Calibrated("here", "go test", now.Add(time.Hour)); got == nil || got.Spreads[0] != c.Spreads[0] {
		t.Errorf("stored and found as %+v", got)
	}
	for name, got := range map[string]*Calibration{"another machine": Calibrated("there", "go test", now), "another thing": Calibrated("here", "go vet", now),
		"a week later": Calibrated("here", "go test", now.Add(8*24*time.Hour))} {
		if got != nil {
			t.Errorf("%s has the calibration", name)
		}
	}
}
