package bench

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
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

// A static topic's queues have the name of the broker that has each, as what is sent says; and its offsets are held to nothing.
func TestStaticQueues(t *testing.T) {
	route := &message.Route{Mappings: map[string]message.QueueMapping{
		"a": {Topic: "S", Broker: "a", Scope: "global", TotalQueues: 3, Epoch: 1, CurrentIDs: map[int]int{0: 0, 2: 1}},
		"b": {Topic: "S", Broker: "b", Scope: "global", TotalQueues: 3, Epoch: 1, CurrentIDs: map[int]int{1: 0}},
	}}
	want := []producer.MessageQueue{{Topic: "S", Broker: "a", ID: 0}, {Topic: "S", Broker: "b", ID: 1}, {Topic: "S", Broker: "a", ID: 2}}
	if got := queuesOf("S", route); !slices.Equal(got, want) {
		t.Errorf("queues %v, want %v", got, want)
	}
	c := &scenarios.Case{Scenario: scenarios.Scenario{Topic: scenarios.Topic{Name: "S"}, Verify: scenarios.VerifyOffsets}}
	v := beginVerification(t.Context(), c, nil, &stand{target: &target{}, routes: []*message.Route{route}})
	if got := v.end(t.Context(), nil); !strings.Contains(got.Unverified, "topic S is a static one") {
		t.Errorf("%+v", got)
	}
	plain := &message.Route{Queues: []message.QueueData{{Broker: "a", WriteQueues: 2, Perm: message.PermRead | message.PermWrite}}, Brokers: []message.BrokerData{{Name: "a", Addrs: map[int64]string{0: "a:1"}}}}
	if got := queuesOf("T", plain); len(got) != 2 || got[0].Broker != "a" || static(c, []*message.Route{plain}) != nil {
		t.Errorf("queues %v", got)
	}
}
