//go:build e2e

package e2e

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/bench"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// testKilledBroker kills the broker in the middle of three loads, one of workers here, one of bench's and one whose keys are in
// order, and looks at what sends in flight come to, at sends while it is away and once it is back, and at what it kept.
func (s *suite) testKilledBroker(t *testing.T) {
	l := newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	crowd := newCrowd(ctx, t, s, l)
	defer crowd.work.Wait() // nothing of it outlives the test
	run := s.startKilledRun(ctx, t)
	defer run.work.Wait()
	order := s.startOrder(ctx, t, "RMQBENCH_E2E_ORDER", 8)
	defer order.work.Wait()
	defer cancel()
	order.await(t, 2)

	if !eventually(func() bool { return crowd.acknowledged.Load() > 200 && run.ended.Load() > 0 }) {
		t.Fatalf("%d and %d sends ended while the broker was well", crowd.acknowledged.Load(), run.ended.Load())
	}
	// Frozen first, so that every worker has a send in the socket when the broker dies, and async ones are there too.
	if err := s.Stop(0); err != nil {
		t.Fatal(err)
	}
	crowd.awaitStandstill(t)
	crowd.sendAsync(ctx, t)
	time.Sleep(still)
	if n := crowd.ambiguous.Load(); n != 0 {
		t.Errorf("%d sends failed while the broker was frozen", n)
	}
	killed := time.Now()
	if err := s.Kill(0); err != nil {
		t.Fatal(err)
	}
	crowd.work.Wait()
	// At once, and not after the send timeout, which is patience.
	took := time.Since(killed)
	t.Logf("the sends in flight had ended %v after SIGKILL", took)
	if took > patience/5 {
		t.Errorf("sends in flight ended %v after the broker was killed", took)
	}
	if got := crowd.ambiguous.Load(); got != crowdSize+crowdAsync {
		t.Errorf("%d of %d sends in flight ended as ambiguous", got, crowdSize+crowdAsync)
	}

	r, err := crowd.p.Send(ctx, crowd.m)
	if !errors.Is(err, remoting.ErrDial) || isAmbiguous(err) || r.Ambiguous != 0 {
		t.Errorf("send while the broker is away: %v, want %v and nothing ambiguous", err, remoting.ErrDial)
	}
	run.finish(t, l)

	if err := s.Restart(0); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		r, err := crowd.p.Send(ctx, crowd.m)
		if err != nil {
			t.Fatalf("send after the broker came back: %v", err)
		}
		l.acknowledge(crowd.m.Topic, &r)
	}
	s.checkKept(t, l)
	order.await(t, 2)
	order.finish(t)
}

const (
	crowdSize  = 32 // workers
	crowdAsync = 32 // async sends besides
)

// crowd is workers that send until a send fails, as each must that waits for a broker that is killed.
type crowd struct {
	p *producer.Producer
	m *producer.Message
	l *ledger

	work                    sync.WaitGroup
	begun                   atomic.Int64
	acknowledged, ambiguous atomic.Int64
}

// newCrowd makes a topic and has the workers begin.
func newCrowd(ctx context.Context, t *testing.T, s *suite, l *ledger) *crowd {
	const topic = "RMQBENCH_E2E_KILLED"
	s.create(t, topic, 4)
	c := &crowd{p: s.start(t, producer.Options{}), m: &producer.Message{Topic: topic, Body: []byte("to a broker that is going to be killed")}, l: l}
	for range crowdSize {
		c.work.Go(func() {
			for {
				c.begun.Add(1)
				r, err := c.p.Send(ctx, c.m)
				if err != nil {
					c.failed(t, err)
					return
				}
				l.acknowledge(topic, &r)
				c.acknowledged.Add(1)
			}
		})
	}
	return c
}

// failed takes in the error of a send that was in flight when the broker was killed.
func (c *crowd) failed(t *testing.T, err error) {
	c.l.write(c.m.Topic, 1)
	c.ambiguous.Add(1)
	if !isAmbiguous(err) {
		t.Errorf("a send that was in flight when the broker was killed is not ambiguous: %v", err)
	}
}

