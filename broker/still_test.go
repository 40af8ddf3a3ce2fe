package broker

import (
	"net/netip"
	"testing"
	"time"

	"rmqbench/remoting/message"
)

// still is a broker that nobody can reach, for tests in a bubble of testing/synctest; to be closed there.
func still(t *testing.T, o Options) *Broker {
	t.Helper()
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	ids := message.NewIDSource(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1, idLoader, nil)
	b, err := newBroker(o.withDefaults(), 0, ids)
	if err != nil {
		t.Fatal(err)
	}
	b.where.Store(&place{addr: "127.0.0.1:10911", host: netip.MustParseAddrPort("127.0.0.1:10911")})
	b.up.Store(true)
	b.agenda.rouse()
	return b
}

// take stores a message as a send does that was born now.
func (b *Broker) take(t *testing.T, topic string, queue int32, body string, props ...message.Property) *sending {
	t.Helper()
	s := &sending{}
	s.view.Topic, s.view.DefaultTopic, s.view.DefaultQueueNums, s.view.QueueID = []byte(topic), []byte(message.DefaultTopic), 4, queue
	s.view.BornTimestamp, s.view.Properties = time.Now().UnixMilli(), message.AppendProperties(nil, props)
	s.props.read(s.view.Properties)
	b.mu.Lock()
	defer b.mu.Unlock()
	tp, no := b.target(s, netip.AddrPort{})
	if tp != nil {
		s.record.Body = []byte(body)
		no = b.storeOne(s, tp)
	}
	if no.code != 0 {
		t.Fatalf("send to %s refused: %v %s", topic, no.code, no.remark)
	}
	return s
}

// count is how many messages were ever put into a queue.
func (b *Broker) count(topic string, queue int32) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.topics[topic]; t != nil {
		return t.offsets(queue).max
	}
	return 0
}

// newest is the last message of a queue.
func (b *Broker) newest(t *testing.T, topic string, queue int32) (message.Record, map[string]string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.topics[topic].offsets(queue)
	if q.max == q.min {
		t.Fatalf("nothing in %s %d", topic, queue)
	}
	r, _, ok := b.record(q.at(q.max - 1))
	if !ok {
		t.Fatalf("no record at the end of %s %d", topic, queue)
	}
	return r, message.DecodeProperties(r.EncodedProperties).Map()
}

func prop(key, value string) message.Property { return message.Property{Key: key, Value: value} }
