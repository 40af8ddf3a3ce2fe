package producer

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/remoting"
)

// in little: a thousand async sends while the connection is cut again and again, each called back once.
func TestR05_R51_CallbacksExactlyOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil, nil)
	for _, b := range s.brokers {
		b.script = func(n int64, r *remoting.Request) {
			switch {
			case n%50 == 0:
				cut(n, r)
			case n%7 == 0: // no answer at all
			default:
				stored(remoting.Success)(n, r)
			}
		}
	}
	p := s.producer(t, Options{SendTimeout: 2 * time.Second})
	const sends = 1000
	var ended [sends]atomic.Int32
	var ok, ambiguous, failed atomic.Int64
	var wg sync.WaitGroup
	for i := range sends {
		wg.Add(1)
		err := p.SendAsync(t.Context(), text("T", "x"), func(res SendResult, err error) {
			if ended[i].Add(1) > 1 {
				return
			}
			defer wg.Done()
			se, _ := errors.AsType[*SendError](err)
			switch {
			case err == nil && res.OffsetID.String() == "":
				t.Errorf("send %d: no error and no result", i)
			case err == nil:
				ok.Add(1)
			case se.Ambiguous:
				ambiguous.Add(1)
			default:
				failed.Add(1)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			runtime.Gosched()
		}
	}
	wg.Wait()
	if err := p.Shutdown(); err != nil {
		t.Log(err) // the broker may have cut that connection
	}
	for i := range ended {
		if n := ended[i].Load(); n != 1 {
			t.Errorf("send %d called back %d times", i, n)
		}
	}
	if ok.Load() == 0 || ambiguous.Load() == 0 {
		t.Errorf("%d ok, %d ambiguous, %d failed", ok.Load(), ambiguous.Load(), failed.Load())
	}
}

// a callback may do what it likes: panic, leave, send, wait for a send, shut its producer down.
func TestR51_Callbacks(t *testing.T) {
	s := newStage(t, nil)
	unknown := &Message{Topic: "UNKNOWN", Body: []byte("x")} // fails on the executor
	for name, m := range map[string]*Message{"on the way back": text("T", "x"), "from the executor": unknown} {
		t.Run(name, func(t *testing.T) {
			p := s.producer(t, Options{NoAutoCreate: true})
			var wg sync.WaitGroup
			send := func(f func()) {
				t.Helper()
				wg.Add(1)
				if err := p.SendAsync(t.Context(), m, func(SendResult, error) { defer wg.Done(); f() }); err != nil {
					t.Fatal(err)
				}
			}
			for range 20 {
				send(func() { panic("callback") })
				send(runtime.Goexit)
				send(func() { // and sends again
					wg.Add(1)
					if err := p.SendAsync(t.Context(), m, func(SendResult, error) { wg.Done() }); err != nil {
						t.Error(err)
						wg.Done()
					}
				})
				send(func() {
					if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			soon(t, "20 panics are counted", func() bool { return p.Stats().CallbackFails == 20 })
			for range 2 { // the second finds it down, or ends with it
				wg.Add(1)
				err := p.SendAsync(t.Context(), m, func(SendResult, error) {
					defer wg.Done()
					if err := p.Shutdown(); err != nil {
						t.Error(err)
					}
				})
				if err != nil {
					wg.Done()
				}
			}
			wg.Wait()
			if p.State() != ShutdownAlready {
				t.Errorf("state %s", p.State())
			}
		})
	}
}

// An async send never holds its caller: without a route or a connection it goes by the executor.
func TestAsyncDoesNotWait(t *testing.T) {
	s := newStage(t, nil)
	s.names.holding(true)
	dialling := make(chan struct{})
	addr := s.brokers[0].Addr().String()
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendTimeout: time.Minute, Dial: func(ctx context.Context, to string) (net.Conn, error) {
		if to == addr {
			<-dialling
		}
		var d net.Dialer
		return d.DialContext(ctx, "tcp", to)
	}})
	got := make(chan outcome, 200)
	send := func(n int) {
		for range n {
			if err := p.SendAsync(t.Context(), text("T", "x"), func(res SendResult, err error) { got <- outcome{res, err} }); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(100)
	s.names.holding(false)
	soon(t, "the route is there", func() bool { return p.instance.routes.topic("T").now.Load() != nil })
	send(100)
	if len(got) != 0 || s.sends() != 0 {
		t.Error("somebody did not wait for the connection")
	}
	close(dialling)
	for range 200 {
		if o := <-got; o.err != nil || o.res.Attempts != 1 {
			t.Errorf("%+v %v", o.res, o.err)
		}
	}
	if s.sends() != 200 {
		t.Errorf("%d arrived", s.sends())
	}
}

// Waiting on the executor counts: what gets its turn too late is not sent.
func TestWaitingOnTheExecutorCounts(t *testing.T) {
	s := newStage(t, nil)
	s.names.holding(true)
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendTimeout: 50 * time.Millisecond})
	const sends = 20
	got := make(chan outcome, sends)
	for range sends {
		if err := p.SendAsync(t.Context(), text("T", "x"), func(res SendResult, err error) { got <- outcome{res, err} }); err != nil {
			t.Fatal(err)
		}
	}
	timeouts := 0
	for range sends {
		o := <-got
		if se := sendError(t, o.err); se.Ambiguous || se.Attempts != 0 {
			t.Errorf("%+v", se)
		}
		if errors.Is(o.err, ErrCallTimeout) {
			timeouts++
		} else if _, ok := errors.AsType[*RouteError](o.err); !ok {
			t.Error(o.err)
		}
	}
	if timeouts == 0 {
		t.Error("none had waited for its turn")
	}
	if s.sends() != 0 {
		t.Error("something was sent")
	}
}

func TestExecutorFull(t *testing.T) {
	s := newStage(t, nil)
	s.names.holding(true)
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendTimeout: time.Minute})
	p.instance.async.room = 10
	var called atomic.Int64
	taken := 0
	for range 100 {
		err := p.SendAsync(t.Context(), text("T", "x"), func(_ SendResult, err error) {
			if err != nil {
				t.Error(err)
			}
			called.Add(1)
		})
		if err == nil {
			taken++
		} else if se := sendError(t, err); !errors.Is(err, ErrExecutorFull) || se.Ambiguous || se.Attempts != 0 {
			t.Errorf("%+v", se)
		}
	}
	if most := 10 + p.instance.async.limit; taken < 10 || taken > most {
		t.Errorf("%d taken, room for 10 to %d", taken, most)
	}
	s.names.holding(false)
	soon(t, "those that were taken end", func() bool { return called.Load() == int64(taken) })
	if s.sends() != int64(taken) {
		t.Errorf("%d sent", s.sends())
	}
}

// Shutdown ends what waits on the executor, too.
func TestShutdownEndsWhatWaits(t *testing.T) {
	s := newStage(t, nil)
	s.names.holding(true)
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendTimeout: time.Minute})
	const sends = 50
	var ended atomic.Int64
	for range sends {
		if err := p.SendAsync(t.Context(), text("T", "x"), func(_ SendResult, err error) {
			if !errors.Is(err, remoting.ErrClosed) {
				t.Error(err)
			}
			ended.Add(1)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
	soon(t, "all are called back", func() bool { return ended.Load() == sends })
}

// Connections that die while async sends go out: what could not go at once goes by the executor, nothing is lost, and
// the retries are made elsewhere.
func TestAsyncRetry(t *testing.T) {
	s := newStage(t, cut, nil)
	p := s.producer(t, Options{SendTimeout: time.Minute})
	retried := 0
	for range 20 {
		res, err := sendAsync(t, p, t.Context(), text("T", "x"))
		if err != nil || res.Broker != "b1" || res.Attempts > 2 || res.Ambiguous > res.Attempts-1 {
			t.Fatalf("%+v %v", res, err)
		}
		retried += res.Attempts - 1
	}
	if retried == 0 {
		t.Error("no send began at the bad broker")
	}
}
