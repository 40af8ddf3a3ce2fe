package results

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Capacity is the highest rate that a target holds under objectives, how it was found, and what the limit was.
type Capacity struct {
	Objectives []string `json:"objectives"` // p99<10ms

	// The mean of what the rounds confirmed, null if none did, and its 95 % interval over the rounds, null with fewer
	// than two. RatePerSecond is a floor if AtLeast: nothing broke above it but the generator, the ceiling or the budget.
	RatePerSecond *float64  `json:"rate_per_second"`
	LowPerSecond  *float64  `json:"low_per_second"`
	HighPerSecond *float64  `json:"high_per_second"`
	AtLeast       bool      `json:"at_least"`
	Rounds        []float64 `json:"rounds_per_second"` // what each round confirmed

	// HeldPerSecond is the highest rate that held in any step, confirmed or not; null: none did.
	HeldPerSecond *float64 `json:"held_per_second"`
	// BrokePerSecond is, of stairs that shares climbed, the next step above those that held: the highest rate lies between. Null
	// where no step broke, and of a search that narrows by itself.
	BrokePerSecond *float64       `json:"broke_per_second,omitempty"`
	Limit          *CapacityLimit `json:"limit"` // null where nothing broke
	KneePerSecond  *float64       `json:"knee_per_second"`
	BytesOut       int64          `json:"bytes_out"` // frames of all steps, warm-ups too: what a commit log of one replica grew by, about
	Ended          string         `json:"ended"`     // found, ceiling, generator, budget, nothing_held, interrupted, or share: the merge of all has the answer
	Steps          []CapacityStep `json:"steps"`     // in the order in which they ran

	Parts []CapacityPart `json:"parts,omitempty"` // the same with some of the brokers only
	Need  *CapacityNeed  `json:"need,omitempty"`  // where it was asked
}

// EachStep calls f for every step, those of the parts too.
func (c *Capacity) EachStep(f func(*CapacityStep)) {
	for i := range c.Steps {
		f(&c.Steps[i])
	}
	for i := range c.Parts {
		c.Parts[i].EachStep(f)
	}
}

// Why a search for a capacity ended.
const (
	EndedFound       = "found"
	EndedCeiling     = "ceiling"
	EndedGenerator   = "generator"
	EndedBudget      = "budget"
	EndedNothingHeld = "nothing_held"
	EndedInterrupted = "interrupted"
)

// CapacityLimit is what kept the target from more.
type CapacityLimit struct {
	Kind    string `json:"kind"`              // broker_busy, errors, network, queueing, generator or ceiling
	Setting string `json:"setting,omitempty"` // of the broker, that governs it
	Broker  string `json:"broker,omitempty"`  // whose limit it is, where one stands out
	Text    string `json:"text"`
}

// CapacityStep is one run at a constant rate.
type CapacityStep struct {
	Phase         string  `json:"phase"` // grow, narrow or confirm; stair
	Round         int     `json:"round"` // from 0
	RatePerSecond float64 `json:"rate_per_second"`
	PlannedNS     int64   `json:"planned_ns"` // without its warm-up
	Found         string  `json:"found"`      // held, broke or limited, by the generator; of stairs unknown too, and "" in a share
	Why           string  `json:"why"`        // it broke or was limited
	Verdict       Verdict `json:"verdict"`
	Measured
}

// The values of CapacityStep.Found.
const (
	StepHeld    = "held"
	StepBroke   = "broke"
	StepLimited = "limited"
)

