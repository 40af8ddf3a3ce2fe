package producer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// An unknown topic borrows the default topic's route, and the broker that gets a message creates it.
func TestUnknownTopicIsCreated(t *testing.T) {
	c := embedded(t, broker.Options{QueuesPerTopic: 8})
	p := started(t, Options{NameServers: []string{c.NameServer()}, DefaultTopicQueues: 3})
	if _, err := p.Admin().Route(t.Context(), "NEW"); err == nil {
		t.Fatal("it is known before")
	}
	if _, err := p.Send(t.Context(), text("NEW", "x")); err != nil {
		t.Fatal(err)
	}
	r, err := p.Admin().Route(t.Context(), "NEW")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Queues) != 1 || r.Queues[0].WriteQueues != 3 || r.Queues[0].Perm != readWrite {
		t.Errorf("created as %+v", r.Queues)
	}
	if err := p.instance.routes.refresh(t.Context(), "NEW"); err != nil {
		t.Error(err)
	}
	if got := p.instance.routes.topic("NEW").now.Load(); len(got.queues) != 3 {
		t.Errorf("%d queues", len(got.queues))
	}
}

func TestNoRoute(t *testing.T) {
	s := newStage(t, nil)
	s.names.set("READ_ONLY", message.PermRead, 4, s.brokers[0].named("b0"))
	p := started(t, Options{NameServers: []string{s.names.addr()}, NoAutoCreate: true})
	for topic, code := range map[string]remoting.Code{"UNKNOWN": remoting.TopicNotExist, "READ_ONLY": 0} {
		for kind, send := range kinds(t, p) {
			_, err := send(t.Context(), text(topic, "x"))
			re, ok := errors.AsType[*RouteError](err)
			if !ok || re.Topic != topic {
				t.Errorf("%s %s: got %v", kind, topic, err)
			}
			if be, ok := errors.AsType[*remoting.BrokerError](err); ok != (code != 0) || ok && be.Code != code {
				t.Errorf("%s %s: got %v, want code %v", kind, topic, err, code)
			}
			if se := sendError(t, err); se.Attempts != 0 || se.Ambiguous || se.Broker != "" {
				t.Errorf("%s %s: %+v", kind, topic, se)
			}
		}
	}
	if s.sends() != 0 {
		t.Error("something was sent")
	}
}

// no name server at all is an error that names each of them.
func TestR20_NameServersDown(t *testing.T) {
	dead := []string{peer.Dead(t), peer.Dead(t)}
	p := started(t, Options{NameServers: dead})
	_, err := p.Send(t.Context(), text("T", "x"))
	ne, ok := errors.AsType[*NameServerError](err)
	if !ok || len(ne.Addrs) != 2 || !errors.Is(err, remoting.ErrDial) {
		t.Fatalf("got %v", err)
	}
	for _, addr := range dead {
		if !strings.Contains(err.Error(), addr) {
			t.Errorf("%q doesn't name %s", err, addr)
		}
	}
}

// whichever is asked first, the one that lives is found, and asked first from then on.
func TestR21_NextNameServer(t *testing.T) {
	s := newStage(t, nil)
	dead := peer.Dead(t)
	for first := range uint32(3) {
		p := started(t, Options{NameServers: []string{dead, s.names.addr(), dead}, InstanceName: fmt.Sprint(t.Name(), first)})
		p.Admin().next.Store(first)
		if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
			t.Fatal(err)
		}
		if got := p.Admin().next.Load(); got != 1 {
			t.Errorf("from %d: next is %d", first, got)
		}
	}
}

// A name server that takes the question and is silent costs one send its time, not the ones after it.
func TestSilentNameServer(t *testing.T) {
	s := newStage(t, nil)
	mute := peer.Serve(t, func(*remoting.Request) {})
	p := started(t, Options{NameServers: []string{mute.Addr().String(), s.names.addr()}, SendTimeout: 10 * time.Second})
	p.Admin().next.Store(0)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := p.Send(ctx, text("T", "x"))
	if se := sendError(t, err); !strings.Contains(err.Error(), mute.Addr().String()) || se.Ambiguous || se.Attempts != 0 {
		t.Errorf("%+v", se)
	}
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Error(err)
	}
	if n := s.names.asked.Load(); n != 1 {
		t.Errorf("the name server that lives was asked %d times", n)
	}
}

func TestManyAskOnce(t *testing.T) {
	s := newStage(t, nil)
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendTimeout: time.Minute})
	s.names.holding(true)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := sendAsync(t, p, t.Context(), text("T", "x")); err != nil {
				t.Error(err)
			}
		})
	}
	soon(t, "the question is there", func() bool { return s.names.asked.Load() == 1 })

	// Nobody waits longer than its own deadline for another's question.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := p.Send(ctx, text("T", "x"))
	if _, ok := errors.AsType[*RouteError](err); !ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s.names.holding(false)
	wg.Wait()
	if n := s.names.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if n := s.sends(); n != 100 {
		t.Errorf("%d sends arrived", n)
	}
}

