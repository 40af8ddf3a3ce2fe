package results

import (
	"errors"
	"fmt"
	"iter"
	"math/bits"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The one configuration of every histogram. A lowest value of 1 keeps the error at or under 0.1 % of the value
// from 1 ns up; a coarser one would err by percents at a few microseconds.
const (
	lowestNS          = 1
	highestNS         = 3_600_000_000_000 // an hour
	significantDigits = 3
)

// ErrUnlike is returned by [Histogram.Merge] for histograms of another configuration.
var ErrUnlike = errors.New("histograms of unlike configurations")

// Histogram counts durations in nanoseconds with an error of at most 0.1 % of the value, and keeps their exact count,
// sum, minimum and maximum beside the buckets. It takes 270 KB whatever it holds. Not safe for concurrent use.
type Histogram struct {
	buckets *hdrhistogram.Histogram
	min     int64
	max     int64
	sumHigh uint64 // the sum has 128 bits: a million sends a second of a second each pass 63 in 3 hours
	sumLow  uint64
	clamped int64
}

// NewHistogram returns an empty Histogram.
func NewHistogram() *Histogram {
	return &Histogram{buckets: hdrhistogram.New(lowestNS, highestNS, significantDigits)}
}

// Record counts a duration of ns nanoseconds. It neither fails nor allocates. A duration below 0 (a clock's fault)
// counts as 0. One over an hour falls into the last bucket, with its true value in sum and maximum. [Histogram.Clamped]
// counts both.
func (h *Histogram) Record(ns int64) {
	bucketed := min(max(ns, 0), highestNS)
	if bucketed != ns {
		h.clamped++
	}
	exact := max(ns, 0)
	if h.Count() == 0 {
		h.min, h.max = exact, exact
	}
	h.min, h.max = min(h.min, exact), max(h.max, exact)
	h.addSum(0, uint64(exact))
	_ = h.buckets.RecordValue(bucketed) // within the range, so it can't fail
}

// Merge adds all that from holds, losing nothing: the result equals one Histogram that had recorded both. from is
// unchanged and must not be h. Of another configuration: [ErrUnlike], h unchanged.
func (h *Histogram) Merge(from *Histogram) error {
	if !alike(h.buckets, from.buckets) {
		return fmt.Errorf("merge: %w", ErrUnlike)
	}
	if from.Count() == 0 {
		return nil
	}
	if h.Count() == 0 {
		h.min, h.max = from.min, from.max
	}
	h.min, h.max = min(h.min, from.min), max(h.max, from.max)
	h.addSum(from.sumHigh, from.sumLow)
	h.clamped += from.clamped
	if dropped := h.buckets.Merge(from.buckets); dropped != 0 {
		return fmt.Errorf("merge: %d of %d values were dropped", dropped, from.Count())
	}
	return nil
}

func alike(a, b *hdrhistogram.Histogram) bool {
	return a.LowestTrackableValue() == b.LowestTrackableValue() &&
		a.HighestTrackableValue() == b.HighestTrackableValue() &&
		a.SignificantFigures() == b.SignificantFigures()
}

// Reset empties h and keeps its memory.
func (h *Histogram) Reset() {
	h.buckets.Reset()
	*h = Histogram{buckets: h.buckets}
}

// Count is the number of durations recorded.
func (h *Histogram) Count() int64 { return h.buckets.TotalCount() }

// Min is the smallest duration in nanoseconds, exact; 0 if there is none.
func (h *Histogram) Min() int64 { return h.min }

// Max is the largest duration in nanoseconds, exact; 0 if there is none.
func (h *Histogram) Max() int64 { return h.max }

// Clamped is the number of durations that lay outside 0 ns to 1 h.
func (h *Histogram) Clamped() int64 { return h.clamped }

// Mean is the exact mean in nanoseconds, rounded down; 0 if there is none.
func (h *Histogram) Mean() int64 {
	if h.Count() == 0 {
		return 0
	}
	mean, _ := bits.Div64(h.sumHigh, h.sumLow, uint64(h.Count())) // no value has 64 bits, so the quotient fits
	return int64(mean)
}

// Quantile is the duration in nanoseconds that a share q of all durations don't exceed, within 0.1 % and between Min
// and Max; q is cut to 0 to 1, and 1 is Max. It answers whatever the count: see [Summarize] for what may be claimed.
// 0 if there is none.
func (h *Histogram) Quantile(q float64) int64 {
	if q >= 1 {
		return h.max
	}
	return min(max(h.buckets.ValueAtPercentile(q*100), h.min), h.max)
}

// CountAbove is the number of durations greater than ns nanoseconds, where those within 0.1 % of ns may fall on either side.
func (h *Histogram) CountAbove(ns int64) int64 {
	var above int64
	for _, bar := range h.buckets.Distribution() {
		if bar.From > ns {
			above += bar.Count
		}
	}
	return above
}

func (h *Histogram) addSum(high, low uint64) {
	var carry uint64
	h.sumLow, carry = bits.Add64(h.sumLow, low, 0)
	h.sumHigh, _ = bits.Add64(h.sumHigh, high, carry)
}

// Bars are the buckets that hold anything: the largest duration in nanoseconds that falls into one, and how many did.
func (h *Histogram) Bars() iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		for _, bar := range h.buckets.Distribution() {
			if bar.Count > 0 && !yield(min(max(bar.To, h.min), h.max), bar.Count) {
				return
			}
		}
	}
}
