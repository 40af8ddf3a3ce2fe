package bench

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"

	"rmqbench/scenarios"
)

// keyPool gives message i its key, a pure function of seed and i.
type keyPool struct {
	keys  []string // of one length
	pick  func(i int64) int
	which draws
	also  draws // where one number is not enough
}

func newKeyPool(seed uint64, k *scenarios.Keys) *keyPool {
	p := &keyPool{keys: make([]string, k.Distinct), which: drawsOf(seed, drawKey), also: drawsOf(seed, drawHot)}
	digits := len(strconv.Itoa(k.Distinct - 1))
	for i := range p.keys {
		p.keys[i] = fmt.Sprintf("k%0*d", digits, i)
	}
	switch k.Skew.Kind {
	case scenarios.Sequence:
		p.pick = func(i int64) int { return int(uint64(i) % uint64(len(p.keys))) }
	case scenarios.Zipf:
		p.pick = p.zipf(k.Skew.Exponent)
	case scenarios.Hot:
		share := threshold(k.Skew.Share)
		p.pick = func(i int64) int {
			if p.also.at(i) < share {
				return p.which.below(i, k.Skew.Keys)
			}
			return k.Skew.Keys + p.which.below(i, len(p.keys)-k.Skew.Keys)
		}
	default:
		p.pick = func(i int64) int { return p.which.below(i, len(p.keys)) }
	}
	return p
}

// distinct is how many there are; none in a nil pool.
func (p *keyPool) distinct() int {
	if p == nil {
		return 0
	}
	return len(p.keys)
}

// list is a key by its number, as the list that a message holds.
func (p *keyPool) list(key int32) []string { return p.keys[key : key+1 : key+1] }

// threshold is what a share of all 64-bit numbers are below.
func threshold(share float64) uint64 {
	if share >= 1 {
		return math.MaxUint64
	}
	return uint64(share * (1 << 32) * (1 << 32))
}

// zipf picks key r, from 0, in proportion to 1 / (r+1)^s, by Walker's and Vose's alias method: a column each as likely as
// the others, which holds at most two keys.
func (p *keyPool) zipf(s float64) func(i int64) int {
	n := len(p.keys)
	own := make([]uint64, n)  // below it, the column's own key,
	other := make([]int32, n) // else this one
	weight := make([]float64, n)
	var sum float64
	for r := range weight {
		weight[r] = math.Pow(float64(r+1), -s)
		sum += weight[r]
	}
	var small, large []int32
	for r := range weight {
		weight[r] *= float64(n) / sum
		own[r], other[r] = math.MaxUint64, int32(r)
		if weight[r] < 1 {
			small = append(small, int32(r))
		} else {
			large = append(large, int32(r))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		a, b := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		own[a], other[a] = threshold(weight[a]), b
		if weight[b] -= 1 - weight[a]; weight[b] < 1 {
			large = large[:len(large)-1]
			small = append(small, b)
		}
	}
	return func(i int64) int {
		column, within := bits.Mul64(p.which.at(i), uint64(n))
		if within < own[column] {
			return int(column)
		}
		return int(other[column])
	}
}
