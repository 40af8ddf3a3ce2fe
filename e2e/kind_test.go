//go:build e2e

package e2e

import (
	"sync"
	"testing"

	"rmqbench/producer"
)

// serializations are the two ways to write a request's header, by Options.JSON.
var serializations = map[bool]string{false: "binary", true: "json"}

// testKinds sends messages of each kind with either serialization of headers, one by one and on topics of their own.
func (s *suite) testKinds(t *testing.T) {
	const count = 250
	kinds := []struct {
		name, topic string
		send        func(*testing.T, *producer.Producer, *producer.Message, int)
	}{
		{"sync", "RMQBENCH_E2E_SYNC", s.sendSync},
		{"async", "RMQBENCH_E2E_ASYNC", s.sendAsync},
		{"oneway", "RMQBENCH_E2E_ONEWAY", s.sendOneway},
	}
	for _, kind := range kinds {
		s.create(t, kind.topic, 3)
		for json, name := range serializations {
			t.Run(kind.name+" "+name, func(t *testing.T) {
				kind.send(t, s.start(t, producer.Options{JSON: json}), &producer.Message{Topic: kind.topic, Body: []byte(t.Name())}, count)
			})
		}
	}
}

// sendSync sends m count times, one after the other.
func (s *suite) sendSync(t *testing.T, p *producer.Producer, m *producer.Message, count int) {
	for range count {
		s.send(t, p, m)
	}
}

// asyncInFlight is how many of its sends sendAsync leaves unanswered.
const asyncInFlight = 64

// sendAsync sends m count times, each without waiting for the one before, and returns when all have called back.
func (s *suite) sendAsync(t *testing.T, p *producer.Producer, m *producer.Message, count int) {
	permits := make(chan struct{}, asyncInFlight)
	var pending sync.WaitGroup
	for range count {
		permits <- struct{}{}
		pending.Add(1)
		if err := p.SendAsync(t.Context(), m, func(r producer.SendResult, err error) {
			defer pending.Done()
			s.enter(t, m, &r, err)
			<-permits
		}); err != nil {
			t.Errorf("not taken: %v", err)
			pending.Done()
			<-permits
		}
	}
	pending.Wait()
}

// sendOneway sends m count times without an answer.
func (s *suite) sendOneway(t *testing.T, p *producer.Producer, m *producer.Message, count int) {
	for range count {
		if _, err := p.SendOneway(t.Context(), m); err != nil {
			t.Errorf("oneway: %v", err)
		}
		s.ledger.write(m.Topic, 1)
	}
}
