package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Selectors compares cases that differ in how a queue is chosen and in nothing else: a row each, in the scenario's order.
type Selectors struct {
	Slow   *Event        `json:"slow,omitempty"`   // what happened to one broker; null: nothing did
	Change *Event        `json:"change,omitempty"` // of the topic's queues; null: none
	Rounds int           `json:"rounds"`
	Test   string        `json:"test,omitempty"` // of the ranks: signed_rank; "": too few rounds, and no ranks
	Pairs  int           `json:"pairs"`          // of rows, whose p are adjusted by Holm
	Rows   []SelectorRow `json:"rows"`

	RoundsNeeded int            `json:"rounds_needed"`      // at the least, for so many pairs to be told apart
	Compared     []SelectorPair `json:"compared,omitempty"` // each pair, by p99
}

// SelectorPair is two rows' p99, round by round.
type SelectorPair struct {
	Base string `json:"base"` // cases
	New  string `json:"new"`
	Change
	AdjustedP float64  `json:"p_holm"`
	Smallest  *float64 `json:"smallest_visible"` // see Row
	Outcome   Outcome  `json:"outcome"`          // of New
}

// SelectorRow is one way to choose a queue. Queues are those that there were before the topic changed, until then.
type SelectorRow struct {
	Case             string   `json:"case"`
	HottestShare     *float64 `json:"hottest_share"`     // of the queue that took most
	HottestOverFair  *float64 `json:"hottest_over_fair"` // 1 is even
	Gini             *float64 `json:"gini"`
	Chi2P            *float64 `json:"chi2_p"`
	SlowShare        *float64 `json:"slow_share"`         // of the sends while a broker was slow: those to it
	LeftAfterNS      *int64   `json:"left_after_ns"`      // see leftAfter; null: it did not leave
	BackAfterNS      *int64   `json:"back_after_ns"`      // see backAfter; null: it was not back at the end, or did not leave
	WatchedNS        *int64   `json:"watched_ns"`         // how long after the slowness sends were watched, at the most
	KeysMovedShare   *float64 `json:"keys_moved_share"`   // of the keys that kept to one queue before the change; null where keys don't
	OrderBreaksShare *float64 `json:"order_breaks_share"` // of the pairs
	Rank             int      `json:"rank,omitempty"`     // by p99: 1 and the rows that are better for sure; 0: none
	Tied             bool     `json:"tied,omitempty"`     // there is another row that can't be told from it
}

// selectorParams are what the cases of a comparison may differ in.
var selectorParams = []string{"producer.selector", "producer.avoid_slow", "producer.rooms"}

// compareSelectors is nil unless r's cases differ in how queues are chosen alone.
func compareSelectors(r *Run) *Selectors {
	cases := r.wholes()
	if len(cases) < 2 {
		return nil
	}
	differs := false
	for i := range cases {
		for path := range cases[i].Params {
			if !slices.Contains(selectorParams, path) {
				return nil
			}
			differs = true
		}
		if cases[i].Round > 0 { // a checkpoint's
			return nil
		}
	}
	if !differs {
		return nil
	}
	s := &Selectors{Rounds: max(cases[0].Rounds, 1)}
	s.Slow = cases[0].slowness()
	if i := slices.IndexFunc(cases[0].Events, func(e Event) bool { return e.Kind == "topic" }); i >= 0 {
		s.Change = &cases[0].Events[i]
	}
	for i := range cases {
		s.Rows = append(s.Rows, s.row(&cases[i]))
	}
	s.rank(cases)
	return s
}

// slowness is the first that happened to a broker during the case; nil: nothing did.
func (c *Case) slowness() *Event {
	if i := slices.IndexFunc(c.Events, func(e Event) bool { return e.Broker != "" }); i >= 0 {
		return &c.Events[i]
	}
	return nil
}

// LeftAfter is how many ns after the first thing that happened to a broker, and while it lasted, the case's sends left that broker:
// it took under 5 % of them for a second. nil: they did not, or nothing happened.
func (c *Case) LeftAfter() *int64 {
	slow := c.slowness()
	if slow == nil {
		return nil
	}
	w := watchOf(c.Pulse, slow)
	return w.leftAfter()
}

