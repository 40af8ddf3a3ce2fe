package results

import (
	"cmp"
	"slices"
	"strings"
)

// Caused is how many sends ended badly for one cause.
type Caused struct {
	Cause string
	N     int64
}

// ByCause are the causes of the refused, ambiguous and failed, the most frequent first.
func (c *Counts) ByCause() []Caused {
	all := make([]Caused, 0, len(c.Errors))
	for cause, n := range c.Errors {
		all = append(all, Caused{cause, n})
	}
	slices.SortFunc(all, func(a, b Caused) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Cause, b.Cause)) })
	return all
}

// Add adds the counts of other sends.
func (c *Counts) Add(from *Counts) {
	c.Offered += from.Offered
	c.Attempted += from.Attempted
	c.Acknowledged += from.Acknowledged
	c.Weak += from.Weak
	c.Written += from.Written
	c.Refused += from.Refused
	c.Ambiguous += from.Ambiguous
	c.Failed += from.Failed
	c.Dropped += from.Dropped
	for k, v := range from.Statuses {
		if c.Statuses == nil {
			c.Statuses = map[string]int64{}
		}
		c.Statuses[k] += v
	}
	for k, v := range from.Errors {
		if c.Errors == nil {
			c.Errors = map[string]int64{}
		}
		c.Errors[k] += v
	}
}
