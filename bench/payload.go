package bench

import (
	"encoding/binary"
	"math/rand/v2"
)

// A pool of bodies is made before the run: nothing random is made on the send path.
const (
	poolBodies = 64
	poolBytes  = 16 << 20 // fewer bodies where they are large
)

// makeBodies makes the pool: the same for the same seed. compressible is the share of each body that compression
// removes: that much of it is zeros, in runs between random bytes.
func makeBodies(seed uint64, size int, compressible float64) [][]byte {
	n := min(poolBodies, max(poolBytes/max(size, 1), 1))
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	random := rand.NewChaCha8(key)
	bodies := make([][]byte, n)
	for i := range bodies {
		b := make([]byte, size)
		_, _ = random.Read(b) // never fails
		squash(b, compressible)
		bodies[i] = b
	}
	return bodies
}

// squash makes a share of b compressible. The runs are long, so that what a run itself costs hardly counts.
func squash(b []byte, share float64) {
	const window = 1024
	for at := 0; at < len(b); at += window {
		w := b[at:min(at+window, len(b))]
		clear(w[:int(share*float64(len(w)))])
	}
}