func (s *Selectors) row(c *Case) SelectorRow {
	row := SelectorRow{Case: c.Name}
	var all, most int64
	counts := countsByTopic(c.Queues, func(q *Share) int64 {
		n := q.Acknowledged
		if s.Change != nil {
			if q.BeforeChange == nil {
				return -1
			}
			n = *q.BeforeChange
		}
		all, most = all+n, max(most, n)
		return n
	})
	if skew := SkewOf(counts...); skew != nil {
		row.HottestShare, row.HottestOverFair = new(float64(most)/float64(all)), &skew.MaxOverMean
		row.Gini, row.Chi2P = &skew.Gini, skew.Chi2P
	}
	if s.Slow != nil {
		w := watchOf(c.Pulse, s.Slow)
		row.SlowShare, row.LeftAfterNS = w.slowShare(), w.leftAfter()
		if row.LeftAfterNS != nil {
			row.BackAfterNS = w.backAfter()
		}
		row.WatchedNS = new(max(int64(len(w.to)-w.end)*w.bin, 0))
	}
	if k := c.Keys; k != nil {
		if k.Pairs > 0 {
			row.OrderBreaksShare = new(float64(k.OrderBreaks) / float64(k.Pairs))
		}
		// A queue that a key keeps to by chance, with two sends or so, is no rule.
		if ch := k.Change; ch != nil && ch.Both > 0 && float64(ch.InOneBefore) >= 0.95*float64(ch.Both) {
			row.KeysMovedShare = new(float64(ch.Moved) / float64(ch.InOneBefore))
		}
	}
	return row
}

// What it takes to have left a broker, and to be back.
const (
	leftShare  = 0.05          // of the sends, at the most, in leftWindow
	backShare  = 0.5           // of what the broker's share was before, at the least, in backWindow
	leftWindow = 1_000_000_000 // ns; longer than chance passes a broker over (a sticky choice may still be elsewhere by its turn)
	backWindow = 500_000_000
)

// watch is the sends to one broker and to all, bin by bin.
type watch struct {
	to, all    []int64
	begin, end int // bins of the slowness
	bin        int64
}

func watchOf(pulse []Pulse, slow *Event) watch {
	w := watch{bin: 1}
	for _, p := range pulse {
		w.bin = p.BinNS
		for len(w.all) < len(p.Sends) {
			w.all, w.to = append(w.all, 0), append(w.to, 0)
		}
		for i, n := range p.Sends {
			w.all[i] += n
			if p.Broker == slow.Broker {
				w.to[i] += n
			}
		}
	}
	w.begin = min(int(slow.AtNS/w.bin), len(w.all))
	w.end = min(int((slow.AtNS+slow.LengthNS)/w.bin), len(w.all))
	return w
}

// share is the broker's, from one bin to another; null where nothing was sent.
func (w *watch) share(from, to int) *float64 {
	var n, of int64
	for i := from; i < to; i++ {
		n, of = n+w.to[i], of+w.all[i]
	}
	if of == 0 {
		return nil
	}
	return new(float64(n) / float64(of))
}

func (w *watch) slowShare() *float64 { return w.share(w.begin, w.end) }

// leftAfter is how long after the slowness began the first second begins, within the slowness, in which the broker takes under
// 5 % of the sends, in its first bin too; nil: there is none.
func (w *watch) leftAfter() *int64 {
	long := int(leftWindow / w.bin)
	for i := w.begin; i < w.end && i+long <= len(w.all); i++ {
		if share, at := w.share(i, i+long), w.share(i, i+1); share != nil && *share < leftShare && at != nil && *at < leftShare {
			return new(int64(i-w.begin) * w.bin)
		}
	}
	return nil
}

// backAfter is how long after the slowness ended the first half second begins in which the broker takes at least half of the share
// that it had before, in its first bin too; nil: there is none.
func (w *watch) backAfter() *int64 {
	long := int(backWindow / w.bin)
	before := w.share(0, w.begin)
	if before == nil {
		return nil
	}
	for i := w.end; i+long <= len(w.all); i++ {
		if share, at := w.share(i, i+long), w.share(i, i+1); share != nil && at != nil && min(*share, *at) >= backShare**before {
			return new(int64(i-w.end) * w.bin)
		}
	}
	return nil
}

// rankAlpha is under which adjusted p two rows differ.
const rankAlpha = 0.05

