package remoting

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what a client has in flight, over all its connections. What is over a limit waits until its deadline
// ([Endpoint.Start]) or is refused at once ([Endpoint.StartNow]); Stats counts both.
type Limits struct {
	Async  int   // async calls without an answer; 0 means 65,535 (NettyClientConfig.java, clientAsyncSemaphoreValue)
	Oneway int   // oneway calls whose bytes are not in the socket; 0 means 65,535 (clientOnewaySemaphoreValue)
	Bytes  int64 // bodies of all calls; a body over it goes alone; 0 means no bound
}

const javaPermits = 65_535

// limiter takes a call's permits before it is encoded; the call gives them back when it ends.
type limiter struct {
	async, oneway, bytes gate
	waited, refused      atomic.Int64
}

func newLimiter(l Limits) *limiter {
	n := &limiter{}
	n.async.limit = int64(cmp.Or(l.Async, javaPermits))
	n.oneway.limit = int64(cmp.Or(l.Oneway, javaPermits))
	n.bytes.limit = l.Bytes
	return n
}

// gates are those that a call passes; nil ones don't bound it.
func (l *limiter) gates(call *Call) (count, bytes *gate) {
	switch {
	case call.Oneway:
		count = &l.oneway
	case call.Async:
		count = &l.async
	}
	if l.bytes.limit > 0 {
		bytes = &l.bytes
	}
	return count, bytes
}

// take gets the call's permits. wait: until the deadline, a time of Nanotime, or ctx's end. Otherwise, and then, the
// error is ErrInFlight.
func (l *limiter) take(ctx context.Context, call *Call, body int, deadline int64, wait bool) error {
	call.limiter = nil
	count, bytes := l.gates(call)
	if count == nil && bytes == nil {
		return nil
	}
	if err := l.pass(ctx, count, 1, deadline, wait); err != nil {
		return err
	}
	if err := l.pass(ctx, bytes, int64(body), deadline, wait); err != nil {
		if count != nil {
			count.give(1)
		}
		return err
	}
	lentPermits.Add(1)
	call.limiter, call.permit = l, int64(body)
	return nil
}

func (l *limiter) pass(ctx context.Context, g *gate, n, deadline int64, wait bool) error {
	if g == nil || g.try(n) {
		return nil
	}
	if !wait {
		l.refused.Add(1)
		return ErrInFlight
	}
	l.waited.Add(1)
	if !g.wait(ctx, n, time.Duration(deadline-Nanotime())) {
		l.refused.Add(1)
		return fmt.Errorf("%w until the time was up", ErrInFlight)
	}
	return nil
}

// giveBack returns the call's permits; once, however often it is called.
func (l *limiter) giveBack(call *Call) {
	call.limiter = nil
	lentPermits.Add(-1)
	count, bytes := l.gates(call)
	if count != nil {
		count.give(1)
	}
	if bytes != nil {
		bytes.give(call.permit)
	}
}

// gate lets at most limit units in at a time, those who wait in their order.
type gate struct {
	limit   int64
	used    atomic.Int64 // may be over limit for a moment, by a try that fails
	waiting atomic.Int64 // length of queue

	mu    sync.Mutex // protects following
	queue []*waiter
}

type waiter struct {
	n     int64
	ready chan struct{} // closed when it is in
}

// enter adds n if that fits, or if nobody else is in.
func (g *gate) enter(n int64) bool {
	used := g.used.Add(n)
	if used <= g.limit || used == n {
		return true
	}
	g.used.Add(-n)
	return false
}

// try enters without waiting, and not before those who wait.
func (g *gate) try(n int64) bool {
	if g.waiting.Load() == 0 && g.enter(n) {
		return true
	}
	g.admit() // what enter took for a moment may have kept a waiter out
	return false
}

// give lets n units out and the next waiters in.
func (g *gate) give(n int64) {
	g.used.Add(-n)
	if g.waiting.Load() > 0 {
		g.admit()
	}
}

// admit lets waiters in as long as the first of them fits.
func (g *gate) admit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.queue) > 0 && g.enter(g.queue[0].n) {
		close(g.queue[0].ready)
		g.queue[0] = nil
		g.queue = g.queue[1:]
		g.waiting.Add(-1)
	}
}

// wait enters as soon as it can and reports whether it did before the time was up or ctx ended.
func (g *gate) wait(ctx context.Context, n int64, d time.Duration) bool {
	w := &waiter{n: n, ready: make(chan struct{})}
	g.mu.Lock()
	g.queue = append(g.queue, w)
	g.waiting.Add(1)
	g.mu.Unlock()
	g.admit() // room may have come meanwhile
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.ready:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	if g.leave(w) {
		g.admit() // it may have stood before one that fits
		return false
	}
	return true // let in at the last moment
}

// leave takes w out of the queue, unless it has been let in.
func (g *gate) leave(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.queue {
		if g.queue[i] == w {
			g.queue = append(g.queue[:i:i], g.queue[i+1:]...)
			g.waiting.Add(-1)
			return true
		}
	}
	return false
}
