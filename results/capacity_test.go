package results

import (
	"bytes"
	"strings"
	"testing"

	"rmqbench/internal/golden"
)

// searched is a search with the curve given: a p99 in ms for each rate, and what broke.
func searched(rates []float64, p99 []int64, broke int) *Run {
	c := &Capacity{Objectives: []string{"p99<10ms", "errors<0.1%"}, Ended: EndedFound}
	for i, r := range rates {
		s := CapacityStep{Phase: "grow", RatePerSecond: r, PlannedNS: 5e9, Found: StepHeld, Verdict: Valid}
		s.Response = &Latency{Count: 50_000, P50: new(int64(1e6)), P90: new(int64(1e6)), P99: new(p99[i] * 1e6), Max: p99[i] * 2e6}
		if i >= broke {
			s.Found, s.Why = StepBroke, "p99<10ms MISSED"
		}
		c.Steps = append(c.Steps, s)
	}
	held := Case{Mode: "sync", OpenLoop: true, SLO: []Objective{{Text: "p99<10ms", Metric: "p99", Unit: "ns", Limit: 1e7}}}
	held.Offered, held.Attempted, held.Acknowledged = 50_000, 50_000, 50_000
	held.Response = c.Steps[0].Response
	r := &Run{Name: "orders", Target: Target{Embedded: true}, Capacity: c, Cases: []Case{held}}
	Judge(r)
	return r
}

func TestSentence(t *testing.T) {
	limit := &CapacityLimit{Text: "sendMessageThreadPoolNums on broker-c"}
	for name, tt := range map[string]struct {
		c        Capacity
		embedded bool
		want     string
	}{
		"an answer": {Capacity{RatePerSecond: new(412e3), LowPerSecond: new(405e3), HighPerSecond: new(418e3), Limit: limit, BytesOut: 58 << 30}, false,
			"Holds 412k/s at p99<10ms (95 %: 405k–418k/s); limit: sendMessageThreadPoolNums on broker-c; disk +58 GiB a replica."},
		"embedded": {Capacity{RatePerSecond: new(412e3), LowPerSecond: new(405e3), HighPerSecond: new(418e3), BytesOut: 58 << 30}, true,
			"Holds 412k/s at p99<10ms (95 %: 405k–418k/s)."},
		"one round":     {Capacity{RatePerSecond: new(950.0), Ended: EndedBudget}, true, "Holds 950/s at p99<10ms (confirmed once: no interval); the budget ended the search: give it more with --budget."},
		"a floor":       {Capacity{RatePerSecond: new(20e3), AtLeast: true}, true, "Holds at least 20.0k/s at p99<10ms."},
		"not confirmed": {Capacity{HeldPerSecond: new(20e3), Steps: make([]CapacityStep, 1)}, true, "Held 20.0k/s at p99<10ms, not confirmed."},
		"nothing held":  {Capacity{Steps: make([]CapacityStep, 1), Limit: limit}, true, "No rate that was tried holds p99<10ms; limit: sendMessageThreadPoolNums on broker-c."},
		"only ours": {Capacity{Steps: []CapacityStep{{Found: StepLimited, RatePerSecond: 1000}, {Found: StepLimited, RatePerSecond: 500}}, Ended: EndedBudget}, true,
			"No answer for p99<10ms: the generator was the limit at every rate that was tried, at 500/s too; the budget ended the search: give it more with --budget."},
		"nothing tried": {Capacity{}, true, "No answer for p99<10ms."},
	} {
		tt.c.Objectives = []string{"p99<10ms"}
		if got := tt.c.Sentence(tt.embedded); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tt.want)
		}
	}
}

