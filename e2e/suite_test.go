//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
)

const (
	// patience is how long anything may take that does take a while on a machine that is busy with other things.
	patience = 30 * time.Second

	// still is for how long offsets must not move before they count as final: brokers count a message in after they have answered.
	still = 500 * time.Millisecond
)

// suite is one version's cluster and what its tests share. The tests run one after the other, each on topics of its own.
type suite struct {
	*Cluster
	client *remoting.Client
	admin  *producer.Admin
	ledger *ledger
}

// TestSuite drives our producer against each version of RocketMQ and then holds what was acknowledged against what is stored.
func TestSuite(t *testing.T) {
	for _, version := range Versions() {
		t.Run(version, func(t *testing.T) {
			s := newSuite(t, version)
			t.Run("launcher", s.testLauncher)
			t.Run("admin", s.testAdmin)
			t.Run("connection list", s.testConnectionList)
			t.Run("created topic", s.testCreatedTopic)
			t.Run("default topic", s.testDefaultTopic)
			t.Run("kinds", s.testKinds)
			t.Run("R36_bodies", s.testBodies)
			t.Run("properties", s.testProperties)
			t.Run("R37_compressions", s.testCompressions)
			t.Run("batches", s.testBatches)
			t.Run("namespace", s.testNamespace)
			t.Run("R49_workers", s.testWorkers)
			t.Run("dialogue", s.testDialogue)
			t.Run("run", s.testRun)
			if version == latest() {
				t.Run("judges", func(t *testing.T) { judge(t, s.Tools(), target{s.NameServer(), s.broker().Addr}) })
				t.Run("judge of the dialogue", func(t *testing.T) {
					s.since(t, "5.3.2", "recall of timer messages")
					judgeDialogue(t, s.Tools(), target{s.NameServer(), s.broker().Addr})
				})
			}
			var messages, queues int64
			t.Run("offsets", func(t *testing.T) { messages, queues = s.reconcile(t) })
			t.Run("R01_killed_broker", s.testKilledBroker) // last: it leaves the cluster as it may
			t.Logf("%s: reconciled %s messages on %d queues", version, grouped(messages), queues)
		})
	}
}

func newSuite(t *testing.T, version string) *suite {
	return newSuiteOn(t, startFor(t, version, WithBrokerSetting("transactionCheckInterval", "1000"), WithBrokerSetting("transactionTimeOut", "1000"),
		WithBrokerSetting("recallMessageEnable", "true"), WithBrokerSetting("traceTopicEnable", "true")))
}

// newSuiteOn is a suite on a cluster that runs.
func newSuiteOn(t *testing.T, c *Cluster) *suite {
	s := &suite{Cluster: c, ledger: newLedger(), client: remoting.NewClient(remoting.ClientOptions{ConnectTimeout: patience})}
	t.Cleanup(s.client.Close)
	s.admin = producer.NewAdmin(s.client, []string{s.NameServer()})
	s.admin.Timeout = patience
	return s
}

// broker is the one broker.
func (s *suite) broker() Broker { return s.Brokers()[0] }

// start starts a producer that ends with the test. Without other options it has a group and a client id of its own, patience,
// and no retries, so that a message is stored once.
func (s *suite) start(t *testing.T, o producer.Options) *producer.Producer {
	t.Helper()
	o.NameServers = []string{s.NameServer()}
	if o.Group == "" {
		o.Group = "RMQBENCH_E2E_GROUP"
	}
	o.InstanceName = "e2e-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	o.Retries, o.AsyncRetries = -1, -1
	o.SendTimeout, o.ConnectTimeout = patience, patience
	p := producer.New(o)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Shutdown(); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return p
}

// create makes a topic and returns when the name server knows it.
func (s *suite) create(t *testing.T, topic string, queues int) {
	t.Helper()
	if _, err := s.admin.CreateTopic(t.Context(), producer.Topic{Name: topic, Queues: queues}); err != nil {
		t.Fatal(err)
	}
}

// send sends a message, which must be stored, and enters it in the ledger.
func (s *suite) send(t *testing.T, p *producer.Producer, m *producer.Message) producer.SendResult {
	t.Helper()
	r, err := p.Send(t.Context(), m)
	s.enter(t, m, &r, err)
	return r
}

// enter enters what became of a send, which must have been stored.
func (s *suite) enter(t *testing.T, m *producer.Message, r *producer.SendResult, err error) {
	t.Helper()
	if err != nil || r.Status != producer.SendOK || r.Attempts != 1 {
		t.Errorf("send of %d bytes: %v in %d attempts, error %v", len(m.Body), r.Status, r.Attempts, err)
	}
	if err == nil {
		s.ledger.acknowledge(m.Topic, r)
	}
}

// reconcile waits until all offsets stand still, holds them against the ledger, and returns how many messages are accounted for
// on how many queues.
func (s *suite) reconcile(t *testing.T) (messages, queues int64) {
	missing, lost, faults, offsets := s.settle(t, s.ledger)
	for _, fault := range faults {
		t.Error(fault)
	}
	if lost > 0 {
		t.Errorf("%d acknowledged messages are not stored", lost)
	}
	if missing > lost {
		t.Logf("%d messages sent oneway are not stored", missing-lost)
	}
	for _, n := range offsets {
		messages += n
	}
	return messages, int64(len(offsets))
}

// settle polls the offsets of all the ledger's topics until they stand still, and balances them.
func (s *suite) settle(t *testing.T, l *ledger) (missing, lost int64, faults []string, offsets map[queueID]int64) {
	t.Helper()
	began := time.Now()
	for since := began; ; time.Sleep(50 * time.Millisecond) {
		now := s.offsets(t, l.topics())
		if fmt.Sprint(now) != fmt.Sprint(offsets) { // maps print in order
			offsets, since = now, time.Now()
		}
		missing, lost, faults = l.balance(offsets)
		switch rest := time.Since(since); {
		case lost > 0 && time.Since(began) < patience: // to come yet
		case missing > 0 && rest < 4*still: // oneway: to come, or lost
		case rest >= still:
			return missing, lost, faults, offsets
		}
	}
}

// offsets asks for the max offset of every queue of some topics.
func (s *suite) offsets(t *testing.T, topics []string) map[queueID]int64 {
	t.Helper()
	offsets := map[queueID]int64{}
	for _, topic := range topics {
		route, err := s.admin.Route(t.Context(), topic)
		if err != nil {
			t.Fatalf("route of %s: %v", topic, err)
		}
		for _, q := range route.Queues {
			for i := range max(q.ReadQueues, q.WriteQueues) {
				n, err := s.admin.MaxOffset(t.Context(), route.MasterAddr(q.Broker), topic, i)
				if err != nil {
					t.Fatalf("max offset of %s %s:%d: %v", topic, q.Broker, i, err)
				}
				offsets[queueID{topic, q.Broker, i}] = n
			}
		}
	}
	return offsets
}

// isRefusal says whether err is a server's refusal with that code.
func isRefusal(err error, code remoting.Code) bool {
	be, ok := errors.AsType[*remoting.BrokerError](err)
	return ok && be.Code == code
}

// isA says whether an error of that type is in err.
func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// eventually polls until ok or until patience is at its end.
func eventually(ok func() bool) bool {
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// grouped writes a number with a comma every three digits.
func grouped(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
