package results

import (
	"math"
	"math/bits"
)

// Packed is a histogram of durations in nanoseconds that takes the room of what it holds, a KiB for each stretch of values
// that occur, so that every queue can have one. Its error is at most 0.1 % of the value, as a Histogram's; count and
// maximum are exact. The zero Packed is empty. Not safe for concurrent use.
type Packed struct {
	pages [(packedOctaves + 1) * packedHalf / packedPage]*[packedPage]uint64
	count int64
	max   int64
}

const (
	packedHalf    = 1 << 10 // buckets an octave: two of them side by side differ by 0.1 % at the most
	packedOctaves = 33      // above the first 2,048 ns, whose buckets are 1 ns wide: beyond an hour
	packedPage    = 1 << 7  // buckets that come into being together
)

// Record counts a duration of ns nanoseconds; it is cut to 0 to 1 h.
func (p *Packed) Record(ns int64) {
	ns = min(max(ns, 0), highestNS)
	octave := max(bits.Len64(uint64(ns))-11, 0)
	p.add(octave*packedHalf+int(ns>>octave), 1)
	p.count++
	p.max = max(p.max, ns)
}

// add counts n durations of a bucket.
func (p *Packed) add(bucket int, n uint64) {
	page := &p.pages[bucket/packedPage]
	if *page == nil {
		*page = new([packedPage]uint64)
	}
	(*page)[bucket%packedPage] += n
}

// Merge adds all that from holds, losing nothing; from is unchanged.
func (p *Packed) Merge(from *Packed) {
	for i, page := range from.pages {
		if page == nil {
			continue
		}
		for j, n := range page {
			if n > 0 {
				p.add(i*packedPage+j, n)
			}
		}
	}
	p.count += from.count
	p.max = max(p.max, from.max)
}

// Count is the number of durations recorded.
func (p *Packed) Count() int64 { return p.count }

// Quantile is the duration in nanoseconds that a share q, from 0 to 1, of all durations don't exceed, within 0.1 %; 0 if
// there is none. It answers whatever the count.
func (p *Packed) Quantile(q float64) int64 {
	rank := uint64(max(math.Ceil(q*float64(p.count)), 1))
	var seen uint64
	for i, page := range p.pages {
		if page == nil {
			continue
		}
		for j, n := range page {
			if seen += n; seen >= rank {
				return min(highestIn(i*packedPage+j), p.max)
			}
		}
	}
	return p.max
}

// highestIn is the longest duration that falls into a bucket.
func highestIn(bucket int) int64 {
	octave := max(bucket/packedHalf-1, 0)
	return int64(bucket-octave*packedHalf+1)<<octave - 1
}

// P99 is the 99th percentile in nanoseconds if enough durations were recorded to claim it, else nil.
func (p *Packed) P99() *int64 {
	if p.count < PercentileNeeds("p99") {
		return nil
	}
	return new(p.Quantile(0.99))
}
