package results

import "slices"

// Demand holds NEW to objectives: each must hold in each of its cases and rounds. Go benchmark text can't be held to any.
func (c *Comparison) Demand(changed *Side, objectives []Objective) {
	for _, o := range objectives {
		worst := o
		for i := range changed.measured {
			held := o
			held.judge(&changed.measured[i])
			if i == 0 || rank(&held) > rank(&worst) {
				worst = held
			}
		}
		c.SLO = append(c.SLO, worst)
	}
}

// rank orders what may come of an objective from good to bad.
func rank(o *Objective) int {
	switch {
	case o.Met == nil:
		return 1
	case *o.Met:
		return 0
	}
	return 2
}

// Status is a gate's exit status: 1 if a side is INVALID or PARTIAL, 5 if the generator was its limit, 3 if it is worse or misses an
// objective, 4 if that can't be told, else 0.
func (c *Comparison) Status() int {
	some := func(of int) bool {
		return slices.ContainsFunc(c.SLO, func(o Objective) bool { return rank(&o) == of })
	}
	switch worst := worse(c.BaseVerdict, c.NewVerdict); {
	case worst == Invalid || worst == Partial:
		return exitCouldNot
	case worst == GeneratorLimited:
		return exitGeneratorLimited
	case c.Outcome == Worse || some(2):
		return exitMissed
	case c.Outcome == Inconclusive || len(c.Doubts) > 0 || some(1):
		return exitInconclusive
	}
	return exitDone
}
