package results

import "math"

// Batches of a run, which follow one another in time, for the interval of a percentile.
const (
	minBatches    = 10
	batchPercent  = 10 // sends that must lie beyond a percentile in each batch
	normalTwoSide = 1.959963984540054
)

// Confide puts 95 % intervals beside l's percentiles, from batches of the same sends that follow one another in time:
// neighbouring latencies aren't independent, so it is the batches that are counted, not the sends. Where batches are too
// small they are put together; with fewer than 10 left there is no interval.
func (l *Latency) Confide(batches []*Packed) {
	if l == nil {
		return
	}
	for _, p := range percentiles {
		at := *p.of(l)
		if at == nil {
			continue
		}
		values := batchQuantiles(batches, p.q)
		if len(values) < minBatches {
			continue
		}
		half := int64(math.Ceil(halfWidth(values)))
		if l.CI95 == nil {
			l.CI95 = map[string][2]int64{}
		}
		l.CI95[p.key] = [2]int64{max(*at-half, 0), *at + half}
	}
}

// batchQuantiles are the quantiles of batches of which each has enough sends beyond it, neighbours put together until they do.
func batchQuantiles(batches []*Packed, q float64) []float64 {
	var values []float64
	for together := 1; len(batches)/together >= minBatches; together++ {
		values = values[:0]
		for i := 0; i+together <= len(batches); i += together {
			b := batches[i]
			if together > 1 {
				b = &Packed{}
				for _, part := range batches[i : i+together] {
					b.Merge(part)
				}
			}
			if float64(b.Count())*(1-q) < batchPercent {
				break
			}
			values = append(values, float64(b.Quantile(q)))
		}
		if len(values) == len(batches)/together {
			return values
		}
	}
	return nil
}

// halfWidth is that of the 95 % interval of the mean, by Student's t.
func halfWidth(values []float64) float64 {
	n := float64(len(values))
	var mean, squares float64
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return StudentT(n-1) * math.Sqrt(squares/(n-1)/n)
}

// studentT975 are the exact two-sided 95 % quantiles for 1, 2, … degrees of freedom.
var studentT975 = [...]float64{12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060}

// StudentT is the two-sided 95 % quantile of Student's t for whole degrees of freedom from 1 on; for 9 and more by its expansion
// about the normal one (Abramowitz and Stegun, 26.7.5), within 0.0003.
func StudentT(df float64) float64 {
	if i := int(df) - 1; i < len(studentT975) {
		return studentT975[max(i, 0)]
	}
	z := normalTwoSide
	z2 := z * z
	return z + z*(z2+1)/(4*df) + z*(5*z2*z2+16*z2+3)/(96*df*df) + z*(3*z2*z2*z2+19*z2*z2+17*z2-15)/(384*df*df*df)
}
