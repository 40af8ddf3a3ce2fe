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
	"rmqbench/scenarios"
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

// logicalOffsets asks for where static topics' queues end by their numbers in the topic, of the brokers that have them now. They are under the
// names that queues has them by.
func logicalOffsets(ctx context.Context, queues []producer.MessageQueue, routes routeOf, admin *producer.Admin) (offsets, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyWithin)
	defer cancel()
	at := offsets{}
	known := map[string]*message.Route{}
	for _, q := range queues {
		r, err := known[q.Topic], error(nil)
		if r == nil {
			if r, err = routes(ctx, q.Topic); err != nil {
				return nil, fmt.Errorf("topic %s: %w", q.Topic, err)
			}
			known[q.Topic] = r
		}
		now := queuesOf(q.Topic, r)
		i := slices.IndexFunc(now, func(now producer.MessageQueue) bool { return now.ID == q.ID })
		if i < 0 || r.MasterAddr(now[i].Broker) == "" {
			return nil, fmt.Errorf("topic %s, queue %d: no broker has it now", q.Topic, q.ID)
		}
		if at[q], err = admin.MaxOffset(ctx, r.MasterAddr(now[i].Broker), q.Topic, int(q.ID)); err != nil {
			return nil, fmt.Errorf("topic %s, queue %d, broker %s: %w", q.Topic, q.ID, now[i].Broker, err)
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

// countedWithin is how long a broker may take to count a message in that it has acknowledged: it answers first.
const countedWithin = 3 * time.Second

// routeOf gives a topic's route as it is now.
type routeOf func(ctx context.Context, topic string) (*message.Route, error)

// verification compares what the brokers have with what was acknowledged, as the case asks.
type verification struct {
	kind       scenarios.Verify
	admin      *producer.Admin
	routes     routeOf
	queues     []producer.MessageQueue // of all topics but static ones
	logical    []producer.MessageQueue // of static ones (5.x), by the brokers that had them when the case began
	proxied    []producer.MessageQueue // through a proxy, all
	brokers    []results.Broker
	before     offsets
	unverified error
}

// beginVerification looks at the queues before the case; nil: nobody asked.
func beginVerification(ctx context.Context, c *scenarios.Case, admin *producer.Admin, st *stand) *verification {
	if c.Verify == "" {
		return nil
	}
	v := &verification{kind: c.Verify, admin: admin, routes: admin.Route, brokers: st.target.record.Brokers}
	if st.record.Proxy {
		v.proxied = st.queues
		v.before, v.unverified = v.read(ctx)
		return v
	}
	static := staticTopics(c, st.routes)
	for _, q := range st.queues {
		if slices.Contains(static, q.Topic) {
			v.logical = append(v.logical, q)
		} else {
			v.queues = append(v.queues, q)
		}
	}
	v.before, v.unverified = v.read(ctx)
	return v
}

// read asks for where all queues end.
func (v *verification) read(ctx context.Context) (offsets, error) {
	if len(v.proxied) > 0 {
		return proxiedOffsets(ctx, v.proxied, v.routes, v.admin)
	}
	at, err := readOffsets(ctx, v.admin, v.queues, v.brokers)
	if err != nil {
		return nil, err
	}
	logical, err := logicalOffsets(ctx, v.logical, v.routes, v.admin)
	maps.Copy(at, logical)
	return at, err
}

// end looks at them after it, and reads them if that was asked.
func (v *verification) end(ctx context.Context, m *measurement) *results.Verification {
	found, after := v.compare(ctx, m.ledger.acknowledged(), m.mayBeStored())
	switch {
	case v.unverified != nil || v.kind != scenarios.VerifyBodies:
	case len(v.logical) > 0:
		found.Unverified = fmt.Sprintf("topic %s is a static one: its messages are counted, and not read back", v.logical[0].Topic)
	default:
		var err error
		if found.Bodies, err = m.readBodies(ctx, v.admin, v.before, after, v.brokers); err != nil {
			found.Unverified = err.Error()
		}
	}
	return found
}

// compare looks at the queues until all that was acknowledged is there, or countedWithin has passed.
func (v *verification) compare(ctx context.Context, acknowledged offsets, mayBe int64) (found *results.Verification, after offsets) {
	acknowledged = v.asBegun(acknowledged)
	for until := time.Now().Add(countedWithin); v.unverified == nil; waitUntil(ctx, time.Now().Add(100*time.Millisecond)) {
		if after, v.unverified = v.read(ctx); v.unverified != nil {
			break
		}
		found = verify(v.before, after, acknowledged, mayBe)
		if len(v.proxied) > 0 {
			nameless(found.Lacking, after, v.proxied[0].Topic)
		}
		if found.Missing == 0 || time.Now().After(until) || ctx.Err() != nil {
			return found, after
		}
	}
	return &results.Verification{Unverified: v.unverified.Error()}, nil
}

// asBegun gives what was acknowledged of static topics the names that their queues had when the case began: sends say which broker had one
// then.
func (v *verification) asBegun(acknowledged offsets) offsets {
	begun := offsets{}
	for q, n := range acknowledged {
		if i := slices.IndexFunc(v.logical, func(l producer.MessageQueue) bool { return l.Topic == q.Topic && l.ID == q.ID }); i >= 0 {
			q = v.logical[i]
		}
		begun[q] += n
	}
	return begun
}
