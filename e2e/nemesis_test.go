//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/internal/nemesis"
	"rmqbench/producer"
	"rmqbench/remoting"
)

// realStage freezes and kills real brokers, each one thing at a time: a broker that was killed takes a while to be there again.
type realStage struct {
	*Cluster
	gone [2]sync.Mutex // held from Begin to End
}

func (s *realStage) Addr(i int) string { return s.Brokers()[i].Addr }

func (s *realStage) Begin(f nemesis.Fault) error {
	s.gone[f.Broker].Lock()
	switch f.Kind {
	case nemesis.Freeze:
		return s.Stop(f.Broker)
	case nemesis.Kill:
		return s.Kill(f.Broker)
	}
	return fmt.Errorf("a real broker can't have %s", f.Kind)
}

func (s *realStage) End(f nemesis.Fault) error {
	defer s.gone[f.Broker].Unlock()
	if f.Kind == nemesis.Freeze {
		return s.Cont(f.Broker)
	}
	return s.Restart(f.Broker)
}

// realScene is a cluster of two brokers of 5.4.0 and a producer that reaches it through a relay.
type realScene struct {
	stage    *realStage
	relay    nemesis.Relay
	listener nemesis.Listener
	p        *producer.Producer
	cluster  nemesis.Cluster
}

const nemesisQueues = 4

func newRealScene(t *testing.T, topic string) *realScene {
	t.Helper()
	c := startFor(t, latest(), WithBrokers(2), WithBrokerSetting("transactionCheckInterval", "1000"), WithBrokerSetting("transactionTimeOut", "2000"),
		WithBrokerSetting("transactionCheckMax", "1000"))
	client := remoting.NewClient(remoting.ClientOptions{ConnectTimeout: patience})
	t.Cleanup(client.Close)
	admin := producer.NewAdmin(client, []string{c.NameServer()})
	admin.Timeout = patience
	if _, err := admin.CreateTopic(t.Context(), producer.Topic{Name: topic, Queues: nemesisQueues}); err != nil {
		t.Fatal(err)
	}
	s := &realScene{stage: &realStage{Cluster: c}, cluster: nemesis.Cluster{Admin: admin, Addrs: map[string]string{}, Topic: topic, Queues: nemesisQueues}}
	for _, b := range c.Brokers() {
		s.cluster.Addrs[b.Name] = b.Addr
	}
	s.p = producer.New(producer.Options{NameServers: []string{c.NameServer()}, Group: topic, InstanceName: fmt.Sprint("nemesis-", time.Now().UnixNano()),
		SendTimeout: 3 * time.Second, AttemptTimeout: time.Second, RouteEvery: time.Second, HeartbeatEvery: time.Second, Profile: producer.Java54,
		Listener: &s.listener, Dial: s.relay.Dial})
	if err := s.p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.p.Shutdown(); s.relay.Close() }) // a broker that was killed may not hear of it
	if _, err := s.p.Prepare(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	return s
}

// play is a run under a seed's schedule.
func (s *realScene) play(ctx context.Context, seed uint64, name string, sends int, schedule []nemesis.Fault, over time.Duration) (nemesis.Report, error) {
	r := nemesis.Run{Load: nemesis.Load{Seed: seed, Topic: s.cluster.Topic, Over: over, Workers: 32, History: nemesis.NewHistory(name, sends)}, Schedule: schedule,
		Stage: s.stage, Relay: &s.relay, Producer: s.p, Listener: &s.listener, Cluster: s.cluster, Settle: 2 * time.Minute}
	return r.Do(ctx)
}

// realSchedule is a seed's, in which a broker is certainly killed and one frozen.
func realSchedule(seed uint64, over time.Duration) []nemesis.Fault {
	all := nemesis.Schedule(seed, over, 2, nemesis.Real)
	for _, kind := range []nemesis.Kind{nemesis.Kill, nemesis.Freeze} {
		has := false
		for _, f := range all {
			has = has || f.Kind == kind
		}
		if !has { // after all others, on one broker each
			all = append(all, nemesis.Fault{Kind: kind, Broker: int(kind) % 2, At: over * 8 / 10, For: over / 10})
		}
	}
	return all
}

// The same on real RocketMQ: whatever befalls brokers and connections, what was acknowledged is stored. RMQBENCH_E2E_SEEDS says how
// many seeds (2; make nemesis-rocketmq: 5), RMQBENCH_E2E_SEED the first.
func TestR55_NemesisRocketMQ(t *testing.T) {
	seeds, first := 2, 1
	for name, into := range map[string]*int{"RMQBENCH_E2E_SEEDS": &seeds, "RMQBENCH_E2E_SEED": &first} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				t.Fatalf("%s=%q is no number from 1", name, text)
			}
			*into = n
		}
	}
	const sends, over = 3000, 20 * time.Second
	s := newRealScene(t, "RMQBENCH_E2E_NEMESIS")
	for seed := first; seed < first+seeds; seed++ {
		schedule := realSchedule(uint64(seed), over)
		r, err := s.play(t.Context(), uint64(seed), fmt.Sprint("n", seed), sends, schedule, over)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		t.Logf("seed %d: %v\n%s", seed, r, nemesis.Text(schedule))
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
		if r.Classes[nemesis.Acknowledged] < sends/4 {
			t.Errorf("seed %d: %d of %d are acknowledged: the faults left nothing to check", seed, r.Classes[nemesis.Acknowledged], sends)
		}
	}
}

// SOAK=1h: the same for long, with the memory and goroutines of this process watched. Where embedded brokers share its memory
// ours is the only one here. A broker that is killed takes half a minute of a CPU to be there again, so that rounds are of two
// minutes, of a short soak less: the machine is to have room for others.
func TestR27_SoakRocketMQ(t *testing.T) {
	text := os.Getenv("SOAK")
	if text == "" {
		t.Skip("SOAK says for how long, as in SOAK=1h")
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK=%q is no time", text)
	}
	const perSecond = 150
	over := max(20*time.Second, min(2*time.Minute, length/6))
	scene := newRealScene(t, "RMQBENCH_E2E_SOAK")
	s, err := nemesis.Endure(length, func(n int) (nemesis.Report, error) {
		return scene.play(t.Context(), uint64(n)+1, fmt.Sprint("n", n), perSecond*int(over.Seconds()), nemesis.Schedule(uint64(n)+1, over, 2, nemesis.Real), over)
	})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := s.Print(&table); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table.String())
	for _, fault := range s.Faults(length) {
		t.Error(fault)
	}
}
