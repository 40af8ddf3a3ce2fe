package bench

import (
	"slices"
	"testing"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// The shipped comparison in one round of four: hash keeps keys together, random is uniform (its picks are the seed's, so the p is no chance), who avoids leaves the slow broker, who
// goes by what is under way spares it, and round robin does neither.
func TestSelectorsCompared(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Load("selectors", scenarios.Override{Path: "repeat", Value: "1", Source: "--repeat"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Cases()); n != 10 {
		t.Fatalf("%d cases", n)
	}
	rows := map[string]*results.SelectorRow{}
	cases := map[string]*results.Case{}
	run := &results.Run{Target: results.Target{Embedded: true}}
	r := &runner{run: run, of: 10}
	wanted := []string{"random", "hash", "least_in_flight", "round_robin java-4.5.1"}
	for i, c := range s.Cases() {
		if slices.Contains(wanted, c.Name) {
			if err := r.put(t.Context(), &c, nil, i, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	results.Judge(run)
	if run.Selectors == nil || len(run.Selectors.Rows) != len(wanted) {
		t.Fatalf("compared %+v", run.Selectors)
	}
	for i := range run.Selectors.Rows {
		row := &run.Selectors.Rows[i]
		rows[row.Case], cases[row.Case] = row, &run.Cases[i]
		if c := cases[row.Case]; c.Offered != 2800 || c.Acknowledged != c.Offered || len(c.Events) != 2 {
			t.Errorf("%s: %+v, events %+v", row.Case, c.Counts, c.Events)
		}
	}
	if ch := cases["hash"].Keys.Change; ch.Both < 100 || ch.InOneBefore != ch.Both || rows["hash"].KeysMovedShare == nil {
		t.Errorf("hash: keys %+v", ch)
	}
	if row := rows["random"]; row.Chi2P == nil || *row.Chi2P <= 0.001 || row.KeysMovedShare != nil || *row.OrderBreaksShare < 0.9 {
		t.Errorf("random: %+v", row)
	}
	if row := rows["round_robin java-4.5.1"]; row.LeftAfterNS == nil || row.BackAfterNS != nil { // it stays away for 30 s
		t.Errorf("avoiding: left after %v, back after %v", row.LeftAfterNS, row.BackAfterNS)
	}
	// From the first slow answer on, which is past the broker's 0.3 s, and for the 30 s and more of the table.
	slow := cases["hash"].Events[0].Broker
	if a := cases["round_robin java-4.5.1"].Avoidance; a == nil || len(a.Spells) == 0 || a.LeftOut != 0 {
		t.Errorf("avoiding: avoided %+v", a)
	} else if i := slices.IndexFunc(a.Spells, func(s results.AvoidSpell) bool { return s.Broker == slow }); i < 0 {
		t.Errorf("avoiding: avoided %+v, and not %s", a, slow)
	} else if s := a.Spells[i]; s.Why != results.AvoidedSlow || s.FromNS < 300e6 || s.FromNS > s.TookNS+20e9 || s.TookNS < 550e6 || !s.Still || s.UntilNS < s.FromNS+30e9 || s.Sends < 1 || s.Producer != nil {
		t.Errorf("avoiding: avoided %+v", s)
	}
	if a := cases["hash"].Avoidance; a != nil {
		t.Errorf("hash: avoided %+v", a)
	}
	// Where the machine is so busy that all brokers are slow, there is nothing to spare: about a third is as good.
	most := *rows["random"].SlowShare + 0.05
	if cases["least_in_flight"].Verdict == results.Valid {
		most = *rows["random"].SlowShare / 2
	}
	if row := rows["least_in_flight"]; *row.SlowShare > most {
		t.Errorf("least in flight sent %v to the slow broker, random %v", *row.SlowShare, *rows["random"].SlowShare)
	}
}