// Who asks for all gives up: the others go on, one of them asks.
func TestAskerGivesUp(t *testing.T) {
	s := newStage(t, nil)
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendTimeout: time.Minute})
	s.names.holding(true)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := p.Send(ctx, text("T", "x")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	soon(t, "the question is there", func() bool { return s.names.asked.Load() == 1 })
	for range 10 {
		wg.Go(func() {
			if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
				t.Error(err)
			}
		})
	}
	cancel()
	soon(t, "another asks", func() bool { return s.names.asked.Load() == 2 })
	s.names.holding(false)
	wg.Wait()
}

// used is how many queues sends go to.
func used(t *testing.T, p *Producer, sends int) map[string]int {
	t.Helper()
	queues := map[string]int{}
	for range sends {
		res, err := p.Send(t.Context(), text("T", "x"))
		if err != nil {
			t.Fatal(err)
		}
		queues[fmt.Sprint(res.Broker, " ", res.QueueID)]++
	}
	return queues
}

// a route that changes is followed; without an answer the old one stays.
func TestR19_Refresh(t *testing.T) {
	s := newStage(t, nil, nil)
	p := s.producer(t, Options{RouteEvery: 5 * time.Millisecond})
	both := []string{s.brokers[0].named("b0"), s.brokers[1].named("b1")}
	for _, queues := range []int{4, 8, 2} {
		s.names.set("T", readWrite, queues, both...)
		soon(t, "the new route is used", func() bool { return len(p.instance.routes.topic("T").now.Load().queues) == 2*queues })
		if got := used(t, p, 20*queues); len(got) != 2*queues {
			t.Errorf("%d queues of 2 × %d are used: %v", len(got), queues, got)
		}
	}
	s.names.set("T", readWrite, 2, both[1]) // a broker leaves
	soon(t, "the broker is gone", func() bool { return len(p.instance.routes.topic("T").now.Load().queues) == 2 })
	if got := used(t, p, 20); got["b1 0"] != 10 || got["b1 1"] != 10 {
		t.Errorf("used %v", got)
	}
	s.names.Close()
	time.Sleep(30 * time.Millisecond) // some refreshes without an answer
	if got := used(t, p, 20); got["b1 0"] != 10 || got["b1 1"] != 10 {
		t.Errorf("used %v", got)
	}
}

// a topic that nobody may write to any more gets no sends, until it can be written again.
func TestR19_PermissionsWiped(t *testing.T) {
	s := newStage(t, nil)
	p := s.producer(t, Options{})
	s.names.set("T", message.PermRead, 2, s.brokers[0].named("b0"))
	if err := p.instance.routes.refresh(t.Context(), "T"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context(), text("T", "x")); err == nil || s.sends() != 0 {
		t.Errorf("got %v, %d sent", err, s.sends())
	}
	s.names.set("T", readWrite, 2, s.brokers[0].named("b0"))
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Error(err)
	}
}

// A refreshed route that knows the topic no longer is no answer: other name servers' brokers may still register.
func TestR19_TopicForgottenByTheNameServer(t *testing.T) {
	s := newStage(t, nil)
	p := s.producer(t, Options{})
	s.names.mu.Lock()
	delete(s.names.routes, "T")
	s.names.mu.Unlock()
	if err := p.instance.routes.refresh(t.Context(), "T"); err == nil {
		t.Error("no error")
	}
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Error(err)
	}
}

func TestRoundRobinIsEven(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	if _, err := p.Admin().CreateTopic(t.Context(), Topic{Name: "T", Queues: 8}); err != nil {
		t.Fatal(err)
	}
	got := used(t, p, 160)
	for queue, n := range got {
		if n != 10 {
			t.Errorf("%s got %d of 160", queue, n)
		}
	}
	if len(got) != 16 {
		t.Errorf("%d queues", len(got))
	}
}

// A send to a queue of an order configuration whose broker is away fails, and says so; it goes nowhere else.
func TestOrderConfigurationWithABrokerAway(t *testing.T) {
	s := newStage(t, nil)
	conf := "b0:1;b1:1"
	s.names.mu.Lock()
	s.names.routes["T"].OrderTopicConf = &conf
	s.names.mu.Unlock()
	p := started(t, Options{NameServers: []string{s.names.addr()}, Retries: -1})
	for i, want := range []string{"", "b1 without a master: not sent: cannot connect"} {
		at := SelectorFunc(func(queues []MessageQueue, _ *Message, _ any) (int, error) { return i, nil })
		if _, err := p.Send(t.Context(), text("T", "x"), By(at, nil)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("queue %d: %v, want %q", i, err, want)
		}
	}
	if s.sends() != 1 {
		t.Errorf("%d sends", s.sends())
	}
}

