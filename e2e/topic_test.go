//go:build e2e

package e2e

import (
	"errors"
	"testing"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// testCreatedTopic sends to every queue of a topic made with more queues than a default topic gets.
func (s *suite) testCreatedTopic(t *testing.T) {
	const topic, queues = "RMQBENCH_E2E_CREATED", 6
	s.create(t, topic, queues)
	p := s.start(t, producer.Options{})
	route, err := p.Prepare(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	s.checkRoute(t, route, queues)
	for _, b := range route.Brokers { // the ledger would miss what these stored
		if err := s.admin.TrySend(t.Context(), b.Master(), b.Name, topic); err != nil {
			t.Errorf("may we send? %v", err)
		}
		if groups, err := s.admin.ConsumerGroups(t.Context(), b.Master(), topic); err != nil || len(groups) != 0 {
			t.Errorf("consumer groups %q, %v", groups, err)
		}
	}
	s.sendSync(t, p, &producer.Message{Topic: topic, Body: []byte("created")}, 2*queues)
	for i := range queues {
		q := queueID{topic, s.broker().Name, i}
		if n := len(s.ledger.acked[q]); n != 2 {
			t.Errorf("%v got %d of %d messages sent to %d queues in turn", q, n, 2*queues, queues)
		}
	}
}

// testDefaultTopic sends to topics that don't exist: brokers make them after the default topic, unless that is turned off.
func (s *suite) testDefaultTopic(t *testing.T) {
	for queues, topic := range map[int]string{0: "RMQBENCH_E2E_DEFAULT", 2: "RMQBENCH_E2E_DEFAULT_OF_2"} {
		p := s.start(t, producer.Options{DefaultTopicQueues: queues})
		s.sendSync(t, p, &producer.Message{Topic: topic, Body: []byte("default")}, 10)
		if queues == 0 {
			queues = 4
		}
		var route *message.Route
		var err error
		if !eventually(func() bool {
			route, err = s.admin.Route(t.Context(), topic)
			return err == nil
		}) {
			t.Fatalf("the name server doesn't know %s after sends to it: %v", topic, err)
		}
		s.checkRoute(t, route, queues)
	}

	const topic = "RMQBENCH_E2E_NONE"
	p := s.start(t, producer.Options{NoAutoCreate: true})
	r, err := p.Send(t.Context(), &producer.Message{Topic: topic, Body: []byte("none")})
	if _, ok := errors.AsType[*producer.RouteError](err); !ok || r.Attempts != 0 {
		t.Errorf("without auto-creation: want a *RouteError and no attempt, got %v after %d", err, r.Attempts)
	}
	if _, err := s.admin.Route(t.Context(), topic); !isRefusal(err, remoting.TopicNotExist) {
		t.Errorf("route of a topic that nobody made: %v", err)
	}
}

// checkRoute wants a route of one broker with that many queues to read and to write.
func (s *suite) checkRoute(t *testing.T, r *message.Route, queues int) {
	t.Helper()
	b := s.broker()
	want := message.QueueData{Broker: b.Name, ReadQueues: queues, WriteQueues: queues, Perm: message.PermRead | message.PermWrite}
	if len(r.Queues) != 1 || r.Queues[0] != want || r.MasterAddr(b.Name) != b.Addr {
		t.Errorf("route has %+v at %s, want %+v at %s", r.Queues, r.MasterAddr(b.Name), want, b.Addr)
	}
}
