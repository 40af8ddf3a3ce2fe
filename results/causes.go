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

// tableCauses is how many causes of a case the table has.
const tableCauses = 10

// causeTable is a row for each cause of failure, by case; nothing where nothing failed.
func causeTable(r *Run) ([]string, error) {
	var rows [][]string
	for i := range r.Cases {
		c := &r.Cases[i]
		all := c.ByCause()
		name := Printable(c.Name)
		for _, e := range all[:min(len(all), tableCauses)] {
			rows = append(rows, []string{name, groupDigits(e.N), formatShare(float64(e.N) / float64(max(c.Offered, 1))), Printable(e.Cause)})
			name = ""
		}
		if more := all[min(len(all), tableCauses):]; len(more) > 0 {
			var n int64
			for _, e := range more {
				n += e.N
			}
			rows = append(rows, []string{"", groupDigits(n), formatShare(float64(n) / float64(max(c.Offered, 1))), groupDigits(int64(len(more))) + " more causes"})
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return drawTable([]string{"errors by cause", "sends", "of offered", "cause"}, rows, 3)
}

// causeLines are the same causes for a text without tables, a line a case.
func causeLines(r *Run) []string {
	var lines []string
	for i := range r.Cases {
		all := r.Cases[i].ByCause()
		var parts []string
		for _, e := range all[:min(len(all), tableCauses)] {
			parts = append(parts, Printable(e.Cause)+" "+groupDigits(e.N))
		}
		if more := len(all) - len(parts); more > 0 {
			parts = append(parts, groupDigits(int64(more))+" more causes")
		}
		if len(parts) > 0 {
			lines = append(lines, Printable(r.Cases[i].Name)+": causes: "+strings.Join(parts, ", "))
		}
	}
	return lines
}
