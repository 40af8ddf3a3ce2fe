package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/results"
)

// TestQueuesAreCounted: a fake that sends every fourth message to one queue of three, and none to a fourth.
func TestQueuesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = time.Millisecond
		f.answer = func(n int64) (producer.SendResult, error) {
			res := producer.SendResult{Attempts: 1, Broker: "b", QueueID: int32(max(n%4, 1) - 1)} // 0 gets two of four
			if res.QueueID == 2 {
				time.Sleep(time.Millisecond)
			}
			if n%100 == 0 {
				return res, &producer.SendError{Broker: "b", Attempts: 1, Err: errDrained}
			}
			return res, nil
		}
		c := loadOf(t, "workers: 4, count: 40000, stages: [{for: 100ms, warmup: true}, {for: 1h}]")
		m := measure(t.Context(), t, c, f)
		topic := m.plan.mould.topics[0]
		m.queues = []producer.MessageQueue{{Topic: topic, Broker: "b", ID: 0}, {Topic: topic, Broker: "b", ID: 3}, {Topic: topic, Broker: "a", ID: 0}}
		out, _, err := m.measurement.record(c)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, q := range out.Queues {
			got = append(got, fmt.Sprintf("%s:%d", q.Broker, *q.Queue))
		}
		if want := []string{"a:0", "b:0", "b:1", "b:2", "b:3"}; !slices.Equal(got, want) {
			t.Fatalf("queues %v, want %v", got, want)
		}
		near(t, "b:0", out.Queues[1].Acknowledged, 19_600, 0.02)
		near(t, "b:2", out.Queues[3].Acknowledged, 10_000, 0.02)
		if p99 := out.Queues[1].P99NS; p99 == nil {
			t.Error("no p99 of 19,600 sends")
		} else {
			near(t, "p99", time.Duration(*p99), time.Millisecond, 0.001)
		}
		if b := out.Brokers; len(b) != 2 || b[1].Queue != nil || b[1].Acknowledged != out.Acknowledged || *b[1].P99NS < 2e6*999/1000 {
			t.Errorf("brokers %+v", b)
		}
		for i, want := range []time.Duration{0, time.Millisecond, time.Millisecond, 2 * time.Millisecond} {
			if q := out.Queues[i]; (q.ServiceMeanNS == nil) != (want == 0) || want > 0 && (time.Duration(*q.ServiceMeanNS) != want || *q.DelayMeanNS != 0) {
				t.Errorf("%s:%d: service %v, delay %v, want %v", q.Broker, *q.Queue, q.ServiceMeanNS, q.DelayMeanNS, want)
			}
		}
		if b := out.Brokers[1]; b.ServiceMeanNS == nil || time.Duration(*b.ServiceMeanNS) < 1200*time.Microsecond || time.Duration(*b.ServiceMeanNS) > 1300*time.Microsecond {
			t.Errorf("b: service %v", b.ServiceMeanNS)
		}
		near(t, "hottest over mean", out.Skew.MaxOverMean, 2.5, 0.03)
		run := &results.Run{Cases: []results.Case{out}}
		results.Judge(run)
		wantSums(t, run)
	})
}

// TestRoundRobinIsEven: the real producer spreads over all queues of two brokers.
func TestRoundRobinIsEven(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: T, queues_per_broker: 4}\nload: {workers: 8, count: 8000}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	got := &report.Run.Cases[0]
	if len(got.Queues) != 8 || len(got.Brokers) != 2 || got.Skew == nil || got.Skew.MaxOverMean > 1.01 || got.Skew.Gini > 0.01 || *got.Skew.Chi2P < 0.9 {
		t.Errorf("%+v, skew %+v", got.Queues, got.Skew)
	}
}

// TestBatches: however long a case is, its batches hold every send in order of time, and are few.
func TestBatches(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var l ledger
	var n int64
	for at := int64(0); at < 86_400e9; at += random.Int64N(4e9) {
		l.batchAt(at).Record(at)
		n++
	}
	if len(l.batches) > mostBatches || len(l.batches) < mostBatches/2 {
		t.Errorf("%d batches", len(l.batches))
	}
	var sum, last int64
	for _, b := range l.batches {
		sum += b.Count()
		if b.Quantile(0) < last {
			t.Error("batches out of order")
		}
		last = b.Quantile(0)
	}
	if sum != n {
		t.Errorf("%d of %d sends in the batches", sum, n)
	}
}
