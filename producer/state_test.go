package producer

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func TestLife(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := New(Options{NameServers: []string{c.NameServer()}, Group: "group", InstanceName: t.Name()})
	refused := func(op string, err error, state ServiceState) {
		t.Helper()
		se, ok := errors.AsType[*StateError](err)
		if !ok || se.Op != op || se.State != state || !strings.Contains(err.Error(), state.String()) {
			t.Errorf("got %v, want a refusal to %s in %s", err, op, state)
		}
	}
	use := func(state ServiceState) {
		t.Helper()
		if p.State() != state {
			t.Fatalf("state %s, want %s", p.State(), state)
		}
		_, err := p.Send(t.Context(), text("T", "x"))
		refused("send", err, state)
		_, err = p.SendOneway(t.Context(), text("T", "x"))
		refused("send", err, state)
		refused("send", p.SendAsync(t.Context(), text("T", "x"), func(SendResult, error) { t.Error("called back") }), state)
		_, err = p.SendBatch(t.Context(), []*Message{text("T", "x")})
		refused("send", err, state)
		_, err = p.SendTransaction(t.Context(), text("T", "x"), nil)
		refused("send", err, state)
		_, err = p.Request(t.Context(), text("T", "x"))
		refused("request", err, state)
		refused("request", p.RequestAsync(t.Context(), text("T", "x"), func(*Received, error) { t.Error("called back") }), state)
		_, err = p.Recall(t.Context(), "T", "")
		refused("recall", err, state)
		_, err = p.Prepare(t.Context(), "T")
		refused("prepare", err, state)
	}
	use(CreateJust)
	if p.Admin() != nil || p.Stats() != (Stats{}) {
		t.Error("there is something before Start")
	}
	if err := p.Shutdown(); err != nil || p.State() != CreateJust {
		t.Errorf("shutdown before start: %v, state %s", err, p.State())
	}
	if err := p.Start(); err != nil || p.State() != Running {
		t.Fatalf("%v, state %s", err, p.State())
	}
	refused("start", p.Start(), Running)
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Shutdown(); err != nil {
			t.Error(err)
		}
	}
	use(ShutdownAlready)
	refused("start", p.Start(), ShutdownAlready)
	if p.Stats().Dials == 0 {
		t.Error("the counts are gone with Shutdown")
	}
}

func TestStartErrors(t *testing.T) {
	for name, o := range map[string]Options{
		"no name server": {Group: "group"},
		"no group":       {NameServers: []string{"127.0.0.1:9876"}},
		"default group":  {NameServers: []string{"127.0.0.1:9876"}, Group: "DEFAULT_PRODUCER"},
		"illegal group":  {NameServers: []string{"127.0.0.1:9876"}, Group: "a group"},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(o)
			err := p.Start()
			if name == "no name server" {
				if _, ok := errors.AsType[*NameServerError](err); !ok {
					t.Errorf("got %v", err)
				}
			} else if _, ok := errors.AsType[*message.NameError](err); !ok {
				t.Errorf("got %v", err)
			}
			if p.State() != StartFailed {
				t.Errorf("state %s", p.State())
			}
			if err := p.Start(); !strings.Contains(err.Error(), "START_FAILED") {
				t.Errorf("a second start: %v", err)
			}
			if err := p.Shutdown(); err != nil || p.State() != StartFailed {
				t.Errorf("shutdown: %v, state %s", err, p.State())
			}
		})
	}
}

// Starting asks no server, so it needs none.
func TestStartWithoutServers(t *testing.T) {
	p := started(t, Options{NameServers: []string{peer.Dead(t)}})
	if p.Stats().Dials != 0 {
		t.Error("Start dialled")
	}
}

