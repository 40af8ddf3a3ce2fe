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
	s     *suite
	topic string
	p     *producer.Producer
	sel   producer.Selector

	work   sync.WaitGroup
	rounds atomic.Int64 // each is a message of each of one worker's keys
	failed atomic.Int64 // sends
	stop   atomic.Bool
}

// startOrder makes a topic and has the workers begin. They go on until finish, or until ctx ends.
func (s *suite) startOrder(ctx context.Context, t *testing.T, topic string, queues int) *order {
	s.create(t, topic, queues)
	o := &order{s: s, topic: topic, p: s.start(t, producer.Options{}), sel: producer.Hash()}
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
func (o *order) finish(t *testing.T) {
	t.Helper()
	last, queue := map[int]int{}, map[int]queueID{}
	messages, twice := 0, 0
	for q, bodies := range o.end(t) {
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

// end ends the load and reads the whole topic, queue by queue in the order of offsets.
func (o *order) end(t *testing.T) map[queueID][]string {
	t.Helper()
	o.stop.Store(true)
	o.work.Wait()
	all := map[queueID][]string{}
	for q, most := range o.s.offsets(t, []string{o.topic}) {
		for next := int64(0); next < most; {
			for _, r := range o.s.pull(t, q, next, 32, "*") {
				all[q] = append(all[q], string(r.Body))
				next = r.QueueOffset + 1
			}
		}
	}
	return all
}

// orders are two such loads on two brokers: on a topic with an order configuration, which fixes its queues, and on one
// without. While a broker is away the first one's keys wait for it, and the second one's move to other queues: RocketMQ
// promises no more.
type orders struct{ fixed, moving *order }

func (s *suite) startOrders(ctx context.Context, t *testing.T) orders {
	t.Helper()
	const fixed = "RMQBENCH_E2E_ORDER_FIXED"
	var conf []string
	for _, b := range s.Brokers() {
		conf = append(conf, b.Name+":4")
	}
	reply, err := s.client.Invoke(t.Context(), s.NameServer(), remoting.NewRequest(remoting.PutKVConfig, remoting.Field{Key: "namespace", Value: "ORDER_TOPIC_CONFIG"},
		remoting.Field{Key: "key", Value: fixed}, remoting.Field{Key: "value", Value: strings.Join(conf, ";")}), patience)
	if err != nil || reply.Response() != remoting.Success {
		t.Fatalf("order configuration: %+v, %v", reply, err)
	}
	both := orders{s.startOrder(ctx, t, fixed, 4), s.startOrder(ctx, t, "RMQBENCH_E2E_ORDER_MOVING", 4)}
	if route, err := s.admin.Route(t.Context(), fixed); err != nil || route.OrderTopicConf == nil {
		t.Fatalf("route %+v, %v: want an order configuration", route, err)
	}
	both.fixed.await(t, 2)
	return both
}

// away returns when sends to a broker that is away have failed, and when the others go on.
func (o *orders) away(t *testing.T) {
	t.Helper()
	if !eventually(func() bool { return o.fixed.failed.Load() > 0 }) {
		t.Error("no send failed while a broker was away")
	}
	o.moving.await(t, 2)
}

// back holds what is stored to its order, once the broker is back.
func (o *orders) back(t *testing.T) {
	t.Helper()
	o.fixed.await(t, 2)
	o.fixed.finish(t)
	o.moving.await(t, 2)
	queues := map[string]map[queueID]bool{}
	for q, bodies := range o.moving.end(t) {
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
