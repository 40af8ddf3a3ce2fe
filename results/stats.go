package results

import (
	"cmp"
	"math"
	"slices"

	"github.com/aclements/go-moremath/mathx"
	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
)

// Change is how much new values differ from base ones, as a share of the base: 0.05 is 5 % more. It is estimated on the ratios'
// logarithms (Hodges and Lehmann), so that twice as much and half as much weigh the same.
type Change struct {
	Share  *float64 `json:"share"`   // null where a value isn't positive, or a side has none
	Low    *float64 `json:"low_95"`  // of Share's 95 % interval, null where too few values are there for one
	High   *float64 `json:"high_95"` // likewise
	P      float64  `json:"p"`       // two-sided: how likely chance alone makes them differ as much or more
	LeastP float64  `json:"-"`       // the least that P can be with so many values
}

// exactPairs is up to how many values a null distribution is counted out; beyond it the normal one is near enough.
const exactPairs = 200

// PairedChange compares values of equal index, which were measured under the same conditions: Wilcoxon's signed-rank test, exact
// up to 200 pairs. The slices must be of one length.
func PairedChange(base, changed []float64) Change {
	logs := make([]float64, len(base))
	positive := len(base) > 0
	for i := range base {
		logs[i] = math.Log(changed[i] / base[i])
		positive = positive && base[i] > 0 && changed[i] > 0
	}
	if !positive {
		for i := range base {
			logs[i] = changed[i] - base[i]
		}
		return Change{P: signedRank(logs), LeastP: leastSignedRank(len(base))}
	}
	c := Change{P: signedRank(logs), LeastP: leastSignedRank(len(base))}
	walsh := make([]float64, 0, len(logs)*(len(logs)+1)/2)
	for i := range logs {
		for _, other := range logs[i:] {
			walsh = append(walsh, (logs[i]+other)/2)
		}
	}
	c.estimate(walsh, signedRankBelow(len(logs)))
	return c
}

// UnpairedChange compares two samples: the test of Mann and Whitney. They may differ in size.
func UnpairedChange(base, changed []float64) Change {
	if len(base) == 0 || len(changed) == 0 {
		return Change{P: 1, LeastP: 1}
	}
	t := benchmath.DefaultThresholds
	compared := benchmath.AssumeNothing.Compare(benchmath.NewSample(slices.Clone(base), &t), benchmath.NewSample(slices.Clone(changed), &t))
	c := Change{P: compared.P, LeastP: min(1, 2/choose(len(base)+len(changed), len(base)))}
	if slices.Min(base) <= 0 || slices.Min(changed) <= 0 {
		return c
	}
	shifts := make([]float64, 0, len(base)*len(changed))
	for _, b := range base {
		for _, n := range changed {
			shifts = append(shifts, math.Log(n/b))
		}
	}
	c.estimate(shifts, rankSumBelow(len(base), len(changed)))
	return c
}

// estimate sets the share to the median of logs, and its interval to those that leave out so many at either end; none if that is 0.
func (c *Change) estimate(logs []float64, out int) {
	slices.Sort(logs)
	c.Share = finite(math.Expm1(median(logs)))
	if out > 0 {
		c.Low, c.High = finite(math.Expm1(logs[out-1])), finite(math.Expm1(logs[len(logs)-out]))
	}
}

// finite is v, null where it is too large for a number.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}

// Spread is the standard error of the share's logarithm, from its interval; +Inf without one.
func (c *Change) Spread() float64 {
	if c.Low == nil || c.High == nil {
		return math.Inf(1)
	}
	return (math.Log1p(*c.High) - math.Log1p(*c.Low)) / (2 * normalTwoSide)
}

// seen is the share of comparisons that see the smallest change that Smallest gives.
const seen = 0.8

// Smallest is the change that a comparison of so many and so noisy values sees in four cases of five, if it calls different what has p
// under alpha and lies beyond width; null if it can see none. See [Holm] for alpha where several are made.
func (c *Change) Smallest(alpha, width float64) *float64 {
	spread := c.Spread()
	if c.LeastP >= alpha || math.IsInf(spread, 1) {
		return nil
	}
	normal := stats.NormalDist{Sigma: 1}
	power := stats.InvCDF(normal)(seen)
	noise := (stats.InvCDF(normal)(1-alpha/2) + power) * spread
	return finite(math.Expm1(max(noise, math.Log1p(width)+power*spread)))
}

// Holm adjusts the p of several comparisons so that any one under alpha is so by chance in a share alpha of the cases at most, however
// many they are. The result has p's order.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted := make([]float64, len(p))
	most := 0.0
	for rank, i := range order {
		most = max(most, min(1, p[i]*float64(len(p)-rank)))
		adjusted[i] = most
	}
	return adjusted
}

