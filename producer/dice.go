package producer

import (
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
)

// dice are random numbers made from a counter (SplitMix64): goroutines draw without a lock, and the same seed gives the
// same numbers.
type dice struct{ n atomic.Uint64 }

func (d *dice) shuffle() { d.n.Store(rand.Uint64()) }

// seed makes the n-th number drawn a pure function of seed and n.
func (d *dice) seed(seed uint64) { d.n.Store(mix(seed)) }

// below is a number from 0 to n-1, each as likely as the others but for 1 in 2^64/n.
func (d *dice) below(n int) int {
	at, _ := bits.Mul64(mix(d.n.Add(0x9E3779B97F4A7C15)), uint64(n))
	return int(at)
}

// mix spreads each bit of x over all of the result (SplitMix64's last step).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
