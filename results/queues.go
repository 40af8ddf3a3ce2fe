package results

import (
	"cmp"
	"fmt"
	"slices"
)

const (
	unevenFrom  = 1.1  // fair shares that the hottest queue must have taken to be worth a table
	beyondLuck  = 1e-3 // Skew.Chi2P under it isn't chance's doing
	queuesShown = 6    // of a case that has more, the hottest and the coldest half of them
	unevenShown = 4    // cases
)

// uneven says whether a case used its queues unevenly enough to tell of, and not by chance.
func (c *Case) uneven() bool {
	return c.Skew != nil && c.Skew.MaxOverMean >= unevenFrom && c.Skew.Chi2P != nil && *c.Skew.Chi2P < beyondLuck
}

// heated is a queue and how many times its fair share of its topic's sends it took.
type heated struct {
	Share
	fair float64
}

// hottest are the queues, those that took most for their topic first.
func (c *Case) hottest() []heated {
	type topic struct{ sends, queues int64 }
	topics := map[string]topic{}
	for _, q := range c.Queues {
		t := topics[q.Topic]
		topics[q.Topic] = topic{t.sends + q.Acknowledged, t.queues + 1}
	}
	var all []heated
	for _, q := range c.Queues {
		t := topics[q.Topic]
		all = append(all, heated{q, float64(q.Acknowledged) * float64(t.queues) / float64(max(t.sends, 1))})
	}
	slices.SortStableFunc(all, func(a, b heated) int { return cmp.Compare(b.fair, a.fair) })
	return all
}

// queueTable has what each queue took of the cases that used theirs unevenly, the hottest first; nothing where none did.
func queueTable(r *Run) ([]string, error) {
	var rows [][]string
	told, more := 0, 0
	cases := r.wholes()
	withP99 := slices.ContainsFunc(cases, func(c Case) bool {
		return c.uneven() && slices.ContainsFunc(c.Queues, func(q Share) bool { return q.P99NS != nil })
	})
	header := []string{"uneven queues", "queue", "sends", "share", "× fair"}
	if withP99 {
		header = append(header, "p99")
	}
	for i := range cases {
		c := &cases[i]
		if !c.uneven() {
			continue
		}
		if told++; told > unevenShown {
			more++
			continue
		}
		queues, all := c.hottest(), int64(0)
		for _, q := range queues {
			all += q.Acknowledged
		}
		label := c.label()
		for j := range queues {
			left := len(queues) - queuesShown
			if left > 0 && j >= queuesShown/2 && j < queuesShown/2+left {
				if j == queuesShown/2 {
					rows = append(rows, append([]string{"", fmt.Sprintf("… %d more", left)}, make([]string, len(header)-2)...))
				}
				continue
			}
			q := &queues[j]
			row := []string{label, q.label(), groupDigits(q.Acknowledged), formatShare(float64(q.Acknowledged) / float64(max(all, 1))), fmt.Sprintf("%.2f", q.fair)}
			if withP99 {
				p99 := noClaim
				if q.P99NS != nil {
					p99 = FormatDuration(*q.P99NS)
				}
				row = append(row, p99)
			}
			rows, label = append(rows, row), ""
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	lines, err := drawTable(header, rows, 1)
	if err != nil {
		return nil, err
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more that used their queues unevenly", more))
	}
	return lines, nil
}

// skewLines name the hottest queue of each case that used its queues unevenly, where there is no room for the table.
func skewLines(r *Run) []string {
	var lines []string
	cases := r.wholes()
	for i := range cases {
		c := &cases[i]
		if !c.uneven() || len(c.Queues) == 0 {
			continue
		}
		hottest := c.hottest()[0]
		if hottest.Queue == nil {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: the hottest of %d queues, %s, took %s, %.2f × its fair share", c.label(), len(c.Queues),
			hottest.label(), formatShare(float64(hottest.Acknowledged)/float64(max(c.Successes(), 1))), c.Skew.MaxOverMean))
	}
	return lines
}