// Queues are in canonical order, so that every client counts alike.
func TestQueueOrder(t *testing.T) {
	conf := "b1:1;b0:2"
	for want, r := range map[string]*message.Route{
		"[{a 0 :1} {a 1 :1} {b 0 :2}]": {
			Queues:  []message.QueueData{{Broker: "b", WriteQueues: 1, Perm: readWrite}, {Broker: "a", WriteQueues: 2, Perm: readWrite}, {Broker: "c", WriteQueues: 3, Perm: message.PermRead}},
			Brokers: []message.BrokerData{{Name: "a", Addrs: map[int64]string{0: ":1"}}, {Name: "b", Addrs: map[int64]string{0: ":2"}}, {Name: "c", Addrs: map[int64]string{0: ":3"}}},
		},
		"[{b1 0 :2} {b0 0 :1} {b0 1 :1}]": {
			OrderTopicConf: &conf,
			Brokers:        []message.BrokerData{{Name: "b0", Addrs: map[int64]string{0: ":1"}}, {Name: "b1", Addrs: map[int64]string{0: ":2"}}},
		},
		"[{b1 0 b1 without a master} {b0 0 :1} {b0 1 :1}]": { // keys keep their queues while a broker is away
			OrderTopicConf: &conf,
			Brokers:        []message.BrokerData{{Name: "b0", Addrs: map[int64]string{0: ":1"}}},
		},
		"[]": { // a slave takes no messages
			Queues:  []message.QueueData{{Broker: "a", WriteQueues: 2, Perm: readWrite}},
			Brokers: []message.BrokerData{{Name: "a", Addrs: map[int64]string{1: ":1"}}},
		},
	} {
		got := "["
		for i, q := range newRoute(r, nil).queues {
			if q.at != i {
				t.Errorf("queue %d is said to be at %d", i, q.at)
			}
			got += fmt.Sprintf("{%s %d %s} ", q.broker, q.id, q.addr)
		}
		if got = strings.TrimSpace(got) + "]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestNextQueueAvoidsABroker(t *testing.T) {
	r := &route{queues: []queueAddr{{broker: "a", host: "a"}, {broker: "a", host: "a"}, {broker: "a", host: "a"}, {broker: "b", host: "b"}}}
	var tr topicRoute
	for range 20 {
		if q := tr.next(r, sieve{last: "a"}); q.broker != "b" {
			t.Fatal("went to the broker to avoid")
		}
	}
	if q := tr.next(&route{queues: r.queues[:3]}, sieve{last: "a"}); q.broker != "a" {
		t.Error("with one broker there is no other")
	}
}

// an answer, or a connection that died, that may mean that the queue is elsewhere has the route asked for again
// soon, whatever RouteEvery; and however many sends fail, the name server is asked only so often.
func TestR19_StaleRouteIsAskedForAgain(t *testing.T) {
	for name, bad := range map[string]func(int64, *remoting.Request){
		"no such topic": refusing(remoting.TopicNotExist), "no such queue": refusing(remoting.InvalidParameter),
		"no service": refusing(remoting.ServiceNotAvailable), "cut": cut,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, bad, nil)
			s.names.set("T", readWrite, 2, s.brokers[0].named("b0"))
			p := s.producer(t, Options{RouteEvery: time.Hour, HeartbeatEvery: time.Hour, Retries: none})
			before := s.names.asked.Load()
			s.names.set("T", readWrite, 2, s.brokers[1].named("b1"))
			failed := 0
			soon(t, "sends go where the topic is now", func() bool {
				_, err := p.Send(t.Context(), text("T", "x"))
				if err != nil {
					failed++
				}
				return err == nil
			})
			if n := s.names.asked.Load() - before; failed == 0 || n < 1 || n > 3 {
				t.Errorf("%d failed sends, asked %d times", failed, n)
			}
			sends := s.brokers[0].sends.Load()
			for range 10 {
				if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
					t.Error(err)
				}
			}
			if n := s.brokers[0].sends.Load(); n != sends {
				t.Error("a queue that is gone is sent to")
			}
		})
	}
}

// What says nothing of the route leaves the name server alone.
func TestOtherFailuresLeaveTheRouteAlone(t *testing.T) {
	s := newStage(t, refusing(remoting.SystemBusy))
	p := s.producer(t, Options{RouteEvery: time.Hour, HeartbeatEvery: time.Hour})
	before := s.names.asked.Load()
	for range 10 {
		if _, err := p.Send(t.Context(), text("T", "x")); err == nil {
			t.Error("stored")
		}
	}
	if p.instance.routes.topic("T").stale.Load() || s.names.asked.Load() != before {
		t.Error("the route is asked for")
	}
}
