package results

import (
	"strings"
	"testing"
)

// stairsOf are stairs of 1k, 2k, 4k/s, a letter each: held, broke, limited or unknown; a word for a round.
func stairsOf(rounds ...string) *Capacity {
	c := &Capacity{Objectives: []string{"p99<10ms"}}
	names := map[rune]string{'h': StepHeld, 'b': StepBroke, 'l': StepLimited, 'u': StepUnknown}
	for round, word := range rounds {
		rate := 1000.0
		for _, found := range word {
			step := CapacityStep{Phase: PhaseStair, Round: round, RatePerSecond: rate, Found: names[found]}
			if found != 'h' {
				step.Why = "WHY"
			}
			c.Steps = append(c.Steps, step)
			rate *= 2
		}
	}
	return c
}

// TestConcludeStairs: the answer is the highest rate up to which every step held in every round; what isn't known is not claimed.
func TestConcludeStairs(t *testing.T) {
	for name, tt := range map[string]struct {
		rounds     []string
		kept, rate float64 // whose cases stay; 0: no rate is confirmed
		ended      string
		atLeast    bool
		status     int
		said       string
	}{
		"twice":              {[]string{"hhb", "hhb"}, 2000, 2000, EndedFound, false, 0, "Holds 2.00k/s at p99<10ms in each of 2 rounds; the next step, 4.00k/s, broke (WHY): the highest lies between the two."},
		"once":               {[]string{"hhb"}, 2000, 0, EndedFound, false, 4, "Held 2.00k/s at p99<10ms once, not confirmed; the next step, 4.00k/s, broke (WHY)"},
		"not each time":      {[]string{"hhb", "hbb"}, 1000, 1000, EndedFound, false, 0, "Holds 1.00k/s at p99<10ms in each of 2 rounds; the next step, 2.00k/s, broke"},
		"a gap":              {[]string{"hbh", "hbh"}, 1000, 1000, EndedFound, false, 0, "Holds 1.00k/s"},
		"the highest":        {[]string{"hhh", "hhh"}, 4000, 4000, EndedCeiling, true, 0, "Holds 4.00k/s at p99<10ms in each of 2 rounds; limit: the ceiling"},
		"nothing":            {[]string{"bbb", "hbb"}, 1000, 0, EndedNothingHeld, false, 3, "Not even the lowest step, 1.00k/s, holds p99<10ms: WHY."},
		"the generators":     {[]string{"hll", "hhl"}, 1000, 1000, EndedGenerator, true, 5, "Holds 1.00k/s at p99<10ms in each of 2 rounds; limit: these generators, and what the target holds is not known: at 2.00k/s WHY."},
		"broke counts first": {[]string{"hlb", "hbb"}, 1000, 1000, EndedFound, false, 0, "the next step, 2.00k/s, broke"},
		"a share is missing": {[]string{"uuu", "uuu"}, 1000, 0, EndedInterrupted, true, 4, "No answer for p99<10ms; of 1.00k/s nothing is known: WHY."},
		"cut short":          {[]string{"hhh", "huu"}, 1000, 1000, EndedInterrupted, true, 0, "Holds 1.00k/s at p99<10ms in each of 2 rounds; of 2.00k/s nothing is known"},
	} {
		c := stairsOf(tt.rounds...)
		kept := c.concludeStairs()
		rate := valueOf(c.RatePerSecond)
		r := &Run{Capacity: c, Verdict: Valid}
		if kept != tt.kept || rate != tt.rate || c.Ended != tt.ended || c.AtLeast != tt.atLeast || CapacityStatus(r) != tt.status || !strings.Contains(c.Sentence(true), tt.said) {
			t.Errorf("%s: keeps %v, rate %v, ended %s, at least %v, status %d\n%s", name, kept, rate, c.Ended, c.AtLeast, CapacityStatus(r), c.Sentence(true))
		}
	}
}

