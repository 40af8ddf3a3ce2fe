package broker

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"rmqbench/remoting"
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

func TestBusyRefusesSendsAndStoresNothing(t *testing.T) {
	r := start(t, Options{})
	r.send("T", 0, "before")
	r.broker().Busy(true)
	a := r.want(remoting.SystemBusy, r.broker().Addr(), sendCommand("T", 0, "refused", ""))
	if a.Remark != busyRemark {
		t.Errorf("remark %q", a.Remark)
	}
	if n := r.offset(remoting.GetMaxOffset, "T", 0); n != 1 {
		t.Errorf("max offset %d, want 1", n)
	}
	r.broker().Busy(false)
	r.send("T", 0, "after")
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
