package bench

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
)

// verifyWithin bounds each of the two looks at the queues.
const verifyWithin = 10 * time.Second

// offsets are where the queues of a case's topics end.
type offsets map[producer.MessageQueue]int64

// readOffsets asks every broker that has queues of the topics.
func readOffsets(ctx context.Context, admin *producer.Admin, queues []producer.MessageQueue, brokers []results.Broker) (offsets, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyWithin)
	defer cancel()
	type share struct{ topic, broker string }
	has := map[share]bool{}
	at := offsets{}
	for _, q := range queues {
		s := share{q.Topic, q.Broker}
		if has[s] {
			continue
		}
		has[s] = true
		i := slices.IndexFunc(brokers, func(b results.Broker) bool { return b.Name == q.Broker })
		if i < 0 {
			return nil, fmt.Errorf("broker %s: its address isn't known", q.Broker)
		}
		stats, err := admin.TopicStats(ctx, brokers[i].Addr, q.Topic)
		if err != nil {
			return nil, fmt.Errorf("topic %s, broker %s: %w", q.Topic, q.Broker, err)
		}
		for _, s := range stats.Queues {
			at[producer.MessageQueue{Topic: q.Topic, Broker: q.Broker, ID: int32(s.Queue)}] = s.MaxOffset
		}
	}
	return at, nil
}

// verify compares what the queues grew by with what was acknowledged; mayBe are the sends of which it isn't known.
func verify(before, after, acknowledged offsets, mayBe int64) *results.Verification {
	v := &results.Verification{MayBeStored: mayBe}
	var beyond int64
	queues := sortedQueues(before, after, acknowledged)
	several := slices.ContainsFunc(queues, func(q producer.MessageQueue) bool { return q.Topic != queues[0].Topic })
	for _, q := range queues {
		stored, known := after[q]-before[q], acknowledged[q]
		v.Stored += stored
		v.Acknowledged += known
		if stored >= known {
			beyond += stored - known
			continue
		}
		v.Missing += known - stored
		lacking := results.LackingQueue{Broker: q.Broker, Queue: int(q.ID), Stored: stored, Acknowledged: known}
		if several {
			lacking.Topic = q.Topic
		}
		v.Lacking = append(v.Lacking, lacking)
	}
	v.Unexplained = max(beyond-mayBe, 0)
	return v
}

// sortedQueues are all that any of these knows, by topic, broker and number.
func sortedQueues(all ...offsets) []producer.MessageQueue {
	known := map[producer.MessageQueue]bool{}
	for _, at := range all {
		for q := range at {
			known[q] = true
		}
	}
	return slices.SortedFunc(maps.Keys(known), func(a, b producer.MessageQueue) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.ID, b.ID))
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
