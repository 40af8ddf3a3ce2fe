package nemesis

import (
	"context"
	"fmt"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// maxQueues are what the topic has to read on each broker, and to write unless a fault changes that.
const maxQueues = 8

// embedded is a cluster of embedded brokers as a stage.
type embedded struct {
	*broker.Cluster
	topic string
}

func (e *embedded) Addr(i int) string { return e.Brokers()[i].Addr() }

func (e *embedded) writable(i, queues int) error {
	return e.Brokers()[i].PutTopic(message.TopicConfig{Name: e.topic, ReadQueues: maxQueues, WriteQueues: queues, Perm: message.PermRead | message.PermWrite})
}

// Begin begins what f says on its broker.
func (e *embedded) Begin(f Fault) error { return e.set(f, true) }

// End ends it.
func (e *embedded) End(f Fault) error { return e.set(f, false) }

func (e *embedded) set(f Fault, on bool) error {
	b, share := e.Brokers()[f.Broker], 0.0
	if on {
		share = f.Share
	}
	switch f.Kind {
	case Slow:
		d := time.Duration(0)
		if on {
			d = 20 * time.Millisecond
		}
		b.Delay(d)
	case Stall:
		if on {
			b.Stall(f.For)
		}
	case Busy:
		b.Answer(share, remoting.SystemBusy, broker.BusyTimeout)
	case PageCache:
		b.Answer(share, remoting.SystemBusy, broker.BusyPageCache)
	case Refuse:
		b.Answer(share, remoting.TopicNotExist, "not here")
	case FlushDisk:
		b.Answer(share, remoting.FlushDiskTimeout, "")
	case FlushSlave:
		b.Answer(share, remoting.FlushSlaveTimeout, "")
	case NoSlave:
		b.Answer(share, remoting.SlaveNotAvailable, "")
	case Queues:
		if on {
			return e.writable(f.Broker, f.Queues)
		}
		return e.writable(f.Broker, maxQueues)
	case Down:
		if on {
			b.Down()
			return nil
		}
		return b.Up()
	default:
		return fmt.Errorf("nemesis: an embedded broker can't have %s", f.Kind)
	}
	return nil
}

// Scene is a cluster of embedded brokers, a producer that reaches it through a relay, and what reads back.
type Scene struct {
	stage   *embedded
	relay   Relay
	client  *remoting.Client
	list    Listener
	p       *producer.Producer
	cluster Cluster
}

const brokers = 2

// NewScene makes one. The producer's options that faults may meet differently change with the seed. Close ends it.
func NewScene(seed uint64, memory int64) (*Scene, error) {
	c, err := broker.Start(broker.Options{Brokers: brokers, MemoryBudget: memory, CheckInterval: 200 * time.Millisecond, CheckAfter: 500 * time.Millisecond, CheckMax: 1000})
	if err != nil {
		return nil, err
	}
	s := &Scene{stage: &embedded{c, "NEMESIS"}, client: remoting.NewClient(remoting.ClientOptions{})}
	s.cluster = Cluster{Admin: producer.NewAdmin(s.client, []string{c.NameServer()}), Addrs: map[string]string{}, Topic: "NEMESIS", Queues: maxQueues}
	o := producer.Options{NameServers: []string{c.NameServer()}, Group: "NEMESIS", InstanceName: fmt.Sprintf("nemesis-%d-%d", seed, time.Now().UnixNano()),
		SendTimeout: 500 * time.Millisecond, AttemptTimeout: 200 * time.Millisecond, RouteEvery: 300 * time.Millisecond, HeartbeatEvery: time.Second,
		RetryNotOK: seed%2 == 1, Connections: 1 + int(seed/2%2), Listener: &s.list, Dial: s.relay.Dial, JSON: seed%5 == 0}
	if seed/4%2 == 1 {
		o.Profile = producer.Java54
	}
	if seed/8%2 == 1 {
		o.Avoid = producer.Avoid451()
	}
	if seed%3 == 0 {
		o.Limits = remoting.Limits{Async: 64, Oneway: 16, Bytes: 256 << 10}
	}
	s.p = producer.New(o)
	for i, b := range c.Brokers() {
		s.cluster.Addrs[b.Name()] = b.Addr()
		if err = s.stage.writable(i, maxQueues); err != nil {
			break
		}
	}
	if err == nil {
		err = s.p.Start()
	}
	if err == nil { // its timeouts are short, for the faults; none has begun, so that a busy machine is all that can be in the way
		until := time.Now().Add(30 * time.Second)
		for _, err = s.p.Prepare(context.Background(), s.stage.topic); err != nil && time.Now().Before(until); {
			_, err = s.p.Prepare(context.Background(), s.stage.topic)
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Producer is the one that sends.
func (s *Scene) Producer() *producer.Producer { return s.p }

// Play is a run of so many messages on the scene.
func (s *Scene) Play(ctx context.Context, seed uint64, name string, sends, workers int, over time.Duration) (Report, error) {
	h := NewHistory(name, sends)
	r := Run{Load: Load{Seed: seed, Topic: s.stage.topic, Over: over, Workers: workers, History: h}, Schedule: Schedule(seed, over, brokers, Embedded),
		Stage: s.stage, Relay: &s.relay, Producer: s.p, Listener: &s.list, Cluster: s.cluster, Settle: 30 * time.Second}
	return r.Do(ctx)
}

// Close shuts the producer down and ends the rest.
func (s *Scene) Close() {
	_ = s.p.Shutdown() // brokers that can't be told are about to go too
	s.relay.Close()
	s.client.Close()
	s.stage.Close()
}
