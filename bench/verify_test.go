package bench

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

func TestVerify(t *testing.T) {
	a0, a1, b0 := producer.MessageQueue{Topic: "T", Broker: "a", ID: 0}, producer.MessageQueue{Topic: "T", Broker: "a", ID: 1}, producer.MessageQueue{Topic: "T", Broker: "b", ID: 0}
	for name, tt := range map[string]struct {
		before, after, acknowledged offsets
		mayBe                       int64
		want                        results.Verification
	}{
		"all there":       {offsets{a0: 5, a1: 7}, offsets{a0: 8, a1: 7, b0: 2}, offsets{a0: 3, b0: 2}, 0, results.Verification{Stored: 5, Acknowledged: 5}},
		"weak or written": {offsets{a0: 5}, offsets{a0: 10}, offsets{a0: 3}, 2, results.Verification{Stored: 5, Acknowledged: 3, MayBeStored: 2}},
		"somebody else's": {offsets{a0: 5}, offsets{a0: 10}, offsets{a0: 3}, 1, results.Verification{Stored: 5, Acknowledged: 3, MayBeStored: 1, Unexplained: 1}},
		"one lost, another's too many": {offsets{a0: 5, a1: 5}, offsets{a0: 7, a1: 9}, offsets{a0: 3, a1: 3}, 1, results.Verification{Stored: 6, Acknowledged: 6, MayBeStored: 1, Missing: 1,
			Lacking: []results.LackingQueue{{Broker: "a", Queue: 0, Stored: 2, Acknowledged: 3}}}},
		"the queue is gone": {offsets{a0: 5}, offsets{}, offsets{a0: 3}, 0, results.Verification{Stored: -5, Acknowledged: 3, Missing: 8,
			Lacking: []results.LackingQueue{{Broker: "a", Queue: 0, Stored: -5, Acknowledged: 3}}}},
		"nothing sent": {offsets{a0: 5}, offsets{a0: 5}, offsets{}, 0, results.Verification{}},
	} {
		if got := verify(tt.before, tt.after, tt.acknowledged, tt.mayBe); !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("%s: %+v, want %+v", name, *got, tt.want)
		}
	}
}

