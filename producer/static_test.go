package producer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// hosting answers sends as a broker does that has these of a static topic's queues.
type hosting struct {
	tb   testing.TB
	name string

	mu     sync.Mutex // protects following
	queues []int32
}

// has is what the broker has from now on.
func (h *hosting) has(queues ...int32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queues = queues
}

func (h *hosting) script(_ int64, r *remoting.Request) {
	var v remoting.SendView
	if err := v.Parse(&r.Head); err != nil {
		_ = r.Answer(answer(remoting.SystemError, err.Error()))
		return
	}
	if string(v.BrokerName) != h.name {
		h.tb.Errorf("broker %s was sent what is for %q", h.name, v.BrokerName)
	}
	h.mu.Lock()
	here := slices.Contains(h.queues, v.QueueID)
	h.mu.Unlock()
	if !here {
		_ = r.Answer(answer(remoting.NotLeaderForQueue, fmt.Sprintf("T-%d does not exit in request process of current broker %s", v.QueueID, h.name)))
		return
	}
	stored(remoting.Success)(1, r)
}

// setStatic is what the name server knows of a static topic of so many queues from now on: who has which.
func (n *names) setStatic(topic string, total int, epoch int64, brokers map[string]string, queues map[string][]int32) {
	r := &message.Route{Mappings: map[string]message.QueueMapping{}}
	for name, addr := range brokers {
		r.Queues = append(r.Queues, message.QueueData{Broker: name, ReadQueues: total, WriteQueues: total, Perm: readWrite})
		r.Brokers = append(r.Brokers, message.BrokerData{Cluster: "c", Name: name, Addrs: map[int64]string{0: addr}})
		m := message.QueueMapping{Topic: topic, Scope: "__global__", TotalQueues: total, Broker: name, Epoch: epoch, CurrentIDs: map[int]int{}}
		for at, id := range queues[name] {
			m.CurrentIDs[int(id)] = at + 10 // the broker's own numbers are its own
		}
		r.Mappings[name] = m
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.routes[topic] = r
}

// staticStage is a static topic T of five queues, 0 and 3 on broker a, 1 and 2 on b; nobody has 4.
func staticStage(t *testing.T) (n *names, a, b *hosting, addrs map[string]string) {
	n = nameServer(t)
	a, b = &hosting{tb: t, name: "a", queues: []int32{0, 3}}, &hosting{tb: t, name: "b", queues: []int32{1, 2}}
	addrs = map[string]string{"a": scriptedBroker(t, a.script).Addr().String(), "b": scriptedBroker(t, b.script).Addr().String()}
	n.setStatic("T", 5, 1, addrs, map[string][]int32{"a": {0, 3}, "b": {1, 2}})
	return n, a, b, addrs
}

const logical = "__syslo__global__"

// A static topic's queues are one list by number, whoever has them; a send goes to the broker that has the queue, with the
// queue's number in the topic and that broker's name in its head.
func TestStaticTopic(t *testing.T) {
	n, _, _, _ := staticStage(t)
	p := started(t, Options{NameServers: []string{n.addr()}, Profile: Measure})
	queues, err := p.PublishQueues(t.Context(), "T")
	if err != nil || len(queues) != 5 {
		t.Fatalf("queues %v, %v", queues, err)
	}
	hosts := []string{"a", "b", "b", "a"}
	for id, q := range queues {
		if want := (MessageQueue{"T", logical, int32(id)}); q != want {
			t.Errorf("queue %d is %v, want %v", id, q, want)
		}
		for kind, send := range kinds(t, p) {
			res, err := send(t.Context(), text("T", "x"), To(q))
			if id == 4 {
				ce, ok := errors.AsType[*remoting.CallError](err)
				if !ok || ce.Addr != "__syslo__none__ without a master" {
					t.Errorf("%s to a queue that nobody has: %v", kind, err)
				}
				continue
			}
			if err != nil || res.Broker != hosts[id] || res.QueueID != int32(id) {
				t.Errorf("%s to %v: stored in %s:%d, %v; want %s:%d", kind, q, res.Broker, res.QueueID, err, hosts[id], id)
			}
		}
	}
}

// Round robin goes over all queues in turn, and selectors see all of them by number.
func TestStaticTopicIsPickedFrom(t *testing.T) {
	n, _, b, addrs := staticStage(t)
	b.has(1, 2, 4)
	n.setStatic("T", 5, 1, addrs, map[string][]int32{"a": {0, 3}, "b": {1, 2, 4}})
	p := started(t, Options{NameServers: []string{n.addr()}, Profile: Measure})
	got := map[int32]int{}
	for range 50 {
		res, err := p.Send(t.Context(), text("T", "x"))
		if err != nil {
			t.Fatal(err)
		}
		got[res.QueueID]++
	}
	for id := range int32(5) {
		if got[id] != 10 {
			t.Errorf("queue %d got %d of 50", id, got[id])
		}
	}
	for key := range 20 {
		want := int32(message.HashPick(message.JavaHash(strconv.Itoa(key)), 5))
		res, err := p.Send(t.Context(), text("T", "x"), By(Hash(), strconv.Itoa(key)))
		if err != nil || res.QueueID != want {
			t.Errorf("key %d: queue %d, %v; want %d", key, res.QueueID, err, want)
		}
	}
}

// A queue that has moved is refused by the broker that had it; the route is asked for again and the queue is where it was in
// the list. What is tried again goes to another broker.
func TestStaticQueueMoves(t *testing.T) {
	n, a, b, addrs := staticStage(t)
	p := started(t, Options{NameServers: []string{n.addr()}, Profile: Measure})
	q := MessageQueue{"T", logical, 3}
	if res, err := p.Send(t.Context(), text("T", "x"), To(q)); err != nil || res.Broker != "a" {
		t.Fatalf("%s, %v", res.Broker, err)
	}
	a.has(0)
	b.has(1, 2, 3)
	n.setStatic("T", 5, 2, addrs, map[string][]int32{"a": {0}, "b": {1, 2, 3}})
	_, err := p.Send(t.Context(), text("T", "x"), To(q))
	if be, ok := errors.AsType[*remoting.BrokerError](err); !ok || be.Code != remoting.NotLeaderForQueue {
		t.Fatalf("to the broker that had it: %v", err)
	}
	soon(t, "the send goes to the broker that has it now", func() bool {
		res, err := p.Send(t.Context(), text("T", "x"), To(q))
		return err == nil && res.Broker == "b" && res.QueueID == 3
	})
}

// Of two brokers that share a static topic one that fails is passed over for a retry, though its queues have the other's name.
func TestStaticTopicRetriesElsewhere(t *testing.T) {
	n := nameServer(t)
	sick, well := scriptedBroker(t, refusing(remoting.SystemError)), scriptedBroker(t, nil)
	n.setStatic("T", 4, 1, map[string]string{"sick": sick.Addr().String(), "well": well.Addr().String()},
		map[string][]int32{"sick": {0, 1, 2}, "well": {3}})
	p := started(t, Options{NameServers: []string{n.addr()}, Avoid: Avoid54()})
	for range 8 {
		res, err := p.Send(t.Context(), text("T", "x"), Within(20*time.Second))
		if err != nil || res.Broker != "well" || res.QueueID != 3 || res.Attempts > 2 {
			t.Fatalf("%s:%d after %d attempts, %v", res.Broker, res.QueueID, res.Attempts, err)
		}
	}
	if n := sick.sends.Load(); n != 1 {
		t.Errorf("a broker to be avoided got %d sends", n)
	}
	for _, a := range p.Avoided() {
		if a.Broker != "sick" {
			t.Errorf("avoided: %+v", a)
		}
	}
}

// Offsets of a static topic's queue are asked of the broker that has it.
func TestStaticTopicOffsets(t *testing.T) {
	n := nameServer(t)
	asked := make(chan string, 1)
	with := peer.Serve(t, func(r *remoting.Request) {
		a := answer(remoting.Success, "")
		if remoting.RequestCode(r.Head.Code) == remoting.GetMaxOffset {
			id, _ := r.Head.Get("queueId")
			asked <- string(id)
			a.Ext = []remoting.Field{{Key: "offset", Value: "7"}}
		}
		_ = r.Answer(a)
	})
	n.setStatic("T", 2, 1, map[string]string{"a": peer.Dead(t), "b": with.Addr().String()}, map[string][]int32{"a": {0}, "b": {1}})
	p := started(t, Options{NameServers: []string{n.addr()}})
	if got, err := p.MaxOffset(t.Context(), MessageQueue{"T", logical, 1}); err != nil || got != 7 || <-asked != "1" {
		t.Errorf("max offset %d, %v", got, err)
	}
	if _, err := p.MaxOffset(t.Context(), MessageQueue{"T", logical, 2}); !is[*QueueError](err) {
		t.Errorf("of a queue that is not there: %v", err)
	}
}
