package results

import "testing"

// The network is the limit where its shortest round trip is most of a send, and not where it would be more than all of it.
func TestLimitOfRoundTrip(t *testing.T) {
	for trip, want := range map[int64]string{100: "queueing", 600: "network", 1000: "network", 1001: "queueing"} {
		c := &Case{Transport: &Transport{RoundTripNS: new(int64(600)), RoundTripLeastNS: &trip}}
		c.Service = &Latency{Mean: 1000}
		if l := LimitOf(&Target{}, c, nil, nil); l.Kind != want {
			t.Errorf("a round trip of %d ns in a send of 1000: %s, want %s", trip, l.Kind, want)
		}
	}
}

// Through a proxy it may be the proxy that is busy, by settings that no broker has.
func TestLimitThroughProxy(t *testing.T) {
	setting := func(string) string { return "waitTimeMillsInSendQueue" }
	busy := &Case{Measured: Measured{Counts: Counts{Errors: map[string]int64{"SYSTEM_BUSY [TIMEOUT_CLEAN_QUEUE]": 1}}}}
	if l := LimitOf(&Target{Proxy: true}, busy, nil, setting); l.Setting != "" || l.Text != "the proxy or a broker behind it is busy [TIMEOUT_CLEAN_QUEUE]" {
		t.Errorf("%+v", l)
	}
	slow, quiet := &Case{Measured: Measured{Service: &Latency{Mean: 5e6}}}, &Case{Measured: Measured{Service: &Latency{Mean: 1e6}}}
	if l := LimitOf(&Target{Proxy: true}, slow, quiet, setting); l.Text != "queueing at the proxy or a broker behind it: a send takes 5.00 ms there on average, 1.00 ms without the queue" {
		t.Errorf("%+v", l)
	}
}
