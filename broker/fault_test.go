package broker

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// took is how long a send was answered after.
func (r *rig) took() time.Duration {
	began := time.Now()
	r.send("T", 0, "timed")
	return time.Since(began)
}

// between allows for a machine that is busy with other things.
func between(t *testing.T, what string, got, least time.Duration) {
	t.Helper()
	if got < least || got > least+150*time.Millisecond {
		t.Errorf("%s: answered after %v, want %v", what, got, least)
	}
}

func TestStallReleasesInOrderAtItsEnd(t *testing.T) {
	r := start(t, Options{})
	r.send("T", 0, "warm")
	const stall = 200 * time.Millisecond
	began := time.Now()
	r.broker().Stall(stall)
	r.broker().Stall(stall / 2) // never makes it shorter

	nc := dial(t, r.broker().Addr())
	var frames []byte
	for i := range int32(100) {
		c := sendCommand("T", 0, "stalled", "")
		c.Opaque = i
		frames, _ = c.AppendFrame(frames)
	}
	if _, err := nc.Write(frames); err != nil {
		t.Fatal(err)
	}
	for i := range int32(100) {
		a := readFrame(t, nc)
		if i == 0 {
			between(t, "first", time.Since(began), stall)
		}
		if a.Opaque != i || number(t, a, "queueOffset") != int64(i)+1 {
			t.Fatalf("answer %d has opaque %d, ext %v", i, a.Opaque, a.Ext)
		}
	}
	between(t, "last", time.Since(began), stall)
	between(t, "once it is over", r.took(), 0)
	if r.broker().pacer.active.Load() {
		t.Error("replies still go round by the pacer")
	}
}

func TestDelayIsAddedToEveryReply(t *testing.T) {
	r := start(t, Options{})
	r.broker().Delay(100 * time.Millisecond)
	between(t, "delayed send", r.took(), 100*time.Millisecond)
	began := time.Now()
	r.offset(remoting.GetMaxOffset, "T", 0)
	between(t, "delayed offset", time.Since(began), 100*time.Millisecond)
	r.broker().Delay(0)
	between(t, "no delay", r.took(), 0)
}

func TestServeMakesABrokerSlowForATime(t *testing.T) {
	r := start(t, Options{})
	r.send("T", 0, "warm")
	r.broker().Serve(100 * time.Millisecond)
	between(t, "slow", r.took(), 100*time.Millisecond)
	r.broker().Serve(0)
	between(t, "as before", r.took(), 0)
	for deadline := time.Now().Add(10 * time.Second); r.broker().pacer.active.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("replies still go round by the pacer")
		}
	}
}

func TestBusyRefusesSendsAndStoresNothing(t *testing.T) {
	r := start(t, Options{})
	r.send("T", 0, "before")
	r.broker().Busy(true)
	a := r.want(remoting.SystemBusy, r.broker().Addr(), sendCommand("T", 0, "refused", ""))
	if a.Remark != BusyTimeout {
		t.Errorf("remark %q", a.Remark)
	}
	if n := r.offset(remoting.GetMaxOffset, "T", 0); n != 1 {
		t.Errorf("max offset %d, want 1", n)
	}
	r.broker().Busy(false)
	r.send("T", 0, "after")
}

