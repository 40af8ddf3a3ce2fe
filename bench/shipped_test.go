package bench

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"rmqbench/scenarios"
)

// times are the lengths in a scenario's text.
var times = regexp.MustCompile(`\b(for|at|every|burst|sine|delay): ([0-9]+(?:ms|s|m|h))\b`)

// shortened gives a scenario's text with all its times in one proportion, so that none is longer than longest.
func shortened(t *testing.T, text []byte, longest time.Duration) []byte {
	t.Helper()
	length := func(s []byte) time.Duration {
		d, err := scenarios.ParseDuration(string(s))
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(d)
	}
	most := longest
	for _, m := range times.FindAllSubmatch(text, -1) {
		most = max(most, length(m[2]))
	}
	return times.ReplaceAllFunc(text, func(found []byte) []byte {
		m := times.FindSubmatch(found)
		return fmt.Appendf(nil, "%s: %dus", m[1], max(length(m[2])*longest/most, time.Millisecond)/time.Microsecond)
	})
}

// Every scenario that is shipped runs, in short times and one round, on the embedded broker: each case sends, the record is sound,
// and what is acknowledged is stored. What it measures in so short a time says nothing. A machine with much else to do may give
// 1,024 workers no turn in that time: the scenario has then ten times as long.
func TestShipped(t *testing.T) {
	t.Parallel()
	for _, info := range scenarios.Shipped() {
		t.Run(info.Name, func(t *testing.T) {
			text, err := scenarios.Source(info.Name)
			if err != nil {
				t.Fatal(err)
			}
			var silent []string
			for _, longest := range []time.Duration{50 * time.Millisecond, 500 * time.Millisecond, 5 * time.Second} {
				s, err := scenarios.Parse(info.Name+".yaml", shortened(t, text, longest))
				if err != nil {
					t.Fatal(err)
				}
				if silent = shipped(t, s); len(silent) == 0 {
					return
				}
			}
			t.Errorf("nothing was sent by %v", silent)
		})
	}
}

// shipped runs a scenario once, and gives the cases that sent nothing.
func shipped(t *testing.T, s *scenarios.Scenario) (silent []string) {
	t.Helper()
	s.Repeat = 0
	report, err := Run(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	if len(report.Run.Lost) > 0 || len(report.Run.Cases) != len(s.Cases()) {
		t.Errorf("lost %v, %d of %d cases", report.Run.Lost, len(report.Run.Cases), len(s.Cases()))
	}
	for i := range report.Run.Cases {
		c := &report.Run.Cases[i]
		sent := c.Successes()
		if c.Warmup != nil { // large messages may take all of the time for the first
			sent += c.Warmup.Successes()
		}
		if c.CutShort != "" {
			t.Errorf("%s: %+v, cut short %q", c.Name, c.Counts, c.CutShort)
		}
		if c.Verify != nil && c.Verify.Missing != 0 {
			t.Errorf("%s: %+v", c.Name, c.Verify)
		}
		if sent == 0 {
			silent = append(silent, c.Name)
		}
	}
	return silent
}