// awaitStandstill returns when every worker waits for a broker that answers none.
func (c *crowd) awaitStandstill(t *testing.T) {
	t.Helper()
	last := int64(-1)
	if !eventually(func() bool {
		n := c.acknowledged.Load()
		if n != last || c.begun.Load()-n != crowdSize {
			last = n
			time.Sleep(still)
			return false
		}
		return true
	}) {
		t.Fatalf("workers don't come to a standstill: %d began, %d acknowledged, %d failed", c.begun.Load(), c.acknowledged.Load(), c.ambiguous.Load())
	}
}

// sendAsync sends some more that will not be answered.
func (c *crowd) sendAsync(ctx context.Context, t *testing.T) {
	for range crowdAsync {
		c.work.Add(1)
		err := c.p.SendAsync(ctx, c.m, func(_ producer.SendResult, err error) {
			defer c.work.Done()
			c.failed(t, err)
		})
		if err != nil {
			t.Errorf("not taken: %v", err)
			c.work.Done()
		}
	}
}

// killedRun is a run of bench during which the broker is killed.
type killedRun struct {
	work  sync.WaitGroup
	ended atomic.Int64 // sends, as bench tells while it runs
	run   *results.Run
	err   error
}

const killedRunTopic = "RMQBENCH_E2E_KILLED_RUN"

// startKilledRun starts a run that goes on for some seconds.
func (s *suite) startKilledRun(ctx context.Context, t *testing.T) *killedRun {
	k := &killedRun{}
	watch := bench.Options{Progress: func(p bench.Progress) { k.ended.Store(p.Ended) }}
	k.work.Go(func() {
		k.run, k.err = s.run(ctx, t, killedRunTopic, watch,
			scenarios.Override{Path: "load.rate", Value: "200/s"}, scenarios.Override{Path: "load.duration", Value: "6s"})
	})
	return k
}

// finish waits for its end, wants its counts in order, and enters them.
func (k *killedRun) finish(t *testing.T, l *ledger) {
	k.work.Wait()
	if k.err != nil {
		t.Fatalf("the run during which the broker was killed: %v", k.err)
	}
	c := &k.run.Cases[0]
	if c.Acknowledged == 0 || c.Ambiguous == 0 || c.Attempted != c.Acknowledged+c.Ambiguous+c.Failed || c.Offered != c.Attempted+c.Dropped {
		t.Errorf("want sends acknowledged before the broker died, ambiguous when it did, and all accounted for, got %+v", c.Counts)
	}
	l.acknowledgeApart(killedRunTopic, c.Acknowledged)
	l.write(killedRunTopic, c.Ambiguous)
}

// checkKept checks that all that was acknowledged is stored where it was acknowledged.
func (s *suite) checkKept(t *testing.T, l *ledger) {
	_, lost, faults, _ := s.settle(t, l)
	if lost != 0 || len(faults) != 0 {
		t.Errorf("%d acknowledged messages are not stored; %q", lost, faults)
	}
	for _, topic := range l.topics() {
		kept, n := s.stored(t, topic), 0
		for _, ids := range kept {
			n += len(ids)
		}
		t.Logf("%s: %d messages stored", topic, n)
		for q, acked := range l.acked {
			for offset, id := range acked {
				if q.topic == topic && kept[q][offset] != id {
					t.Errorf("%v: %v was acknowledged at %d, where %v is stored", q, id, offset, kept[q][offset])
				}
			}
		}
	}
	t.Logf("%s acknowledged, on known queues and apart; %v may be stored besides", grouped(int64(len(l.ids))+l.apart[killedRunTopic]), l.written)
}

// isAmbiguous says whether a send failed and may be stored.
func isAmbiguous(err error) bool {
	se, ok := errors.AsType[*producer.SendError](err)
	return ok && se.Ambiguous
}
