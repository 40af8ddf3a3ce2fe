package bench

import (
	"context"
	"sync"
)

// budget bounds what is in flight by bytes. Who comes first is served first, so that large messages get their turn too.
type budget struct {
	whole int64 // bytes

	mu      sync.Mutex // protects following
	free    int64      // below 0: a larger message took over from a smaller one
	waiting []*claim
}

// claim is somebody who waits for so many bytes; ready is closed when they are his.
type claim struct {
	bytes int64
	ready chan struct{}
}

func newBudget(bytes int64) *budget { return &budget{whole: bytes, free: bytes} }

// take waits until so many bytes are free, of a message larger than the whole budget until all are; false: one of the contexts
// ended first. A nil budget is without limits.
func (b *budget) take(bytes int64, x, y context.Context) (waited, ok bool) {
	if b == nil {
		return false, true
	}
	bytes = min(bytes, b.whole)
	b.mu.Lock()
	if len(b.waiting) == 0 && b.free >= bytes {
		b.free -= bytes
		b.mu.Unlock()
		return false, true
	}
	c := &claim{bytes, make(chan struct{})}
	b.waiting = append(b.waiting, c)
	b.mu.Unlock()
	select {
	case <-c.ready:
		return true, true
	case <-x.Done():
	case <-y.Done():
	}
	return true, false // nobody sends any more: what it may still be given doesn't matter
}

// give gives bytes back that were taken for a message.
func (b *budget) give(bytes int64) { b.swap(bytes, 0) }

// swap gives bytes back and takes others without waiting for them.
func (b *budget) swap(back, taken int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += min(back, b.whole) - min(taken, b.whole)
	for len(b.waiting) > 0 && b.free >= b.waiting[0].bytes {
		b.free -= b.waiting[0].bytes
		close(b.waiting[0].ready)
		b.waiting = b.waiting[1:]
	}
}