// Sentence is the answer in one sentence, for somebody who reads no other.
func (c *Capacity) Sentence(embedded bool) string {
	under := strings.Join(c.Objectives, ", ")
	var said string
	switch {
	case c.stairs():
		said = c.stairSentence(under)
	case c.RatePerSecond != nil && c.AtLeast:
		said = fmt.Sprintf("Holds at least %s/s at %s", FormatRate(*c.RatePerSecond), under)
	case c.RatePerSecond != nil && c.LowPerSecond != nil:
		said = fmt.Sprintf("Holds %s/s at %s (95 %%: %s–%s/s)", FormatRate(*c.RatePerSecond), under, FormatRate(*c.LowPerSecond), FormatRate(*c.HighPerSecond))
	case c.RatePerSecond != nil:
		said = fmt.Sprintf("Holds %s/s at %s (confirmed once: no interval)", FormatRate(*c.RatePerSecond), under)
	case c.HeldPerSecond != nil:
		said = fmt.Sprintf("Held %s/s at %s, not confirmed", FormatRate(*c.HeldPerSecond), under)
	case c.onlyLimited():
		lowest := slices.MinFunc(c.Steps, func(a, b CapacityStep) int { return cmp.Compare(a.RatePerSecond, b.RatePerSecond) })
		said = fmt.Sprintf("No answer for %s: the generator was the limit at every rate that was tried, at %s/s too", under, FormatRate(lowest.RatePerSecond))
	case len(c.Steps) > 0:
		said = "No rate that was tried holds " + under
	default:
		said = "No answer for " + under
	}
	for i := range c.Parts {
		if p := &c.Parts[i]; len(p.Lost) > 0 {
			said += ", " + p.left()
		}
	}
	if c.Limit != nil {
		said += "; limit: " + c.Limit.Text
	}
	if c.Ended == EndedBudget {
		said += "; the budget ended the search: give it more with --budget"
	}
	written := c.BytesOut
	for i := range c.Parts {
		written += c.Parts[i].BytesOut
	}
	if !embedded && written > 0 {
		said += "; disk +" + FormatBytes(written) + " a replica"
	}
	return Printable(said) + "."
}

// onlyLimited reports whether every step was limited by the generator: nothing is known of the target.
func (c *Capacity) onlyLimited() bool {
	return len(c.Steps) > 0 && !slices.ContainsFunc(c.Steps, func(s CapacityStep) bool { return s.Found != StepLimited })
}

// left is what a search without some brokers found.
func (p *CapacityPart) left() string {
	lost := "with one broker lost"
	if len(p.Lost) > 1 {
		lost = fmt.Sprintf("with %d brokers lost", len(p.Lost))
	}
	switch {
	case p.RatePerSecond != nil && p.AtLeast:
		return fmt.Sprintf("at least %s/s %s", FormatRate(*p.RatePerSecond), lost)
	case p.RatePerSecond != nil:
		return fmt.Sprintf("%s/s %s", FormatRate(*p.RatePerSecond), lost)
	case p.HeldPerSecond != nil:
		return fmt.Sprintf("%s/s %s, not confirmed", FormatRate(*p.HeldPerSecond), lost)
	}
	return "no answer " + lost
}

// FindKnee sets the curve's knee: among the rates up to the lowest that broke, the one whose tail lies furthest under the
// straight line from the first to the last, both scaled to 1. Under four rates, or with a curve that bends nowhere by a
// tenth, there is none.
func (c *Capacity) FindKnee() {
	c.KneePerSecond = nil
	curve := c.curve()
	if end := slices.IndexFunc(curve, func(s *CapacityStep) bool { return s.Found != StepHeld }); end >= 0 {
		curve = curve[:end+1]
	}
	tail := c.tail()
	curve = slices.DeleteFunc(slices.Clone(curve), func(s *CapacityStep) bool { return tail.at(s) == nil })
	if len(curve) < 4 {
		return
	}
	first, last := curve[0], curve[len(curve)-1]
	width, height := last.RatePerSecond-first.RatePerSecond, float64(*tail.at(last)-*tail.at(first))
	if width <= 0 || height <= 0 {
		return
	}
	furthest := 0.1
	for _, s := range curve {
		under := (s.RatePerSecond-first.RatePerSecond)/width - float64(*tail.at(s)-*tail.at(first))/height
		if under > furthest {
			furthest, c.KneePerSecond = under, new(s.RatePerSecond)
		}
	}
}

