package bench

import (
	"fmt"
	"testing"

	"rmqbench/broker"
	"rmqbench/results"
)

func TestWitness(t *testing.T) {
	w := NewWitness()
	cluster, err := broker.Start(broker.Options{Brokers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	const ms = int64(1e6)
	for i := range int64(1_001) { // one a millisecond over two brokers; each tenth comes twice
		a := broker.Arrival{At: w.beganNano + i*ms, Broker: fmt.Sprintf("broker-%d", i%2), Topic: "T", Queue: int32(i % 4), BodyBytes: 100, Stored: 250,
			Unique: fmt.Appendf(nil, "%d", i-i%10/9)}
		w.Arrived(a)
	}
	w.Arrived(broker.Arrival{At: w.beganNano, Broker: "broker-0", Topic: "S", BodyBytes: 7, Stored: 9})
	report := w.Record(Tool{}, cluster, "arrived")
	run := report.Run
	if run.Verdict != results.Valid || len(run.Cases) != 2 || run.Cases[0].Name != "S" {
		t.Fatalf("%s, %v, %d cases", run.Verdict, run.Evidence, len(run.Cases))
	}
	c := run.Cases[1]
	if c.Acknowledged != 1_001 || *c.MessagesPerSecond != 1_000 || *c.BodyBytes != 100_100 || *c.BodyBytesEach != 100 || len(c.Queues) != 4 || len(c.Brokers) != 2 {
		t.Errorf("%d messages, %v/s, %d bytes, %d queues", c.Acknowledged, *c.MessagesPerSecond, *c.BodyBytes, len(c.Queues))
	}
	if a := c.Arrivals; a.Duplicates != 100 || a.StoredBytes != 250_250 || a.Gaps.Count != 1_000 || a.Gaps.Min != ms || a.Gaps.Max != ms {
		t.Errorf("arrivals %+v, gaps %+v", a, a.Gaps)
	}
	if len(report.Histograms) != 2 || report.Histogram("T", "gaps").Count() != 1_000 {
		t.Errorf("histograms %+v", report.Histograms)
	}
}
