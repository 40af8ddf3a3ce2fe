package producer

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// groupAt says which clients a broker knows of a group.
func groupAt(t *testing.T, a *Admin, addr, group string) message.ProducerConnection {
	t.Helper()
	reply, err := a.ask(t.Context(), addr, remoting.NewRequest(remoting.GetProducerConnectionList, remoting.Field{Key: "producerGroup", Value: group}))
	if be, ok := errors.AsType[*remoting.BrokerError](err); ok && be.Code == remoting.SystemError {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := message.ParseProducerConnection(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTwoProducersShareOneInstance(t *testing.T) {
	s := newStage(t, nil, nil)
	var dials atomic.Int64
	o := Options{Group: "one", NameServers: []string{s.names.addr()}, Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		dials.Add(1)
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}}
	one := started(t, o)
	o.Group = "two"
	two := started(t, o)
	if one.instance != two.instance {
		t.Fatal("two instances for one client id")
	}
	for range 20 {
		for _, p := range []*Producer{one, two} {
			if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := dials.Load(); n != 3 {
		t.Errorf("%d dials for a name server and two brokers", n)
	}
	for i, b := range s.brokers {
		if n := len(b.Conns()); n != 1 {
			t.Errorf("%d connections at broker %d", n, i)
		}
	}
	if err := one.Shutdown(); err != nil {
		t.Error(err)
	}
	if _, err := two.Send(t.Context(), text("T", "x")); err != nil {
		t.Errorf("after the other's shutdown: %v", err)
	}
	if err := two.Shutdown(); err != nil {
		t.Error(err)
	}
	for _, server := range []*remoting.Server{s.names.Server, s.brokers[0].Server, s.brokers[1].Server} {
		soon(t, "no connection is left", func() bool { return len(server.Conns()) == 0 })
	}
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if len(registry.byID) != 0 || len(registry.users) != 0 {
		t.Errorf("left in the registry: %d instances, %d counts", len(registry.byID), len(registry.users))
	}
}

func TestClientIDs(t *testing.T) {
	for want, o := range map[string]Options{
		"10.0.0.1@me":       {ClientIP: "10.0.0.1", InstanceName: "me"},
		"10.0.0.1@me@north": {ClientIP: "10.0.0.1", InstanceName: "me", UnitName: "north"},
	} {
		if got := o.clientID(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	a := started(t, Options{NameServers: []string{"127.0.0.1:1"}, InstanceName: "a"})
	b := started(t, Options{NameServers: []string{"127.0.0.1:1"}, InstanceName: "b"})
	if a.instance == b.instance {
		t.Error("one instance for two client ids")
	}
}

func TestOtherNameServersWithOneClientID(t *testing.T) {
	started(t, Options{NameServers: []string{"127.0.0.1:1"}})
	p := New(Options{NameServers: []string{"127.0.0.1:2"}, Group: "other", InstanceName: t.Name()})
	if err := p.Start(); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || p.State() != StartFailed {
		t.Errorf("got %v, state %s", err, p.State())
	}
}

func TestHeartbeats(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2})
	watch := started(t, Options{NameServers: []string{c.NameServer()}, InstanceName: "watch", Group: "watch"}).Admin()
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	if _, err := p.Prepare(t.Context(), "TBW102"); err != nil {
		t.Fatal(err)
	}
	for _, b := range c.Brokers() {
		known := groupAt(t, watch, b.Addr(), "group")
		if len(known) != 1 || known[0].ClientID != p.instance.id || known[0].Language != "GO" || known[0].Version != int(remoting.Version451) {
			t.Errorf("%s knows %+v", b.Name(), known)
		}
		if groupAt(t, watch, b.Addr(), innerGroup) == nil {
			t.Errorf("%s has not heard of the inner producer", b.Name())
		}
	}

	// Another group on the same instance is made known as soon as it starts, and forgotten when it ends.
	other := started(t, Options{NameServers: []string{c.NameServer()}, Group: "other"})
	for _, b := range c.Brokers() {
		soon(t, "the second group is known", func() bool { return len(groupAt(t, watch, b.Addr(), "other")) == 1 })
	}
	if err := other.Shutdown(); err != nil {
		t.Error(err)
	}
	for _, b := range c.Brokers() {
		if groupAt(t, watch, b.Addr(), "other") != nil || groupAt(t, watch, b.Addr(), "group") == nil {
			t.Errorf("%s: the wrong group is gone", b.Name())
		}
	}
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
	for _, b := range c.Brokers() {
		if groupAt(t, watch, b.Addr(), "group") != nil {
			t.Errorf("%s still knows the group", b.Name())
		}
	}
}

// A send makes its producer known too, without Prepare.
func TestHeartbeatAfterTheFirstSend(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Fatal(err)
	}
	soon(t, "the group is known", func() bool { return len(groupAt(t, p.Admin(), c.Brokers()[0].Addr(), "group")) == 1 })
}

// Heartbeats go on, and go to a broker that was away as well.
func TestHeartbeatsGoOn(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}, HeartbeatEvery: 5 * time.Millisecond, RouteEvery: time.Hour})
	if _, err := p.Prepare(t.Context(), "TBW102"); err != nil {
		t.Fatal(err)
	}
	b := c.Brokers()[0]
	b.Down()
	if err := b.Up(); err != nil {
		t.Fatal(err)
	}
	soon(t, "the group is known again", func() bool {
		_, err := p.Admin().RuntimeInfo(t.Context(), b.Addr())
		return err == nil && len(groupAt(t, p.Admin(), b.Addr(), "group")) == 1
	})
}