func TestKnee(t *testing.T) {
	rates := []float64{1000, 2000, 3000, 4000, 5000, 6000}
	for name, tt := range map[string]struct {
		rates []float64
		p99   []int64
		broke int
		want  float64 // 0: none
	}{
		"a hockey stick":           {rates, []int64{1, 1, 1, 2, 30, 90}, 5, 4000},
		"what lies past the limit": {rates, []int64{1, 1, 1, 20, 30, 9000}, 3, 3000},
		"a straight line":          {rates, []int64{1, 2, 3, 4, 5, 6}, 6, 0},
		"flat":                     {rates, []int64{1, 1, 1, 1, 1, 1}, 6, 0},
		"too few":                  {rates[:3], []int64{1, 1, 50}, 3, 0},
	} {
		c := searched(tt.rates, tt.p99, tt.broke).Capacity
		c.FindKnee()
		if got := c.KneePerSecond; (got == nil) != (tt.want == 0) || got != nil && *got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestCurveOfShortSteps: where an objective asks for p90, steps may have too few sends for p99; the curve and its knee are p90's then.
func TestCurveOfShortSteps(t *testing.T) {
	c := searched([]float64{1000, 2000, 3000, 4000, 5000, 6000}, []int64{1, 1, 1, 2, 30, 90}, 5).Capacity
	for i := range c.Steps {
		of := c.Steps[i].Response
		of.P50, of.P90, of.P99 = new(*of.P99/2), of.P99, nil
	}
	c.Steps[5].Response.P99 = new(int64(1e9)) // only the fastest had as many
	c.FindKnee()
	if c.KneePerSecond == nil || *c.KneePerSecond != 4000 {
		t.Errorf("knee %v", c.KneePerSecond)
	}
	if lines := c.plot(76, 12); len(lines) < 2 || lines[1] != "p90 over the rate: o held, x broke, K the knee" {
		t.Errorf("%q", lines)
	}
}

func TestWriteCapacity(t *testing.T) {
	r := searched([]float64{1000, 4000, 2000, 3000, 5000}, []int64{1, 20, 1, 2, 90}, 4)
	r.Capacity.Steps[4].Found, r.Capacity.Steps[4].Why = StepLimited, "the CPU was full"
	r.Capacity.Steps[1].Found, r.Capacity.Steps[1].Why = StepBroke, "p99<10ms MISSED (20.0 ms)"
	r.Capacity.Steps = append(r.Capacity.Steps, r.Capacity.Steps[3])
	r.Capacity.RatePerSecond = new(3000.0)
	r.Capacity.FindKnee()
	var out bytes.Buffer
	if err := WriteCapacity(&out, r); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "capacity.txt", out.String())
}

// TestPlot: it stays within its width, whatever it draws, and draws nothing where there is no room.
func TestPlot(t *testing.T) {
	c := searched([]float64{1, 20, 1e3, 2e6, 5e6}, []int64{1, 1, 2, 20_000, 3_000_000}, 4).Capacity
	for _, width := range []int{31, 40, 76, 200} {
		lines := c.plot(width, 12)
		if len(lines) != 14 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, line := range lines[2:] {
			if len(line) > width || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) && !strings.Contains(line, "µ") {
				t.Errorf("%d columns of %d: %q", len(line), width, line)
			}
		}
	}
	if c.plot(30, 12) != nil || c.plot(76, 4) != nil || (&Capacity{}).plot(76, 12) != nil || searched([]float64{1, 2}, []int64{1, 1}, 2).Capacity.plot(76, 12) != nil {
		t.Error("drawn")
	}
	flat := searched([]float64{5, 5.1, 5.2}, []int64{1, 1, 1}, 3).Capacity
	if lines := flat.plot(76, 12); len(lines) != 14 || !strings.Contains(lines[11], "o") {
		t.Errorf("flat: %q", lines)
	}
}

func TestCapacityStatus(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Run)
		want   int
	}{
		"an answer":     {func(r *Run) {}, 0},
		"suspect":       {func(r *Run) { r.Verdict = Suspect }, 4},
		"invalid":       {func(r *Run) { r.Verdict = Invalid }, 1},
		"interrupted":   {func(r *Run) { r.Verdict, r.CutShort = Partial, Interrupted }, 130},
		"the generator": {func(r *Run) { r.Capacity.Ended = EndedGenerator }, 5},
		"only the generator": {func(r *Run) {
			r.Capacity.Ended, r.Capacity.RatePerSecond, r.Capacity.Steps[0].Found = EndedBudget, nil, StepLimited
		}, 5},
		"nothing held":         {func(r *Run) { r.Capacity.Ended, r.Verdict = EndedNothingHeld, Invalid }, 3},
		"nothing is confirmed": {func(r *Run) { r.Capacity.Ended, r.Capacity.RatePerSecond = EndedBudget, nil }, 4},
		"budget, confirmed":    {func(r *Run) { r.Capacity.Ended = EndedBudget }, 0},
	} {
		r := searched([]float64{1000}, []int64{1}, 1)
		r.Capacity.RatePerSecond = new(1000.0)
		tt.change(r)
		if got := CapacityStatus(r); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	if r := searched([]float64{1000}, []int64{1}, 1); r.Verdict != Valid || strings.Contains(Title(r), "\n") {
		t.Errorf("%s: %v", r.Verdict, r.Evidence)
	}
}
