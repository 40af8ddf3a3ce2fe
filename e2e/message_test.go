//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"rmqbench/producer"
	"rmqbench/remoting/message"
)

// testCompressions sends bodies compressed in each way, and reads back both what is stored and what it was made of.
func (s *suite) testCompressions(t *testing.T) {
	const topic = "RMQBENCH_E2E_COMPRESSIONS"
	s.create(t, topic, 2)
	for _, kind := range []message.CompressionType{message.ZLIB, message.LZ4, message.ZSTD} {
		t.Run(kind.String(), func(t *testing.T) {
			if kind != message.ZLIB {
				s.since(t, "5.0.0", "compression but zlib")
			}
			p := s.start(t, producer.Options{CompressType: kind, CompressOver: 16, Profile: producer.Java54})
			for _, size := range []int{1000, 5000, 100_000, message.MaxBodyLen} {
				m := &producer.Message{Topic: topic, Body: compressible(size), Keys: []string{fmt.Sprintf("%v-%d", kind, size)}}
				r := s.send(t, p, m)
				if t.Failed() {
					return
				}
				s.readBack(t, m, &r, true)
				raw := s.pull(t, queueID{topic, r.Broker, int(r.QueueID)}, r.QueueOffset, 1, "*")[0]
				if got, err := raw.SysFlag.CompressionType(); err != nil || got != kind || r.WireBytes >= size {
					t.Errorf("%d bytes went as %d of %v, %v; want %v", size, r.WireBytes, got, err, kind)
				}
			}
		})
	}
}

// testBatches sends messages in one request, and finds each where it belongs.
func (s *suite) testBatches(t *testing.T) {
	const topic = "RMQBENCH_E2E_BATCHES"
	s.create(t, topic, 4)
	for json, name := range serializations {
		t.Run(name, func(t *testing.T) {
			p := s.start(t, producer.Options{JSON: json})
			for _, size := range []int{1, 2, 50} {
				var all []*producer.Message
				for i := range size {
					all = append(all, &producer.Message{Topic: topic, Body: fmt.Appendf(nil, "%s %d of %d", name, i, size), Tags: fmt.Sprint("tag-", i%3), Keys: []string{fmt.Sprint(name, "-", i), "batch"},
						Flag: int32(i), Properties: message.Properties{{Key: "größe", Value: fmt.Sprint(i)}}})
				}
				where := producer.MessageQueue{Topic: topic, Broker: s.broker().Name, ID: 3}
				res, err := p.SendBatch(t.Context(), all, producer.To(where))
				if err != nil || res.Status != producer.SendOK || len(res.IDs) != size || len(res.OffsetIDs) != size || res.QueueID != where.ID {
					t.Fatalf("%d messages: %+v, %v", size, res, err)
				}
				for i, m := range all {
					r := res.SendResult
					r.ID, r.OffsetID, r.QueueOffset, r.WireBytes = res.IDs[i], res.OffsetIDs[i], res.QueueOffset+int64(i), len(m.Body)
					s.ledger.acknowledge(topic, &r)
					if s.Version() == "4.9.7" { // it stores the batch's own id over each message's
						r.ID = res.ID
					}
					if i < 3 || i == size-1 {
						s.readBack(t, m, &r, false)
					}
				}
			}
		})
	}
}

// testNamespace sends to a topic of a namespace, which the broker knows by its whole name only.
func (s *suite) testNamespace(t *testing.T) {
	const namespace, topic = "RMQBENCH_NS", "RMQBENCH_E2E_NAMESPACE"
	p := s.start(t, producer.Options{Namespace: namespace})
	if _, err := p.CreateTopic(t.Context(), producer.Topic{Name: topic, Queues: 2}); err != nil {
		t.Fatal(err)
	}
	m := &producer.Message{Topic: topic, Body: []byte("in a namespace"), Keys: []string{"key"}}
	r, err := p.Send(t.Context(), m)
	stored := *m
	stored.Topic, stored.Properties = namespace+"%"+topic, message.Properties{{Key: message.PropertyInstanceID, Value: namespace}}
	s.enter(t, &stored, &r, err)
	if t.Failed() {
		return
	}
	s.readBack(t, &stored, &r, false)
	if got, err := p.ViewMessage(t.Context(), topic, r.OffsetID.String()); err != nil || got.Topic != topic {
		t.Errorf("%+v, %v", got, err)
	}
	if n, err := p.MaxOffset(t.Context(), producer.MessageQueue{Topic: topic, Broker: r.Broker, ID: r.QueueID}); err != nil || n != 1 {
		t.Errorf("max offset %d, %v", n, err)
	}
	if queues, err := p.PublishQueues(t.Context(), topic); err != nil || len(queues) != 2 || queues[0].Topic != topic {
		t.Errorf("%v, %v", queues, err)
	}
}
