//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting/message"
)

// onItsWay are the properties that a message may have besides which brokers store again under its own topic.
var onItsWay = []string{message.PropertyRealTopic, message.PropertyRealQueueID, message.PropertyTransactionPrepared, message.PropertyProducerGroup,
	message.PropertyTransactionID, message.PropertyTransactionCheckTimes, message.PropertyTransactionQueueOffset, message.PropertyTimerOutMS,
	message.PropertyTimerEnqueueMS, message.PropertyTimerDequeueMS, message.PropertyTimerRollTimes, message.PropertyTimerDelaySec, message.PropertyTimerDelayMS, message.PropertyDelay}

// testDialogue is what is more than one send, and what takes time at the broker: all at once, on topics of their own.
func (s *suite) testDialogue(t *testing.T) {
	for name, test := range map[string]func(*testing.T){"transactions": s.testTransactions, "request and reply": s.testRequest,
		"delay level": s.testDelayLevel, "timer and recall": s.testRecall, "trace": s.testTrace} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// bank is a TransactionListener that does as the message's body says, and remembers what it was asked.
type bank struct {
	mu      sync.Mutex // protects following
	checked map[string]*producer.Received
}

func (b *bank) Execute(m *producer.Message, _ producer.SendResult, _ any) producer.TransactionState {
	if strings.HasSuffix(string(m.Body), "when asked") {
		return producer.TransactionUnknown
	}
	return verdict(m.Body)
}

func verdict(body []byte) producer.TransactionState {
	if strings.HasPrefix(string(body), "roll back") {
		return producer.TransactionRollback
	}
	return producer.TransactionCommit
}

func (b *bank) Check(m *producer.Received) producer.TransactionState {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checked[m.ID()] = m
	return verdict(m.Body) // 5.x may ask about those that have ended, too
}

func (b *bank) asked(id string) *producer.Received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.checked[id]
}

func (s *suite) testTransactions(t *testing.T) {
	const topic = "RMQBENCH_E2E_TRANSACTIONS"
	s.create(t, topic, 1)
	b := &bank{checked: map[string]*producer.Received{}}
	p := s.start(t, producer.Options{Group: "RMQBENCH_E2E_BANK", Listener: b})
	want := map[string]*producer.Message{} // by id
	for _, body := range []string{"roll back", "commit", "roll back, when asked", "commit, when asked"} {
		m := &producer.Message{Topic: topic, Body: []byte(body), Tags: "tag", Keys: []string{"key"}, Properties: message.Properties{{Key: "mine", Value: "1"}}}
		res, err := p.SendTransaction(t.Context(), m, nil)
		if err != nil || res.Untold != nil {
			t.Fatalf("%s: %+v %v", body, res, err)
		}
		id := res.ID.String()
		if strings.HasPrefix(body, "commit") {
			want[id] = m
		}
		if !strings.HasSuffix(body, "asked") {
			continue
		}
		if !eventually(func() bool { return b.asked(id) != nil }) {
			t.Fatalf("nobody asked about %q", body)
		}
		if got := b.asked(id); string(got.Body) != body || got.Topic != topic {
			t.Errorf("asked about %+v", got)
		}
	}
	queue := queueID{topic, s.broker().Name, 0}
	for next := int64(0); len(want) > 0; {
		for _, r := range s.pull(t, queue, next, 32, "tag") { // it fails when nothing more comes
			got := received(t, r)
			if verdict(got.Body) != producer.TransactionCommit {
				t.Errorf("consumers get %q", got.Body)
			}
			if m := want[got.ID()]; m != nil { // else a second time, what 5.x has asked about after its end
				s.compareContent(t, m, got.ID(), got, onItsWay...)
			}
			delete(want, got.ID())
			next = got.QueueOffset + 1
		}
	}
}

