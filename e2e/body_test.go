//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// incompressible returns n bytes in which no compression finds anything, always the same.
func incompressible(n int) []byte {
	body := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(body) // never fails
	return body
}

// compressible returns n bytes of lines that compression makes a tenth of.
func compressible(n int) []byte {
	body := make([]byte, 0, n+64)
	for i := 0; len(body) < n; i++ {
		body = fmt.Appendf(body, "%d bottles of beer on the wall\n", i)
	}
	return body[:n]
}

// countsRecords says whether a broker of the suite's version limits the whole record to 4 MiB, and not just the body.
func (s *suite) countsRecords() bool { return s.Version() == "4.5.1" }

// testBodies sends bodies of every size, as they are and compressed, and reads them back.
func (s *suite) testBodies(t *testing.T) {
	const topic, threshold = "RMQBENCH_E2E_BODIES", 4096
	s.create(t, topic, 4)
	for json, name := range serializations {
		plain := s.start(t, producer.Options{JSON: json, CompressOver: -1})
		packing := s.start(t, producer.Options{JSON: json})

		for _, size := range []int{0, message.MaxBodyLen + 1} {
			t.Run(fmt.Sprintf("%s refuses %d", name, size), func(t *testing.T) {
				r, err := plain.Send(t.Context(), &producer.Message{Topic: topic, Body: make([]byte, size)})
				se, ok := errors.AsType[*producer.SendError](err)
				if _, size := errors.AsType[*message.BodySizeError](err); !ok || !size || se.Attempts != 0 || r.Attempts != 0 {
					t.Errorf("want a *BodySizeError and no attempt, got %v after %d", err, r.Attempts)
				}
			})
		}
		for _, size := range []int{1, 4 << 10, 1 << 20, 4 << 20} {
			whole := size == message.MaxBodyLen
			t.Run(fmt.Sprintf("%s incompressible %d", name, size), func(t *testing.T) {
				s.testBody(t, plain, &producer.Message{Topic: topic, Body: incompressible(size)}, false, whole && s.countsRecords())
			})
			t.Run(fmt.Sprintf("%s compressible %d", name, size), func(t *testing.T) {
				s.testBody(t, packing, &producer.Message{Topic: topic, Body: compressible(size)}, size >= threshold, false)
			})
			t.Run(fmt.Sprintf("%s incompressible %d not compressed", name, size), func(t *testing.T) {
				// Compression would make the body longer: it goes as it is, so that a whole one is not too large.
				s.testBody(t, packing, &producer.Message{Topic: topic, Body: incompressible(size)}, false, whole && s.countsRecords())
			})
		}
	}
}

// testBody sends a message that is stored, and reads it back, or that the broker refuses as too large.
func (s *suite) testBody(t *testing.T, p *producer.Producer, m *producer.Message, compressed, refused bool) {
	if !refused {
		r := s.send(t, p, m)
		if !t.Failed() {
			s.readBack(t, m, &r, compressed)
		}
		return
	}
	r, err := p.Send(t.Context(), m)
	if !isRefusal(err, remoting.MessageIllegal) || r.Attempts != 1 {
		t.Errorf("%d bytes: want refusal %v, got %v after %d attempts", r.WireBytes, remoting.MessageIllegal, err, r.Attempts)
	}
	if err == nil {
		s.ledger.acknowledge(m.Topic, &r)
	}
}

// testProperties sends a message with all that goes with a body, and finds it by each of its names.
func (s *suite) testProperties(t *testing.T) {
	const topic = "RMQBENCH_E2E_PROPERTIES"
	s.create(t, topic, 2)
	for json, name := range serializations {
		t.Run(name, func(t *testing.T) {
			p := s.start(t, producer.Options{JSON: json})
			m := &producer.Message{Topic: topic, Body: compressible(5000), Tags: "tag-" + name, Keys: []string{"key-" + name, "other-" + name},
				Flag: -7, NoWaitStore: true, ShardingKey: "sharding-" + name, BuyerID: "buyer", Properties: message.Properties{
					{Key: "größe", Value: "日本語 🚀"}, {Key: "json", Value: `{"a":"\"b\\"}` + "\t\n"}, {Key: "long", Value: string(compressible(30000))}}}
			r := s.send(t, p, m)
			if t.Failed() {
				return
			}
			s.readBack(t, m, &r, true)
			for _, k := range m.Keys {
				found := s.query(t, topic, k, 1)
				if len(found) != 1 {
					t.Errorf("key %s finds %d messages", k, len(found))
				}
				s.compare(t, m, &r, found[0])
			}
			if found, err := s.admin.QueryMessages(t.Context(), topic, "none-"+name, 0, time.Time{}, time.Time{}); err != nil || len(found) != 0 {
				t.Errorf("a key that no message has finds %d messages, %v", len(found), err)
			}
			if found, err := s.admin.QueryMessages(t.Context(), topic, m.Keys[0], 0, time.Time{}, time.UnixMilli(1)); err != nil || len(found) != 0 {
				t.Errorf("in 1970 there are %d messages, %v", len(found), err)
			}
		})
	}
}
