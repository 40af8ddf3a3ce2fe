//go:build e2e

package e2e

import (
	"testing"
	"time"

	"rmqbench/bench"
	"rmqbench/scenarios"
)

// A broker is frozen for ten seconds under 1,000 messages a second, more than its socket has room for, and goes on: every send is
// answered once, over the connection that there was, and the percentiles hide none of the stall.
func TestR02_FrozenBroker(t *testing.T) {
	const stall, length, rate = 10 * time.Second, 30 * time.Second, 1000
	c := startFor(t, latest(), WithBrokerSetting("waitTimeMillsInSendQueue", "30000"))
	s := newSuiteOn(t, c)
	s.create(t, "RMQBENCH_E2E_FROZEN", 4)
	frozen := make(chan struct{})
	began := false
	watch := bench.Options{Progress: func(p bench.Progress) {
		if p.Ended < 5*rate || began {
			return
		}
		began = true
		go func() {
			defer close(frozen)
			if err := c.Stop(0); err != nil {
				t.Error(err)
			}
			time.Sleep(stall)
			if err := c.Cont(0); err != nil {
				t.Error(err)
			}
		}()
	}}
	run, err := s.run(t.Context(), t, "RMQBENCH_E2E_FROZEN", watch,
		scenarios.Override{Path: "load.mode", Value: "async"}, scenarios.Override{Path: "load.in_flight", Value: "14000"},
		scenarios.Override{Path: "load.rate", Value: "1000/s"}, scenarios.Override{Path: "load.duration", Value: length.String()})
	if err != nil {
		t.Fatal(err)
	}
	<-frozen
	r := &run.Cases[0]
	if r.Offered != int64(rate*length.Seconds()) || r.Acknowledged != r.Offered || r.Transport.StrayReplies != 0 {
		t.Errorf("%+v, %d stray replies", r.Counts, r.Transport.StrayReplies)
	}
	if r.Transport.Dials != 0 {
		t.Errorf("%d connections were made anew", r.Transport.Dials)
	}
	// Of a constant rate over length, the share stall/length waits, evenly from nothing to stall.
	for _, q := range []struct {
		at  float64
		got *int64
	}{{0.90, r.Response.P90}, {0.99, r.Response.P99}} {
		want := float64(stall) - (1-q.at)*float64(length)
		if q.got == nil {
			t.Fatalf("no p%v", q.at)
		}
		t.Logf("p%v: %v, arithmetic says %v", 100*q.at, time.Duration(*q.got), time.Duration(want))
		// Never less: that would be a stall that is hidden. More by what the broker needs to catch up, which isn't ours; how exact the
		// percentiles are is TestR02_R58_StallIsSeen's, in virtual time.
		if got := float64(*q.got); got < 0.98*want || got > want+float64(stall) {
			t.Errorf("p%v is %v", 100*q.at, time.Duration(*q.got))
		}
	}
}
