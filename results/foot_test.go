package results

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// What many cases have in common the foot of a table tells once, with the worst of it; what few have, one by one.
func TestFootIsFolded(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := &Run{}
	for i := range 10 {
		c := Case{Name: fmt.Sprintf("case %d", i)}
		if i < 8 {
			c.Evidence = append(c.Evidence, Evidence{Code: "cpu_waited", Verdict: Suspect, Value: new(float64(i % 5)), Text: fmt.Sprintf("something waited, %d", i%5)})
		}
		if i > 7 {
			c.Evidence = append(c.Evidence, Evidence{Code: "missed_slots", Verdict: GeneratorLimited, Value: new(0.1), Text: "slots were missed"})
		}
		if i < 3 {
			c.Evidence = append(c.Evidence, Evidence{Code: "event", Verdict: Partial, Text: "an event did not happen"})
		}
		r.Cases = append(r.Cases, c)
		for range 3 {
			r.Outages = append(r.Outages, Outage{Case: c.Name, Broker: "broker-1", BeganAt: at, FirstSuccessNS: new(int64(i+1) * int64(time.Millisecond)), Refused: 2})
		}
		r.RouteChanges = append(r.RouteChanges, RouteChange{Case: c.Name, What: QueuesNew, Broker: "a", At: at, Queues: 4})
	}
	r.Outages = append(r.Outages, Outage{Case: "case 1", Broker: "broker-1", BeganAt: at, Failed: 1}, Outage{Case: "case 1", BeganAt: at, Failed: 5})
	r.RouteChanges = append(r.RouteChanges, RouteChange{Case: "case 9", What: BrokerGone, Broker: "a", At: at})
	for name, tt := range map[string]struct{ got, want []string }{
		"evidence": {evidenceLines(r), []string{
			"SUSPECT 8 of 10 cases, the worst case 4: something waited, 4",
			"PARTIAL 3 of 10 cases, such as case 0: an event did not happen",
			"GENERATOR_LIMITED case 8: slots were missed",
			"GENERATOR_LIMITED case 9: slots were missed",
		}},
		"outages": {outageLines(r), []string{
			"31 outages of broker-1 in 10 cases, the longest until the first success after 10.0 ms, 1 without one; meanwhile refused 60, ambiguous 0, failed 1",
			"case 1: outage of any broker from 12:00:00.000Z on, no send succeeded again; meanwhile refused 0, ambiguous 0, failed 5",
		}},
		"routes": {eventLines(r), []string{
			"route, 10 times, first in case 0 at 12:00:00.000Z: a: 4 queues more",
			"case 9: route at 12:00:00.000Z: a is gone",
		}},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, tt.got, tt.want)
		}
	}
}
