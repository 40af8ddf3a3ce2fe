package bench

import (
	"context"
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
