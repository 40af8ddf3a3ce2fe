package results

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ComparisonFile is a comparison's record in a result directory.
const ComparisonFile = "comparison.json"

// FormatChange writes a share as a change without its sign: 4.8 %.
func FormatChange(share float64) string {
	percent := math.Abs(share) * 100
	decimals := 2
	switch {
	case percent >= 99.95:
		decimals = 0
	case percent >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(percent, 'f', decimals, 64) + " %"
}

// signed writes a change with its sign: +4.80 %, −0.20 %.
func signed(share float64) string {
	sign := "+"
	if share < 0 {
		sign = "−"
	}
	return sign + FormatChange(share)
}

// EncodeComparison writes c as indented JSON.
func EncodeComparison(w io.Writer, c *Comparison) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(c)
}

// cells are a row's, in the order of comparisonHeader.
func (r *Row) cells() []string {
	change, chance, smallest := noClaim, noClaim, noClaim
	if r.Share != nil {
		change = signed(*r.Share)
		if r.Low != nil && r.High != nil {
			change += fmt.Sprintf(" (%s to %s)", signed(*r.Low), signed(*r.High))
		}
	}
	if r.AdjustedP != nil {
		chance = formatShare(*r.AdjustedP)
	}
	switch {
	case r.Metric.Counted:
		chance, smallest = "counted", "counted"
	case r.Smallest != nil:
		smallest = FormatChange(*r.Smallest)
	}
	outcome := string(r.Outcome)
	if r.Outcome == Worse || r.Outcome == Better {
		outcome = strings.ToUpper(outcome)
	}
	if r.Why != "" {
		outcome += ": " + Printable(r.Why)
	}
	return []string{Printable(r.Case), Printable(r.Metric.Name), r.Metric.Format(r.Base), r.Metric.Format(r.New), change, chance, smallest, outcome}
}

// comparisonHeader names the columns: both medians, the change with its 95 % interval, Holm's p, the smallest visible change.
var comparisonHeader = []string{"case", "metric", "base", "new", "change (95 %)", "by chance", "would see", "found"}

// shownRows are those that a table shows: outcomes that are 0 on both sides say nothing.
func (c *Comparison) shownRows() [][]string {
	var rows [][]string
	last := ""
	for i := range c.Rows {
		r := &c.Rows[i]
		if r.Metric.Counted && r.Base == 0 && r.New == 0 {
			continue
		}
		cells := r.cells()
		if cells[0] == last {
			cells[0] = ""
		} else {
			last = cells[0]
		}
		rows = append(rows, cells)
	}
	return rows
}

// WriteComparison writes c for a terminal. Its last line is the outcome.
func WriteComparison(w io.Writer, c *Comparison) error {
	lines, err := drawTable(comparisonHeader, c.shownRows(), len(comparisonHeader)-1)
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	lines = append(lines, c.notes()...)
	for _, line := range append(lines, c.Sentence()) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	return nil
}

// notes are what a reader of the table must know.
func (c *Comparison) notes() []string {
	var lines []string
	for name, shifts := range c.shiftsByCase() {
		lines = append(lines, Printable(name)+", all sends together: "+strings.Join(shifts, ", "))
	}
	if c.AllowedUnlike {
		lines = append(lines, "UNLIKE, and compared because --allow-unlike was given:")
	} else if len(c.Differs) > 0 {
		lines = append(lines, "what differs:")
	}
	for _, d := range c.Differs {
		lines = append(lines, "  "+d.String())
	}
	for _, d := range c.Ran {
		if d.What == instrumentItself {
			said := d.Base
			if d.New != d.Base {
				said = "base " + orUnsaid(d.Base) + "; new " + orUnsaid(d.New)
			}
			lines = append(lines, instrumentItself+" "+said)
		}
	}
	for i := range c.SLO {
		lines = append(lines, "objective: "+c.SLO[i].Words())
	}
	for _, d := range c.Doubts {
		lines = append(lines, "doubt: "+Printable(d))
	}
	return lines
}

// shiftsByCase gives the percentiles' moves, in the order of the cases.
func (c *Comparison) shiftsByCase() func(func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		for i := 0; i < len(c.Shifts); {
			name := c.Shifts[i].Case
			var all []string
			for ; i < len(c.Shifts) && c.Shifts[i].Case == name; i++ {
				s := &c.Shifts[i]
				all = append(all, fmt.Sprintf("%s %s → %s (%s)", s.Percentile, FormatDuration(s.BaseNS), FormatDuration(s.NewNS), signed(s.Share)))
			}
			if !yield(name, all) {
				return
			}
		}
	}
}

// Sentence is the outcome in one.
func (c *Comparison) Sentence() string {
	rounds := fmt.Sprintf("%d against %d", c.Rounds[0], c.Rounds[1])
	if c.Paired {
		rounds = FormatCount(c.Rounds[0], "round") + ", side by side"
	}
	said := strings.ToUpper(string(c.Outcome))
	if c.Outcome == NoDifference {
		said = "No difference found"
		if least := c.leastSeen(); least != nil {
			said += "; it would have seen " + FormatChange(*least)
		}
	}
	var names []string
	for i := range c.Rows {
		r := &c.Rows[i]
		if r.Outcome == c.Outcome && c.Outcome != NoDifference && (c.Outcome != Inconclusive || r.Metric.Leading) {
			name := r.Metric.Name
			if r.Share != nil && r.Outcome != Inconclusive {
				name += " " + signed(*r.Share)
			}
			names = append(names, Printable(name))
		}
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d more", len(names)-3))
	}
	if len(names) > 0 {
		said += ": " + strings.Join(names, ", ")
	}
	for i := range c.Rows {
		if r := &c.Rows[i]; r.elsewhere() {
			rounds += " · counts only: " + Printable(r.Why)
			break
		}
	}
	if c.Embedded {
		rounds += " · " + embeddedSays
	}
	return said + " · " + rounds
}

