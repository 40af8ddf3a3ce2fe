package bench

import (
	"time"

	"rmqbench/producer"
	"rmqbench/results"
)

// avoided is which brokers a case's producers have avoided since each of them was made.
type avoided struct {
	spells [][]producer.AvoidSpell // by producer
	more   int64                   // that they did not keep
	at     time.Time               // when this was so
}

// avoided is nil if they avoid none.
func (all producers) avoided() *avoided {
	a := &avoided{at: time.Now()}
	for _, p := range all {
		if !p.Avoids() {
			return nil
		}
		spells, more := p.AvoidSpells()
		a.spells, a.more = append(a.spells, spells), a.more+more
	}
	return a
}

// record is what of it reaches into a case, which began then and whose measured stages began at zero. Nil is none.
func (a *avoided) record(began, zero time.Time) *results.Avoidance {
	if a == nil {
		return nil
	}
	out := &results.Avoidance{Spells: []results.AvoidSpell{}, LeftOut: a.more}
	for i, own := range a.spells {
		for _, s := range own {
			if s.Until.Before(began) { // a trial's, before this one
				continue
			}
			x := results.AvoidSpell{Broker: s.Broker, FromNS: int64(s.Since.Sub(zero)), UntilNS: int64(s.Until.Sub(zero)), Still: s.Until.After(a.at), Why: results.AvoidedSlow,
				TookNS: int64(s.Latency), Sends: s.Sends}
			switch {
			case !s.Reachable:
				x.Why = results.AvoidedUnreachable
			case s.Failed:
				x.Why = results.AvoidedFailed
			}
			if len(a.spells) > 1 {
				x.Producer = new(i)
			}
			out.Spells = append(out.Spells, x)
		}
	}
	out.Trim()
	return out
}
