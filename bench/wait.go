package bench

import (
	"context"
	"runtime"
	"slices"
	"time"

	"rmqbench/internal/nap"
	"rmqbench/remoting"
)

// waiter is how the pacer waits. Under virtual time it is a plain timer.
type waiter interface {
	// until returns at that time of remoting.Nanotime or as soon as it can after it; early if ctx ends.
	// next is how long after it the following wait will end: what is spent on precision depends on it.
	until(ctx context.Context, at, next int64)
	// attach is called on the pacer's goroutine before the first wait. What it does ends with the goroutine.
	attach()
	// spinning is the nanoseconds that it has passed on a processor so far; for the pacer's goroutine, or after it has ended.
	spinning() int64
}

// threadWaiter owns an operating system thread: it sleeps in the kernel to shortly before the time and spins the rest.
// It never yields to Go's scheduler to pass time: that would starve the network poller of those who are measured.
type threadWaiter struct {
	lone bool  // Go has one processor
	spun int64 // nanoseconds spent spinning
}

const (
	spinFor = 150 * time.Microsecond // what a kernel's sleep may be late by
	// Slots closer than this get no spinning: it would burn a CPU that the load needs.
	spinGap = 10 * spinFor
	// A sleep longer than this gives the processor back that Go's scheduler keeps for the thread: its monitor would take it away
	// anyway, once it looks, and until then what was just handed out waits on it. After a shorter one it is often still there.
	keepFor = 2 * batchGap
	// The longest uninterrupted sleep, so that a signal is noticed.
	longestSleep = 20 * time.Millisecond
)

// attach never unlocks the thread: Go ends it with the goroutine, so that no other gets a thread with sharpened sleep.
func (w *threadWaiter) attach() {
	runtime.LockOSThread()
	nap.Sharpen()
	w.lone = runtime.GOMAXPROCS(0) == 1
}

func (w *threadWaiter) spinning() int64 { return w.spun }

func (w *threadWaiter) until(ctx context.Context, at, next int64) {
	spin := int64(0)
	if next >= int64(spinGap) {
		spin = int64(spinFor)
	}
	for {
		left := at - remoting.Nanotime() - spin
		if left <= 0 {
			break
		}
		if ctx.Err() != nil {
			return
		}
		sleep := nap.Keep
		if w.lone || left > int64(keepFor) {
			sleep = nap.Apart
		}
		sleep(time.Duration(min(left, int64(longestSleep))))
	}
	for began := remoting.Nanotime(); ; {
		now := remoting.Nanotime()
		if now >= at {
			w.spun += now - began
			return
		}
	}
}

// timerWaiter waits by timers only: for virtual time, in tests.
type timerWaiter struct{}

func (timerWaiter) attach()         {}
func (timerWaiter) spinning() int64 { return 0 }
func (timerWaiter) until(ctx context.Context, at, _ int64) {
	t := time.NewTimer(time.Duration(at - remoting.Nanotime()))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// timerP99 is how late the last but one of a hundred waits is here, measured with gaps like a busy schedule's.
func timerP99(ctx context.Context) int64 {
	const waits, gap = 100, 500 * time.Microsecond
	var w threadWaiter
	late := make([]int64, 0, waits)
	done := make(chan struct{})
	go func() { // a goroutine of its own: its thread ends with it
		defer close(done)
		w.attach()
		at := remoting.Nanotime()
		for range waits {
			at = max(at+int64(gap), remoting.Nanotime())
			w.until(ctx, at, int64(gap))
			late = append(late, remoting.Nanotime()-at)
		}
	}()
	<-done
	slices.Sort(late)
	return max(late[waits-2], 0)
}