// leastSeen is the largest of the leading metrics' smallest visible changes; nil if none was tested.
func (c *Comparison) leastSeen() *float64 {
	var most *float64
	for i := range c.Rows {
		r := &c.Rows[i]
		if r.Metric.Leading && r.Smallest != nil && (most == nil || *r.Smallest > *most) {
			most = r.Smallest
		}
	}
	return most
}

// WriteComparisonMarkdown writes c for a pull request or a job's summary.
func WriteComparisonMarkdown(w io.Writer, c *Comparison) error {
	mark := map[Outcome]string{Better: "🟢", Worse: "🔴", Inconclusive: "🟡", NoDifference: "⚪"}[c.Outcome]
	var b strings.Builder
	fmt.Fprintf(&b, "### %s %s\n\n%s against %s\n\n", mark, mdText(c.Sentence()), mdText(c.New), mdText(c.Base))
	rows := c.shownRows()
	for _, row := range rows {
		for i := range row {
			row[i] = mdText(row[i])
		}
	}
	b.WriteString(mdTable(comparisonHeader, rows, len(comparisonHeader)-1))
	for _, line := range c.notes() {
		b.WriteString("- " + mdText(strings.TrimSpace(line)) + "\n")
	}
	b.WriteString("\n<sub>change: new over base, with its 95 % interval · by chance: how likely chance alone makes as much, all metrics considered · " +
		"would see: the smallest change that four of five such comparisons see</sub>\n\n")
	var ran []string
	for _, d := range c.Ran {
		value := d.Base
		if d.New != d.Base {
			value = orUnsaid(d.Base) + " against " + orUnsaid(d.New)
		}
		ran = append(ran, mdText(d.What)+" "+mdText(value))
	}
	if len(ran) > 0 {
		fmt.Fprintf(&b, "<sub>%s</sub>\n\n", strings.Join(ran, " · "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteComparisonJUnit writes c as a suite of tests: a metric each, and an objective. What is worse or missed fails, what is inconclusive
// is skipped; a doubt about the whole is a test too.
func WriteComparisonJUnit(w io.Writer, c *Comparison) error {
	suite := junitSuite{name: "rmqbench gate"}
	for i := range c.Rows {
		r := &c.Rows[i]
		cells := r.cells()
		said := fmt.Sprintf("%s → %s, change %s, by chance %s, would see %s: %s", cells[2], cells[3], cells[4], cells[5], cells[6], cells[7])
		test := junitCase{class: "gate." + r.Case, name: r.Metric.Name, said: said}
		switch r.Outcome {
		case Worse:
			test.failed = said
		case Inconclusive:
			test.skipped = said
		}
		suite.cases = append(suite.cases, test)
	}
	for i := range c.SLO {
		test := junitCase{class: "gate.objectives", name: c.SLO[i].Text, said: c.SLO[i].Words()}
		switch rank(&c.SLO[i]) {
		case 2:
			test.failed = test.said
		case 1:
			test.skipped = test.said
		}
		suite.cases = append(suite.cases, test)
	}
	whole := junitCase{class: "gate", name: "whole", said: c.Sentence()}
	switch status := c.Status(); status {
	case exitDone:
	case exitInconclusive:
		whole.skipped = strings.Join(append([]string{c.Sentence()}, c.Doubts...), "; ")
	default:
		whole.failed = strings.Join(append([]string{c.Sentence()}, c.Doubts...), "; ")
	}
	suite.cases = append(suite.cases, whole)
	return writeJUnit(w, suite)
}

// WriteComparisonOpenMetrics writes c as OpenMetrics text: what each side measured, the change and whether it is worse.
func WriteComparisonOpenMetrics(w io.Writer, c *Comparison) error {
	m := metricText{}
	each := func(name, what string, of func(*Row) *float64) {
		m.family(name, "gauge", what)
		for i := range c.Rows {
			r := &c.Rows[i]
			if v := of(r); v != nil {
				m.sample(name, *v, "case", r.Case, "metric", r.Metric.Name)
			}
		}
	}
	each("rmqbench_gate_base", "Median of the base, in the metric's unit.", func(r *Row) *float64 { return &r.Base })
	each("rmqbench_gate_new", "Median of what is judged, in the metric's unit.", func(r *Row) *float64 { return &r.New })
	each("rmqbench_gate_change_ratio", "New over base, less 1.", func(r *Row) *float64 { return r.Share })
	each("rmqbench_gate_worse", "1 if the metric is worse.", func(r *Row) *float64 { return new(boolMetric(r.Outcome == Worse)) })
	m.text.WriteString("# EOF\n")
	_, err := io.WriteString(w, m.text.String())
	return err
}
