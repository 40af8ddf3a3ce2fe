package results

import (
	"cmp"
	"fmt"
	"slices"
)

// topicTable has what each topic took of the cases that have several, the busiest first; nothing where none has.
func topicTable(r *Run) ([]string, error) {
	var rows [][]string
	told, more := 0, 0
	cases := r.wholes()
	for i := range cases {
		c := &cases[i]
		if len(c.Topics) == 0 {
			continue
		}
		if told++; told > unevenShown {
			more++
			continue
		}
		topics := slices.SortedStableFunc(slices.Values(c.Topics), func(a, b Share) int { return cmp.Compare(b.Acknowledged, a.Acknowledged) })
		var all int64
		for _, t := range topics {
			all += t.Acknowledged
		}
		label := c.label()
		for j := range topics {
			if j == queuesShown-1 && len(topics) > queuesShown {
				rows = append(rows, []string{"", fmt.Sprintf("… %d more", len(topics)-j), "", "", ""})
				break
			}
			t, p99 := &topics[j], noClaim
			if t.P99NS != nil {
				p99 = FormatDuration(*t.P99NS)
			}
			rows = append(rows, []string{label, t.label(), groupDigits(t.Acknowledged), formatShare(float64(t.Acknowledged) / float64(max(all, 1))), p99})
			label = ""
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	lines, err := drawTable([]string{"topics", "topic", "sends", "share", "p99"}, rows, 1)
	if err == nil && more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more of several topics", more))
	}
	return lines, err
}