// tail is the percentile that the curve is drawn by: p99, unless over a quarter of the rates had too few sends for it, as where an
// objective speaks of p90 alone; then p90, or p50.
func (c *Capacity) tail() stepTail {
	count := func(t stepTail) (n int) {
		for _, s := range c.curve() {
			if t.at(s) != nil {
				n++
			}
		}
		return n
	}
	p50, p90, p99 := stepTail{shown[0]}, stepTail{shown[1]}, stepTail{shown[2]}
	for _, t := range []stepTail{p99, p90} {
		if 4*count(t) >= 3*count(p50) {
			return t
		}
	}
	return p50
}

type stepTail struct{ percentile }

// at is the step's; null if it may not be claimed.
func (t stepTail) at(s *CapacityStep) *int64 {
	if s.Response == nil {
		return nil
	}
	return *t.percentile.of(s.Response)
}

// curve are the steps by rate, of those at one rate the longest, or the stair that came to the worst.
func (c *Capacity) curve() []*CapacityStep {
	var all []*CapacityStep
	for i := range c.Steps {
		all = append(all, &c.Steps[i])
	}
	slices.SortStableFunc(all, func(a, b *CapacityStep) int {
		return cmp.Or(cmp.Compare(a.RatePerSecond, b.RatePerSecond), cmp.Compare(b.PlannedNS, a.PlannedNS), compareStairs(a, b))
	})
	return slices.CompactFunc(all, func(a, b *CapacityStep) bool { return a.RatePerSecond == b.RatePerSecond })
}