// TestVerifyOffsets: on two real brokers all that was acknowledged is stored, the warm-up's too, through a broker's death as well.
func TestVerifyOffsets(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	text := on(c.NameServer()) + "topic: {name: T}\nverify: offsets\nproducer: {send_timeout: 1s}\nload: {workers: 8, stages: [{for: 50ms, warmup: true}, {for: 300ms}]}\n" +
		"cases:\n  - {name: sync}\n  - {name: async, load: {mode: async}}\n  - {name: oneway, load: {mode: oneway, workers: 1, count: 500}}\n"
	report, err := Run(t.Context(), scenario(t, text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	for i := range report.Run.Cases {
		got := &report.Run.Cases[i]
		v := got.Verify
		if v == nil || v.Unverified != "" || v.Missing != 0 || v.Acknowledged != counted(got).Acknowledged || v.MayBeStored < got.Written {
			t.Errorf("%s: %+v", got.Name, v)
		}
		if got.Mode != "oneway" && (v.Stored != v.Acknowledged || v.Unexplained != 0) { // oneway sends of the case before may still arrive
			t.Errorf("%s: %+v", got.Name, v)
		}
	}
}

// TestVerifyNeedsTheBrokers: a broker that can't be asked at the end makes the run PARTIAL, not wrong.
func TestVerifyNeedsTheBrokers(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	var once bool
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: T}\nverify: offsets\nproducer: {send_timeout: 300ms}\nload: {workers: 4, stages: [{for: 3s}]}\n"),
		Options{Progress: func(Progress) { // often enough, however busy the machine
			if !once {
				once = true
				c.Brokers()[0].Down()
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	v := report.Run.Cases[0].Verify
	if v == nil || !strings.Contains(v.Unverified, c.Brokers()[0].Name()) || report.Run.Verdict != results.Partial {
		t.Errorf("%+v, verdict %s", v, report.Run.Verdict)
	}
}

// staticRoute is that of a static topic S whose queues are at these brokers.
func staticRoute(c *broker.Cluster, hosts ...int) *message.Route {
	r := &message.Route{Mappings: map[string]message.QueueMapping{}}
	for i, b := range c.Brokers() {
		ids := map[int]int{}
		for id, host := range hosts {
			if host == i {
				ids[id] = id
			}
		}
		r.Mappings[b.Name()] = message.QueueMapping{Topic: "S", Broker: b.Name(), Scope: "global", TotalQueues: len(hosts), Epoch: 1, CurrentIDs: ids}
		r.Brokers = append(r.Brokers, message.BrokerData{Name: b.Name(), Addrs: map[int64]string{0: b.Addr()}})
	}
	return r
}

// A static topic's queues have the name of the broker that has each, as what is sent says. Their offsets are asked of whoever has them by then.
func TestStaticQueues(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	a, b := c.Brokers()[0], c.Brokers()[1]
	for _, b := range c.Brokers() {
		if err := b.PutTopic(message.TopicConfig{Name: "S", ReadQueues: 3, WriteQueues: 3, Perm: message.PermRead | message.PermWrite}); err != nil {
			t.Fatal(err)
		}
	}
	route := staticRoute(c, 0, 1, 0)
	queues := queuesOf("S", route)
	if want := []producer.MessageQueue{{Topic: "S", Broker: a.Name(), ID: 0}, {Topic: "S", Broker: b.Name(), ID: 1}, {Topic: "S", Broker: a.Name(), ID: 2}}; !slices.Equal(queues, want) {
		t.Errorf("queues %v, want %v", queues, want)
	}
	of := &scenarios.Case{Scenario: scenarios.Scenario{Topic: scenarios.Topic{Name: "S"}}}
	plain := &message.Route{Queues: []message.QueueData{{Broker: "a", WriteQueues: 2, Perm: message.PermRead | message.PermWrite}}, Brokers: []message.BrokerData{{Name: "a", Addrs: map[int64]string{0: "a:1"}}}}
	if got := queuesOf("T", plain); len(got) != 2 || got[0].Broker != "a" || staticTopics(of, []*message.Route{plain}) != nil || !slices.Equal(staticTopics(of, []*message.Route{route}), []string{"S"}) {
		t.Errorf("queues %v", got)
	}

	client := remoting.NewClient(remoting.ClientOptions{})
	t.Cleanup(client.Close)
	p := producer.New(producer.Options{Group: "G_STATIC", NameServers: []string{c.NameServer()}})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Shutdown() })
	v := &verification{admin: producer.NewAdmin(client, []string{c.NameServer()}), routes: func(context.Context, string) (*message.Route, error) { return route, nil }, logical: queues}
	sent := offsets{}
	send := func(broker string, id int32) {
		q := producer.MessageQueue{Topic: "S", Broker: broker, ID: id}
		if _, err := p.Send(t.Context(), &producer.Message{Topic: "S", Body: []byte("x")}, producer.To(q)); err != nil {
			t.Fatal(err)
		}
		sent[q]++
	}
	send(b.Name(), 1) // before the case
	clear(sent)
	if v.before, v.unverified = v.read(t.Context()); v.unverified != nil {
		t.Fatal(v.unverified)
	}
	send(a.Name(), 0)
	send(b.Name(), 1)
	send(b.Name(), 1)
	if got, _ := v.compare(t.Context(), sent, 0); got.Unverified != "" || got.Stored != 3 || got.Acknowledged != 3 || got.Missing+got.Unexplained != 0 {
		t.Errorf("%+v", got)
	}
	sent[queues[2]]++ // which nobody stored
	if got, _ := v.compare(t.Context(), sent, 0); got.Missing != 1 || len(got.Lacking) != 1 || got.Lacking[0].Queue != 2 {
		t.Errorf("%+v", got)
	}
	delete(sent, queues[2])
	route = staticRoute(c, 1, 1, 0) // queue 0 has moved, and was empty there
	send(b.Name(), 0)
	send(b.Name(), 0)
	if got, _ := v.compare(t.Context(), sent, 0); got.Acknowledged != 5 || got.Stored != 4 || got.Missing != 1 || len(got.Lacking) != 1 || got.Lacking[0].Broker != a.Name() || got.Lacking[0].Acknowledged != 3 {
		t.Errorf("%+v: queue 0 is one, whoever has it", got)
	}
	v.kind = scenarios.VerifyBodies
	if got := v.end(t.Context(), &measurement{ledger: &ledger{}}); got.Unverified != "topic S is a static one: its messages are counted, and not read back" || got.Stored != 4 {
		t.Errorf("%+v", got)
	}
	route = staticRoute(c, 0, 1)
	if got := v.end(t.Context(), &measurement{ledger: &ledger{}}); got.Unverified != "topic S, queue 2: no broker has it now" {
		t.Errorf("%+v", got)
	}
}