func TestAnswersToOrder(t *testing.T) {
	r := start(t, Options{})
	b := r.broker()
	b.Answer(0.1, remoting.SystemBusy, BusyOverload)
	b.Answer(0.25, remoting.FlushDiskTimeout, "")
	b.Answer(0.5, remoting.Code(999), "no such code")
	b.Answer(0.5, remoting.Code(999), "")
	b.Answer(0, remoting.Code(999), "no such code")
	b.Answer(0.2, remoting.Code(999), "")
	type said struct {
		code   remoting.Code
		remark string
	}
	got := map[said]int{}
	const n = 200
	for range n {
		a := r.ask(b.Addr(), sendCommand("T", 0, "x", ""))
		got[said{a.Response(), a.Remark}]++
		if _, ok := a.Get("queueOffset"); ok != stored(a.Response()) {
			t.Errorf("%v answered with %v", a.Response(), a.Ext)
		}
	}
	want := map[said]int{{remoting.SystemBusy, BusyOverload}: 20, {remoting.FlushDiskTimeout, ""}: 50, {999, ""}: 40, {remoting.Success, ""}: 90}
	for s, w := range want {
		if g := got[s]; (g < w-2 || g > w) && s.code != remoting.Success { // of several due at once one goes first, the others wait
			t.Errorf("%v: %d of %d, want %d", s, g, n, w)
		}
		delete(got, s)
	}
	if len(got) != 0 {
		t.Errorf("also %v", got)
	}
	kept := r.offset(remoting.GetMaxOffset, "T", 0)
	if kept < 140 || kept > 144 {
		t.Errorf("%d stored", kept)
	}
	for _, code := range []remoting.Code{remoting.SystemBusy, remoting.FlushDiskTimeout, 999} {
		for _, remark := range []string{"", BusyOverload} {
			b.Answer(0, code, remark)
		}
	}
	if b.script.Load() != nil {
		t.Error("a script of nothing is left")
	}
	r.send("T", 0, "after")
}

func TestAnswerOfOneInTen(t *testing.T) {
	var sc script
	sc.answers = []scripted{{share: 0.1, code: remoting.SystemBusy}}
	for i := 1; i <= 1000; i++ {
		if due := sc.next() != nil; due != (i%10 == 0) {
			t.Fatalf("send %d: %v", i, due)
		}
	}
}

func TestTopicsChangeUnderWay(t *testing.T) {
	r := start(t, Options{Brokers: 2})
	b := r.broker()
	queues := func() map[string]message.QueueData {
		t.Helper()
		route, err := message.ParseRoute(r.want(remoting.Success, r.NameServer(), remoting.NewRequest(remoting.GetRouteInfoByTopic, field("topic", "T"))).Body)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]message.QueueData{}
		for _, q := range route.Queues {
			m[q.Broker] = q
		}
		return m
	}
	for _, b := range r.Brokers() {
		if err := b.PutTopic(message.TopicConfig{Name: "T", ReadQueues: 8, WriteQueues: 8, Perm: message.PermRead | message.PermWrite}); err != nil {
			t.Fatal(err)
		}
	}
	r.send("T", 7, "x")
	if err := b.PutTopic(message.TopicConfig{Name: "T", ReadQueues: 2, WriteQueues: 2, Perm: message.PermRead}); err != nil {
		t.Fatal(err)
	}
	if q := queues(); q["broker-0"].WriteQueues != 2 || q["broker-0"].Perm != message.PermRead || q["broker-1"].WriteQueues != 8 {
		t.Errorf("route %+v", q)
	}
	r.want(remoting.InvalidParameter, b.Addr(), sendCommand("T", 7, "x", ""))
	r.want(remoting.Success, b.Addr(), sendCommand("T", 1, "x", "")) // brokers don't look at the permission
	if err := b.DeleteTopic("T"); err != nil {
		t.Fatal(err)
	}
	if q := queues(); len(q) != 1 {
		t.Errorf("route %+v", q)
	}
	for _, err := range []error{b.DeleteTopic("TBW102"), b.DeleteTopic("a b"), b.PutTopic(message.TopicConfig{Name: "X", ReadQueues: -1}), b.PutTopic(message.TopicConfig{Name: "SCHEDULE_TOPIC_XXXX"})} {
		if err == nil || !contains(err.Error(), "INVALID_PARAMETER") {
			t.Errorf("error %v", err)
		}
	}
}

