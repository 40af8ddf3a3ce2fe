//go:build e2e

package e2e

import (
	"sync"
	"testing"

	"rmqbench/producer"
)

// testWorkers has 64 workers share one producer, sync and then async: one connection, every queue the same share.
func (s *suite) testWorkers(t *testing.T) {
	const (
		topic   = "RMQBENCH_E2E_WORKERS"
		queues  = 8
		workers = 64
		each    = 30 // of either kind
	)
	s.create(t, topic, queues)
	p := s.start(t, producer.Options{})
	var work sync.WaitGroup
	for i := range workers {
		work.Go(func() {
			m := &producer.Message{Topic: topic, Body: compressible(1 + 100*i)} // the larger ones are compressed
			s.sendSync(t, p, m, each)
			s.sendAsync(t, p, m, each)
		})
	}
	work.Wait()
	if t.Failed() {
		return
	}
	for i := range queues {
		q := queueID{topic, s.broker().Name, i}
		if n := len(s.ledger.acked[q]); n != 2*workers*each/queues {
			t.Errorf("%v got %d of %d messages, want as many as every other of %d queues", q, n, 2*workers*each, queues)
		}
	}
	if st := p.Stats(); st.Dials != 2 || st.StrayReplies != 0 || st.CallbackFails != 0 {
		t.Errorf("want one connection to the name server, one to the broker and no stray reply, got %+v", st)
	}
}