// rank orders the rows by the p99 of their rounds, paired by round: Wilcoxon's signed ranks after Holm over all pairs. Of fewer rounds
// than can tell, no ranks. Rows that can't be told apart share theirs.
func (s *Selectors) rank(cases []Case) {
	n := len(cases)
	s.Pairs = n * (n - 1) / 2
	s.RoundsNeeded = RoundsNeeded(s.Pairs, rankAlpha, true)
	for i := range cases {
		if len(cases[i].RoundP99NS) != s.Rounds || s.Rounds < s.RoundsNeeded || slices.Contains(cases[i].RoundP99NS, 0) {
			return
		}
	}
	s.Test = "signed_rank"
	values := make([][]float64, n)
	for i := range cases {
		for _, v := range cases[i].RoundP99NS {
			values[i] = append(values[i], float64(v))
		}
	}
	var p []float64
	var of [][2]int
	for i := range cases {
		for j := range i {
			c := PairedChange(values[j], values[i])
			s.Compared = append(s.Compared, SelectorPair{Base: cases[j].Name, New: cases[i].Name, Change: c, Smallest: c.Smallest(rankAlpha/float64(s.Pairs), 0)})
			p, of = append(p, c.P), append(of, [2]int{j, i})
		}
	}
	better := make([]int, n) // how many rows are better than this one for sure
	unsure := make([]int, n) // rows that it can't be told from
	for k, adjusted := range Holm(p) {
		pair, j, i := &s.Compared[k], of[k][0], of[k][1]
		pair.AdjustedP = adjusted
		switch {
		case adjusted >= rankAlpha || pair.Share == nil:
			pair.Outcome = NoDifference
			unsure[i]++
			unsure[j]++
		case *pair.Share > 0:
			pair.Outcome = Worse
			better[i]++
		default:
			pair.Outcome = Better
			better[j]++
		}
	}
	for i := range s.Rows {
		s.Rows[i].Rank, s.Rows[i].Tied = 1+better[i], unsure[i] > 0
	}
}

// wouldSee is the smallest difference that half of the pairs would show in four of five such comparisons; nil: they would show none.
func (s *Selectors) wouldSee() *float64 {
	var all []float64
	for i := range s.Compared {
		if v := s.Compared[i].Smallest; v != nil {
			all = append(all, *v)
		}
	}
	if 2*len(all) < len(s.Compared) || len(all) == 0 {
		return nil
	}
	return new(Median(all))
}

// notApplicable stands where a column says nothing of a row.
const notApplicable = "n/a"

// selectorGrid is the comparison: a row each, the best first.
func selectorGrid(r *Run) *grid {
	s := r.Selectors
	cases := r.wholes()
	type column struct {
		gridHead
		cell func(*Case, *SelectorRow) gridCell
	}
	share := func(key, text string, of func(*SelectorRow) *float64) column {
		return column{numbers(key, text), func(_ *Case, row *SelectorRow) gridCell { return known(of(row), formatShare, notApplicable) }}
	}
	bare := func(key string, of func(*SelectorRow) *float64) column { // for CSV
		return column{numbers(key, ""), func(_ *Case, row *SelectorRow) gridCell { return known(of(row), number, "") }}
	}
	columns := []column{
		{words("case", "selector"), func(c *Case, _ *SelectorRow) gridCell { return word(c.Name) }},
		{numbers("messages_per_second", "msg/s"), func(c *Case, _ *SelectorRow) gridCell {
			return gridCell{Text: rowsOf(c)[0].rate, Sort: csvFloat(c.MessagesPerSecond)}
		}},
		{percentiles[0].column("p50"), func(c *Case, _ *SelectorRow) gridCell { return rowsOf(c)[0].cell(percentiles[0]) }},
		{percentiles[2].column("p99 ± 95 %"), func(c *Case, _ *SelectorRow) gridCell {
			cell := rowsOf(c)[0].cell(percentiles[2])
			cell.Text = withInterval(rowsOf(c)[0], percentiles[2])
			return cell
		}},
		{numbers("hottest_over_fair", "hottest queue"), func(_ *Case, row *SelectorRow) gridCell {
			return known(row.HottestOverFair, func(over float64) string { return fmt.Sprintf("%s %.2f×", formatShare(*row.HottestShare), over) }, notApplicable)
		}},
		bare("hottest_share", func(row *SelectorRow) *float64 { return row.HottestShare }),
		bare("gini", func(row *SelectorRow) *float64 { return row.Gini }),
		bare("chi2_p", func(row *SelectorRow) *float64 { return row.Chi2P }),
	}
	if s.Slow != nil {
		columns = append(columns,
			share("slow_share", "to the slow broker", func(row *SelectorRow) *float64 { return row.SlowShare }),
			column{numbers("left_after_ns", "left it after"), func(_ *Case, row *SelectorRow) gridCell { return known(row.LeftAfterNS, FormatDuration, "no") }},
			column{numbers("back_after_ns", "back after"), func(_ *Case, row *SelectorRow) gridCell {
				if row.LeftAfterNS == nil {
					return gridCell{Text: notApplicable}
				}
				return known(row.BackAfterNS, FormatDuration, "> "+FormatDuration(valueOf(row.WatchedNS)))
			}})
	}
	if s.Change != nil {
		columns = append(columns, share("keys_moved_share", "keys moved "+changeWords(r), func(row *SelectorRow) *float64 { return row.KeysMovedShare }))
	}
	if s.hasOrder() {
		columns = append(columns, share("order_breaks_share", "order breaks", func(row *SelectorRow) *float64 { return row.OrderBreaksShare }))
	}
	columns = append(columns, column{numbers("rank", "rank"), func(_ *Case, row *SelectorRow) gridCell {
		cell := gridCell{Text: fmt.Sprintf("%d ", row.Rank), Sort: number(row.Rank)}
		switch {
		case row.Rank == 0:
			return gridCell{Text: noClaim}
		case row.Tied:
			cell.Text = fmt.Sprintf("%d=", row.Rank)
		}
		return cell
	}}, column{words("tied", ""), func(_ *Case, row *SelectorRow) gridCell { return word(strconv.FormatBool(row.Tied)) }})

	g := &grid{Caption: "Who chooses queues best, by p99; the first row is the best"}
	if s.Test == "" {
		g.Caption = "How queues were chosen, by p99; too few rounds to say which is best"
	}
	for _, c := range columns {
		g.Head = append(g.Head, c.gridHead)
	}
	order := make([]int, len(s.Rows)) // the best first
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(s.Rows[a].Rank, s.Rows[b].Rank), cmp.Compare(p99Of(&cases[a]), p99Of(&cases[b])))
	})
	for _, i := range order {
		var cells []gridCell
		for _, c := range columns {
			cells = append(cells, c.cell(&cases[i], &s.Rows[i]))
		}
		g.Rows = append(g.Rows, cells)
	}
	return g
}