func TestTakenGroupName(t *testing.T) {
	first := started(t, Options{NameServers: []string{"127.0.0.1:1"}})
	second := New(Options{NameServers: []string{"127.0.0.1:1"}, Group: "group", InstanceName: t.Name()})
	if err := second.Start(); err == nil || !strings.Contains(err.Error(), "group") {
		t.Errorf("got %v", err)
	}
	if second.State() != CreateJust {
		t.Fatalf("state %s", second.State())
	}
	if err := first.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err != nil { // as Java: it may be tried again
		t.Fatal(err)
	}
	if err := second.Shutdown(); err != nil {
		t.Error(err)
	}
}

func TestConcurrentStarts(t *testing.T) {
	p := New(Options{NameServers: []string{"127.0.0.1:1"}, Group: "group", InstanceName: t.Name()})
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			_, _ = p.Admin(), p.Stats() // allowed at any time
			err := p.Start()
			if err == nil {
				won.Add(1)
			} else if _, ok := errors.AsType[*StateError](err); !ok {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || p.State() != Running {
		t.Errorf("%d starts won, state %s", won.Load(), p.State())
	}
	for range 32 {
		wg.Go(func() {
			if err := p.Shutdown(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if p.State() != ShutdownAlready {
		t.Errorf("state %s", p.State())
	}
}

// Of producers that start with one group and client id exactly one runs; the others may try again, and one of those does once
// the name is free.
func TestConcurrentStartsOfOneGroup(t *testing.T) {
	const n = 16
	var all [n]*Producer
	for i := range all {
		all[i] = New(Options{NameServers: []string{"127.0.0.1:1"}, Group: "group", InstanceName: t.Name()})
	}
	startAll := func() (winner *Producer) {
		t.Helper()
		var wg sync.WaitGroup
		for _, p := range all {
			wg.Go(func() { _ = p.Start() }) // told by the state
		}
		wg.Wait()
		for _, p := range all {
			switch p.State() {
			case Running:
				if winner != nil {
					t.Fatal("two run")
				}
				winner = p
			case StartFailed:
				t.Error("a taken name is no failure to stay with")
			}
		}
		return winner
	}
	for range 3 {
		winner := startAll()
		if winner == nil {
			t.Fatal("none runs")
		}
		if err := winner.Shutdown(); err != nil {
			t.Error(err)
		}
	}
}

func TestShutdownEndsSendsInFlight(t *testing.T) {
	s := newStage(t, silent)
	p := s.producer(t, Options{SendTimeout: time.Minute})
	const syncs, asyncs = 40, 200
	var wg sync.WaitGroup
	check := func(err error) {
		if se := sendError(t, err); !errors.Is(err, remoting.ErrClosed) || !se.Ambiguous || se.Attempts != 1 {
			t.Errorf("%+v", se)
		}
	}
	for range syncs {
		wg.Go(func() {
			_, err := p.Send(t.Context(), text("T", "x"))
			check(err)
		})
	}
	var ended [asyncs]atomic.Int32
	for i := range ended {
		wg.Add(1)
		err := p.SendAsync(t.Context(), text("T", "x"), func(_ SendResult, err error) {
			if ended[i].Add(1) == 1 {
				wg.Done()
			}
			check(err)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "all sends are at the broker", func() bool { return s.sends() == syncs+asyncs })
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for i := range ended {
		if n := ended[i].Load(); n != 1 {
			t.Errorf("send %d ended %d times", i, n)
		}
	}
	if n := s.sends(); n != syncs+asyncs {
		t.Errorf("%d sends, %d of them after Shutdown", n, n-syncs-asyncs)
	}
}

func TestNames(t *testing.T) {
	for state, want := range map[ServiceState]string{CreateJust: "CREATE_JUST", StartFailed: "START_FAILED", Running: "RUNNING", ShutdownAlready: "SHUTDOWN_ALREADY"} {
		if state.String() != want {
			t.Errorf("%q, want %q", state, want)
		}
	}
	for status, want := range map[Status]string{SendOK: "SEND_OK", FlushDiskTimeout: "FLUSH_DISK_TIMEOUT", FlushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT", SlaveNotAvailable: "SLAVE_NOT_AVAILABLE"} {
		if status.String() != want {
			t.Errorf("%q, want %q", status, want)
		}
	}
}
