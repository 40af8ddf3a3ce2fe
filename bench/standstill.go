package bench

import (
	"context"
	"sync"
	"time"

	"rmqbench/remoting"
	"rmqbench/results"
)

// stood is how often and how long the process stood still, and how far the wall clock was set meanwhile.
type stood struct {
	pauses  int
	paused  int64 // all of them together, nanoseconds beyond the time at which a look was due
	stepped int64 // the largest way of the wall clock beyond the monotonic one between two looks, nanoseconds; signed
}

const (
	// pausedFrom is how much later than due a look means that nothing ran: far beyond what a busy scheduler does to a goroutine.
	pausedFrom = time.Second

	// steppedFrom is how far the two clocks part between two looks before the wall clock counts as set. One that is slewed
	// parts by half a thousandth at the most.
	steppedFrom = 500 * time.Millisecond
)

// add takes in what both clocks, in nanoseconds, did between two looks, of which the second was due after every.
func (s *stood) add(mono, wall int64, every time.Duration) {
	if over := mono - int64(every); over >= int64(pausedFrom) {
		s.pauses++
		s.paused += over
	}
	if step := wall - mono; max(step, -step) >= int64(steppedFrom) && max(step, -step) > max(s.stepped, -s.stepped) {
		s.stepped = step
	}
}

// evidence fills in what was found.
func (s *stood) evidence(g *results.Generator) {
	g.Pauses, g.PausedNS, g.ClockSetNS = s.pauses, s.paused, s.stepped
}

// standstill looks at the clocks at equal times, on a goroutine that does nothing else, and finds out so whether the process stood
// still (SIGSTOP, a machine that was paused, no CPU for it) and whether the wall clock was set.
type standstill struct {
	clock func() time.Time // the time of day; nil: time.Now

	mu sync.Mutex // protects following
	stood
}

// watch looks every watchEvery until ctx ends.
func (s *standstill) watch(ctx context.Context) {
	clock := s.clock
	if clock == nil {
		clock = time.Now
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	mono, wall := remoting.Nanotime(), clock().UnixNano()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m, w := remoting.Nanotime(), clock().UnixNano()
		s.mu.Lock()
		s.add(m-mono, w-wall, watchEvery)
		s.mu.Unlock()
		mono, wall = m, w
	}
}

// so is what was found so far.
func (s *standstill) so() stood {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stood
}