func (s *Selectors) hasOrder() bool {
	return slices.ContainsFunc(s.Rows, func(row SelectorRow) bool { return row.OrderBreaksShare != nil })
}

func p99Of(c *Case) int64 {
	if l := rowsOf(c)[0].times; l != nil && l.P99 != nil {
		return *l.P99
	}
	return math.MaxInt64
}

// withInterval is a percentile with half the width of its 95 % interval.
func withInterval(r row, p percentile) string {
	text := r.percentile(p)
	if r.times == nil || text == noClaim {
		return text
	}
	if ci, ok := r.times.CI95[p.key]; ok {
		return fmt.Sprintf("%s ± %s", text, FormatDuration((ci[1] - **p.of(r.times))))
	}
	return text
}

// changeWords are the numbers of queues before and after the change: of a broker, as the scenario says, if all had alike many.
func changeWords(r *Run) string {
	s, before := r.Selectors, map[string]int{}
	queues := r.wholes()[0].Queues
	for _, q := range queues {
		if q.BeforeChange != nil && q.Topic == queues[0].Topic {
			before[q.Broker]++
		}
	}
	after := strings.TrimPrefix(s.Change.Text, "queues_per_broker: ")
	for _, n := range before {
		return fmt.Sprintf("%d→%s", n, Printable(after))
	}
	return ""
}

// words say under the table what its columns mean.
func (s *Selectors) words() []string {
	var lines []string
	if e := s.Slow; e != nil {
		lines = append(lines, fmt.Sprintf("slow broker: %s, %s, from %s on for %s; left: under 5 %% of the sends for 1 s; back: half of its share again for 0.5 s",
			Printable(e.Broker), Printable(e.Text), FormatDuration(e.AtNS), FormatDuration(e.LengthNS)))
	}
	if e := s.Change; e != nil {
		lines = append(lines, fmt.Sprintf("queues changed at %s; keys moved: of those that kept to one queue before (n/a: they don't); hottest queue: until then",
			FormatDuration(e.AtNS)))
	}
	if s.hasOrder() {
		lines = append(lines, "order breaks: sends stored in another queue than their key's send before, or ahead of it")
	}
	switch {
	case s.Test != "":
		line := fmt.Sprintf("rank: by p99, over %d rounds; = shares it: no difference found, which is not \"equal\"", s.Rounds)
		if v := s.wouldSee(); v != nil {
			line += fmt.Sprintf("; smallest difference this could see: %s (for half of the pairs)", FormatChange(*v))
		}
		lines = append(lines, line)
	case s.Rounds < s.RoundsNeeded:
		lines = append(lines, fmt.Sprintf("rank: needs %d rounds (--repeat %d); in %d, chance alone could put %d rows in any order", s.RoundsNeeded, s.RoundsNeeded, s.Rounds, len(s.Rows)))
	default:
		lines = append(lines, "rank: none is claimed, a round of some row is missing or has no answers")
	}
	return lines
}