// exactCount is up to how many of anything CountInterval is exact.
const exactCount = 10_000

// CountInterval is the 95 % interval of a share of which k of n were seen: Clopper and Pearson's, which is exact, and above 10,000
// Wilson's, which differs from it by less than anyone sees. 0 to 1 if n is 0.
func CountInterval(k, n int64) (low, high float64) {
	const beyond = 0.025
	if n > exactCount {
		share, z2 := float64(k)/float64(n), normalTwoSide*normalTwoSide/float64(n)
		middle := (share + z2/2) / (1 + z2)
		half := math.Sqrt(share*(1-share)*z2+z2*z2/4) / (1 + z2)
		return max(0, middle-half), min(1, middle+half)
	}
	low, high = 0, 1
	if k > 0 {
		low = bisect(func(p float64) bool { return mathx.BetaInc(p, float64(k), float64(n-k+1)) > beyond })
	}
	if k < n {
		high = bisect(func(p float64) bool { return mathx.BetaInc(p, float64(k+1), float64(n-k)) > 1-beyond })
	}
	return low, high
}

// bisect finds where in 0 to 1 after becomes true.
func bisect(after func(float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if mid := (low + high) / 2; after(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return (low + high) / 2
}

// median is that of sorted values, of which there is at least one.
func median(sorted []float64) float64 {
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}

// Median is that of values, NaN if there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return median(slices.Sorted(slices.Values(values)))
}

// signedRank is the two-sided p of differences that chance makes positive or negative alike. Equal ones share their ranks, and zeros
// take part in the ranking only (Pratt).
func signedRank(differences []float64) float64 {
	bySize := slices.Clone(differences)
	slices.SortFunc(bySize, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	var ranks []int // twice each, so that they are whole
	positive, all := 0, 0
	for i := 0; i < len(bySize); {
		end := i + 1
		for end < len(bySize) && math.Abs(bySize[end]) == math.Abs(bySize[i]) {
			end++
		}
		for _, d := range bySize[i:end] {
			if rank := i + 1 + end; d != 0 {
				ranks = append(ranks, rank)
				all += rank
				if d > 0 {
					positive += rank
				}
			}
		}
		i = end
	}
	if len(ranks) == 0 {
		return 1
	}
	few := min(positive, all-positive)
	if len(ranks) > exactPairs {
		var squares float64
		for _, r := range ranks {
			squares += float64(r) * float64(r)
		}
		return min(1, 2*stats.NormalDist{Mu: float64(all) / 2, Sigma: math.Sqrt(squares) / 2}.CDF(float64(few)+1))
	}
	var below float64
	for _, p := range sums(ranks)[:few+1] {
		below += p
	}
	return min(1, 2*below)
}

// sums is the distribution of the sum of those of ranks that a coin picks, one toss each.
func sums(ranks []int) []float64 {
	all := 0
	p := []float64{1}
	for _, r := range ranks {
		all += r
		next := make([]float64, all+1)
		for sum, share := range p {
			next[sum] += share / 2
			next[sum+r] += share / 2
		}
		p = next
	}
	return p
}

// leastSignedRank is the p of n differences of one sign.
func leastSignedRank(n int) float64 { return min(1, math.Pow(2, 1-float64(n))) }

// signedRankBelow is how many of the means of n differences and their pairs lie outside a 95 % interval at each end.
func signedRankBelow(n int) int {
	if n > exactPairs {
		f := float64(n)
		return max(0, int(f*(f+1)/4-normalTwoSide*math.Sqrt(f*(f+1)*(2*f+1)/24)))
	}
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	return outside(sums(ranks))
}

// rankSumBelow is how many of the differences between m values and n lie outside a 95 % interval at each end.
func rankSumBelow(m, n int) int {
	if m*n > 400 {
		f := float64(m * n)
		return max(0, int(f/2-normalTwoSide*math.Sqrt(f*float64(m+n+1)/12)))
	}
	d := stats.UDist{N1: m, N2: n}
	p := make([]float64, m*n+1)
	for u := range p {
		p[u] = d.PMF(float64(u))
	}
	return outside(p)
}

// outside is how many of the first of p together stay within 2.5 %.
func outside(p []float64) int {
	sum := 0.0
	for i := range p {
		if sum += p[i]; sum > 0.025 {
			return i
		}
	}
	return 0
}

// choose is n over k.
func choose(n, k int) float64 { return math.Exp(mathx.Lchoose(n, k)) }
