package results

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s is %v, want %v within %v", what, got, want, within)
	}
}

func TestSignedRank(t *testing.T) {
	for name, tt := range map[string]struct {
		differences []float64
		want        float64
	}{
		// Hollander and Wolfe, table 3.1: Hamilton depression scale before and after; R's wilcox.test gives V = 40.
		"nine patients": {[]float64{0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01}, 0.0390625},
		"one sign":      {[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 2.0 / 1024},
		"balanced":      {[]float64{1, -1, 2, -2}, 1},
		"no difference": {[]float64{0, 0, 0}, 1},
		// Zeros have the lowest ranks and no sign: 3 and 4 of four.
		"zeros":       {[]float64{0, 0, 1, 2}, 0.5},
		"ties":        {[]float64{1, 1, 1, 1, 1, 1}, 2.0 / 64},
		"one, or two": {[]float64{5}, 1},
		"nothing":     {nil, 1},
	} {
		near(t, name, signedRank(tt.differences), tt.want, 1e-9)
	}
	// The two ways meet where one hands over to the other.
	random := rand.New(rand.NewPCG(1, 1))
	var many []float64
	for range exactPairs {
		many = append(many, random.NormFloat64()+0.1)
	}
	exact := signedRank(many)
	near(t, "201 differences", signedRank(append(many, 0.0001)), exact, 0.02*exact+0.002)
}

func TestIntervalOrders(t *testing.T) {
	for n, want := range map[int]int{5: 0, 6: 1, 7: 3, 8: 4, 10: 9, 20: 53} { // qsignrank(0.025, n) in R; 0 has no interval
		if got := signedRankBelow(n); got != want {
			t.Errorf("signed ranks of %d: %d outside, want %d", n, got, want)
		}
	}
	for n, want := range map[int]int{3: 0, 4: 1, 5: 3, 8: 14, 10: 24} { // qwilcox(0.025, n, n)
		if got := rankSumBelow(n, n); got != want {
			t.Errorf("rank sums of %d and %d: %d outside, want %d", n, n, got, want)
		}
	}
	near(t, "signed ranks of 201, by the normal distribution", float64(signedRankBelow(201)), 8537, 10)
	near(t, "rank sums of 21 and 20", float64(rankSumBelow(21, 20)), 135, 2)
}

func TestPairedChange(t *testing.T) {
	base := []float64{100, 110, 90, 105, 95, 100, 102, 98, 101, 99}
	var changed []float64
	for _, v := range base {
		changed = append(changed, v*1.1)
	}
	c := PairedChange(base, changed)
	near(t, "share", *c.Share, 0.1, 1e-9)
	near(t, "low", *c.Low, 0.1, 1e-9)
	near(t, "high", *c.High, 0.1, 1e-9)
	near(t, "p", c.P, 2.0/1024, 1e-12)
	if back := PairedChange(changed, base); math.Abs((1+*back.Share)*(1+*c.Share)-1) > 1e-9 {
		t.Errorf("there and back again is %v", (1+*back.Share)*(1+*c.Share))
	}
	if few := PairedChange(base[:5], changed[:5]); few.Low != nil || few.Smallest(0.05, 0) != nil {
		t.Errorf("five pairs have an interval or see something: %+v", few)
	}
	if zero := PairedChange([]float64{0, 1, 2}, []float64{1, 2, 3}); zero.Share != nil || zero.P != 0.25 {
		t.Errorf("a base of 0 has a share, or no p: %+v", zero)
	}
	if none := PairedChange(nil, nil); none.Share != nil || none.P != 1 {
		t.Errorf("nothing differs from nothing: %+v", none)
	}
}

func TestUnpairedChange(t *testing.T) {
	c := UnpairedChange([]float64{1, 2, 3, 4, 5}, []float64{10, 20, 30, 40, 50})
	near(t, "share", *c.Share, 9, 1e-9)
	near(t, "p", c.P, 2.0/252, 1e-9)
	near(t, "least p", c.LeastP, 2.0/252, 1e-9)
	if c.Low == nil || *c.Low > 9 || *c.High < 9 {
		t.Errorf("interval %v to %v", c.Low, c.High)
	}
	if same := UnpairedChange([]float64{3, 3, 3, 3}, []float64{3, 3, 3, 3}); same.P != 1 || *same.Share != 0 {
		t.Errorf("equal samples: %+v", same)
	}
	if none := UnpairedChange(nil, []float64{1}); none.P != 1 || none.Share != nil {
		t.Errorf("an empty side: %+v", none)
	}
}

func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, "adjusted", got[i], want, 1e-12)
	}
	if got := Holm([]float64{0.6, 0.7}); got[0] != 1 || got[1] != 1 {
		t.Errorf("over 1: %v", got)
	}
}

func TestCountInterval(t *testing.T) {
	for _, tt := range []struct {
		k, n      int64
		low, high float64
	}{
		{0, 40, 0, 0.0881}, {1, 40, 0.0006, 0.1316}, {36, 40, 0.7634, 0.9721}, {40, 40, 0.9119, 1}, {0, 0, 0, 1},
		{5_000, 10_000, 0.4902, 0.5098}, {0, 1_000_000_000, 0, 4e-9}, {50_000, 100_000, 0.4969, 0.5031},
	} {
		low, high := CountInterval(tt.k, tt.n)
		near(t, "low", low, tt.low, 6e-5)
		near(t, "high", high, tt.high, 6e-5)
	}
}

// TestChangesInSimulation: what the interval, the p and the smallest visible change promise holds for noise that we know.
func TestChangesInSimulation(t *testing.T) {
	const trials, pairs, noise, alpha = 2_000, 12, 0.03, 0.05
	random := rand.New(rand.NewPCG(7, 7))
	sample := func(shift float64) (base, changed []float64) {
		for range pairs {
			round := math.Exp(0.2 * random.NormFloat64()) // what a round has in common, ten times the noise
			base = append(base, round*math.Exp(noise*random.NormFloat64()))
			changed = append(changed, round*math.Exp(noise*random.NormFloat64())*(1+shift))
		}
		return base, changed
	}
	var alarms, covered float64
	var smallest []float64
	for range trials {
		c := PairedChange(sample(0))
		if c.P < alpha {
			alarms++
		}
		if *c.Low <= 0 && *c.High >= 0 {
			covered++
		}
		smallest = append(smallest, *c.Smallest(alpha, 0))
	}
	near(t, "share of alarms without a change", alarms/trials, alpha, 0.015)
	near(t, "share of intervals that hold the truth", covered/trials, 0.95, 0.015)
	slices.Sort(smallest)
	var found float64
	for range trials {
		if c := PairedChange(sample(median(smallest))); c.P < alpha {
			found++
		}
	}
	near(t, "share in which the smallest visible change is seen", found/trials, seen, 0.1)

	alarms = 0
	for range trials / 10 {
		base, _ := sample(0)
		_, changed := sample(0)
		if c := UnpairedChange(base, changed); c.P < alpha {
			alarms++
		}
	}
	near(t, "share of unpaired alarms", alarms/trials*10, alpha, 0.04)
}
