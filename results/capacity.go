package results

import (
	"cmp"
	"fmt"
	"io"
	"slices"
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
	HeldPerSecond *float64       `json:"held_per_second"`
	Limit         *CapacityLimit `json:"limit"` // null where nothing broke
	KneePerSecond *float64       `json:"knee_per_second"`
	BytesOut      int64          `json:"bytes_out"` // frames of all steps, warm-ups too: what a commit log of one replica grew by, about
	Ended         string         `json:"ended"`     // found, ceiling, generator, budget, nothing_held or interrupted
	Steps         []CapacityStep `json:"steps"`     // in the order in which they ran

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
	Text    string `json:"text"`
}

// CapacityStep is one run at a constant rate.
type CapacityStep struct {
	Phase         string  `json:"phase"` // grow, narrow or confirm
	Round         int     `json:"round"` // from 0
	RatePerSecond float64 `json:"rate_per_second"`
	PlannedNS     int64   `json:"planned_ns"` // without its warm-up
	Found         string  `json:"found"`      // held, broke or limited, by the generator
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
	case c.RatePerSecond != nil && c.AtLeast:
		said = fmt.Sprintf("Holds at least %s/s at %s", FormatRate(*c.RatePerSecond), under)
	case c.RatePerSecond != nil && c.LowPerSecond != nil:
		said = fmt.Sprintf("Holds %s/s at %s (95 %%: %s–%s/s)", FormatRate(*c.RatePerSecond), under, FormatRate(*c.LowPerSecond), FormatRate(*c.HighPerSecond))
	case c.RatePerSecond != nil:
		said = fmt.Sprintf("Holds %s/s at %s (confirmed once: no interval)", FormatRate(*c.RatePerSecond), under)
	case c.HeldPerSecond != nil:
		said = fmt.Sprintf("Held %s/s at %s, not confirmed", FormatRate(*c.HeldPerSecond), under)
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

// FindKnee sets the curve's knee: among the rates up to the lowest that broke, the one whose p99 lies furthest under the
// straight line from the first to the last, both scaled to 1. Under four rates, or with a curve that bends nowhere by a
// tenth, there is none.
func (c *Capacity) FindKnee() {
	c.KneePerSecond = nil
	curve := c.curve()
	if end := slices.IndexFunc(curve, func(s *CapacityStep) bool { return s.Found != StepHeld }); end >= 0 {
		curve = curve[:end+1]
	}
	curve = slices.DeleteFunc(slices.Clone(curve), func(s *CapacityStep) bool { return s.tail() == nil })
	if len(curve) < 4 {
		return
	}
	first, last := curve[0], curve[len(curve)-1]
	width, height := last.RatePerSecond-first.RatePerSecond, float64(*last.tail()-*first.tail())
	if width <= 0 || height <= 0 {
		return
	}
	furthest := 0.1
	for _, s := range curve {
		under := (s.RatePerSecond-first.RatePerSecond)/width - float64(*s.tail()-*first.tail())/height
		if under > furthest {
			furthest, c.KneePerSecond = under, new(s.RatePerSecond)
		}
	}
}

// tail is the step's p99; null if it may not be claimed.
func (s *CapacityStep) tail() *int64 {
	if s.Response == nil {
		return nil
	}
	return s.Response.P99
}

// curve are the steps by rate, of those at one rate the longest.
func (c *Capacity) curve() []*CapacityStep {
	var all []*CapacityStep
	for i := range c.Steps {
		all = append(all, &c.Steps[i])
	}
	slices.SortStableFunc(all, func(a, b *CapacityStep) int {
		return cmp.Or(cmp.Compare(a.RatePerSecond, b.RatePerSecond), cmp.Compare(b.PlannedNS, a.PlannedNS))
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
		lines = append(lines, "")
	}
	lines = append(append(lines, evidenceLines(r)...), c.Sentence(r.Target.Embedded))
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
	var rows [][]string
	for _, s := range c.curve() {
		row := []string{FormatRate(s.RatePerSecond) + "/s"}
		for _, p := range shown[:3] {
			cell := noClaim
			if s.Response != nil && *p.of(s.Response) != nil {
				cell = FormatDuration(**p.of(s.Response))
			}
			row = append(row, cell)
		}
		maximum := noClaim
		if s.Response != nil {
			maximum = FormatDuration(s.Response.Max)
		}
		rows = append(rows, append(row, maximum, formatShare(s.ErrorShare()), c.note(s)))
	}
	header := []string{"rate", shown[0].label, shown[1].label, shown[2].label, "max", "errors", "found"}
	lines, err := drawTable(header, rows, len(header)-1)
	if err != nil {
		return nil, err
	}
	return append(lines, c.plot(plotWidth, plotHeight)...), nil
}

// note is what came of a step, in the table's last column.
func (c *Capacity) note(s *CapacityStep) string {
	note := s.Found
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

// CapacityStatus is the command's exit status for a search: 1 and 130 as [ExitStatus]; 5 if the generator was the limit; 3
// if no rate held; 4 if none was confirmed, or the confirmed runs are SUSPECT; else 0.
func CapacityStatus(r *Run) int {
	c := r.Capacity
	switch status := ExitStatus(r, true); {
	case status == exitCouldNot && c.Ended != EndedNothingHeld, status == exitInterrupted:
		return status
	case c.Ended == EndedGenerator:
		return exitGeneratorLimited
	case c.Ended == EndedNothingHeld:
		return exitMissed
	case c.RatePerSecond == nil:
		return exitInconclusive
	default:
		return status
	}
}
