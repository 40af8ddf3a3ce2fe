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
