package results

import (
	"cmp"
	"fmt"
	"slices"
)

// Avoidance is which brokers a case's producers passed over, because sends to them had been slow or had failed. Who still got how much is
// in [Pulse], for whichever selector.
type Avoidance struct {
	Spells  []AvoidSpell `json:"spells"` // by when they began: MostAvoidSpells, those that began first
	LeftOut int64        `json:"left_out,omitempty"`
}

// MostAvoidSpells is how many spells a case's record has.
const MostAvoidSpells = 100

// Why a spell began.
const (
	AvoidedSlow        = "slow"        // a send took long
	AvoidedFailed      = "failed"      // one failed
	AvoidedUnreachable = "unreachable" // one failed, and its broker counted as out of reach: passed over even when all are avoided
)

// AvoidSpell is a time in which a producer's sends passed a broker over while there were others. Times are in ns since the case's measured
// stages began; negative: in its warm-up.
type AvoidSpell struct {
	Shard    *int   `json:"shard,omitempty"`    // whose it is, of a merged run; its times are the share's
	Producer *int   `json:"producer,omitempty"` // whose it is, from 0, of several (producer.instances)
	Broker   string `json:"broker"`
	FromNS   int64  `json:"from_ns"`         // when the send ended that it began with
	UntilNS  int64  `json:"until_ns"`        // as the table has it
	Still    bool   `json:"still,omitempty"` // the case was over before
	Why      string `json:"why"`             // Avoided…
	TookNS   int64  `json:"took_ns"`         // that send
	Sends    int64  `json:"sends"`           // that one, and those that were slow or failed meanwhile, which make it longer
}

// add adds spells that began elsewhere; of all, those that began first are kept.
func (a *Avoidance) add(from *Avoidance) *Avoidance {
	if a == nil || from == nil {
		return cmp.Or(a, from)
	}
	sum := &Avoidance{Spells: slices.Concat(a.Spells, from.Spells), LeftOut: a.LeftOut + from.LeftOut}
	sum.Trim()
	return sum
}

// Trim puts the spells in order, and leaves out what is too many.
func (a *Avoidance) Trim() {
	slices.SortFunc(a.Spells, func(x, y AvoidSpell) int {
		return cmp.Or(cmp.Compare(x.FromNS, y.FromNS), cmp.Compare(valueOf(x.Shard), valueOf(y.Shard)), cmp.Compare(valueOf(x.Producer), valueOf(y.Producer)), cmp.Compare(x.Broker, y.Broker))
	})
	if more := len(a.Spells) - MostAvoidSpells; more > 0 {
		a.Spells, a.LeftOut = a.Spells[:MostAvoidSpells], a.LeftOut+int64(more)
	}
}

// avoidanceLines say what was avoided: a line for each case that could, its rounds together.
func avoidanceLines(r *Run) []string {
	var lines []string
	for _, rounds := range inOrder(r.Cases, func(c *Case) string { return c.Name }) {
		var first *AvoidSpell
		var in string
		var all int64
		brokers, avoids := map[string]bool{}, false
		for _, c := range rounds {
			if c.Avoidance == nil {
				continue
			}
			avoids = true
			all += int64(len(c.Avoidance.Spells)) + c.Avoidance.LeftOut
			for i := range c.Avoidance.Spells {
				s := &c.Avoidance.Spells[i]
				brokers[s.Broker] = true
				if first == nil {
					first, in = s, s.in(c.Round)
				}
			}
		}
		switch name := Printable(rounds[0].Name); {
		case !avoids:
		case first == nil:
			lines = append(lines, name+": avoided no broker")
		default:
			line := name + ": avoided " + first.words() + in
			if all > 1 {
				line += fmt.Sprintf(", and %s more", FormatCount(all-1, "time"))
			}
			if len(brokers) > 1 {
				line += fmt.Sprintf(", %d brokers in all", len(brokers))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// words say what was avoided, from when until when, and why.
func (s *AvoidSpell) words() string {
	from, until := "from "+FormatDuration(s.FromNS), " to "+FormatDuration(s.UntilNS)
	if s.FromNS < 0 {
		from = fmt.Sprintf("from %s before measuring began", FormatDuration(-s.FromNS))
	}
	switch {
	case s.Still:
		until += ", past the end"
	case s.UntilNS < 0:
		until = fmt.Sprintf(" to %s before", FormatDuration(-s.UntilNS))
	}
	why := "a send failed after " + FormatDuration(s.TookNS)
	switch s.Why {
	case AvoidedSlow:
		why = "a send took " + FormatDuration(s.TookNS)
	case AvoidedUnreachable:
		why += ": out of reach"
	}
	if more := s.Sends - 1; more == 1 {
		why += "; 1 more was slow or failed"
	} else if more > 1 {
		why += fmt.Sprintf("; %s more were slow or failed", groupDigits(more))
	}
	return fmt.Sprintf("%s %s%s (%s)", Printable(s.Broker), from, until, why)
}

// in says where a spell was, of several rounds, shards and producers.
func (s *AvoidSpell) in(round int) string {
	var words string
	if round > 0 {
		words += fmt.Sprintf(" in round %d", round)
	}
	if s.Shard != nil {
		words += fmt.Sprintf(" in shard %d", *s.Shard)
	}
	if s.Producer != nil {
		words += fmt.Sprintf(" by producer %d", *s.Producer)
	}
	return words
}
