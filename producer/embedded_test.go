package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// pulled are the messages of a broker's queue from an offset on, as a consumer gets them.
func pulled(tb testing.TB, a *Admin, addr, topic string, queue int32, from int64) []*Received {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // repliers go on while their test ends
	defer cancel()
	got, err := a.Pull(ctx, addr, MessageQueue{Topic: topic, ID: queue}, from, 32, 0)
	if err != nil {
		tb.Error(err)
		return nil
	}
	return got.Messages
}

// bodies are those of all messages of a topic on all brokers, in order.
func bodies(tb testing.TB, p *Producer, c *broker.Cluster, topic string, queues int32) []string {
	tb.Helper()
	var all []string
	for _, b := range c.Brokers() {
		for q := range queues {
			for next := int64(0); ; {
				got := pulled(tb, p.Admin(), b.Addr(), topic, q, next)
				if len(got) == 0 {
					break
				}
				for _, m := range got {
					all = append(all, string(m.Body))
				}
				next = got[len(got)-1].QueueOffset + 1
			}
		}
	}
	slices.Sort(all)
	return all
}

// A transaction ends as its body says: at once, or after so many questions.
func TestTransactionsOnABroker(t *testing.T) {
	c := embedded(t, broker.Options{CheckInterval: 20 * time.Millisecond, CheckAfter: 20 * time.Millisecond})
	verdict := func(body []byte) TransactionState {
		if strings.HasPrefix(string(body), "commit") {
			return TransactionCommit
		}
		return TransactionRollback
	}
	var mu sync.Mutex
	asked := map[string]int{}
	l := &listener{
		execute: func(m *Message, _ SendResult, _ any) TransactionState {
			if strings.HasSuffix(string(m.Body), "asked") {
				return TransactionUnknown
			}
			return verdict(m.Body)
		},
		check: func(m *Received) TransactionState {
			if !strings.HasSuffix(string(m.Body), "asked") { // its end came after the question
				return verdict(m.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			asked[string(m.Body)]++
			switch asked[string(m.Body)] {
			case 1:
				return TransactionUnknown
			case 2:
				panic("not known either")
			}
			return verdict(m.Body)
		}}
	p := started(t, Options{NameServers: []string{c.NameServer()}, Listener: l})
	for _, body := range []string{"commit", "roll back", "commit asked", "roll back asked"} {
		res, err := p.SendTransaction(t.Context(), text("TX", body), nil)
		if err != nil || res.Untold != nil {
			t.Fatalf("%s: %+v %v", body, res, err)
		}
	}
	want := []string{"commit", "commit asked"}
	soon(t, "both that commit are delivered", func() bool { // a second time where an answer comes after the next question
		return slices.Equal(slices.Compact(bodies(t, p, c, "TX", 4)), want)
	})
	soon(t, "the other one was asked about too", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return asked["roll back asked"] >= 3
	})
	if n := p.Stats().CallbackFails; n != 2 {
		t.Errorf("%d panics", n)
	}
}

// What a producer did not end before it went, another of its group is asked about.
func TestAnotherProducerIsAsked(t *testing.T) {
	c := embedded(t, broker.Options{CheckInterval: 20 * time.Millisecond, CheckAfter: 20 * time.Millisecond})
	unknown := func(*Message, SendResult, any) TransactionState { return TransactionUnknown }
	l := &listener{execute: unknown, check: func(*Received) TransactionState { return TransactionUnknown }}
	first := started(t, Options{NameServers: []string{c.NameServer()}, Listener: l, InstanceName: "first"})
	if _, err := first.SendTransaction(t.Context(), text("TX", "x"), nil); err != nil {
		t.Fatal(err)
	}
	if err := first.Shutdown(); err != nil {
		t.Error(err)
	}
	second := started(t, Options{NameServers: []string{c.NameServer()}, InstanceName: "second",
		Listener: &listener{check: func(*Received) TransactionState { return TransactionCommit }}})
	if _, err := second.Prepare(t.Context(), "TX"); err != nil {
		t.Fatal(err)
	}
	soon(t, "it is committed", func() bool { return len(bodies(t, second, c, "TX", 4)) > 0 })
}

// A listener that shuts its producer down deadlocks nothing: neither what it is asked nor what it executes.
func TestListenerShutsDown(t *testing.T) {
	c := embedded(t, broker.Options{CheckInterval: 20 * time.Millisecond, CheckAfter: 20 * time.Millisecond})
	asked, done := make(chan error, 100), make(chan error, 1) // several questions may be under way
	var p *Producer
	p = started(t, Options{NameServers: []string{c.NameServer()}, Listener: &listener{
		execute: func(*Message, SendResult, any) TransactionState { return TransactionUnknown },
		check:   func(*Received) TransactionState { asked <- p.Shutdown(); return TransactionCommit }}})
	if _, err := p.SendTransaction(t.Context(), text("TX", "x"), nil); err != nil {
		t.Fatal(err)
	}
	if err := <-asked; err != nil {
		t.Error(err)
	}
	var q *Producer
	q = started(t, Options{NameServers: []string{c.NameServer()}, Group: "other", Listener: &listener{
		execute: func(*Message, SendResult, any) TransactionState { done <- q.Shutdown(); return TransactionCommit }}})
	if res, err := q.SendTransaction(t.Context(), text("TX", "x"), nil); err != nil || !errors.Is(res.Untold, remoting.ErrClosed) {
		t.Errorf("%+v %v", res, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// replier replies to every message of a topic until the test ends.
func replier(t *testing.T, c *broker.Cluster, topic string, queues int32) {
	p := started(t, Options{NameServers: []string{c.NameServer()}, Group: "replier", InstanceName: t.Name() + "-replier"})
	var stop atomic.Bool
	var work sync.WaitGroup
	t.Cleanup(func() { stop.Store(true); work.Wait() })
	for _, b := range c.Brokers() {
		work.Go(func() {
			next := make([]int64, queues)
			for !stop.Load() {
				idle := true
				for q := range queues {
					for _, m := range pulled(t, p.Admin(), b.Addr(), topic, q, next[q]) {
						next[q], idle = m.QueueOffset+1, false
						if _, err := p.Reply(context.Background(), m, append([]byte("re: "), m.Body...)); err != nil {
							t.Error(err)
						}
					}
				}
				if idle {
					time.Sleep(time.Millisecond) // as a consumer's long poll would
				}
			}
		})
	}
}

func TestRequestsOnBrokers(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	if _, err := p.Send(t.Context(), text("Q", "no question")); err != nil { // makes the topic, on one of them
		t.Fatal(err)
	}
	if _, err := p.Reply(t.Context(), &Received{Properties: message.Properties{{Key: message.PropertyCorrelationID, Value: "x"}, {Key: message.PropertyReplyToClient, Value: "nobody"},
		{Key: message.PropertyCluster, Value: c.Name()}}}, []byte("x")); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a reply to nobody: %v", err)
	}
	if _, err := p.CreateTopic(t.Context(), Topic{Name: "REQUESTS", Queues: 2}); err != nil {
		t.Fatal(err)
	}
	replier(t, c, "REQUESTS", 2)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			question := fmt.Sprint("question ", i)
			if i%10 == 0 {
				question += strings.Repeat(" and so on", 1000) // compressed, as its reply is
			}
			m, err := p.Request(t.Context(), text("REQUESTS", question), Within(20*time.Second))
			if err != nil || string(m.Body) != "re: "+question {
				t.Errorf("%d: %v %v", i, m, err)
			}
		})
	}
	wg.Wait()
}

