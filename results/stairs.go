package results

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Shares of a run can't be commanded while it goes on, so that a search for a capacity whose steps follow from one another is not for
// them. They climb stairs: rates that all know beforehand, each share its part of each, from the bottom up, several times where that was
// asked. What a step shows of the target is judged by the merge, on what all shares measured together.

// PhaseStair is the CapacityStep.Phase of such a step.
const PhaseStair = "stair"

// EndedShare is the Capacity.Ended of a share: nothing is judged yet.
const EndedShare = "share"

// StepUnknown is the CapacityStep.Found of a stair of which not all shares' part is known.
const StepUnknown = "unknown"

// stairs reports whether c's steps are such.
func (c *Capacity) stairs() bool { return len(c.Steps) > 0 && c.Steps[0].Phase == PhaseStair }

// stepped is an error unless w is a share of the same stairs as into, or neither has any; of into the bytes are w's too then.
func (w *Whole) stepped(into *Whole) error {
	c := w.Run.Capacity
	if c != nil && (!c.stairs() || len(c.Steps) != len(w.Run.Cases) || c.Ended != EndedShare) {
		return errors.New("its search for a capacity is none that was shared")
	}
	if into == nil {
		return nil
	}
	was := into.Run.Capacity
	same := (was == nil) == (c == nil)
	if same && c != nil {
		same = slices.Equal(was.Objectives, c.Objectives) && slices.EqualFunc(was.Steps, c.Steps, func(a, b CapacityStep) bool {
			return a.Phase == b.Phase && a.Round == b.Round && a.RatePerSecond == b.RatePerSecond && a.PlannedNS == b.PlannedNS
		})
		was.BytesOut += c.BytesOut
	}
	if !same {
		return errors.New("its search for a capacity has other steps than the shares' before it")
	}
	return nil
}

// climbed judges the stairs of w, merged and judged, and leaves it the cases of its answer.
func (g *merging) climbed(w *Whole) error {
	r, c := w.Run, w.Run.Capacity
	for i := range c.Steps {
		step, of := &c.Steps[i], &r.Cases[i]
		step.Measured, step.Verdict = of.Measured, of.Verdict
		var err error
		if step.Found, step.Why, err = g.stair(i, of); err != nil {
			return err
		}
	}
	rate := c.concludeStairs()
	c.Limit = cmp.Or(c.Limit, c.stairLimit(&r.Target, r.Cases, g.setting))
	var cases []Case
	var histograms []WholeCase
	for i := range c.Steps {
		if c.Steps[i].RatePerSecond == rate {
			cases, histograms = append(cases, r.Cases[i]), append(histograms, w.Cases[i])
		}
	}
	r.Cases, w.Cases = cases, histograms
	return nil
}

// stairLimit names what broke the lowest stair that didn't hold, next to the lowest that did; nil: none broke. cases are its steps'.
func (c *Capacity) stairLimit(t *Target, cases []Case, setting func(reason string) string) *CapacityLimit {
	if c.BrokePerSecond == nil {
		return nil
	}
	var broke, quiet *Case
	for i := range c.Steps {
		switch s := &c.Steps[i]; {
		case broke == nil && s.Found == StepBroke && s.RatePerSecond == *c.BrokePerSecond:
			broke = &cases[i]
		case quiet == nil && s.Found == StepHeld && s.RatePerSecond < *c.BrokePerSecond: // they are climbed from the bottom up
			quiet = &cases[i]
		}
	}
	if broke == nil {
		return nil
	}
	return LimitOf(t, broke, quiet, LimitClues{Setting: setting})
}

// stair is what came of step i, whose case is of.
func (g *merging) stair(i int, of *Case) (found, why string, err error) {
	acc := &g.cases[i]
	switch {
	case len(g.whole.Run.Shards) < g.of:
		return StepUnknown, fmt.Sprintf("%d of %d shares are here", len(g.whole.Run.Shards), g.of), nil
	case acc.cut != "":
		return StepUnknown, acc.cut, nil
	case of.CutShort != "": // because of what the target answered
		return StepBroke, of.CutShort, nil
	}
	found, why, err = Weigh(of)
	if found == StepBroke && acc.limited != "" { // one share's limit may be all of it
		return StepLimited, acc.limited, err
	}
	return found, why, err
}

// worstFound orders what a rate may have come to in several rounds.
var worstFound = []string{StepHeld, StepUnknown, StepLimited, StepBroke}

