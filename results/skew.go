package results

import (
	"math"
	"slices"
)

// Share is how many sends one queue, or one broker, took, and how long they did.
type Share struct {
	Broker       string `json:"broker"`
	Queue        *int32 `json:"queue,omitempty"`         // null of a whole broker
	Acknowledged int64  `json:"acknowledged"`            // or written, if oneway
	BeforeChange *int64 `json:"before_change,omitempty"` // the same until the topic changed; null if it didn't, or the queue wasn't there
	P99NS        *int64 `json:"p99_ns"`                  // due until done; null if there are too few
}

// Skew is how unevenly queues were used.
type Skew struct {
	MaxOverMean float64  `json:"max_over_mean"` // 1 is even
	Gini        float64  `json:"gini"`          // 0 is even, near 1 is all in one queue
	Chi2P       *float64 `json:"chi2_p"`        // how likely chance alone makes it as uneven or more; null under 5 sends a queue
}

// SkewOf compares counts; nil if there are fewer than two, or nothing was counted.
func SkewOf(counts []int64) *Skew {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	if len(counts) < 2 || sum == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(counts))
	n, mean := float64(len(sorted)), float64(sum)/float64(len(sorted))
	var ranked, chi2 float64
	for i, c := range sorted {
		ranked += float64(2*i+1-len(sorted)) * float64(c)
		chi2 += (float64(c) - mean) * (float64(c) - mean) / mean
	}
	s := &Skew{MaxOverMean: float64(sorted[len(sorted)-1]) / mean, Gini: ranked / (n * float64(sum))}
	if mean >= 5 { // the usual rule for the approximation to hold
		s.Chi2P = new(chi2Above(chi2, len(sorted)-1))
	}
	return s
}

// chi2Above is the probability that a chi-square variable of so many degrees of freedom exceeds x: the upper regularized
// incomplete gamma function of df/2 at x/2, by its series below the mean and by its continued fraction (Lentz) above.
func chi2Above(x float64, df int) float64 {
	a := float64(df) / 2
	x /= 2
	if x <= 0 {
		return 1
	}
	const small = 1e-15
	logGamma, _ := math.Lgamma(a)
	scale := math.Exp(a*math.Log(x) - x - logGamma)
	if x < a+1 {
		term := 1 / a
		sum := term
		for n := a + 1; term > sum*small; n++ {
			term *= x / n
			sum += term
		}
		return min(max(1-sum*scale, 0), 1)
	}
	b := x + 1 - a
	c, d := math.Inf(1), 1/b
	h := d
	for i := 1.0; i < 1e6; i++ {
		an := i * (a - i)
		b += 2
		d = 1 / (an*d + b)
		c = b + an/c
		h *= c * d
		if math.Abs(c*d-1) < small {
			break
		}
	}
	return min(max(h*scale, 0), 1)
}