func TestRecallOnABroker(t *testing.T) {
	const precision = 10 * time.Millisecond
	c := embedded(t, broker.Options{TimerPrecision: precision})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	at := time.Now().Add(500 * time.Millisecond)
	var handles []string
	for _, body := range []string{"recalled", "delivered"} {
		res, err := p.Send(t.Context(), &Message{Topic: "TIMERS", Body: []byte(body), DeliverAt: at})
		if err != nil || res.RecallHandle == "" {
			t.Fatalf("%+v %v", res, err)
		}
		handles = append(handles, res.RecallHandle)
	}
	if _, err := p.Recall(t.Context(), "TIMERS", handles[0]); err != nil {
		t.Fatal(err)
	}
	soon(t, "the other one is delivered", func() bool { return len(bodies(t, p, c, "TIMERS", 4)) > 0 })
	if got := bodies(t, p, c, "TIMERS", 4); time.Now().Before(at.Add(-2*precision)) || !slices.Equal(got, []string{"delivered"}) { // brokers round down
		t.Errorf("%q", got)
	}
}

func TestTraceOnABroker(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}, Trace: true})
	watch := started(t, Options{NameServers: []string{c.NameServer()}, InstanceName: "watch", Group: "watch"})
	res, err := p.Send(t.Context(), &Message{Topic: "T", Body: []byte("x"), Keys: []string{"k"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
	got := bodies(t, watch, c, message.TraceTopic, 4)
	if len(got) != 1 || !strings.HasPrefix(got[0], "Pub\x01") || !strings.Contains(got[0], res.ID.String()) || p.Stats().TraceDropped != 0 {
		t.Errorf("%q, %d dropped", got, p.Stats().TraceDropped)
	}
}