// concludeStairs completes c from its steps, which are judged, and gives the rate of its answer: the highest up to which every step
// held in every round, or else the first that didn't.
func (c *Capacity) concludeStairs() (rate float64) {
	c.Rounds, c.RatePerSecond, c.HeldPerSecond, c.BrokePerSecond, c.AtLeast, c.Limit = []float64{}, nil, nil, nil, false, nil
	curve := c.curve()
	next := slices.IndexFunc(curve, func(s *CapacityStep) bool { return s.Found != StepHeld })
	highest := len(curve) - 1
	if next >= 0 {
		highest = next - 1
	}
	rounds := 0
	for i := range c.Steps {
		rounds = max(rounds, c.Steps[i].Round+1)
		if s := &c.Steps[i]; s.Found == StepHeld {
			c.HeldPerSecond = new(max(s.RatePerSecond, valueOf(c.HeldPerSecond)))
		}
	}
	if highest >= 0 && rounds > 1 {
		c.RatePerSecond = new(curve[highest].RatePerSecond)
		for range rounds {
			c.Rounds = append(c.Rounds, *c.RatePerSecond)
		}
	}
	c.FindKnee()
	if next < 0 {
		c.Ended, c.AtLeast = EndedCeiling, true
		c.Limit = &CapacityLimit{Kind: "ceiling", Text: "the ceiling that was given with --max-rate"}
		return curve[highest].RatePerSecond
	}
	switch over := curve[next]; over.Found {
	case StepBroke:
		c.BrokePerSecond = new(over.RatePerSecond)
		c.Ended = EndedFound
		if highest < 0 {
			c.Ended = EndedNothingHeld
		}
	case StepLimited:
		c.Ended, c.AtLeast = EndedGenerator, true
		c.Limit = &CapacityLimit{Kind: "generator", Text: "these generators, and what the target holds is not known: at " + FormatRate(over.RatePerSecond) + "/s " + over.Why}
	default:
		c.Ended, c.AtLeast = EndedInterrupted, true
	}
	return curve[max(highest, 0)].RatePerSecond
}

// stairSentence is the answer of stairs in one sentence, without its end.
func (c *Capacity) stairSentence(under string) string {
	if c.Ended == EndedShare {
		return "A share of a search for " + under + ": rmqbench merge of all shares has the answer"
	}
	curve := c.curve()
	highest := 0
	for highest < len(curve) && curve[highest].Found == StepHeld {
		highest++
	}
	said := "No answer for " + under
	switch {
	case highest > 0 && c.RatePerSecond != nil:
		said = fmt.Sprintf("Holds %s/s at %s in each of %d rounds", FormatRate(*c.RatePerSecond), under, len(c.Rounds))
	case highest > 0:
		said = fmt.Sprintf("Held %s/s at %s once, not confirmed", FormatRate(curve[highest-1].RatePerSecond), under)
	case curve[0].Found == StepBroke:
		said = fmt.Sprintf("Not even the lowest step, %s/s, holds %s: %s", FormatRate(curve[0].RatePerSecond), under, curve[0].Why)
	}
	if highest == len(curve) {
		return said
	}
	over := curve[highest]
	at := FormatRate(over.RatePerSecond) + "/s"
	switch {
	case over.Found == StepBroke && highest > 0:
		said += fmt.Sprintf("; the next step, %s, broke (%s): the highest lies between the two", at, over.Why)
	case over.Found == StepUnknown:
		said += fmt.Sprintf("; of %s nothing is known: %s", at, over.Why)
	}
	return said
}

// inRounds says in how many of its rounds a stair came to what its row says; "" of one round.
func (c *Capacity) inRounds(s *CapacityStep) string {
	rounds, same := 0, 0
	for i := range c.Steps {
		if other := &c.Steps[i]; other.RatePerSecond == s.RatePerSecond {
			rounds++
			if other.Found == s.Found {
				same++
			}
		}
	}
	if rounds < 2 {
		return ""
	}
	return fmt.Sprintf(" in %d of %d", same, rounds)
}

// compareStairs puts, of one rate's stairs, the one first that came to the worst; other steps stay as they are.
func compareStairs(a, b *CapacityStep) int {
	if a.Phase != PhaseStair {
		return 0
	}
	return cmp.Compare(slices.Index(worstFound, b.Found), slices.Index(worstFound, a.Found))
}
