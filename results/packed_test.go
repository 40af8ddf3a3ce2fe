package results

import (
	"math/rand/v2"
	"testing"
)

// TestPackedIsAsExact: its quantiles are a Histogram's within the error of both, and merging loses nothing.
func TestPackedIsAsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	one, dense := &Packed{}, NewHistogram()
	parts := [3]Packed{}
	for i := range 200_000 {
		ns := random.Int64N(1 << (1 + random.IntN(41)))
		one.Record(ns)
		dense.Record(ns)
		parts[i%3].Record(ns)
	}
	merged := &Packed{}
	for i := range parts {
		merged.Merge(&parts[i])
	}
	if *merged.P99() != *one.P99() || merged.Count() != one.Count() || one.Count() != 200_000 {
		t.Errorf("merged %d of %d", merged.Count(), one.Count())
	}
	for _, q := range []float64{0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1} {
		got, want := one.Quantile(q), dense.Quantile(q)
		if q == 0 {
			want = dense.Min()
		}
		if diff := float64(got - want); diff > 0.002*float64(want)+1 || -diff > 0.002*float64(want)+1 {
			t.Errorf("q %v: %d, want %d", q, got, want)
		}
		if m := merged.Quantile(q); m != got {
			t.Errorf("q %v: merged %d, one %d", q, m, got)
		}
	}
}

// TestPackedEveryValue: no value is farther than 0.1 % from what its bucket says.
func TestPackedEveryValue(t *testing.T) {
	for ns := int64(0); ns <= highestNS; ns += ns/997 + 1 {
		var p Packed
		p.Record(ns)
		p.max = highestNS // not to be saved by the maximum
		if got := p.Quantile(0.5); got < ns || float64(got-ns) > 0.001*float64(ns) {
			t.Fatalf("%d is %d", ns, got)
		}
	}
	var p Packed
	p.Record(-5)
	p.Record(highestNS + 5)
	if p.Quantile(0.5) != 0 || p.Quantile(1) != highestNS || p.P99() != nil || new(Packed).Quantile(0.5) != 0 {
		t.Errorf("%d to %d", p.Quantile(0.5), p.Quantile(1))
	}
}
