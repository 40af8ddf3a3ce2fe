package bench

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// verifyWithin bounds each of the two looks at the queues.
const verifyWithin = 10 * time.Second

// offsets are where the queues of a topic end.
type offsets map[message.Queue]int64

// readOffsets asks every broker that has queues of the topic.
func readOffsets(ctx context.Context, admin *producer.Admin, topic string, queues []message.Queue, brokers []results.Broker) (offsets, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyWithin)
	defer cancel()
	has := map[string]bool{}
	for _, q := range queues {
		has[q.Broker] = true
	}
	at := offsets{}
	for _, b := range brokers {
		if !has[b.Name] {
			continue
		}
		stats, err := admin.TopicStats(ctx, b.Addr, topic)
		if err != nil {
			return nil, fmt.Errorf("broker %s: %w", b.Name, err)
		}
		for _, q := range stats.Queues {
			at[message.Queue{Broker: b.Name, ID: q.Queue}] = q.MaxOffset
		}
		delete(has, b.Name)
	}
	for name := range has {
		return nil, fmt.Errorf("broker %s: its address isn't known", name)
	}
	return at, nil
}

// verify compares what the queues grew by with what was acknowledged; mayBe are the sends of which it isn't known.
func verify(before, after, acknowledged offsets, mayBe int64) *results.Verification {
	v := &results.Verification{MayBeStored: mayBe}
	var beyond int64
	for _, q := range sortedQueues(before, after, acknowledged) {
		stored, known := after[q]-before[q], acknowledged[q]
		v.Stored += stored
		v.Acknowledged += known
		if stored >= known {
			beyond += stored - known
			continue
		}
		v.Missing += known - stored
		v.Lacking = append(v.Lacking, results.LackingQueue{Broker: q.Broker, Queue: q.ID, Stored: stored, Acknowledged: known})
	}
	v.Unexplained = max(beyond-mayBe, 0)
	return v
}

// sortedQueues are all that any of these knows, by broker and number.
func sortedQueues(all ...offsets) []message.Queue {
	known := map[message.Queue]bool{}
	for _, at := range all {
		for q := range at {
			known[q] = true
		}
	}
	return slices.SortedFunc(maps.Keys(known), func(a, b message.Queue) int {
		return cmp.Or(cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.ID, b.ID))
	})
}

// mayBeStored counts the sends, and attempts, that brokers may have stored without acknowledging them; it needs m's tallies.
func (m *measurement) mayBeStored() int64 {
	var n int64
	for i := range m.tallies {
		t := &m.tallies[i]
		n += t.counts.Weak + t.counts.Written + t.counts.Ambiguous + t.ambiguous
	}
	return n
}
