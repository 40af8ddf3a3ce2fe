//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
)

const (
	orderWorkers = 64
	orderKeys    = 1000
	orderPause   = 200 * time.Millisecond // after a round, so that not all of a disk goes to it
)

// order is a load whose keys each have one send in flight: its messages are numbered, and a number is sent until it is
// acknowledged. Message n of a key is in its queue before n+1 is sent, perhaps twice.
type order struct {
	topic string
	p     *producer.Producer
	sel   producer.Selector

	work   sync.WaitGroup
	rounds atomic.Int64 // each is a message of each of one worker's keys
	failed atomic.Int64 // sends
	stop   atomic.Bool
}

// startOrder has the workers begin on a topic that is there. They go on until finish.
func startOrder(ctx context.Context, t *testing.T, p *producer.Producer, topic string) *order {
	o := &order{topic: topic, p: p, sel: producer.Hash()}
	for w := range orderWorkers {
		o.work.Go(func() {
			for n := 0; !o.stop.Load() && ctx.Err() == nil; n++ {
				for key := w; key < orderKeys; key += orderWorkers {
					o.send(ctx, t, key, n)
				}
				o.rounds.Add(1)
				time.Sleep(orderPause)
			}
		})
	}
	return o
}

// send sends message n of a key until it is acknowledged.
func (o *order) send(ctx context.Context, t *testing.T, key, n int) {
	name := "key-" + strconv.Itoa(key)
	m := &producer.Message{Topic: o.topic, Body: fmt.Appendf(nil, "%d %d", key, n), ShardingKey: name}
	for ctx.Err() == nil {
		_, err := o.p.Send(ctx, m, producer.By(o.sel, name))
		if err == nil {
			return
		}
		o.failed.Add(1)
		if isA[*producer.SelectorError](err) || errors.Is(err, remoting.ErrInFlight) {
			t.Errorf("%s: %v", name, err)
			return
		}
		time.Sleep(20 * time.Millisecond) // the broker is away
	}
}

// await returns when every worker has gone so many rounds on.
func (o *order) await(t *testing.T, rounds int64) {
	t.Helper()
	if until := o.rounds.Load() + rounds*orderWorkers; !eventually(func() bool { return o.rounds.Load() >= until }) {
		t.Fatalf("%d rounds, not %d; %d sends failed", o.rounds.Load(), until, o.failed.Load())
	}
}

// finish ends the load and holds what is stored to its order: each key in one queue, its numbers from 0 on without a gap,
// never lower than before.
func (o *order) finish(t *testing.T, stored func(topic string) map[queueID][]string) {
	t.Helper()
	o.stop.Store(true)
	o.work.Wait()
	last, queue := map[int]int{}, map[int]queueID{}
	messages, twice := 0, 0
	for q, bodies := range stored(o.topic) {
		for _, body := range bodies {
			var key, n int
			if _, err := fmt.Sscanf(body, "%d %d", &key, &n); err != nil {
				t.Fatalf("%v holds %q: %v", q, body, err)
			}
			at, seen := queue[key]
			before := -1
			if seen {
				before = last[key]
			}
			switch {
			case seen && at != q:
				t.Errorf("key %d is in %v and in %v", key, at, q)
			case n == before:
				twice++
			case n != before+1:
				t.Errorf("key %d in %v: %d comes after %d", key, q, n, before)
			}
			queue[key], last[key] = q, n
			messages++
		}
	}
	if len(queue) != orderKeys {
		t.Errorf("%d keys are stored, want %d", len(queue), orderKeys)
	}
	t.Logf("order: %s messages of %d keys, %d rounds of %d workers, %d sends failed, %d stored twice", grouped(int64(messages)), len(queue), o.rounds.Load(), orderWorkers, o.failed.Load(), twice)
}

// bodies reads a whole topic, queue by queue in the order of offsets.
func (s *suite) bodies(t *testing.T, topic string) map[queueID][]string {
	t.Helper()
	all := map[queueID][]string{}
	for q, most := range s.offsets(t, []string{topic}) {
		for next := int64(0); next < most; {
			for _, r := range s.pull(t, q, next, 32, "*") {
				all[q] = append(all[q], string(r.Body))
				next = r.QueueOffset + 1
			}
		}
	}
	return all
}

// TestOrder has one of two brokers restart while each of 1,000 keys has one send in flight. With an order configuration, which
// fixes the topic's queues, no key changes its queue; without one keys move while the broker is away, which is RocketMQ's
// promise too: none.
func TestOrder(t *testing.T) {
	c := startFor(t, latest(), WithBrokers(2), WithNameServerSetting("orderMessageEnable", "true"))
	s := newSuiteOn(t, c)
	const fixed, moving = "RMQBENCH_E2E_ORDER_FIXED", "RMQBENCH_E2E_ORDER_MOVING"
	var conf []string
	for _, b := range c.Brokers() {
		conf = append(conf, b.Name+":4")
	}
	reply, err := s.client.Invoke(t.Context(), c.NameServer(), remoting.NewRequest(remoting.PutKVConfig, remoting.Field{Key: "namespace", Value: "ORDER_TOPIC_CONFIG"},
		remoting.Field{Key: "key", Value: fixed}, remoting.Field{Key: "value", Value: strings.Join(conf, ";")}), patience)
	if err != nil || reply.Response() != remoting.Success {
		t.Fatalf("order configuration: %+v, %v", reply, err)
	}
	s.create(t, fixed, 4)
	s.create(t, moving, 4)
	if route, err := s.admin.Route(t.Context(), fixed); err != nil || route.OrderTopicConf == nil {
		t.Fatalf("route %+v, %v: want an order configuration", route, err)
	}
	kept := startOrder(t.Context(), t, s.start(t, producer.Options{}), fixed)
	moved := startOrder(t.Context(), t, s.start(t, producer.Options{}), moving)
	kept.await(t, 2)
	if err := c.Kill(1); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return kept.failed.Load() > 0 }) {
		t.Error("no send failed while a broker was away")
	}
	moved.await(t, 2) // it goes on with the other broker
	if err := c.Restart(1); err != nil {
		t.Fatal(err)
	}
	kept.await(t, 2)
	moved.await(t, 2)
	kept.finish(t, func(topic string) map[queueID][]string { return s.bodies(t, topic) })

	moved.stop.Store(true)
	moved.work.Wait()
	queues := map[string]map[queueID]bool{}
	for q, bodies := range s.bodies(t, moving) {
		for _, body := range bodies {
			key, _, _ := strings.Cut(body, " ")
			if queues[key] == nil {
				queues[key] = map[queueID]bool{}
			}
			queues[key][q] = true
		}
	}
	several := 0
	for _, in := range queues {
		if len(in) > 1 {
			several++
		}
	}
	if several == 0 {
		t.Error("no key moved while a broker was away: what the guide says of order is no longer so")
	}
	t.Logf("without an order configuration %d of %d keys came to lie in several queues", several, len(queues))
}
