package results

import "testing"

// The network is the limit where its shortest round trip is most of a send, and not where it would be more than all of it.
func TestLimitOfRoundTrip(t *testing.T) {
	for trip, want := range map[int64]string{100: "queueing", 600: "network", 1000: "network", 1001: "queueing"} {
		c := &Case{Transport: &Transport{RoundTripNS: new(int64(600)), RoundTripLeastNS: &trip}}
		c.Service = &Latency{Mean: 1000}
		if l := LimitOf(&Target{}, c, nil, LimitClues{}); l.Kind != want {
			t.Errorf("a round trip of %d ns in a send of 1000: %s, want %s", trip, l.Kind, want)
		}
	}
}

// Through a proxy it may be the proxy that is busy, by settings that no broker has.
func TestLimitThroughProxy(t *testing.T) {
	setting := func(string) string { return "waitTimeMillsInSendQueue" }
	busy := &Case{Measured: Measured{Counts: Counts{Errors: map[string]int64{"SYSTEM_BUSY [TIMEOUT_CLEAN_QUEUE]": 1}}}}
	if l := LimitOf(&Target{Proxy: true}, busy, nil, LimitClues{Setting: setting}); l.Setting != "" || l.Text != "the proxy or a broker behind it is busy [TIMEOUT_CLEAN_QUEUE]" {
		t.Errorf("%+v", l)
	}
	slow, quiet := &Case{Measured: Measured{Service: &Latency{Mean: 5e6}}}, &Case{Measured: Measured{Service: &Latency{Mean: 1e6}}}
	if l := LimitOf(&Target{Proxy: true}, slow, quiet, LimitClues{Setting: setting}); l.Text != "queueing at the proxy or a broker behind it: a send takes 5.00 ms there on average, 1.00 ms without the queue" {
		t.Errorf("%+v", l)
	}
}

// TestLimitOfBrokers: a broker is named where it stands out among several, by its failures, or where sends wait for its send threads each
// time that it is asked.
func TestLimitOfBrokers(t *testing.T) {
	broke := func(causes map[string]int64, brokers int) *Case {
		c := &Case{Brokers: make([]Share, brokers)}
		c.Service, c.Errors, c.Offered = &Latency{Mean: 216e6}, causes, 1000
		for _, n := range causes {
			c.Failed += n
		}
		c.Acknowledged = c.Offered - c.Failed
		return c
	}
	waits := func(broker string, lengths ...int64) (said []BrokerPoint) {
		for _, n := range lengths {
			said = append(said, BrokerPoint{Broker: broker, SendQueue: new(n)}, BrokerPoint{Broker: "silent"})
		}
		return said
	}
	const busy, other = "SYSTEM_BUSY [TIMEOUT_CLEAN_QUEUE]", "connection lost"
	setting := func(reason string) string {
		return map[string]string{"[TIMEOUT_CLEAN_QUEUE]": "waitTimeMillsInSendQueue"}[reason]
	}
	brokers := []Broker{{Name: "b"}, {Name: "c", Settings: map[string]string{"sendMessageThreadPoolNums": "16"}}}
	for name, tt := range map[string]struct {
		c      *Case
		clues  LimitClues
		broker string
		want   string
	}{
		"busy, one of two":    {broke(map[string]int64{busy: 90}, 2), LimitClues{Setting: setting, Failed: map[string]int64{"b": 30, "c": 60}}, "c", "waitTimeMillsInSendQueue on c (c is busy [TIMEOUT_CLEAN_QUEUE])"},
		"busy, both":          {broke(map[string]int64{busy: 90}, 2), LimitClues{Setting: setting, Failed: map[string]int64{"b": 31, "c": 59}}, "", "waitTimeMillsInSendQueue (the broker is busy [TIMEOUT_CLEAN_QUEUE])"},
		"busy, no other":      {broke(map[string]int64{busy: 90}, 1), LimitClues{Setting: setting, Failed: map[string]int64{"c": 90}}, "", "waitTimeMillsInSendQueue (the broker is busy [TIMEOUT_CLEAN_QUEUE])"},
		"busy, no setting":    {broke(map[string]int64{busy: 90}, 3), LimitClues{Failed: map[string]int64{"c": 90}}, "c", "c is busy [TIMEOUT_CLEAN_QUEUE]"},
		"lost":                {broke(map[string]int64{other: 90}, 3), LimitClues{Failed: map[string]int64{"c": 80, "a": 10}}, "c", "errors of c, most of them: connection lost"},
		"lost, nobody knows":  {broke(map[string]int64{other: 90}, 3), LimitClues{}, "", "errors, most of them: connection lost"},
		"threads":             {broke(nil, 2), LimitClues{Said: append(waits("b", 0, 0, 1, 0), waits("c", 0, 36, 38, 38)...)}, "c", "sendMessageThreadPoolNums on c (16, for which 28 sends waited on average): a send takes 216 ms on average, 2.00 ms without the queue"},
		"threads, unknown":    {broke(nil, 2), LimitClues{Said: waits("b", 37, 37, 37)}, "b", "queueing at b, where 37 sends waited on average: a send takes 216 ms on average, 2.00 ms without the queue"},
		"both alike":          {broke(nil, 2), LimitClues{Said: append(waits("b", 20, 20, 20), waits("c", 37, 37, 37)...)}, "", "queueing at the broker: a send takes 216 ms there on average, 2.00 ms without the queue"},
		"a moment":            {broke(nil, 2), LimitClues{Said: waits("c", 0, 0, 99)}, "", "queueing at the broker: a send takes 216 ms there on average, 2.00 ms without the queue"},
		"asked too few times": {broke(nil, 2), LimitClues{Said: waits("c", 9, 99)}, "", "queueing at the broker: a send takes 216 ms there on average, 2.00 ms without the queue"},
		"not permitted":       {broke(nil, 2), LimitClues{Said: []BrokerPoint{{Broker: "c", Unknown: NotPermitted}}}, "", "queueing at the broker: a send takes 216 ms there on average, 2.00 ms without the queue"},
	} {
		quiet := &Case{}
		quiet.Service = &Latency{Mean: 2e6}
		if l := LimitOf(&Target{Brokers: brokers}, tt.c, quiet, tt.clues); l.Text != tt.want || l.Broker != tt.broker {
			t.Errorf("%s: %q of %q, want %q", name, l.Text, l.Broker, tt.want)
		}
	}
}