// TestStairLimit: what broke the lowest step that didn't hold is named as that of one machine's search, with the broker's setting.
func TestStairLimit(t *testing.T) {
	setting := func(reason string) string {
		return map[string]string{"[OVERLOAD]": "sendThreadPoolQueueCapacity"}[reason]
	}
	for name, tt := range map[string]struct {
		rounds  []string
		errors  map[string]int64 // of the steps at 4k/s
		setting func(string) string
		want    string
	}{
		"busy":          {[]string{"hhb", "hhb"}, map[string]int64{"SYSTEM_BUSY [OVERLOAD]": 9}, setting, "sendThreadPoolQueueCapacity (the broker is busy [OVERLOAD])"},
		"nobody knows":  {[]string{"hhb", "hhb"}, map[string]int64{"SYSTEM_BUSY [OVERLOAD]": 9}, nil, "the broker is busy [OVERLOAD]"},
		"in one round":  {[]string{"hhh", "hhb"}, map[string]int64{"SYSTEM_BUSY": 9, "timeout": 1}, setting, "the broker is busy"},
		"other errors":  {[]string{"hhb"}, map[string]int64{"timeout": 9}, setting, "errors, most of them: timeout"},
		"queueing":      {[]string{"hhb"}, nil, setting, "queueing at the broker: a send takes 3.00 ms there on average, 1.00 ms without the queue"},
		"nothing broke": {[]string{"hhh"}, nil, setting, ""},
		"generators":    {[]string{"hhl"}, nil, setting, ""},
	} {
		c := stairsOf(tt.rounds...)
		cases := make([]Case, len(c.Steps))
		for i, s := range c.Steps {
			cases[i].Attempted, cases[i].Offered = 100, 100
			cases[i].Service = &Latency{Mean: int64(s.RatePerSecond) * 1000 * 3 / 4}
			if s.RatePerSecond == 1000 {
				cases[i].Service.Mean = 1_000_000
			}
			if s.RatePerSecond == 4000 {
				cases[i].Errors, cases[i].Failed = tt.errors, 9
			}
		}
		c.concludeStairs()
		got := ""
		if l := c.stairLimit(&Target{}, cases, tt.setting); l != nil {
			got = l.Text
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestStairNote: a row says how often its rate came to what it says.
func TestStairNote(t *testing.T) {
	c := stairsOf("hhb", "hbb", "hbb")
	var notes []string
	for _, s := range c.curve() {
		notes = append(notes, c.note(s))
	}
	if got := strings.Join(notes, "|"); got != "held in 3 of 3|broke in 2 of 3: WHY|broke in 3 of 3: WHY" {
		t.Error(got)
	}
}

// TestMergeOfShareThatEndedEarly: a share that was over before a case's turn has nothing in it; the others' part is there, whichever comes
// first, and what is missing is named.
func TestMergeOfShareThatEndedEarly(t *testing.T) {
	const of = 3
	whole := shares(of)
	for _, early := range []int{0, 1, 2} {
		all := shares(of)
		w := all[early]
		w.Run.Cases[0] = Case{Name: "load", Mode: "sync", OpenLoop: true, CutShort: "interrupted before it began"}
		w.Cases[0], w.Series, w.Run.CutShort = WholeCase{}, nil, Interrupted
		Judge(w.Run)
		merged := mergeOf(t, all...).Run
		var want int64
		for k := range whole {
			if k != early {
				want += whole[k].Run.Cases[0].Acknowledged
			}
		}
		if c := &merged.Cases[0]; c.Acknowledged != want || merged.Verdict != Partial || !strings.Contains(c.CutShort, "before it began") || c.Response == nil {
			t.Errorf("without %d: acknowledged %d, want %d; %s, %q, %+v", early, c.Acknowledged, want, merged.Verdict, c.CutShort, merged.Evidence)
		}
		if len(merged.Lost) != 1 || !strings.Contains(merged.Lost[0], whole[early].Run.Shard.String()) {
			t.Errorf("lost %q", merged.Lost)
		}
	}
}

// TestNoteShare: what keeps a stair from being judged, and what is an answer of the target.
func TestNoteShare(t *testing.T) {
	began := []Stage{{}}
	for name, tt := range map[string]struct {
		c    Case
		want string
	}{
		"all of it":           {Case{Stages: began}, ""},
		"its guard":           {Case{Stages: began, CutShort: "errors", StoppedBy: StoppedByGuard}, ""},
		"a signal":            {Case{Stages: began, CutShort: Interrupted}, "shard 1 of 3: interrupted"},
		"a disk":              {Case{Stages: began, CutShort: "full", StoppedBy: StoppedByDisk}, "shard 1 of 3: full"},
		"never begun":         {Case{CutShort: "the run was stopped before it began", StoppedBy: StoppedByGuard}, "shard 1 of 3: the run was stopped before it began"},
		"late by two seconds": {Case{Stages: began, LateNS: new(int64(2e9))}, "shard 1 of 3 began 2.00 s late"},
		"late by a little":    {Case{Stages: began, LateNS: new(int64(2e6))}, ""},
	} {
		var acc mergingCase
		acc.noteShare(&Shard{Index: 1, Of: 3}, &tt.c)
		if acc.cut != tt.want {
			t.Errorf("%s: %q, want %q", name, acc.cut, tt.want)
		}
	}
	var acc mergingCase
	acc.noteShare(&Shard{Index: 2, Of: 3}, &Case{Stages: began, Evidence: []Evidence{{Verdict: GeneratorLimited, Text: "its CPU was full"}}})
	if acc.limited != "shard 2 of 3: its CPU was full" {
		t.Errorf("%q", acc.limited)
	}
}
