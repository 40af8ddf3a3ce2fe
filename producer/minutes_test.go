package producer

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/wires"
	"rmqbench/remoting"
)

// diary is an RPC hook that notes when a client asked what, in whole seconds since it was made.
type diary struct {
	begun time.Time

	mu      sync.Mutex // protects following
	entries []string   // "30s HEART_BEAT"
}

func newDiary() *diary { return &diary{begun: time.Now()} }

func (d *diary) BeforeRequest(_ string, req *remoting.Command) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, fmt.Sprintf("%ds %s", time.Since(d.begun)/time.Second, req.Request()))
	return nil
}

// check compares the entries, those of one second in any order.
func (d *diary) check(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if got := slices.Sorted(slices.Values(d.entries)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("asked\n%q, want\n%q", d.entries, want)
	}
}

func (d *diary) AfterResponse(string, *remoting.Command, *remoting.Head, error) {}

// inMemory is a cluster, and options for producers of it, whose clock is the test's.
func inMemory(t *testing.T, o broker.Options) (*broker.Cluster, Options) {
	w := wires.New()
	o.Listen = w.Listen
	c := embedded(t, o)
	return c, Options{NameServers: []string{c.NameServer()}, Dial: w.Dial}
}

// What a client asks in its first minute, and at its end: nothing at Start, a heartbeat when it has found a broker, then one
// each half minute, and as often the route.
func TestScheduledTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		_, o := inMemory(t, broker.Options{})
		o.Hooks = []remoting.RPCHook{d}
		p := started(t, o)
		time.Sleep(time.Second)
		d.check(t) // nothing
		if _, err := p.Prepare(t.Context(), "TBW102"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(64 * time.Second)
		if err := p.Shutdown(); err != nil {
			t.Error(err)
		}
		d.check(t, "1s GET_ROUTEINFO_BY_TOPIC", "1s HEART_BEAT", "30s GET_ROUTEINFO_BY_TOPIC", "30s HEART_BEAT", "60s GET_ROUTEINFO_BY_TOPIC", "60s HEART_BEAT", "65s UNREGISTER_CLIENT")
	})
}

// A request's time is up when it is, sync or async.
func TestRequestExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, o := inMemory(t, broker.Options{})
		p := started(t, o)
		for within, opts := range map[time.Duration][]SendOption{3 * time.Second: nil, time.Minute: {Within(time.Minute)}} {
			began := time.Now()
			_, err := p.Request(t.Context(), text("T", "x"), opts...)
			if e, ok := errors.AsType[*NoReplyError](err); !ok || !e.Stored || e.Waited != within || time.Since(began) != within {
				t.Errorf("sync: %v after %v, want %v", err, time.Since(began), within)
			}
			back := make(chan error)
			began = time.Now()
			if err := p.RequestAsync(t.Context(), text("T", "x"), func(_ *Received, err error) { back <- err }, opts...); err != nil {
				t.Fatal(err)
			}
			err = <-back
			if e, ok := errors.AsType[*NoReplyError](err); !ok || !e.Stored || time.Since(began) != within {
				t.Errorf("async: %v after %v, want %v", err, time.Since(began), within)
			}
		}
	})
}

// Brokers ask each half minute about what nobody knows, fifteen times, and then give it up.
func TestFifteenChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, o := inMemory(t, broker.Options{})
		var mu sync.Mutex
		var asked []time.Time
		o.Listener = &listener{
			execute: func(*Message, SendResult, any) TransactionState { return TransactionUnknown },
			check: func(*Received) TransactionState {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, time.Now())
				return TransactionUnknown
			}}
		p := started(t, o)
		began := time.Now()
		if _, err := p.SendTransaction(t.Context(), text("T", "x"), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if len(asked) != 15 || asked[0].Sub(began) < 6*time.Second {
			t.Fatalf("asked %d times, first after %v", len(asked), asked[0].Sub(began))
		}
		for i := 1; i < len(asked); i++ {
			if d := asked[i].Sub(asked[i-1]); d.Round(time.Second) != 30*time.Second {
				t.Errorf("%v between two questions", d)
			}
		}
	})
}

// Records that make no batch wait five seconds at the most.
func TestTraceFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		_, o := inMemory(t, broker.Options{})
		o.Hooks, o.Trace = []remoting.RPCHook{d}, true // the tracer's producer has the hook too
		p := started(t, o)
		if _, err := p.Prepare(t.Context(), "TBW102"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Second)
		const ask, send, beat = "GET_ROUTEINFO_BY_TOPIC", "SEND_MESSAGE_V2", "HEART_BEAT"
		d.check(t, "0s "+ask, "0s "+beat, "0s "+ask, "0s "+ask, "0s "+send, "1s "+send, "2s "+send, // T is unknown and takes TBW102's route
			"5s "+ask, "5s "+ask, "5s "+send, "5s "+beat) // so is the trace topic
	})
}
