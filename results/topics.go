package results

import (
	"cmp"
	"fmt"
	"slices"
)

// topicGrid has what each topic took of the cases that have several, the busiest first; no rows where none has.
func topicGrid(r *Run) *grid {
	g := &grid{Caption: "What each topic took", Head: []gridHead{words("case", "case"), words("topic", "topic"), numbers("acknowledged", "sends"),
		numbers("topic_share", "share"), percentiles[2].column("p99")}}
	cases := r.wholes()
	for i := range cases {
		c := &cases[i]
		topics := slices.SortedStableFunc(slices.Values(c.Topics), func(a, b Share) int { return cmp.Compare(b.Acknowledged, a.Acknowledged) })
		var all int64
		for _, t := range topics {
			all += t.Acknowledged
		}
		for _, t := range topics {
			g.Rows = append(g.Rows, []gridCell{word(c.label()), word(t.Topic), known(&t.Acknowledged, groupDigits, ""),
				known(new(float64(t.Acknowledged)/float64(max(all, 1))), formatShare, ""), known(t.P99NS, FormatDuration, noClaim)})
		}
	}
	return g
}

// topicTable is what a terminal has of the grid: of the first cases, the busiest topics.
func topicTable(r *Run) ([]string, error) {
	g := topicGrid(r)
	byCase := inOrder(g.Rows, func(row *[]gridCell) string { return (*row)[0].Text })
	g.Head[0].Text, g.Rows = "topics", nil // which tells the table from the others
	for _, rows := range byCase[:min(len(byCase), unevenShown)] {
		for j, row := range rows {
			if j == queuesShown-1 && len(rows) > queuesShown {
				g.Rows = append(g.Rows, []gridCell{{}, {Text: fmt.Sprintf("… %d more", len(rows)-j)}, {}, {}, {}})
				break
			}
			if j > 0 {
				(*row)[0].Text = ""
			}
			g.Rows = append(g.Rows, *row)
		}
	}
	lines, err := g.lines()
	if more := len(byCase) - unevenShown; err == nil && more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more of several topics", more))
	}
	return lines, err
}
