package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// CapacityPart is a search with some of a target's brokers only.
type CapacityPart struct {
	Brokers []string `json:"brokers"`        // that were sent to
	Lost    []string `json:"lost,omitempty"` // the others, where the search shows what is left without them
	Capacity
}

// With says which brokers the search was with.
func (p *CapacityPart) With() string {
	if len(p.Lost) > 0 {
		return "without " + strings.Join(p.Lost, ", ")
	}
	return "with " + strings.Join(p.Brokers, ", ") + " only"
}

// CapacityNeed is how many brokers a rate takes, if capacity grows with their number.
type CapacityNeed struct {
	PerSecond          float64      `json:"per_second"`
	Headroom           float64      `json:"headroom"`              // share that is left free then, 0 to under 1
	MeasuredBrokers    int          `json:"measured_brokers"`      // that the answer is of
	PerBrokerPerSecond *float64     `json:"per_broker_per_second"` // of these; null: there is no answer
	Brokers            *int64       `json:"brokers"`
	AtMost             bool         `json:"at_most"` // the answer was a floor, so that fewer may do
	Check              *LinearCheck `json:"check"`   // null: there was nothing to check with
}

// LinearCheck holds a broker's share of what more and of what fewer brokers held against one another.
type LinearCheck struct {
	Few          int     `json:"few"`
	FewPerBroker float64 `json:"few_per_broker_per_second"`
	Many         int     `json:"many"`
	Efficiency   float64 `json:"efficiency"`   // a broker's share among the many over that among the few: 1 is linear
	Linear       bool    `json:"linear"`       // it is 0.95 or more, or their intervals overlap
	FewAtLeast   bool    `json:"few_at_least"` // floors: the efficiency is not known then, and Linear is false
	ManyAtLeast  bool    `json:"many_at_least"`
}

// linearFrom is the efficiency that counts as linear whatever the intervals.
const linearFrom = 0.95

// Reckon sets Need: how many brokers a rate takes, given what so many held, and whether the part with fewest brokers bears out
// that capacity grows with their number.
func (c *Capacity) Reckon(perSecond, headroom float64, brokers int) {
	n := &CapacityNeed{PerSecond: perSecond, Headroom: headroom, MeasuredBrokers: brokers, AtMost: c.AtLeast}
	c.Need = n
	if c.RatePerSecond == nil || *c.RatePerSecond <= 0 || brokers < 1 {
		return
	}
	each := *c.RatePerSecond / float64(brokers)
	n.PerBrokerPerSecond = &each
	n.Brokers = new(max(int64(math.Ceil(perSecond/(1-headroom)/each*(1-1e-9))), 1))
	parts := slices.DeleteFunc(slices.Clone(c.Parts), func(p CapacityPart) bool { return p.RatePerSecond == nil || len(p.Brokers) == 0 })
	if len(parts) == 0 {
		return
	}
	few := slices.MinFunc(parts, func(a, b CapacityPart) int { return cmp.Compare(len(a.Brokers), len(b.Brokers)) })
	k := float64(len(few.Brokers))
	check := &LinearCheck{Few: len(few.Brokers), FewPerBroker: *few.RatePerSecond / k, Many: brokers, FewAtLeast: few.AtLeast, ManyAtLeast: c.AtLeast}
	check.Efficiency = each / check.FewPerBroker
	overlap := c.HighPerSecond != nil && few.LowPerSecond != nil && *c.HighPerSecond/float64(brokers) >= *few.LowPerSecond/k
	check.Linear = !few.AtLeast && !c.AtLeast && (check.Efficiency >= linearFrom || overlap)
	n.Check = check
}

// Sentence says how many brokers it takes, what that assumes, and what is known of the assumption.
func (n *CapacityNeed) Sentence() string {
	need := FormatRate(n.PerSecond) + "/s"
	if n.Headroom > 0 {
		need += " with " + formatShare(n.Headroom) + " left free"
	}
	if n.Brokers == nil {
		return need + ": no answer, nothing was confirmed to go by."
	}
	most := ""
	if n.AtMost {
		most = "at most "
	}
	said := fmt.Sprintf("%s takes %s%s: each holds %s/s of what %d hold together", need, most, FormatCount(*n.Brokers, "broker"), FormatRate(*n.PerBrokerPerSecond), n.MeasuredBrokers)
	if n.MeasuredBrokers == 1 {
		said = fmt.Sprintf("%s takes %s%s: one holds %s/s", need, most, FormatCount(*n.Brokers, "broker"), FormatRate(*n.PerBrokerPerSecond))
	}
	said += ", and capacity is taken to grow with their number"
	c := n.Check
	switch {
	case c == nil && n.MeasuredBrokers == 1:
		said += " (not checked: that takes a second broker)"
	case c == nil:
		said += " (not checked)"
	case c.FewAtLeast || c.ManyAtLeast:
		said += " (not checked: an answer was only a floor)"
	case c.Linear:
		said += fmt.Sprintf(" (checked: with %d each holds %s of its share with %d)", c.Many, formatShare(c.Efficiency), c.Few)
	default:
		said += fmt.Sprintf(" — WRONGLY: with %d each holds only %s of its share with %d, so that it takes more; measure with as many as you mean to have",
			c.Many, formatShare(c.Efficiency), c.Few)
	}
	return said + "."
}
