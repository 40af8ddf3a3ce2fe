package broker

import (
	"testing"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func TestSendCreatesTheTopicAndStores(t *testing.T) {
	r := start(t, Options{})
	route := remoting.NewRequest(remoting.GetRouteInfoByTopic, remoting.Field{Key: "topic", Value: "T"})
	r.want(remoting.TopicNotExist, r.NameServer(), route)
	for i := range int64(3) {
		a := r.send("T", 1, "hello")
		if got := number(t, a, "queueOffset"); got != i {
			t.Errorf("queueOffset %d, want %d", got, i)
		}
		if id, _ := a.Get("transactionId"); id != "0123456789ABCDEF0123456789ABCDEF" {
			t.Errorf("transactionId %q", id)
		}
	}
	parsed, err := message.ParseRoute(r.want(remoting.Success, r.NameServer(), route).Body)
	if err != nil {
		t.Fatal(err)
	}
	if queues, _ := parsed.PublishQueues("T"); len(queues) != 4 || parsed.MasterAddr("broker-0") != r.broker().Addr() {
		t.Errorf("route %+v", parsed)
	}
	if low, high := r.offset(remoting.GetMinOffset, "T", 1), r.offset(remoting.GetMaxOffset, "T", 1); low != 0 || high != 3 {
		t.Errorf("offsets %d to %d, want 0 to 3", low, high)
	}
}

func TestStallReleasesInOrderAtItsEnd(t *testing.T) {
	r := start(t, Options{})
	r.send("T", 0, "warm")
	const stall = 200 * time.Millisecond
	began := time.Now()
	r.broker().Stall(stall)
	r.send("T", 0, "stalled")
	if took := time.Since(began); took < stall || took > stall+100*time.Millisecond {
		t.Errorf("answered after %v, want %v", took, stall)
	}
	began = time.Now()
	r.send("T", 0, "after")
	if took := time.Since(began); took > stall/2 {
		t.Errorf("answered after %v once the stall was over", took)
	}
}
