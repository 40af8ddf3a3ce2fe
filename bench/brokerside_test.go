package bench

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

func TestBrokerPoint(t *testing.T) {
	for name, tt := range map[string]struct {
		info message.KVTable
		err  error
		want results.BrokerPoint
	}{
		"4.5.1's words": {message.KVTable{"putTps": "1234.5 20.0 3.0", "msgPutTotalTodayNow": "99", "pageCacheLockTimeMills": "3", "sendThreadPoolQueueSize": "7",
			"sendThreadPoolQueueHeadWaitTimeMills": "12", "dispatchBehindBytes": "4096", "commitLogDiskRatio": "0.25",
			"putMessageDistributeTime": "[<=0ms]:12 [0~10ms]:3 [10s~]:0 "}, nil,
			results.BrokerPoint{PutPerSecond: new(1234.5), PutsToday: new(int64(99)), PageCacheLockNS: new(int64(3e6)), SendQueue: new(int64(7)), SendQueueWaitNS: new(int64(12e6)),
				DispatchBehindBytes: new(int64(4096)), DiskRatio: new(0.25), PutTimes: map[string]int64{"<=0ms": 12, "0~10ms": 3, "10s~": 0}}},
		"nothing known": {message.KVTable{"putTps": "", "commitLogDiskRatio": "NaN", "putMessageDistributeTime": "null", "sendThreadPoolQueueSize": "-"}, nil, results.BrokerPoint{}},
		"refused":       {nil, remoting.NewBrokerError("b", remoting.NoPermission, ""), results.BrokerPoint{Unknown: results.NotPermitted}},
		"silent":        {nil, errors.New("timeout"), results.BrokerPoint{Unknown: "no answer"}},
	} {
		tt.want.Broker = "b"
		if got := brokerPoint("b", tt.info, tt.err); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// TestBrokerSide asks brokers over real sockets; one that is gone costs nothing but its line, and one that refused isn't asked again.
func TestBrokerSide(t *testing.T) {
	c := cluster(t, broker.Options{Brokers: 2})
	var brokers []results.Broker
	for _, b := range c.Brokers() {
		brokers = append(brokers, results.Broker{Name: b.Name(), Addr: b.Addr()})
	}
	brokers = append(brokers, results.Broker{Name: "gone", Addr: "127.0.0.1:1"}, results.Broker{Name: "secret", Addr: c.Brokers()[0].Addr()})
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	side := &brokerSide{latest: []results.BrokerPoint{{Broker: "secret", Unknown: results.NotPermitted}}}
	side.ask(context.Background(), producer.NewAdmin(client, nil), brokers)
	var got []string
	for _, p := range side.points() {
		got = append(got, p.Unknown)
		if p.Unknown == "" && (p.PutPerSecond == nil || p.SendQueue == nil || p.DiskRatio == nil) {
			t.Errorf("%+v", p)
		}
	}
	if want := []string{"", "", "no answer", results.NotPermitted}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOtherTopicsPutRate: what others put into other topics of a broker is told apart from what the case's topics took, by whomever; who
// may not be asked says so.
func TestOtherTopicsPutRate(t *testing.T) {
	c := cluster(t, broker.Options{})
	b := c.Brokers()[0]
	brokers := []results.Broker{{Name: b.Name(), Addr: b.Addr()}, {Name: "gone", Addr: "127.0.0.1:1"}}
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	admin := producer.NewAdmin(client, nil)
	p := producer.New(producer.Options{NameServers: []string{c.NameServer()}, Group: "g", InstanceName: t.Name()})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Shutdown() }()
	put := func(topic string, n int) {
		for range n {
			if _, err := p.Send(t.Context(), &producer.Message{Topic: topic, Body: []byte("x")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, topic := range []string{"T", "U", "O"} {
		if _, err := CreateTopic(t.Context(), TopicOptions{NameServers: []string{c.NameServer()}}, producer.Topic{Name: topic, Queues: 2}); err != nil {
			t.Fatal(err)
		}
		put(topic, 5)
	}
	side := &brokerSide{topics: []string{"T", "U"}}
	side.ask(t.Context(), admin, brokers)
	if first := side.points()[0]; first.OthersPerSecond != nil || side.otherTopics()[0].Messages != nil {
		t.Errorf("after one round: %+v", first)
	}
	put("T", 20)
	put("U", 10)
	put("O", 30)
	side.ask(t.Context(), admin, brokers)
	put("O", 12)
	side.ask(t.Context(), admin, brokers)
	if last := side.points()[0]; last.OthersPerSecond == nil || *last.OthersPerSecond <= 0 {
		t.Errorf("the last interval: %+v", last)
	}
	got := side.otherTopics()
	if len(got) != 2 || *got[0].Messages != 42 || *got[0].PerSecond <= 0 || got[0].Unknown != "" || got[1].Messages != nil || got[1].Unknown != unsaid {
		t.Errorf("%+v", got)
	}
	side = &brokerSide{topics: []string{"T"}, latest: []results.BrokerPoint{{Broker: b.Name(), Unknown: results.NotPermitted}}}
	side.ask(t.Context(), admin, brokers[:1])
	many := &brokerSide{topics: make([]string, othersMost+1)}
	many.ask(t.Context(), admin, brokers[:1])
	if got, of := side.otherTopics(), many.otherTopics(); got[0].Unknown != results.NotPermitted || of[0].Unknown != "not asked: it takes a question a topic, and there are 9" {
		t.Errorf("%+v, %+v", got, of)
	}
	again := putReading{at: 2, all: 3}
	if _, _, ok := again.since(putReading{at: 1, all: 4}); ok {
		t.Error("a broker that has begun anew is believed")
	}
}