// WriteCapacity writes the rate–latency curve of a run's capacity for a terminal, as a table and drawn, the same of searches with
// fewer brokers, the answer under it, and what a reader of the answer must know.
func WriteCapacity(w io.Writer, r *Run) error {
	c := r.Capacity
	lines, err := c.curveLines()
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	for i := range c.Parts {
		p := &c.Parts[i]
		part, err := p.curveLines()
		if err != nil {
			return fmt.Errorf("table: %w", err)
		}
		lines = append(append(lines, "", Printable(p.With())), part...)
	}
	if len(c.Parts) > 0 {
		searches, err := c.searchGrid().lines()
		if err != nil {
			return fmt.Errorf("table: %w", err)
		}
		lines = append(append(append(lines, ""), searches...), "")
	}
	shards, err := shardGrid(r).lines()
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	lines = slices.Concat(lines, shards, shardLines(r), leftoverLines(r), evidenceLines(r), []string{c.Sentence(r.Target.Embedded)})
	if c.Need != nil {
		lines = append(lines, c.Need.Sentence())
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	return nil
}

// curveLines are the curve as a table, and drawn.
func (c *Capacity) curveLines() ([]string, error) {
	lines, err := c.curveGrid("").lines()
	return append(lines, c.plot(plotWidth, plotHeight)...), err
}

// curveGrid is a row for each rate that was tried with such brokers.
func (c *Capacity) curveGrid(with string) *grid {
	g := &grid{Caption: "Rates that were tried, in order of the rate", Head: []gridHead{words("brokers", ""), numbers("rate_per_second", "rate")}}
	if with != "" {
		g.Caption += ", " + Printable(with)
	}
	for _, p := range shown[:3] {
		g.Head = append(g.Head, p.column(p.label))
	}
	g.Head = append(g.Head, gridHead{"max_ns", "max", definitions["max"], false}, numbers("error_share", "errors"), words("found", "found"))
	for _, s := range c.curve() {
		row := []gridCell{word(cmp.Or(with, "with all")), known(&s.RatePerSecond, func(v float64) string { return FormatRate(v) + "/s" }, "")}
		for _, p := range shown[:3] {
			row = append(row, p.cell(s.Response, "response_ns"))
		}
		g.Rows = append(g.Rows, append(row, longestCell(s.Response, "response_ns"), known(new(s.ErrorShare()), formatShare, ""),
			gridCell{Text: c.note(s), Class: map[string]string{StepHeld: "good", StepBroke: "bad", StepLimited: "warn"}[s.Found]}))
	}
	return g
}

// searchGrid is what each search found, with all brokers and with some; one row where there was one search.
func (c *Capacity) searchGrid() *grid {
	perSecond := func(v float64) string { return FormatRate(v) + "/s" }
	g := &grid{Caption: "What so many brokers hold", Head: []gridHead{words("brokers", "brokers"), {Key: "rate_per_second", Text: "hold", Title: "The highest rate that holds the objectives."}, numbers("low_per_second", ""), numbers("high_per_second", ""),
		{Text: "95 %", Title: "The interval over the rounds."}, words("at_least", ""), numbers("per_broker_per_second", "each"), numbers("held_per_second", ""), words("ended", "ended"),
		numbers("need_per_second", ""), numbers("need_headroom", ""), numbers("need_brokers", ""), words("need_at_most", "")}}
	add := func(with string, brokers int, c *Capacity) {
		rate := known(c.RatePerSecond, perSecond, noClaim)
		if c.AtLeast && c.RatePerSecond != nil {
			rate.Text = "≥" + rate.Text
		}
		if c.RatePerSecond == nil && c.HeldPerSecond != nil {
			rate.Text = "held " + perSecond(*c.HeldPerSecond) // not confirmed: no number to go by
		}
		interval, each := gridCell{Text: noClaim}, gridCell{Text: noClaim}
		if c.LowPerSecond != nil && c.HighPerSecond != nil {
			interval = gridCell{Text: perSecond(*c.LowPerSecond) + "–" + perSecond(*c.HighPerSecond), Sort: number(*c.LowPerSecond)}
		}
		if c.RatePerSecond != nil && brokers > 0 {
			each = known(new(*c.RatePerSecond/float64(brokers)), perSecond, noClaim)
		}
		row := []gridCell{word(with), rate, known(c.LowPerSecond, number, ""), known(c.HighPerSecond, number, ""), interval, word(strconv.FormatBool(c.AtLeast)), each,
			known(c.HeldPerSecond, number, ""), word(c.Ended)}
		if c.Need == nil {
			row = append(row, gridCell{}, gridCell{}, gridCell{}, gridCell{})
		} else {
			row = append(row, known(&c.Need.PerSecond, number, ""), known(&c.Need.Headroom, number, ""), known(c.Need.Brokers, number, ""), word(strconv.FormatBool(c.Need.AtMost)))
		}
		g.Rows = append(g.Rows, row)
	}
	all := 0
	if c.Need != nil {
		all = c.Need.MeasuredBrokers
	}
	add("with all", all, c)
	for i := range c.Parts {
		p := &c.Parts[i]
		add(p.With(), len(p.Brokers), &p.Capacity)
	}
	return g
}

// note is what came of a step, in the table's last column.
func (c *Capacity) note(s *CapacityStep) string {
	note := s.Found
	if s.Phase == PhaseStair {
		note += c.inRounds(s)
	}
	switch {
	case s.Found == StepLimited:
		note += " by the generator"
	case s.Why != "":
		note += ": " + Printable(s.Why)
	}
	if c.KneePerSecond != nil && *c.KneePerSecond == s.RatePerSecond {
		note += "  ← knee: from here on waiting grows faster than the rate"
	}
	return note
}

// CapacityStatus is the command's exit status for a search: 1 and 130 as [ExitStatus]; 5 if the generator was the limit,
// be it of every step; 3 if no rate held; 4 if none was confirmed, or the confirmed runs are SUSPECT; else 0.
func CapacityStatus(r *Run) int {
	c := r.Capacity
	switch status := ExitStatus(r, true); {
	case status == exitCouldNot && c.Ended != EndedNothingHeld, status == exitInterrupted:
		return status
	case c.Ended == EndedGenerator, c.onlyLimited():
		return exitGeneratorLimited
	case c.Ended == EndedNothingHeld:
		return exitMissed
	case c.RatePerSecond == nil:
		return exitInconclusive
	default:
		return status
	}
}
