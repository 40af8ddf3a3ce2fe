package bench

import (
	"slices"
	"testing"
)

func TestTurns(t *testing.T) {
	if got := turnsOf(3, 0, 1); !slices.Equal(got, []turn{{0, 0}, {1, 0}, {2, 0}}) {
		t.Errorf("without rounds %v", got)
	}
	const cases, rounds = 6, 40
	turns := turnsOf(cases, rounds, 7)
	if !slices.Equal(turns, turnsOf(cases, rounds, 7)) {
		t.Error("the same seed gives another order")
	}
	if slices.Equal(turns, turnsOf(cases, rounds, 8)) {
		t.Error("another seed gives the same order")
	}
	firsts := make([]int, cases)
	for round := range rounds {
		part := turns[round*cases : (round+1)*cases]
		firsts[part[0].of]++
		seen := map[int]bool{}
		for _, turn := range part {
			if turn.round != round+1 || seen[turn.of] {
				t.Fatalf("round %d: %v", round+1, part)
			}
			seen[turn.of] = true
		}
	}
	if slices.Min(firsts) == 0 {
		t.Errorf("of %d rounds began with each case %v", rounds, firsts)
	}
}

// Each round has every case once, with the same messages due at the same times.
func TestRunInRounds(t *testing.T) {
	t.Parallel()
	s := scenario(t, `
repeat: 3
load: {workers: 4, stages: [{for: 150ms, rate: 2k/s}]}
message: {size: 64B, keys: {distinct: 50}}
cases:
  - {name: one}
  - {name: two, producer: {selector: hash}}
  - {name: three, producer: {selector: sticky}}
`)
	report, err := Run(t.Context(), s, Options{Progress: func(p Progress) {
		if p.Of != 9 {
			t.Errorf("progress of %d", p.Of)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	run := report.Run
	if len(run.Cases) != 9 || len(run.Pooled) != 3 {
		t.Fatalf("%d cases, %d pooled", len(run.Cases), len(run.Pooled))
	}
	rounds := map[string][]int{}
	for _, c := range run.Cases {
		rounds[c.Name] = append(rounds[c.Name], c.Round)
		if c.Offered != 300 {
			t.Errorf("%s in round %d offered %d", c.Name, c.Round, c.Offered)
		}
	}
	for i, name := range []string{"one", "two", "three"} {
		if !slices.Equal(rounds[name], []int{1, 2, 3}) {
			t.Errorf("%s ran in rounds %v", name, rounds[name])
		}
		if p := run.Pooled[i]; p.Name != name || p.Offered != 900 || p.Acknowledged != 900 || p.Response.Count != 900 {
			t.Errorf("pooled %s: %+v", p.Name, p.Counts)
		}
	}
	for _, p := range report.Series {
		if p.Round == 0 {
			t.Errorf("an interval of %s is of no round", p.Case)
		}
	}
}
