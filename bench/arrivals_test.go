package bench

import (
	"math"
	"math/big"
	"slices"
	"testing"
)

// TestExponential holds the integer logarithm to floating point's, and the draws to their distribution.
func TestExponential(t *testing.T) {
	const n = 1_000_000
	d := drawsOf(1, drawGap)
	times := make([]float64, n)
	var sum float64
	for i := range times {
		x := d.at(int64(i))
		times[i] = float64(exponential(x)) / (1 << 32)
		if want := -math.Log(float64(x|1) / (1 << 64)); math.Abs(times[i]-want) > 1e-8 {
			t.Fatalf("%x gives %v, want %v", x, times[i], want)
		}
		sum += times[i]
	}
	near(t, "mean", sum/n, 1, 0.004)
	slices.Sort(times)
	var furthest float64 // Kolmogorov and Smirnov's distance
	for i, x := range times {
		furthest = max(furthest, math.Abs(1-math.Exp(-x)-float64(i)/n))
	}
	if furthest > 1.95/math.Sqrt(n) { // p = 0.001
		t.Errorf("the distribution is off by %v", furthest)
	}
	if exponential(math.MaxUint64) > 1 || exponential(0) != exponential(1) {
		t.Error("the ends of the range")
	}
}

// TestPoisson: each slot falls due where big numbers put the sum of its gaps, at the rate of its stage, and the counts of
// equal stretches scatter as Poisson's do.
func TestPoisson(t *testing.T) {
	const load = "arrivals: poisson, stages: [{for: 100s, rate: 1k/s}, {for: 100s, rate: 500/s..1500/s}]"
	p := planOf(t, loadOf(t, load))
	all := slots(p)
	sum := new(big.Int)
	counts := make([]float64, 1000) // each 100 ms of the first stage
	for i, c := range all {
		if i > 0 && c.due < all[i-1].due {
			t.Fatalf("slot %d falls due at %d, before the one at %d", i, c.due, all[i-1].due)
		}
		if c.stage > 0 {
			continue
		}
		sum.Add(sum, new(big.Int).SetUint64(exponential(p.gaps.at(c.number))))
		want := new(big.Int).Mul(sum, big.NewInt(1e6)) // a gap's mean, in ns
		want.Rsh(want, 32)
		if c.due != want.Int64() {
			t.Fatalf("slot %d falls due at %d, want %d", i, c.due, want)
		}
		counts[c.due/100e6]++
	}
	var variance float64
	for _, n := range counts {
		variance += (n - 100) * (n - 100) / float64(len(counts))
	}
	near(t, "variance over mean", variance/100, 1, 0.15) // 3.3 standard deviations
	near(t, "slots", int64(len(all)), 200_000, 0.008)

	if again := slots(planOf(t, loadOf(t, load))); !slices.EqualFunc(all, again, func(a, b cursor) bool { return a.due == b.due && a.stage == b.stage }) {
		t.Error("the same seed gives other times")
	}
	other := loadOf(t, load)
	other.Seed = 2
	if c, _ := walk(planOf(t, other)); c.due == all[0].due {
		t.Error("another seed gives the same times")
	}
}

func TestDraws(t *testing.T) {
	const n, sides = 100_000, 10
	var counts [sides]float64
	d := drawsOf(7, drawKey)
	for i := range int64(n) {
		counts[d.below(i, sides)]++
	}
	var chi2 float64
	for _, c := range counts {
		chi2 += (c - n/sides) * (c - n/sides) / (n / sides)
	}
	if chi2 > 27.9 { // p = 0.001 at 9 degrees of freedom
		t.Errorf("draws fall on %v", counts)
	}
	if drawsOf(7, drawBody).at(1) == d.at(1) || drawsOf(8, drawKey).at(1) == d.at(1) {
		t.Error("streams and seeds are alike")
	}
}
