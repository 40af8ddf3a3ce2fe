package bench

import (
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/scenarios"
)

// TestOneBrokerOnly: what is sent to broker-1 alone is stored there, and the record names no other.
func TestOneBrokerOnly(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 3})
	load := on(c.NameServer()) + "topic: {name: T, queues_per_broker: 2}\nload: {count: 300, workers: 4}\n"
	s, err := scenarios.Parse("test.yaml", []byte("version: 1\nname: test\n"+load), scenarios.Override{Path: "target.brokers", Value: "broker-1", Source: "-b"})
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	target := &report.Run.Target
	if report.Run.Cases[0].Acknowledged != 300 || len(target.Brokers) != 1 || target.Brokers[0].Name != "broker-1" || *target.Queues != 2 {
		t.Errorf("%+v, %+v", report.Run.Cases[0].Counts, target)
	}
	for _, b := range c.Brokers() {
		var n int64
		for _, q := range b.Stored() {
			if q.Topic == "T" {
				n += q.Max
			}
		}
		if want := map[string]int64{"broker-1": 300}[b.Name()]; n != want {
			t.Errorf("%s has %d, want %d", b.Name(), n, want)
		}
	}
	for _, text := range []string{
		strings.Replace(load, "target: {", "target: {brokers: [broker-7], ", 1),
		"target: {embedded: {brokers: 2}, brokers: [broker-7, broker-0]}\nload: {count: 1}\n",
	} {
		if _, err := Run(t.Context(), scenario(t, text), Options{}); !isDanger(err) || !strings.Contains(err.Error(), `no broker "broker-7" with a master here: there are broker-0, broker-1`) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
