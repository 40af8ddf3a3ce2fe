//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// TestDialogue holds to each version what is more than one send: transactions that the broker asks about, requests and their
// replies, the recall of timer messages, traces.
func TestDialogue(t *testing.T) {
	for _, version := range Versions() {
		t.Run(version, func(t *testing.T) {
			s := &suite{ledger: newLedger()}
			s.Cluster = startFor(t, version, WithBrokerSetting("transactionCheckInterval", "1000"), WithBrokerSetting("transactionTimeOut", "1000"),
				WithBrokerSetting("recallMessageEnable", "true"), WithBrokerSetting("traceTopicEnable", "true"))
			s.client = remoting.NewClient(remoting.ClientOptions{ConnectTimeout: patience})
			t.Cleanup(s.client.Close)
			s.admin = producer.NewAdmin(s.client, []string{s.NameServer()})
			s.admin.Timeout = patience
			t.Run("transactions", s.testTransactions)
			t.Run("request and reply", s.testRequest)
			t.Run("recall", s.testRecall)
			t.Run("trace", s.testTrace)
			if version == latest() {
				t.Run("judge", func(t *testing.T) { judgeDialogue(t, s.Tools(), target{s.NameServer(), s.broker().Addr}) })
			}
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
	want := map[string]bool{}
	for _, body := range []string{"roll back", "commit", "roll back, when asked", "commit, when asked"} {
		m := &producer.Message{Topic: topic, Body: []byte(body), Tags: "tag", Keys: []string{"key"}, Properties: message.Properties{{Key: "mine", Value: "1"}}}
		res, err := p.SendTransaction(t.Context(), m, nil)
		if err != nil || res.Untold != nil {
			t.Fatalf("%s: %+v %v", body, res, err)
		}
		id := res.ID.String()
		if strings.HasPrefix(body, "commit") {
			want[id] = true
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
			id, _ := message.LookupProperty(r.EncodedProperties, message.PropertyUniqueKey)
			mine, _ := message.LookupProperty(r.EncodedProperties, "mine")
			delete(want, string(id)) // perhaps a second time, for what 5.x has asked about after its end
			if verdict(r.Body) != producer.TransactionCommit || string(mine) != "1" {
				t.Errorf("consumers get %q", r.Body)
			}
			next = r.QueueOffset + 1
		}
	}
}

func (s *suite) testRequest(t *testing.T) {
	if s.Version() == "4.5.1" {
		t.Skip("request and reply came with 4.6.0")
	}
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

func (s *suite) testRecall(t *testing.T) {
	if s.Version() != "5.4.0" {
		t.Skip("recall came with 5.3.2")
	}
	const topic = "RMQBENCH_E2E_RECALL"
	s.create(t, topic, 1)
	p := s.start(t, producer.Options{Group: "RMQBENCH_E2E_RECALLS"})
	var results []producer.SendResult
	for _, body := range []string{"recalled", "delivered"} {
		res, err := p.Send(t.Context(), &producer.Message{Topic: topic, Body: []byte(body), DelayFor: 4 * time.Second})
		if err != nil || res.RecallHandle == "" {
			t.Fatalf("%+v %v", res, err)
		}
		results = append(results, res)
	}
	if id, err := p.Recall(t.Context(), topic, results[0].RecallHandle); err != nil || id != results[0].ID.String() {
		t.Fatalf("%q %v", id, err)
	}
	if r := s.pull(t, queueID{topic, s.broker().Name, 0}, 0, 32, "*"); len(r) != 1 || string(r[0].Body) != "delivered" {
		t.Errorf("%d messages, the first %q", len(r), r[0].Body)
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
	found := s.query(t, s.broker().Name, message.TraceTopic, res.ID.String())
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
