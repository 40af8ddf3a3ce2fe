package bench

import (
	"math"
	"sync"

	"rmqbench/remoting"
	"rmqbench/results"
)

// anatomyEvery: one send in so many is stamped in full. A prime, so that the sample doesn't keep step with a pool of bodies.
const anatomyEvery = 17

// stamp notes when s was written and its reply read, by the remoting layer's stamps; start is the case's beginning on their
// clock. A connection remembers its last writes only: where it made too many before the reply, and where an attempt had
// failed before, the time that can't be told apart counts with its neighbour.
func (s *sample) stamp(t *remoting.Stamps, start int64) {
	last := max(t.WriteEnded, t.ReplyRead)
	s.stamped = last != 0
	within := func(stamp, least int64) int64 {
		if stamp == 0 {
			return least
		}
		return min(max(stamp-start, least), s.done)
	}
	s.began = within(t.WriteBegan, s.called)
	s.ended = within(t.WriteEnded, s.began)
	s.read = within(t.ReplyRead, s.ended)
}

// parts adds up where the time of sends went, as far as every send's stamps tell.
type parts struct {
	sends                     int64 // whose stamps are known
	before, write, reply, end int64 // called, write began, write ended, reply read, done
}

func (p *parts) add(s *sample) {
	if !s.stamped {
		return
	}
	p.sends++
	p.before += s.began - s.called
	p.write += s.ended - s.began
	p.reply += s.read - s.ended
	p.end += s.done - s.read
}

func (p *parts) merge(from *parts) {
	p.sends += from.sends
	p.before += from.before
	p.write += from.write
	p.reply += from.reply
	p.end += from.end
}

// anatomy is where the time went of those sends that are stamped in full.
type anatomy struct {
	mu   sync.Mutex            // protects following
	part [6]*results.Histogram // in the order of results.Anatomy; nil before the first
	sum  [3]int64              // of the first three: before the write
}

// record takes in a send; prepared and encoded are of the case's time.
func (a *anatomy) record(s *sample, prepared, encoded int64) {
	prepared = min(max(prepared, s.called), s.began)
	encoded = min(max(encoded, prepared), s.began)
	a.mu.Lock()
	defer a.mu.Unlock()
	last := s.called
	for i, at := range [...]int64{prepared, encoded, s.began, s.ended, s.read, s.done} {
		if a.part[i] == nil {
			a.part[i] = results.NewHistogram()
		}
		a.part[i].Record(at - last)
		if i < len(a.sum) {
			a.sum[i] += at - last
		}
		last = at
	}
}

// summarize puts the parts of n sends together: what lies before the write is divided as the sample divides it. nil where
// not every send's stamps are known, as with other clients than ours.
func (a *anatomy) summarize(p *parts, n int64) *results.Anatomy {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n == 0 || p.sends != n || a.part[0] == nil {
		return nil
	}
	means := [6]int64{3: p.write / n, 4: p.reply / n, 5: p.end / n}
	before, sampled := float64(p.before)/float64(n), float64(a.sum[0]+a.sum[1]+a.sum[2])
	if sampled == 0 {
		means[2] = int64(before)
	} else {
		for i, sum := range a.sum {
			means[i] = int64(math.Round(before * float64(sum) / sampled))
		}
	}
	part := func(i int) results.Part { return results.NewPart(means[i], a.part[i]) }
	return &results.Anatomy{Compress: part(0), Select: part(1), Queue: part(2), Write: part(3), Reply: part(4), Wake: part(5)}
}