// received is a record as a consumer has it.
func received(t *testing.T, r message.Record) *producer.Received {
	t.Helper()
	got, err := producer.NewReceived(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (s *suite) testRequest(t *testing.T) {
	s.since(t, "4.6.0", "request and reply")
	const topic = "RMQBENCH_E2E_REQUESTS"
	s.create(t, topic, 1)
	queue := queueID{topic, s.broker().Name, 0}
	p := s.start(t, producer.Options{Group: "RMQBENCH_E2E_ASKS"})
	q := s.start(t, producer.Options{Group: "RMQBENCH_E2E_REPLIES"})
	for i, body := range []string{"short", strings.Repeat("long ", 10_000)} {
		replied := make(chan error, 1)
		go func() {
			request, err := producer.NewReceived(s.pull(t, queue, int64(i), 1, "*")[0])
			if err == nil {
				_, err = q.Reply(t.Context(), request, append([]byte("re: "), request.Body...))
			}
			replied <- err
		}()
		reply, err := p.Request(t.Context(), &producer.Message{Topic: topic, Body: []byte(body)}, producer.Within(patience))
		if err != nil || string(reply.Body) != "re: "+body {
			t.Fatalf("%v %v", reply, err)
		}
		if err := <-replied; err != nil {
			t.Errorf("the replier: %v", err)
		}
	}
	if n := p.Stats().LateReplies; n != 0 {
		t.Errorf("%d late replies", n)
	}
}

// testDelayLevel has a message kept for a second.
func (s *suite) testDelayLevel(t *testing.T) {
	const topic = "RMQBENCH_E2E_DELAYED"
	s.create(t, topic, 1)
	p := s.start(t, producer.Options{})
	m := &producer.Message{Topic: topic, Body: compressible(5000), Tags: "tag", Keys: []string{"key"}, DelayLevel: 1}
	res, err := p.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	got := received(t, s.pull(t, queueID{topic, s.broker().Name, 0}, 0, 32, "tag")[0])
	s.compareContent(t, m, res.ID.String(), got, onItsWay...)
	if kept := got.StoreTime - got.BornTime; kept < 900 {
		t.Errorf("delivered after %d ms", kept)
	}
}

// testRecall takes one of two timer messages back.
func (s *suite) testRecall(t *testing.T) {
	s.since(t, "5.3.2", "recall of timer messages")
	const topic, delay = "RMQBENCH_E2E_RECALL", 4 * time.Second
	s.create(t, topic, 1)
	p := s.start(t, producer.Options{Group: "RMQBENCH_E2E_RECALLS"})
	var results []producer.SendResult
	var last *producer.Message
	for _, body := range []string{"recalled", "delivered"} {
		last = &producer.Message{Topic: topic, Body: []byte(body), Keys: []string{"key"}, DelayFor: delay}
		res, err := p.Send(t.Context(), last)
		if err != nil || res.RecallHandle == "" {
			t.Fatalf("%+v %v", res, err)
		}
		results = append(results, res)
	}
	if id, err := p.Recall(t.Context(), topic, results[0].RecallHandle); err != nil || id != results[0].ID.String() {
		t.Fatalf("%q %v", id, err)
	}
	records := s.pull(t, queueID{topic, s.broker().Name, 0}, 0, 32, "*")
	if len(records) != 1 {
		t.Errorf("%d messages, the first %q", len(records), records[0].Body)
	}
	got := received(t, records[0])
	s.compareContent(t, last, results[1].ID.String(), got, onItsWay...)
	if kept := got.StoreTime - got.BornTime; kept < delay.Milliseconds()-1500 { // timers are exact to a second
		t.Errorf("delivered after %d ms", kept)
	}
}

func (s *suite) testTrace(t *testing.T) {
	const topic = "RMQBENCH_E2E_TRACED"
	s.create(t, topic, 1)
	p := s.start(t, producer.Options{Group: "RMQBENCH_E2E_TRACE", Trace: true})
	res, err := p.Send(t.Context(), &producer.Message{Topic: topic, Body: []byte("traced"), Tags: "tag", Keys: []string{"key"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Shutdown(); err != nil { // sends what is queued
		t.Error(err)
	}
	if n := p.Stats().TraceDropped; n != 0 {
		t.Errorf("%d records dropped", n)
	}
	found := s.query(t, message.TraceTopic, res.ID.String(), 1)
	if len(found) != 1 {
		t.Fatalf("%d trace messages of %s", len(found), res.ID)
	}
	f := strings.Split(strings.TrimSuffix(string(found[0].Body), "\x02"), "\x01")
	f[1], f[10] = "time", "cost"
	want := []string{"Pub", "time", "DefaultRegion", "RMQBENCH_E2E_TRACE", topic, res.ID.String(), "tag", "key", s.broker().Addr, "6", "cost", "0", res.OffsetID.String(), "true"}
	if !slices.Equal(f, want) {
		t.Errorf("%q, want %q", f, want)
	}
}
