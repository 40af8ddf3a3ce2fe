package bench

import (
	"testing"

	"rmqbench/broker"
	"rmqbench/scenarios"
)

// TestInstances: clients with connections of their own share a load alike, in each mode, and their connections are added up.
func TestInstances(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	for _, load := range []string{"mode: sync, workers: 6", "mode: async", "mode: oneway", "mode: batch, batch: 4", "mode: request", "mode: sync, stages: [{for: 1h, rate: 3k/s}]"} {
		ca := &parse(t, on(c.NameServer())+"topic: {name: FLEET}\nproducer: {instances: 3, connections: 2}\nload: {count: 1200, "+load+"}")[0]
		targets, err := preflight(t.Context(), []scenarios.Case{*ca}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		st, err := newStand(t.Context(), ca, targets[0], 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		m, err := drive(t.Context(), planOf(t, ca), st.sender, timerWaiter{}, watcher{wire: st.producers.stats})
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := m.record(ca)
		if err != nil {
			t.Fatal(err)
		}
		if out.Successes() != 1200 || out.Transport.Connections != 6 {
			t.Errorf("%s: %+v, %+v", load, out.Counts, out.Transport)
		}
		frames := 1200.0
		switch ca.Load.Mode {
		case scenarios.Batch:
			frames /= 4
		case scenarios.Request: // the broker's push of the reply is acknowledged
			frames *= 2
		}
		for i, p := range st.producers {
			if got := float64(p.Stats().FramesOut); got < 0.75*frames/3 || got > 1.25*frames/3+100 { // heartbeats and routes; workers take turns at the count's end
				t.Errorf("%s: client %d wrote %v frames of %v", load, i, got, frames)
			}
		}
		if sum := st.producers.stats(); sum.Dials < 6 {
			t.Errorf("%s: %d connections made", load, sum.Dials)
		}
		st.close()
	}
}