func TestDownLeavesTheRoutesAndUpComesBack(t *testing.T) {
	r := start(t, Options{Brokers: 2})
	b := r.broker()
	r.send("T", 0, "kept")
	addr := b.Addr()
	route := remoting.NewRequest(remoting.GetRouteInfoByTopic, remoting.Field{Key: "topic", Value: "TBW102"})
	b.Down()
	b.Down()
	if body := string(r.want(remoting.Success, r.NameServer(), route).Body); !contains(body, "broker-1") || contains(body, "broker-0") {
		t.Errorf("route while one is down: %s", body)
	}
	if nc, err := net.Dial("tcp", addr); err == nil {
		nc.Close()
		t.Error("a broker that is down accepts a connection")
	}
	if _, err := r.client.Invoke(context.Background(), addr, sendCommand("T", 0, "lost", ""), time.Second); err == nil {
		t.Error("a broker that is down answers")
	}
	for range 2 {
		if err := b.Up(); err != nil {
			t.Fatal(err)
		}
	}
	if b.Addr() != addr {
		t.Errorf("came back at %s, was at %s", b.Addr(), addr)
	}
	r.client.Close() // it waits before it dials again what failed
	r.client = remoting.NewClient(remoting.ClientOptions{})
	t.Cleanup(func() { r.client.Close() })
	if body := string(r.want(remoting.Success, r.NameServer(), route).Body); !contains(body, "broker-0") {
		t.Errorf("route once it is back: %s", body)
	}
	if a := r.send("T", 0, "again"); number(t, a, "queueOffset") != 1 {
		t.Errorf("what was stored is gone: %v", a.Ext)
	}
	r.Close()
	if err := b.Up(); err == nil {
		t.Error("a closed broker came up")
	}
}

func TestServiceTimeIsAServers(t *testing.T) {
	ms := func(n int64) int64 { return n * int64(time.Millisecond) }
	p := &pacer{servers: make([]int64, 2)}
	var got []int64
	for _, now := range []int64{0, 0, 0, 0, 5, 100} {
		got = append(got, p.serve(ms(now), 10*time.Millisecond)/ms(1))
	}
	if want := []int64{10, 10, 20, 20, 30, 110}; !slices.Equal(got, want) {
		t.Errorf("two servers of 10 ms are done at %v, want %v", got, want)
	}
	if at := p.serve(ms(7), 0); at != ms(7) {
		t.Errorf("what needs no server is done at %d", at)
	}
	p.stalled = ms(500)
	if at := p.serve(ms(200), 10*time.Millisecond); at != ms(510) {
		t.Errorf("what comes in a stall until 500 ms is done at %d ms", at/ms(1))
	}

	r := start(t, Options{ServiceTime: 2 * time.Millisecond})
	nc := dial(t, r.broker().Addr())
	began := time.Now()
	var frames []byte
	for i := range int32(100) {
		c := sendCommand("T", 0, "served", "")
		c.Opaque = i
		frames, _ = c.AppendFrame(frames)
	}
	if _, err := nc.Write(frames); err != nil {
		t.Fatal(err)
	}
	for i := range int32(100) {
		if a := readFrame(t, nc); a.Opaque != i {
			t.Fatalf("answer %d has opaque %d", i, a.Opaque)
		}
	}
	between(t, "the last of 100 sends of 2 ms", time.Since(began), 200*time.Millisecond)
}

func TestWaitingIsAHeap(t *testing.T) {
	var w waiting
	for i := range uint64(1000) {
		w.push(due{at: int64(i * 7919 % 100), seq: i})
		if i%3 == 0 {
			w.pop()
		}
	}
	var last due
	for n := 0; len(w) > 0; n++ {
		d := w.pop()
		if n > 0 && d.before(&last) {
			t.Fatalf("%d/%d after %d/%d", d.at, d.seq, last.at, last.seq)
		}
		last = d
	}
}

// A fault may be ordered at any time, from anywhere.
func TestFaultsWhileClosing(t *testing.T) {
	r := start(t, Options{Brokers: 2, ServiceTime: time.Millisecond})
	b := r.broker()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			b.Stall(time.Millisecond)
			b.Delay(time.Millisecond)
			b.Busy(true)
			b.Busy(false)
			b.Answer(0.5, remoting.FlushDiskTimeout, "")
			b.Answer(0, remoting.FlushDiskTimeout, "")
			b.Down()
			if b.Up() != nil {
				return
			}
			b.Stored()
		}
	}()
	nc := dial(t, r.Brokers()[1].Addr())
	frame, _ := sendCommand("T", 0, "x", "").AppendFrame(nil)
	for range 50 {
		if _, err := nc.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	r.Close()
	close(stop)
	<-done
	r.Close()
}
