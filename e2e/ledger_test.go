//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"rmqbench/producer"
	"rmqbench/remoting/message"
)

// queueID names one queue of one topic on one broker.
type queueID struct {
	topic, broker string
	id            int
}

func (q queueID) String() string { return fmt.Sprintf("%s %s:%d", q.topic, q.broker, q.id) }

// ledger is what brokers said they stored, to be held against what they hold. Its topics belong to one new cluster,
// so every queue starts at offset 0.
type ledger struct {
	mu      sync.Mutex                             // protects following
	acked   map[queueID]map[int64]message.UniqueID // by queue offset
	ids     map[message.UniqueID]queueID           // where each of them is
	apart   map[string]int64                       // by topic: acknowledged, but on which queue isn't known
	written map[string]int64                       // by topic: may be stored
	faults  []string                               // what can't be, whatever the brokers hold
}

func newLedger() *ledger {
	return &ledger{acked: map[queueID]map[int64]message.UniqueID{}, ids: map[message.UniqueID]queueID{}, apart: map[string]int64{}, written: map[string]int64{}}
}

// acknowledge enters a message that was answered SEND_OK.
func (l *ledger) acknowledge(topic string, r *producer.SendResult) {
	q := queueID{topic, r.Broker, int(r.QueueID)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acked[q] == nil {
		l.acked[q] = map[int64]message.UniqueID{}
	}
	if other, taken := l.acked[q][r.QueueOffset]; taken || r.QueueOffset < 0 {
		l.faults = append(l.faults, fmt.Sprintf("%v: offset %d was given to %v, and before to %q", q, r.QueueOffset, r.ID, other))
	}
	if other, taken := l.ids[r.ID]; taken {
		l.faults = append(l.faults, fmt.Sprintf("%v: id %v was used before, in %v", q, r.ID, other))
	}
	l.acked[q][r.QueueOffset], l.ids[r.ID] = r.ID, q
}

// acknowledgeApart enters n acknowledged messages of which only the topic is known.
func (l *ledger) acknowledgeApart(topic string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apart[topic] += n
}

// write enters n messages that may be stored: sent oneway, or not answered.
func (l *ledger) write(topic string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written[topic] += n
}

// topics lists all topics that something was entered for.
func (l *ledger) topics() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var topics []string
	for q := range l.acked {
		topics = append(topics, q.topic)
	}
	for _, byTopic := range []map[string]int64{l.apart, l.written} {
		for topic := range byTopic {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// balance holds the ledger against the max offset of every queue. Missing is how many messages are still to be seen if
// all that was written is stored, lost how many of those were acknowledged. Faults no further message can mend.
func (l *ledger) balance(offsets map[queueID]int64) (missing, lost int64, faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	faults = slices.Clone(l.faults)
	extra := map[string]int64{} // by topic: stored beyond what is known to be acknowledged on the queue
	for q, most := range offsets {
		extra[q.topic] += max(most-int64(len(l.acked[q])), 0)
	}
	for q, acked := range l.acked {
		most, ok := offsets[q]
		if !ok {
			faults = append(faults, fmt.Sprintf("%v: %d messages were acknowledged on a queue that no route has", q, len(acked)))
			continue
		}
		need := int64(len(acked))
		for offset := range acked {
			need = max(need, offset+1)
		}
		lost += max(need-most, 0)
	}
	for _, by := range []map[string]int64{l.apart, l.written} {
		for topic := range by {
			extra[topic] += 0 // also of topics without any queue
		}
	}
	for topic, n := range extra {
		least, most := l.apart[topic], l.apart[topic]+l.written[topic]
		if n > most {
			faults = append(faults, fmt.Sprintf("%s: %d messages stored beyond those acknowledged on their queues, want %d to %d", topic, n, least, most))
		}
		lost += max(least-n, 0)
		missing += max(most-max(n, least), 0)
	}
	return missing + lost, lost, faults
}

// TestLedger checks that the ledger finds what it is there to find.
func TestLedger(t *testing.T) {
	const topic = "T"
	q := queueID{topic, "b", 0}
	source := message.NewIDSource(netip.Addr{}, 1, 1, nil)
	ids := []message.UniqueID{source.Next(), source.Next()}
	for name, tt := range map[string]struct {
		acked          map[int64]int // offsets to ids
		apart, written int64
		stored         int64
		missing, lost  int64
		faults         int
	}{
		"all there":           {acked: map[int64]int{0: 0, 1: 1}, stored: 2},
		"one lost":            {acked: map[int64]int{0: 0, 1: 1}, stored: 1, missing: 1, lost: 1},
		"one too many":        {acked: map[int64]int{0: 0, 1: 1}, stored: 3, faults: 1},
		"a hole":              {acked: map[int64]int{0: 0, 2: 1}, stored: 3, faults: 1},
		"below the first":     {acked: map[int64]int{-1: 0}, stored: 1, faults: 1},
		"an id twice":         {acked: map[int64]int{0: 0, 1: 0}, stored: 2, faults: 1},
		"oneway, none stored": {written: 3, missing: 3},
		"oneway, some stored": {written: 3, stored: 2, missing: 1},
		"oneway, one more":    {written: 3, stored: 4, faults: 1},
		"apart, all there":    {apart: 3, stored: 3},
		"apart, one lost":     {apart: 3, stored: 2, missing: 1, lost: 1},
		"apart, one too many": {apart: 3, stored: 4, faults: 1},
		"mixed":               {acked: map[int64]int{3: 0}, apart: 2, written: 2, stored: 4, missing: 1},
	} {
		l := newLedger()
		for offset, id := range tt.acked {
			l.acknowledge(topic, &producer.SendResult{ID: ids[id], Broker: q.broker, QueueOffset: offset})
		}
		l.acknowledgeApart(topic, tt.apart)
		l.write(topic, tt.written)
		missing, lost, faults := l.balance(map[queueID]int64{q: tt.stored})
		if missing != tt.missing || lost != tt.lost || len(faults) != tt.faults {
			t.Errorf("%s: %d missing, %d lost, %q; want %d, %d and %d faults", name, missing, lost, faults, tt.missing, tt.lost, tt.faults)
		}
	}
}
