package results

import "testing"

// The network is the limit where its shortest round trip is most of a send, and not where it would be more than all of it.
func TestLimitOfRoundTrip(t *testing.T) {
	for trip, want := range map[int64]string{100: "queueing", 600: "network", 1000: "network", 1001: "queueing"} {
		c := &Case{Transport: &Transport{RoundTripNS: new(int64(600)), RoundTripLeastNS: &trip}}
		c.Service = &Latency{Mean: 1000}
		if l := LimitOf(c, nil, nil); l.Kind != want {
			t.Errorf("a round trip of %d ns in a send of 1000: %s, want %s", trip, l.Kind, want)
		}
	}
}
