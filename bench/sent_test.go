package bench

import (
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestSharesSendOneList: what four shares sent is, send by send, what one run of the same schedule sent: index, key, size and due time,
// and by the hash selectors the queue too, be there keys or not. What was sent is what the schedule says.
func TestSharesSendOneList(t *testing.T) {
	t.Parallel()
	const stages = "stages: [{for: 100ms, rate: 1200/s, warmup: true}, {for: 1s, rate: 1200/s}]"
	for name, of := range map[string]string{
		"keys":            "producer: {selector: hash}\nmessage: {size: {uniform: [10B, 2KiB]}, keys: {distinct: 50}}\nload: {" + stages + "}",
		"no keys, async":  "producer: {selector: consistent_hash}\nload: {mode: async, arrivals: poisson, " + stages + "}",
		"batches":         "producer: {selector: hash}\nload: {mode: batch, batch: 16, " + stages + "}",
		"another chooses": "producer: {selector: round_robin}\nload: {" + stages + "}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := cluster(t, broker.Options{})
			s, err := scenarios.Parse("a.yaml", []byte("version: 1\nname: a\n"+of+"\n"), scenarios.Override{Path: "target.namesrv", Value: cluster.NameServer()})
			if err != nil {
				t.Fatal(err)
			}
			one, err := Run(t.Context(), s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			merged := mergeShares(t, runShares(t, s, 4, func(int) time.Duration { return 0 }))
			a, b := &one.Run.Cases[0], &merged.Run.Cases[0]
			if a.Acknowledged != a.Offered || b.Acknowledged != a.Offered {
				t.Fatalf("acknowledged %d and %d of %d", a.Acknowledged, b.Acknowledged, a.Offered)
			}
			if a.SentHash == nil || *a.SentHash != *b.SentHash || *a.SentHash != plannedHash(t, &s.Cases()[0]) {
				t.Errorf("sent %v in one, %v in shares, planned %v", *a.SentHash, *b.SentHash, plannedHash(t, &s.Cases()[0]))
			}
			for _, q := range a.Queues {
				if q.Acknowledged == 0 {
					t.Errorf("nothing went to queue %d", *q.Queue)
				}
			}
			if name == "another chooses" {
				if a.PlacedHash != nil || b.PlacedHash != nil {
					t.Error("round_robin's queues follow from who asks first, and are no part of a list")
				}
				return
			}
			if a.PlacedHash == nil || *a.PlacedHash != *b.PlacedHash || *a.PlacedHash == *a.SentHash {
				t.Errorf("with their queues: %v in one, %v in shares", a.PlacedHash, b.PlacedHash)
			}
		})
	}
}

// plannedHash is the hash of the measured messages that a case's schedule has.
func plannedHash(t *testing.T, c *scenarios.Case) results.ListHash {
	t.Helper()
	p := planOf(t, c)
	var l sent
	for d := range p.schedule() {
		if !d.Warmup {
			l.add(p, &sample{index: d.Index, due: int64(d.At), size: int32(d.Size), key: p.mould.keyOf(d.Index), kind: int8(p.mould.kindOf(d.Index))})
		}
	}
	return l.sends
}

// TestSentTellsApart: whatever one send differs in, the list is another; their order is no part of it.
func TestSentTellsApart(t *testing.T) {
	p := planOf(t, loadOf(t, "stages: [{for: 1s, rate: 1k/s}]"))
	p.placed = true
	one := []sample{{index: 1, due: 5, size: 10, key: 3, broker: "a", queue: 1}, {index: 2, due: 6, size: 11, key: 4, broker: "b", queue: 0}}
	hash := func(of []sample) (l sent) {
		for i := range of {
			l.add(p, &of[i])
		}
		return l
	}
	if hash(one) != hash([]sample{one[1], one[0]}) {
		t.Error("their order changes it")
	}
	first := hash(one[:1])
	if first.merge(hash(one[1:])); first != hash(one) {
		t.Error("in parts it is another")
	}
	for name, change := range map[string]func(*sample){
		"index": func(s *sample) { s.index = 3 }, "due": func(s *sample) { s.due++ }, "size": func(s *sample) { s.size-- },
		"key": func(s *sample) { s.key = 3 }, "kind": func(s *sample) { s.kind = 1 }, "topic": func(s *sample) { s.topic = 1 },
	} {
		other := []sample{one[0], one[1]}
		if change(&other[1]); hash(other).sends == hash(one).sends {
			t.Errorf("another %s is not seen", name)
		}
	}
	for name, change := range map[string]func(*sample){"broker": func(s *sample) { s.broker = "a" }, "queue": func(s *sample) { s.queue = 2 }} {
		other := []sample{one[0], one[1]}
		if change(&other[1]); hash(other).placed == hash(one).placed || hash(other).sends != hash(one).sends {
			t.Errorf("another %s is not seen, or where it should not be", name)
		}
	}
	if hash(one) == hash(append(one, one[1])) || hash(one) == hash(one[:1]) {
		t.Error("one more or less is not seen")
	}
	if p.open = false; hash(one) != (sent{}) {
		t.Error("a closed loop has a list")
	}
}
