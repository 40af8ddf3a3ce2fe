package bench

import (
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"rmqbench/remoting/message"
	"rmqbench/scenarios"
)

// A pool of bodies is made before the run: nothing random is made on the send path.
const (
	poolBodies = 64       // of one size
	poolSizes  = 1024     // bodies of drawn sizes, one for each quantile
	poolBytes  = 16 << 20 // fewer bodies where they are large,
	poolLeast  = 16       // but no fewer than this if their sizes are drawn
	filesBytes = 256 << 20
)

// makeBodies makes the pool: the same for the same seed.
func makeBodies(seed uint64, m *scenarios.Message) ([][]byte, error) {
	switch {
	case m.Sizes == nil:
		return randomBodies(seed, fixedSizes(int(m.Size)), m.Compressible)
	case m.Sizes.Files != "":
		return readBodies(m.Sizes.Files)
	}
	return randomBodies(seed, drawnSizes(m.Sizes), m.Compressible)
}

func fixedSizes(size int) []int {
	sizes := make([]int, min(poolBodies, max(poolBytes/max(size, 1), 1)))
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

// drawnSizes are the quantiles of a distribution, each as likely as the others, so that no luck is in them.
func drawnSizes(s *scenarios.Sizes) []int {
	quantiles := func(n int) (sizes []int, sum int) {
		sizes = make([]int, n)
		for i := range sizes {
			sizes[i] = sizeAt(s, (float64(i)+0.5)/float64(n))
			sum += sizes[i]
		}
		return sizes, sum
	}
	sizes, sum := quantiles(poolSizes)
	if sum > poolBytes {
		sizes, _ = quantiles(max(poolBytes/(sum/poolSizes), poolLeast))
	}
	return sizes
}

// sizeAt is a distribution's quantile.
func sizeAt(s *scenarios.Sizes, q float64) int {
	switch {
	case len(s.Uniform) == 2:
		low, high := float64(s.Uniform[0]), float64(s.Uniform[1])
		return int(low + q*(high-low+1))
	case s.Lognormal != nil:
		const p99 = 2.3263478740408408 // of the normal distribution
		median := float64(s.Lognormal.Median)
		sigma := math.Log(float64(s.Lognormal.P99)/median) / p99
		size := median * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*q-1))
		return int(min(max(size, 1), float64(scenarios.MaxBody)))
	}
	var sum, below int
	for _, w := range s.Weights {
		sum += w.Value
	}
	for _, w := range s.Weights {
		if below += w.Value; q*float64(sum) < float64(below) {
			return int(w.Key)
		}
	}
	return 0 // not reached: q is below 1
}

// randomBodies makes a body of each size. compressible is the share of all of them that zlib removes; what can't come within
// 3 points of that is an error.
func randomBodies(seed uint64, sizes []int, compressible float64) ([][]byte, error) {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	random := rand.NewChaCha8(key)
	bodies := make([][]byte, len(sizes))
	fit := newFitter(compressible)
	var sum, removed float64
	for i, size := range sizes {
		b := make([]byte, size)
		_, _ = random.Read(b) // never fails
		if compressible > 0 {
			squash(b, fit.zeros(b))
		}
		sum, removed = sum+float64(size), removed+float64(size)*fit.got
		bodies[i] = b
	}
	if removed /= sum; math.Abs(removed-compressible) > 0.03 {
		return nil, fmt.Errorf("compressible: zlib can't remove %v of bodies so small, %.2f is as near as it comes", compressible, removed)
	}
	return bodies, nil
}

// fitter finds how many zeros make random bytes as compressible as asked.
type fitter struct {
	asked float64
	trial []byte
	size  int     // of the body that was fitted last,
	share float64 // with that share of zeros,
	got   float64 // of which zlib removes that
	zlib  *zlib.Writer
	count counter // of the bytes that zlib gives
}

func newFitter(asked float64) *fitter {
	f := &fitter{asked: asked}
	f.zlib, _ = zlib.NewWriterLevel(&f.count, message.DefaultCompressLevel) // a level that there is
	return f
}

// fitBytes of a body are enough to know how the rest of it compresses.
const fitBytes = 16 << 10

// zeros is the share of b's bytes that have to be zeros. What was found for a body hardly smaller is good for b too.
func (f *fitter) zeros(b []byte) float64 {
	if f.size <= len(b) && len(b) <= f.size+f.size/16 {
		return f.share
	}
	f.size, f.share, f.got = len(b), 0, math.Inf(1)
	b = b[:min(len(b), fitBytes)]
	f.trial = append(f.trial[:0], b...)
	low, high := 0.0, 1.0
	for share := f.asked; high-low > 0.001 && math.Abs(f.got-f.asked) > 0.005; share = (low + high) / 2 {
		copy(f.trial, b)
		squash(f.trial, share)
		got := f.compressibility(f.trial)
		if math.Abs(got-f.asked) < math.Abs(f.got-f.asked) {
			f.share, f.got = share, got
		}
		if got < f.asked {
			low = share
		} else {
			high = share
		}
	}
	return f.share
}

// compressibility is the share that zlib removes at the producer's level. Nothing is sent compressed if that is no gain.
func (f *fitter) compressibility(b []byte) float64 {
	f.count = 0
	f.zlib.Reset(&f.count)
	_, _ = f.zlib.Write(b) // it only counts
	_ = f.zlib.Close()
	return max(1-float64(f.count)/float64(len(b)), 0)
}

// counter counts what is written.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// squash makes a share of b zeros. The runs are long, so that what a run itself costs hardly counts.
func squash(b []byte, share float64) {
	const window = 1024
	for at := 0; at < len(b); at += window {
		w := b[at:min(at+window, len(b))]
		clear(w[:int(share*float64(len(w)))])
	}
}

// readBodies reads the files that a pattern names, in the order of their names: a body each.
func readBodies(pattern string) ([][]byte, error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("files: %s: %w", pattern, err)
	}
	var bodies [][]byte
	sum := int64(0)
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("files: %w", err)
		case info.IsDir():
			continue
		case info.Size() == 0 || info.Size() > int64(scenarios.MaxBody):
			return nil, fmt.Errorf("files: %s has %d bytes; a body has 1B to %s", name, info.Size(), scenarios.MaxBody)
		}
		if sum += info.Size(); sum > filesBytes {
			return nil, fmt.Errorf("files: %s: over %s in all; name fewer", pattern, scenarios.Size(filesBytes))
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("files: %w", err)
		}
		bodies = append(bodies, body)
	}
	if len(bodies) == 0 {
		return nil, fmt.Errorf("files: no file is %s", pattern)
	}
	return bodies, nil
}
