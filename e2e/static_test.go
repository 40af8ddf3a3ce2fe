//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"rmqbench/bench"
	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/scenarios"
)

// TestStaticTopic sends to a static topic, whose queues mqadmin lays on two brokers and then on one, by number, in turn and by
// key, and reads offsets and messages back by the queues' numbers in the topic.
func TestStaticTopic(t *testing.T) {
	for _, version := range Versions() {
		t.Run(version, func(t *testing.T) {
			if slices.Compare(numbers(version), numbers("5.0.0")) < 0 {
				t.Skipf("RocketMQ %s has no static topics, which came with 5.0.0", version)
			}
			s := newSuiteOn(t, startFor(t, version, WithBrokers(2)))
			const topic, queues = "RMQBENCH_E2E_STATIC", 5
			a, b := s.Brokers()[0].Name, s.Brokers()[1].Name
			s.mqadmin(t, "updateStaticTopic", "-t", topic, "-qn", strconv.Itoa(queues), "-b", a+","+b)

			p := s.start(t, producer.Options{})
			hosts := s.staticHosts(t, topic, queues, func(hosts map[message.Queue]string) bool { return len(byBroker(hosts)) == 2 })
			t.Logf("%s has %d queues: %v", topic, queues, byBroker(hosts))
			stored := s.sendStatic(t, p, topic, hosts, nil)
			s.verifyStatic(t, topic, queues)

			// All on b. What is sent meanwhile is refused where the queue was, until the route has been asked for again.
			s.mqadmin(t, "remappingStaticTopic", "-t", topic, "-b", b)
			hosts = s.staticHosts(t, topic, queues, func(hosts map[message.Queue]string) bool {
				return fmt.Sprint(byBroker(hosts)) == fmt.Sprintf("map[%s:%d]", b, queues)
			})
			t.Logf("remapped: %v", byBroker(hosts))
			for q := range hosts {
				if !eventually(func() bool {
					_, err := p.Send(t.Context(), &producer.Message{Topic: topic, Body: []byte("moved")}, producer.To(queueOf(topic, q)))
					if err == nil {
						stored[q]++
					}
					return err == nil
				}) {
					t.Fatalf("%v is not sent to where it is now", q)
				}
			}
			s.sendStatic(t, p, topic, hosts, stored)
			s.verifyStatic(t, topic, queues)
		})
	}
}

// verifyStatic has a run hold the offsets of a static topic's queues to what it sent to them.
func (s *suite) verifyStatic(t *testing.T, topic string, queues int) {
	t.Helper()
	run, err := s.run(t.Context(), t, topic, bench.Options{}, scenarios.Override{Path: "load.workers", Value: "8"}, scenarios.Override{Path: "load.duration", Value: "1s"},
		scenarios.Override{Path: "verify", Value: "offsets"})
	if err != nil {
		t.Fatal(err)
	}
	c := &run.Cases[0]
	if v := c.Verify; v == nil || v.Unverified != "" || v.Acknowledged != c.Acknowledged || v.Stored != c.Acknowledged || v.Missing+v.Unexplained != 0 || c.Acknowledged == 0 || len(c.Queues) != queues {
		t.Errorf("verified: %+v of %d, in %d queues", v, c.Acknowledged, len(c.Queues))
	} else {
		t.Logf("verified: %d stored, %d acknowledged", v.Stored, v.Acknowledged)
	}
}

// mqadmin runs a command that may be given twice and must succeed; it gives up after 5 s on a machine that is busy.
func (s *suite) mqadmin(t *testing.T, args ...string) {
	t.Helper()
	out, err := s.Admin(args...)
	for range 3 {
		if err == nil {
			return
		}
		t.Logf("again, after %v", err)
		out, err = s.Admin(args...)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// staticHosts returns who has which of a static topic's queues once ok holds of that and all are had.
func (s *suite) staticHosts(t *testing.T, topic string, queues int, ok func(map[message.Queue]string) bool) (hosts map[message.Queue]string) {
	t.Helper()
	if !eventually(func() bool {
		route, err := s.admin.Route(t.Context(), topic)
		if err != nil {
			return false
		}
		hosts = route.StaticHosts()
		return len(hosts) == queues && ok(hosts)
	}) {
		t.Fatalf("%s does not come to be as mqadmin was told: %v", topic, hosts)
	}
	return hosts
}

// sendStatic sends to each queue by its number, in turn and by key, and checks where everything went: at the broker that
// has the queue, and behind what is stored there already, by the topic's own count.
func (s *suite) sendStatic(t *testing.T, p *producer.Producer, topic string, hosts map[message.Queue]string, stored map[message.Queue]int64) map[message.Queue]int64 {
	t.Helper()
	if stored == nil {
		stored = map[message.Queue]int64{}
	}
	byID := map[int32]message.Queue{}
	for q := range hosts {
		byID[int32(q.ID)] = q
	}
	check := func(what string, want int32, res producer.SendResult, err error) {
		t.Helper()
		q, known := byID[res.QueueID]
		if err != nil || !known || want >= 0 && res.QueueID != want || res.Broker != hosts[q] {
			t.Errorf("%s: stored in %s:%d, %v; want queue %d of %s", what, res.Broker, res.QueueID, err, want, hosts[q])
			return
		}
		if before := stored[q]; res.QueueOffset < before {
			t.Errorf("%s: offset %d of queue %d, which held %d messages", what, res.QueueOffset, res.QueueID, before)
		}
		stored[q]++
	}
	m := &producer.Message{Topic: topic, Body: []byte("static")}
	for id, q := range byID {
		res, err := p.Send(t.Context(), m, producer.To(queueOf(topic, q)))
		check("to a queue", id, res, err)
		batch, err := p.SendBatch(t.Context(), []*producer.Message{m}, producer.To(queueOf(topic, q)))
		check("a batch", id, batch.SendResult, err)
	}
	for range 2 * len(hosts) {
		res, err := p.Send(t.Context(), m)
		check("in turn", -1, res, err)
	}
	for key := range 10 {
		text := strconv.Itoa(key)
		res, err := p.Send(t.Context(), m, producer.By(producer.Hash(), text))
		check("by key", int32(message.HashPick(message.JavaHash(text), len(hosts))), res, err)
	}
	for _, q := range byID {
		var most int64
		if !eventually(func() (ok bool) {
			var err error
			most, err = p.MaxOffset(t.Context(), queueOf(topic, q))
			return err == nil && most >= stored[q]
		}) {
			t.Errorf("queue %d holds %d of %d messages", q.ID, most, stored[q])
		}
	}
	return stored
}

func queueOf(topic string, q message.Queue) producer.MessageQueue {
	return producer.MessageQueue{Topic: topic, Broker: q.Broker, ID: int32(q.ID)}
}

// byBroker counts the queues of each broker.
func byBroker(hosts map[message.Queue]string) map[string]int {
	n := map[string]int{}
	for _, broker := range hosts {
		n[broker]++
	}
	return n
}
