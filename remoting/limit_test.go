package remoting

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// However many try, wait, give up and give back: never more than the limit is in, nobody is forgotten, all comes back.
func TestGate(t *testing.T) {
	const limit, goroutines, rounds = 10, 64, 300
	g := gate{limit: limit}
	var in, most atomic.Int64
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range rounds {
				n := 1 + r.Int64N(3)
				switch r.IntN(3) {
				case 0:
					if !g.try(n) {
						continue
					}
				case 1:
					if !g.wait(t.Context(), n, time.Duration(r.IntN(200))*time.Microsecond) {
						continue
					}
				default:
					if !g.wait(t.Context(), n, time.Minute) {
						t.Error("a waiter was forgotten")
						return
					}
				}
				now := in.Add(n)
				for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
				}
				in.Add(-n)
				g.give(n)
			}
		})
	}
	wg.Wait()
	if most.Load() > limit || g.used.Load() != 0 || g.waiting.Load() != 0 || len(g.queue) != 0 {
		t.Errorf("at most %d of %d were in; %d used and %d waiting at the end", most.Load(), limit, g.used.Load(), g.waiting.Load())
	}
}

func TestGateOrderAndGiants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{limit: 10}
		if !g.try(25) {
			t.Fatal("more than the limit does not go alone")
		}
		if g.try(1) {
			t.Fatal("it is not alone")
		}
		var order []int
		var mu sync.Mutex
		for i := range 4 {
			go func() {
				if g.wait(t.Context(), 6, time.Hour) {
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if g.wait(ctx, 1, time.Hour) || g.wait(t.Context(), 1, time.Second) {
			t.Error("let in before those who wait")
		}
		g.give(25)
		for range 4 {
			synctest.Wait()
			g.give(6)
		}
		for i, got := range order {
			if got != i {
				t.Errorf("order %v", order)
			}
		}
		if len(order) != 4 || g.used.Load() != 0 {
			t.Errorf("order %v, %d used", order, g.used.Load())
		}
	})
}

// Permits are taken before a call is encoded and are back when it has ended, whatever its end.
func TestLimits(t *testing.T) {
	laters := make(chan Later, 10)
	s := listen(t, HandlerFunc(func(r *Request) { laters <- r.Later() }))
	c := dialClient(t, ClientOptions{Limits: Limits{Async: 2, Oneway: 1, Bytes: 1000}})
	e := c.Endpoint(s.Addr().String())
	if _, err := e.Connect(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	start := func(body int) (*asyncCall, error) {
		a := newAsync()
		return a, e.StartNow(&a.Call, NewRequest(HeartBeat), make([]byte, body), in(time.Minute))
	}
	first, err := start(400)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(700); !errors.Is(err, ErrInFlight) {
		t.Errorf("700 bytes beside 400 of 1000: %v", err)
	}
	second, err := start(600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(0); !errors.Is(err, ErrInFlight) {
		t.Errorf("a third of two: %v", err)
	}
	third := newAsync()
	began := make(chan error, 1)
	go func() {
		began <- e.Start(t.Context(), &third.Call, NewRequest(HeartBeat), nil, in(time.Minute))
	}()
	answer := &Command{Serialize: RocketMQ, Flag: FlagResponse}
	for range 3 {
		if err := (<-laters).Reply(answer, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-began; err != nil {
		t.Fatal(err)
	}
	for _, a := range []*asyncCall{first, second, third} {
		<-a.ended
	}
	slow := newAsync() // ends by its deadline
	if err := e.Start(t.Context(), &slow.Call, NewRequest(HeartBeat), make([]byte, 900), in(20*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	<-slow.ended
	if err := c.InvokeOneway(t.Context(), s.Addr().String(), request(make([]byte, 2000)), time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Invoke(t.Context(), s.Addr().String(), &Command{Serialize: 9}, time.Second); err == nil {
		t.Error("an unknown serialization was encoded")
	}
	l := c.limiter
	if l.async.used.Load() != 0 || l.oneway.used.Load() != 0 || l.bytes.used.Load() != 0 {
		t.Errorf("async %d, oneway %d, bytes %d are not back", l.async.used.Load(), l.oneway.used.Load(), l.bytes.used.Load())
	}
	if st := c.Stats(); st.LimitWaits != 1 || st.LimitRefusals != 2 {
		t.Errorf("stats %+v", st)
	}
}
