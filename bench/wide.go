package bench

import "math/bits"

// wide is an unsigned integer of 128 bits.
type wide struct{ hi, lo uint64 }

func product(a, b uint64) wide {
	hi, lo := bits.Mul64(a, b)
	return wide{hi, lo}
}

func (w wide) plus(v wide) wide {
	lo, carry := bits.Add64(w.lo, v.lo, 0)
	return wide{w.hi + v.hi + carry, lo}
}

func (w wide) minus(v wide) wide {
	lo, borrow := bits.Sub64(w.lo, v.lo, 0)
	return wide{w.hi - v.hi - borrow, lo}
}

func (w wide) less(v wide) bool { return w.hi < v.hi || w.hi == v.hi && w.lo < v.lo }

// over is w / n, at most limit.
func (w wide) over(n, limit uint64) uint64 {
	if w.hi >= n {
		return limit
	}
	q, _ := bits.Div64(w.hi, w.lo, n)
	return min(q, limit)
}

// float is w as near as a float64 comes.
func (w wide) float() float64 { return float64(w.hi)*(1<<64) + float64(w.lo) }

// times is w × n, in 192 bits.
func (w wide) times(n uint64) (hi uint64, rest wide) {
	carry, lo := bits.Mul64(w.lo, n)
	top, mid := bits.Mul64(w.hi, n)
	mid, more := bits.Add64(mid, carry, 0)
	return top + more, wide{mid, lo}
}

// atMost says whether w × n ≤ v × m.
func (w wide) atMost(n uint64, v wide, m uint64) bool {
	a, b := w.times(n)
	c, d := v.times(m)
	return a < c || a == c && !d.less(b)
}
