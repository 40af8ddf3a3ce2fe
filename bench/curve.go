package bench

import (
	"math"
	"math/bits"
	"sort"

	"rmqbench/scenarios"
)

// curve says when each send of a stage falls due: number k at the last whole nanosecond by which no more than k sends were
// to be made, the rate summed over time. It is exact for any k: floating point only guesses, and a comparison of integers
// decides. Times are nanoseconds since the stage began.
type curve struct {
	per    uint64  // rates are sends in so many nanoseconds
	pieces []piece // one after the other, again and again
	period int64   // how long all of them take
	whole  wide    // their area
}

// piece is a stretch in which the rate goes from one to another in a straight line. Areas are twice the sends times per,
// which makes them integers.
type piece struct {
	at, length int64
	from, to   uint64
	before     wide // area of the pieces before it
}

const (
	sinePieces = 64      // straight lines in a period: off by 0.12 % of the swing at the most
	finer      = 1 << 16 // a sine's rates are rounded to so small a part of a send
)

// flat is a rate that stays.
func flat(r scenarios.Rate) *curve {
	c := &curve{per: uint64(r.Per)}
	c.hold(uint64(r.Count), forever)
	return c
}

// ramp goes from one rate to another within length, and stays.
func ramp(from, to scenarios.Rate, length int64) *curve {
	a, b, per := common(from, to)
	c := &curve{per: per}
	c.add(a, b, length)
	c.hold(b, forever-length)
	return c
}

// bursts has the high rate for the first burst of every period, and the low one for the rest.
func bursts(low, high scenarios.Rate, burst, every int64) *curve {
	a, b, per := common(low, high)
	c := &curve{per: per}
	c.hold(b, burst)
	c.hold(a, every-burst)
	return c
}

// sine swings between two rates, beginning with the first.
func sine(low, high scenarios.Rate, every int64) *curve {
	a, b, per := common(low, high)
	a, b = a*finer, b*finer
	c := &curve{per: per * finer}
	rate := func(i int64) uint64 {
		s := math.Sin(math.Pi * float64(i) / sinePieces)
		share := uint64(math.Round(s * s * (1 << 32))) // to 32 bits every machine agrees
		if a <= b {
			return a + product(b-a, share).over(1<<32, b)
		}
		return a - product(a-b, share).over(1<<32, a)
	}
	for i := range int64(sinePieces) {
		c.add(rate(i), rate(i+1), (every*(i+1))/sinePieces-(every*i)/sinePieces)
	}
	return c
}

// step is number i of n rates, the first and the last of which are given.
func step(first, last scenarios.Rate, i, n int) *curve {
	a, b, per := common(first, last)
	c := &curve{per: per * uint64(n-1)}
	c.hold(a*uint64(n-1-i)+b*uint64(i), forever)
	return c
}

// common gives the counts of two rates within the same time.
func common(a, b scenarios.Rate) (countA, countB, per uint64) {
	per, _ = scenarios.CommonPer(a, b) // checked with the scenario
	return uint64(a.Count) * (per / uint64(a.Per)), uint64(b.Count) * (per / uint64(b.Per)), per
}

func (c *curve) hold(rate uint64, length int64) { c.add(rate, rate, length) }

func (c *curve) add(from, to uint64, length int64) {
	c.pieces = append(c.pieces, piece{at: c.period, length: length, from: from, to: to, before: c.whole})
	c.whole = c.whole.plus(product(from+to, uint64(length)))
	c.period += length
}

// due is when send k falls due; at most forever.
func (c *curve) due(k int64) int64 {
	area := product(uint64(k), 2*c.per)
	var periods uint64
	if !area.less(c.whole) {
		periods = c.periods(area)
		_, gone := c.whole.times(periods)
		area = area.minus(gone)
	}
	if hi, lo := bits.Mul64(periods, uint64(c.period)); hi > 0 || lo >= uint64(forever) {
		return forever
	}
	p := &c.pieces[0]
	if len(c.pieces) > 1 {
		p = &c.pieces[sort.Search(len(c.pieces), func(i int) bool { return area.less(c.pieces[i].before) })-1]
	}
	return min(int64(periods)*c.period+p.at+p.reach(area.minus(p.before)), forever)
}

// periods is area / whole.
func (c *curve) periods(area wide) uint64 {
	if c.whole.hi == 0 {
		return area.over(c.whole.lo, uint64(forever))
	}
	guess := int64(min(area.float()/c.whole.float(), float64(forever)))
	return uint64(last(guess, forever, func(n int64) bool { return c.whole.atMost(uint64(n), area, 1) }))
}

// reach is the last nanosecond of the piece at which its area is no more than that.
func (p *piece) reach(area wide) int64 {
	if p.from == p.to {
		return int64(area.over(2*p.from, uint64(forever)))
	}
	a, d := float64(p.from), (float64(p.to)-float64(p.from))/float64(p.length)
	guess := area.float() / (a + math.Sqrt(max(a*a+d*area.float(), 0)))
	return last(int64(min(guess, float64(p.length))), p.length, func(t int64) bool {
		slope := product(p.from, uint64(2*p.length-t)).plus(product(p.to, uint64(t))) // area × length / t
		return slope.atMost(uint64(t), area, uint64(p.length))
	})
}

// dueBefore is how many sends fall due before that time.
func (c *curve) dueBefore(at int64) int64 {
	if at <= 0 {
		return 0
	}
	periods := at / c.period
	area := float64(periods) * c.whole.float()
	for i := range c.pieces {
		if p := &c.pieces[i]; at%c.period >= p.at {
			t := float64(min(at%c.period-p.at, p.length))
			area += t * (2*float64(p.from) + (float64(p.to)-float64(p.from))*t/float64(p.length))
		}
	}
	guess := int64(min(area/2/float64(c.per), float64(forever)))
	return last(guess, forever, func(k int64) bool { return k == 0 || c.due(k-1) < at })
}

// last is the largest n from 0 to limit for which ok holds; it holds for 0 and up to some n, which is near the guess.
func last(guess, limit int64, ok func(int64) bool) int64 {
	yes, no := min(max(guess, 0), limit), limit+1
	for step := int64(1); ; step *= 2 { // down to one that holds
		if ok(yes) {
			break
		}
		no = yes
		yes = max(yes-step, 0)
	}
	for step := int64(1); yes+step < no; step *= 2 { // up to one that doesn't
		if !ok(yes + step) {
			no = yes + step
			break
		}
		yes += step
	}
	for no-yes > 1 {
		if mid := yes + (no-yes)/2; ok(mid) {
			yes = mid
		} else {
			no = mid
		}
	}
	return yes
}

// perSecond is the mean rate until that time.
func (c *curve) perSecond(until int64) float64 {
	p := &c.pieces[0]
	if p.from == p.to && p.length >= until {
		return float64(p.from) / float64(c.per) * 1e9
	}
	return float64(c.dueBefore(until)) / float64(until) * 1e9
}