// A broker that was away knows its producers as soon as something is sent to it, long before the next heartbeat.
func TestHeartbeatAfterARestart(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}, HeartbeatEvery: time.Hour, RouteEvery: time.Hour})
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Fatal(err)
	}
	b := c.Brokers()[0]
	soon(t, "the group is known", func() bool { return len(groupAt(t, p.Admin(), b.Addr(), "group")) == 1 })
	b.Down()
	if err := b.Up(); err != nil {
		t.Fatal(err)
	}
	soon(t, "a send goes through", func() bool { _, err := p.Send(t.Context(), text("T", "x")); return err == nil })
	soon(t, "the group is known again", func() bool { return len(groupAt(t, p.Admin(), b.Addr(), "group")) == 1 })
}

// a master that doesn't answer holds up neither the first send nor the heartbeats of others.
func TestR04_BlackholedMasterBesideAHealthyOne(t *testing.T) {
	s := newStage(t, nil)
	hole := peer.Serve(t, func(*remoting.Request) {}) // takes everything, answers nothing
	s.names.set("T", readWrite, 2, s.brokers[0].named("b0"))
	s.names.mu.Lock()
	r := s.names.routes["T"]
	r.Brokers = append(r.Brokers, message.BrokerData{Cluster: "c", Name: "hole", Addrs: map[int64]string{0: hole.Addr().String()}})
	s.names.mu.Unlock()
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendTimeout: 10 * time.Second})
	began := time.Now()
	for range 10 {
		if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "a heartbeat at the healthy broker", func() bool { return s.brokers[0].others.Load() > 0 })
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("took %v: somebody waited for the dead one", d)
	}
}

