package bench

import (
	"context"
	"io"
	"net"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/remoting"
)

func TestTimerWaiterIsVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		timerWaiter{}.until(t.Context(), remoting.Nanotime()+int64(time.Hour), 0)
		if took := time.Since(began); took != time.Hour {
			t.Errorf("waited %v for an hour", took)
		}
		timerWaiter{}.until(t.Context(), remoting.Nanotime()-1, 0)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		timerWaiter{}.until(ctx, remoting.Nanotime()+int64(time.Hour), 0)
		if took := time.Since(began); took != time.Hour+time.Minute {
			t.Errorf("an ended context was noticed after %v", took-time.Hour)
		}
	})
}

func TestThreadWaiter(t *testing.T) {
	onThread(func() {
		var w threadWaiter
		w.attach()
		for _, gap := range []time.Duration{0, 10 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond} {
			at := remoting.Nanotime() + int64(gap)
			w.until(t.Context(), at, int64(gap))
			if late := remoting.Nanotime() - at; late < 0 || late > int64(time.Second) {
				t.Errorf("a wait of %v ended %v late", gap, time.Duration(late))
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		began := time.Now()
		w.until(ctx, forever, int64(time.Second))
		if took := time.Since(began); took > 10*longestSleep {
			t.Errorf("an ended context was noticed after %v", took)
		}
	})
	if late := timerP99(t.Context()); late < 0 || late > int64(time.Second) {
		t.Errorf("the timer's lateness is %v", time.Duration(late))
	}
}

// onThread runs f on a goroutine whose thread ends with it.
func onThread(f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	<-done
}

// TestPacerLeavesOthersAlone: a bystander's round trips over loopback stay as fast beside a pacer at 1,000/s. With one
// that passes the time by yielding Go's scheduler looks at the network every 10 ms only: the median is a thousand times
// as long then.
func TestPacerLeavesOthersAlone(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // where starving shows at once
	const tries, times = 3, 10
	var alone, beside time.Duration
	for range tries { // whatever else the machine does can only slow them down
		alone = max(medianTrip(t, 300*time.Millisecond), 50*time.Microsecond)
		stop := startPacer(t, "workers: 1, stages: [{for: 1h, rate: 1k/s}]", &threadWaiter{})
		beside = medianTrip(t, 300*time.Millisecond)
		stop()
		if beside <= times*alone {
			return
		}
	}
	t.Errorf("the median round trip takes %v beside a pacer, %v without", beside, alone)
}

// startPacer hands out slots until stop.
func startPacer(t *testing.T, load string, wait waiter) (stop func()) {
	p := planOf(t, loadOf(t, load))
	l := newLoad(t.Context(), p, nil)
	pace := &pacer{plan: p, start: remoting.Nanotime(), slots: l.slots, idle: &l.idle, wait: wait}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { pace.run(ctx) }()
	go func() {
		defer close(done)
		for range l.slots {
		}
	}()
	return func() {
		cancel()
		<-done
		l.cut(nil)
	}
}

// medianTrip is the median of roundTrips.
func medianTrip(t *testing.T, d time.Duration) time.Duration {
	t.Helper()
	all := roundTrips(t, d)
	return all[len(all)/2]
}

// roundTrips are the times of a byte there and back over loopback for so long, sorted.
func roundTrips(t *testing.T, d time.Duration) []time.Duration {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	echoed := make(chan struct{})
	go func() {
		defer close(echoed)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(onlyWriter{c}, c) // ends with the other end
	}()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var all []time.Duration
	b := []byte{1}
	for until := time.Now().Add(d); time.Now().Before(until); {
		began := time.Now()
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Since(began))
	}
	c.Close()
	listener.Close()
	<-echoed
	slices.Sort(all)
	return all
}

// onlyWriter hides ReadFrom, by which the kernel would echo without Go.
type onlyWriter struct{ io.Writer }
