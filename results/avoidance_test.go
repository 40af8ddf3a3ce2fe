package results

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestAvoidanceLines(t *testing.T) {
	const s = int64(1e9)
	slow := AvoidSpell{Broker: "broker-b", FromNS: 31 * s / 10, UntilNS: 332 * s / 10, Why: AvoidedSlow, TookNS: 72e7, Sends: 1}
	of := func(name string, round int, spells ...AvoidSpell) Case {
		return Case{Name: name, Round: round, Avoidance: &Avoidance{Spells: spells}}
	}
	more := func(s AvoidSpell, change func(*AvoidSpell)) AvoidSpell { change(&s); return s }
	for name, tt := range map[string]struct {
		cases []Case
		want  []string
	}{
		"not asked":  {[]Case{{Name: "plain"}}, nil},
		"none":       {[]Case{of("a", 0)}, []string{"a: avoided no broker"}},
		"one":        {[]Case{of("a", 0, slow), {Name: "plain"}}, []string{"a: avoided broker-b from 3.10 s to 33.2 s (a send took 720 ms)"}},
		"still":      {[]Case{of("a", 0, more(slow, func(s *AvoidSpell) { s.Still = true }))}, []string{"a: avoided broker-b from 3.10 s to 33.2 s, past the end (a send took 720 ms)"}},
		"warm-up":    {[]Case{of("a", 0, more(slow, func(x *AvoidSpell) { x.FromNS, x.UntilNS = -2*s, 3*s }))}, []string{"a: avoided broker-b from 2.00 s before measuring began to 3.00 s (a send took 720 ms)"}},
		"all before": {[]Case{of("a", 0, more(slow, func(x *AvoidSpell) { x.FromNS, x.UntilNS = -2*s, -s }))}, []string{"a: avoided broker-b from 2.00 s before measuring began to 1.00 s before (a send took 720 ms)"}},
		"failed":     {[]Case{of("a", 0, more(slow, func(x *AvoidSpell) { x.Why, x.Sends = AvoidedFailed, 2 }))}, []string{"a: avoided broker-b from 3.10 s to 33.2 s (a send failed after 720 ms; 1 more was slow or failed)"}},
		"unreachable": {[]Case{of("a\x1b", 0, more(slow, func(x *AvoidSpell) { x.Why, x.Sends, x.Broker = AvoidedUnreachable, 1001, "b\x1b" }))},
			[]string{`a\x1b: avoided b\x1b from 3.10 s to 33.2 s (a send failed after 720 ms: out of reach; 1,000 more were slow or failed)`}},
		"many": {[]Case{of("a", 0, more(slow, func(x *AvoidSpell) { x.Shard, x.Producer = new(1), new(2) }), more(slow, func(x *AvoidSpell) { x.Broker = "broker-c" }))},
			[]string{"a: avoided broker-b from 3.10 s to 33.2 s (a send took 720 ms) in shard 1 by producer 2, and 1 time more, 2 brokers in all"}},
		"rounds": {[]Case{of("a", 1), of("b", 1, slow), of("b", 2, slow), of("a", 2, slow)},
			[]string{"a: avoided broker-b from 3.10 s to 33.2 s (a send took 720 ms) in round 2", "b: avoided broker-b from 3.10 s to 33.2 s (a send took 720 ms) in round 1, and 1 time more"}},
	} {
		if got := avoidanceLines(&Run{Cases: tt.cases}); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, tt.want)
		}
	}
}

// Terminal, page and summary all tell it.
func TestAvoidanceIsTold(t *testing.T) {
	c := closedCase("avoiding", "sync", 400, 1, 2)
	c.Avoidance = &Avoidance{Spells: []AvoidSpell{{Broker: "broker-b", FromNS: 31e8, UntilNS: 332e8, Why: AvoidedSlow, TookNS: 72e7, Sends: 1}}}
	r := &Run{Name: "mine", Cases: []Case{c}}
	Judge(r)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"terminal": func(b *bytes.Buffer) error { return WriteTable(b, r) },
		"summary":  func(b *bytes.Buffer) error { return writeMarkdown(b, &Result{Run: r}) },
		"page":     func(b *bytes.Buffer) error { return writeHTML(b, &Result{Run: r}) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(name, err)
		}
		if text := strings.ReplaceAll(b.String(), `\`, ""); strings.Count(text, "avoided broker-b from 3.10 s to 33.2 s (a send took 720 ms)") != 1 {
			t.Errorf("%s doesn't tell it once:\n%s", name, text)
		}
	}
}

// Of all shares' spells those that began first are kept, whichever order they come in, and the others are counted.
func TestAvoidanceMerged(t *testing.T) {
	spoilt := func() []*Whole {
		all := shares(3)
		for i, w := range all[:2] { // the third share's producer avoids nothing
			a := &Avoidance{Spells: []AvoidSpell{}, LeftOut: int64(i)}
			for j := range int64(80) {
				a.Spells = append(a.Spells, AvoidSpell{Broker: "b", FromNS: 1000*j + int64(i), Sends: 1})
			}
			w.Run.Cases[0].Avoidance = a
		}
		return all
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}} {
		all := spoilt()
		var in []*Whole
		for _, i := range order {
			in = append(in, all[i])
		}
		a := mergeOf(t, in...).Run.Cases[0].Avoidance
		if a == nil || len(a.Spells) != MostAvoidSpells || a.LeftOut != 61 {
			t.Fatalf("order %v: %+v", order, a)
		}
		for i, s := range a.Spells {
			if s.FromNS != 1000*int64(i/2)+int64(i%2) || s.Shard == nil || *s.Shard != i%2 {
				t.Fatalf("order %v: spell %d is %+v", order, i, s)
			}
		}
	}
}
