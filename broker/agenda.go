package broker

import (
	"math"
	"sync"
	"time"
)

// agenda does on one goroutine what falls due in a broker without anybody asking: delayed messages, timers, checks of
// open transactions, pulls that wait. All its times are ms since the epoch, as records have them.
type agenda struct {
	wake chan struct{} // capacity 1: something is due earlier than run thinks
	quit chan struct{}
	loop sync.WaitGroup

	until int64 // when run looks again; guarded by the broker's mu
}

const (
	never   = math.MaxInt64
	maxWait = time.Hour

	// maxTurn is how many messages are moved or checked before senders get their turn.
	maxTurn = 256
)

func newAgenda() *agenda { return &agenda{wake: make(chan struct{}, 1), quit: make(chan struct{})} }

// by makes run look at the time at, or before. Under the broker's mu.
func (a *agenda) by(at int64) {
	if at < a.until {
		a.until = at
		a.rouse()
	}
}

func (a *agenda) rouse() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run calls work, which says when it wants to be called next, until close.
func (a *agenda) run(work func(now int64) (next int64)) {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	for {
		wait := maxWait
		if next := work(time.Now().UnixMilli()); next < never {
			wait = min(wait, time.Until(time.UnixMilli(next)))
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-a.wake:
		case <-a.quit:
			return
		}
	}
}

// close waits for run. It is called once.
func (a *agenda) close() {
	close(a.quit)
	a.loop.Wait()
}

// doDue does what is due, no more than a turn of it, and says when more is. A broker that is down or stands still does
// nothing.
func (b *Broker) doDue(now int64) (next int64) {
	left := maxTurn
	var checks []check
	b.mu.Lock()
	next = never
	if b.up.Load() {
		if over := b.pacer.stalledFor(); over > 0 {
			next = now + over.Milliseconds() + 1
		} else {
			next = min(b.deliverDelayed(now, &left), b.deliverTimers(now, &left), b.checkTransactions(now, &left, &checks))
			next = min(next, b.answerPulls(now)) // last: of what was delivered, too
		}
	}
	b.agenda.until = next
	b.mu.Unlock()
	for i := range checks {
		b.ask(&checks[i])
	}
	return next
}
