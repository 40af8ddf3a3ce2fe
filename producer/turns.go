package producer

import (
	"math/rand/v2"
	"sync/atomic"
)

// turns counts the picks of round robin, of one topic: with one count for all, topics that take turns would each see every
// other queue only. All goroutines share it (ThreadLocalIndex.java counts for each thread).
type turns struct {
	_ [cacheLine]byte // all who send write to n: nothing that they only read shares its cache line
	n atomic.Uint32
	_ [cacheLine]byte
}

// cacheLine is what two processors fetch from each other, in bytes.
const cacheLine = 64

func newTurns() *turns {
	t := &turns{}
	t.shuffle()
	return t
}

// shuffle begins anywhere, so that producers don't march in step.
func (t *turns) shuffle() { t.n.Store(rand.Uint32()) }

// take is a turn, which its modulus makes a place.
func (t *turns) take() uint32 { return t.n.Add(1) }

// next is whose turn it is among n, which is above 0.
func (t *turns) next(n int) int { return int(t.take() % uint32(n)) }

// nextOf is whose turn it is among those of n that ok lets pass; false after a lap in which nobody did. Who is passed over
// has had its turn, so that the others get even shares.
func (t *turns) nextOf(n int, ok func(i int) bool) (int, bool) {
	for range n {
		if i := t.next(n); ok(i) {
			return i, true
		}
	}
	return 0, false
}