// The same for async sends, to a healthy broker that is still to be dialled: the dead one's dial, which hangs, keeps the executor
// from no other.
func TestR04_AsyncBesideADialThatHangs(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil, nil)
	hole, hangs := s.brokers[1].Addr().String(), make(chan struct{})
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendTimeout: time.Minute, Profile: Measure, ConnectTimeout: time.Minute, Dial: func(ctx context.Context, to string) (net.Conn, error) {
		if to == hole {
			select {
			case <-hangs:
			case <-ctx.Done():
			}
			return nil, errors.New("nobody there")
		}
		return new(net.Dialer).DialContext(ctx, "tcp", to)
	}})
	const sends = 100
	got := make(chan outcome, sends)
	for range sends {
		if err := p.SendAsync(t.Context(), text("T", "x"), func(res SendResult, err error) { got <- outcome{res, err} }); err != nil {
			t.Fatal(err)
		}
	}
	for range sends / 2 {
		select {
		case o := <-got:
			if o.err != nil || o.res.Broker != "b0" {
				t.Errorf("%+v %v", o.res, o.err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("a send to the healthy broker waits for the dead one's dial")
		}
	}
	close(hangs)
	for range sends / 2 {
		if o := <-got; o.err == nil || o.res.Broker != "b1" || o.res.Attempts != 1 {
			t.Errorf("%+v %v", o.res, o.err)
		}
	}
}

// Connections to a broker that has left every route are closed.
func TestDropOffline(t *testing.T) {
	s := newStage(t, nil, nil)
	p := s.producer(t, Options{HeartbeatEvery: time.Hour, RouteEvery: time.Hour})
	s.names.set("T", readWrite, 2, s.brokers[0].named("b0"))
	if err := p.instance.routes.refresh(t.Context(), "T"); err != nil {
		t.Fatal(err)
	}
	p.instance.dropOffline()
	soon(t, "the connection is closed", func() bool { return len(s.brokers[1].Conns()) == 0 })
	if len(s.brokers[0].Conns()) != 1 {
		t.Error("the broker that stays lost its connection")
	}
}

// a hundred lives, or LIVES, leave nothing; goleak looks for goroutines at the end.
func TestR48_ManyLives(t *testing.T) {
	c := embedded(t, broker.Options{MemoryBudget: 1 << 20})
	life := func() {
		p := New(Options{NameServers: []string{c.NameServer()}, Group: "group", InstanceName: t.Name()})
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
			t.Fatal(err)
		}
		if err := p.Shutdown(); err != nil {
			t.Fatal(err)
		}
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // pools are emptied by the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	lives := 100
	if n, err := strconv.Atoi(os.Getenv("LIVES")); err == nil {
		lives = n
	}
	for range 20 {
		life()
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	for range lives {
		life()
	}
	grown := heap() - before
	if most := int64(lives)<<10 + 256<<10; grown > most { // 1 KiB each; and what the broker keeps of the messages, up to its budget's granularity
		t.Errorf("the heap grew by %d bytes in %d lives, allowed are %d", grown, lives, most)
	}
	soon(t, "goroutines are back", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	t.Logf("%d producers: %d goroutines, %d before; heap %+d bytes", lives, runtime.NumGoroutine(), goroutines, grown)
}

// Who can't be told of a shutdown is named, and not waited for long.
func TestShutdownUntold(t *testing.T) {
	t.Parallel()
	n := nameServer(t)
	b := peer.Serve(t, func(r *remoting.Request) {
		if remoting.RequestCode(r.Head.Code) != remoting.UnregisterClient {
			_ = r.Answer(answer(remoting.Success, ""))
		}
	})
	n.set("T", readWrite, 1, "b0="+b.Addr().String())
	p := started(t, Options{NameServers: []string{n.addr()}})
	if _, err := p.Prepare(t.Context(), "T"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err := p.Shutdown()
	if err == nil || !strings.Contains(err.Error(), b.Addr().String()) || p.State() != ShutdownAlready {
		t.Errorf("got %v, state %s", err, p.State())
	}
	if again := p.Shutdown(); !errors.Is(again, err) {
		t.Errorf("a second time: %v", again)
	}
	if d := time.Since(began); d > 10*unregisterTime {
		t.Errorf("took %v", d)
	}
}

func TestPrepare(t *testing.T) {
	s := newStage(t, nil, nil)
	p := s.producer(t, Options{})
	for i, b := range s.brokers {
		if len(b.Conns()) != 1 || b.others.Load() != 1 {
			t.Errorf("broker %d: %d connections, %d heartbeats", i, len(b.Conns()), b.others.Load())
		}
	}
	dead := peer.Dead(t)
	s.names.set("DEAD", readWrite, 1, "b9="+dead)
	if _, err := p.Prepare(t.Context(), "DEAD"); !errors.Is(err, remoting.ErrDial) || !strings.Contains(err.Error(), dead) || !strings.Contains(err.Error(), "b9") {
		t.Errorf("got %v", err)
	}
	r, err := p.Prepare(t.Context(), "T")
	if err != nil || len(r.Brokers) != 2 || len(r.Queues) != 2 {
		t.Errorf("%+v %v", r, err)
	}
}
