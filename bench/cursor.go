package bench

import "math/bits"

// cursor walks a plan's slots in order. When a slot falls due and in which stage follows from the plan and the slots before
// it, never from the clock, so that a stall can't move it and whoever walks the same plan finds the same slots.
type cursor struct {
	plan  *plan
	index int64 // of the slot's first message, all stages together
	size  int64 // how many messages it has
	stage int   // its own
	due   int64 // nanoseconds since the case began

	ordinal int64 // of the slot, all stages together

	number   int64  // messages of the stage before it
	at       int64  // Poisson: so many sends would the rate have given by then,
	fraction uint64 // and that much of the next, in units of 2⁻³²
	measured int64  // messages of measured stages before it
}

// walk gives the first slot of a plan, or of a share of one; false: there is none.
func walk(p *plan) (c cursor, ok bool) {
	c.plan = p
	c.pass()
	return c, c.settle() && (c.mine() || c.next())
}

// next goes on to the slot after the one at hand, of a share to its next one; false: that was the last. A share walks over the
// others' slots too: when a slot falls due depends on all before it.
func (c *cursor) next() bool {
	for c.step() {
		if c.mine() {
			return true
		}
	}
	return false
}

// mine reports whether the slot at hand is the plan's to send.
func (c *cursor) mine() bool {
	return c.plan.of < 2 || c.ordinal%int64(c.plan.of) == int64(c.plan.share)
}

// step goes on to the schedule's next slot; false: that was the last.
func (c *cursor) step() bool {
	if !c.plan.stages[c.stage].warmup {
		if c.measured += c.size; c.measured == c.plan.count {
			return false
		}
	}
	c.ordinal++
	c.index += c.size
	c.number += c.size
	c.pass()
	return c.settle()
}

// pass lets the time to the next slot pass, if that is random.
func (c *cursor) pass() {
	if c.plan.poisson {
		sum := c.fraction + exponential(c.plan.gaps.at(int64(c.stage)<<48+c.number))*uint64(c.plan.batch)
		c.at += int64(sum >> 32)
		c.fraction = sum & (1<<32 - 1)
	}
}

// settle finds when the slot falls due, in a later stage if this one is over by then; false: all of them are.
func (c *cursor) settle() bool {
	for c.stage < len(c.plan.stages) {
		s := &c.plan.stages[c.stage]
		if c.due = s.from + c.offset(s.curve); c.due < s.to {
			c.size = int64(c.plan.batch)
			if c.plan.count > 0 && !s.warmup {
				c.size = min(c.size, c.plan.count-c.measured)
			}
			return true
		}
		c.stage++
		c.number, c.at, c.fraction = 0, 0, 0
		c.pass()
	}
	return false
}

// offset is when the slot falls due in its stage. A random one lies between two of the regular ones, where its share of the
// way says.
func (c *cursor) offset(of *curve) int64 {
	if !c.plan.poisson {
		return of.due(c.number)
	}
	due := of.due(c.at)
	hi, lo := bits.Mul64(uint64(of.due(c.at+1)-due), c.fraction)
	return due + int64(hi<<32|lo>>32)
}

// gap is how far slots are apart here, on average.
func (c *cursor) gap() int64 {
	of, k := c.plan.stages[c.stage].curve, c.number
	if c.plan.poisson {
		k = c.at
	}
	return of.due(k+int64(c.plan.batch*max(c.plan.of, 1))) - of.due(k)
}
