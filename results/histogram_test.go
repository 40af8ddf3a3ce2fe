package results

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestHistogramIsExactBesideTheBuckets(t *testing.T) {
	for name, tt := range map[string]struct {
		record                   []int64
		min, max, mean, clamped  int64
		half, whole, none, above int64 // quantiles 0.5, 1, 0; CountAbove(1000)
	}{
		"empty":               {},
		"zero":                {record: []int64{0}},
		"one":                 {record: []int64{1_234_567}, min: 1_234_567, max: 1_234_567, mean: 1_234_567, half: 1_234_567, whole: 1_234_567, none: 1_234_567, above: 1},
		"mean is rounded":     {record: []int64{1, 2, 2}, min: 1, max: 2, mean: 1, half: 2, whole: 2, none: 1},
		"a clock going back":  {record: []int64{-5, 10}, max: 10, mean: 5, clamped: 1, whole: 10},
		"more than an hour":   {record: []int64{2 * highestNS}, min: 2 * highestNS, max: 2 * highestNS, mean: 2 * highestNS, clamped: 1, half: 2 * highestNS, whole: 2 * highestNS, none: 2 * highestNS, above: 1},
		"an hour is in range": {record: []int64{highestNS}, min: highestNS, max: highestNS, mean: highestNS, half: highestNS, whole: highestNS, none: highestNS, above: 1},
		"sum over 64 bits":    {record: []int64{math.MaxInt64, math.MaxInt64, math.MaxInt64}, min: math.MaxInt64, max: math.MaxInt64, mean: math.MaxInt64, clamped: 3, half: math.MaxInt64, whole: math.MaxInt64, none: math.MaxInt64, above: 3},
	} {
		h := NewHistogram()
		for _, ns := range tt.record {
			h.Record(ns)
		}
		got := []int64{h.Count(), h.Min(), h.Max(), h.Mean(), h.Clamped(), h.Quantile(0.5), h.Quantile(1), h.Quantile(0), h.CountAbove(1000)}
		want := []int64{int64(len(tt.record)), tt.min, tt.max, tt.mean, tt.clamped, tt.half, tt.whole, tt.none, tt.above}
		if !slices.Equal(got, want) {
			t.Errorf("%s: count, min, max, mean, clamped, q0.5, q1, q0, above = %d, want %d", name, got, want)
		}
		h.Reset()
		if !reflect.DeepEqual(h, NewHistogram()) {
			t.Errorf("%s: Reset leaves something behind", name)
		}
	}
}

// Any value from 1 ns to 1 h lies within 0.1 % of the quantile that stands for it.
func TestR58_HistogramError(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	h := NewHistogram()
	for range 100 {
		ns := int64(math.Exp(random.Float64() * math.Log(highestNS)))
		h.Reset()
		h.Record(1)
		h.Record(ns)
		h.Record(highestNS)
		got := h.Quantile(0.5)
		if math.Abs(float64(got-ns)) > 0.001*float64(ns) {
			t.Fatalf("%d ns came back as %d", ns, got)
		}
		if ns >= 2000 && (h.CountAbove(ns-ns/500) != 2 || h.CountAbove(ns+ns/500) != 1) {
			t.Fatalf("CountAbove around %d ns: %d and %d", ns, h.CountAbove(ns-ns/500), h.CountAbove(ns+ns/500))
		}
	}
}

// Whatever the split, the merge of the shards is the recorder that saw everything.
func TestMergeIsLossless(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for shards := 1; shards <= 16; shards++ {
		one := NewHistogram()
		parts := make([]*Histogram, shards)
		for i := range parts {
			parts[i] = NewHistogram()
		}
		for range 20_000 {
			ns := int64(math.Exp(random.Float64()*32)) - 2 // some below 0, some over an hour
			one.Record(ns)
			parts[random.IntN(max(shards-1, 1))].Record(ns) // the last one stays empty
		}
		merged := NewHistogram()
		for _, part := range parts {
			if err := merged.Merge(part); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(merged.buckets.Export().Counts, one.buckets.Export().Counts) {
			t.Errorf("%d shards: buckets differ", shards)
		}
		if !reflect.DeepEqual(merged, one) {
			t.Errorf("%d shards: %+v, want %+v", shards, Summarize(merged), Summarize(one))
		}
	}
}

func TestR45_MergeRefusesUnlike(t *testing.T) {
	for name, other := range map[string]*hdrhistogram.Histogram{
		"lowest":  hdrhistogram.New(1000, highestNS, significantDigits),
		"highest": hdrhistogram.New(lowestNS, highestNS/60, significantDigits),
		"digits":  hdrhistogram.New(lowestNS, highestNS, 2),
	} {
		h := spread(100, 1, time.Second)
		before := Summarize(h)
		other.RecordValue(7)
		if err := h.Merge(&Histogram{buckets: other, min: 7, max: 7}); !errors.Is(err, ErrUnlike) {
			t.Errorf("%s: %v, want ErrUnlike", name, err)
		}
		if !reflect.DeepEqual(Summarize(h), before) {
			t.Errorf("%s: a refused merge changed the receiver", name)
		}
	}
}

func TestMergeFailsWhereItWouldDrop(t *testing.T) {
	h, full := NewHistogram(), NewHistogram()
	h.Record(1)
	if err := full.buckets.RecordValues(2, math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	if h.Merge(full) == nil {
		t.Error("a merge that dropped counts succeeded")
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	h := NewHistogram()
	if n := testing.AllocsPerRun(1000, func() { h.Record(123_456); h.Record(-1); h.Record(math.MaxInt64) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	h := NewHistogram()
	b.ReportAllocs()
	var ns int64
	for b.Loop() {
		ns = (ns + 7919) % 10_000_000
		h.Record(ns)
	}
}

func BenchmarkMerge(b *testing.B) {
	from, h := spread(100_000, time.Microsecond, time.Second), NewHistogram()
	for b.Loop() {
		h.Merge(from)
	}
}
