package producer

import (
	"slices"
	"time"

	"rmqbench/remoting"
)

// AvoidSpell is a time in which sends passed a broker over while there were others.
type AvoidSpell struct {
	Broker    string
	Since     time.Time     // the send that it began with ended then
	Until     time.Time     // in the future: it still lasts
	Latency   time.Duration // of that send
	Failed    bool          // it did
	Reachable bool          // false: and its broker counted as out of reach
	Sends     int64         // that send, and those that were slow or failed meanwhile
}

// Avoids says that the producer avoids brokers: Options.Avoid.
func (p *Producer) Avoids() bool { return p.avoid != nil }

// mostSpells is how many a producer keeps, the first ones.
const mostSpells = 1000

// AvoidSpells are the times in which this producer avoided a broker since it was made, by when they began: the first thousand, and how
// many more there were. None without Options.Avoid.
func (p *Producer) AvoidSpells() (list []AvoidSpell, more int64) {
	if p.avoid == nil {
		return nil, 0
	}
	p.avoid.mu.Lock()
	defer p.avoid.mu.Unlock()
	wall, s := wallClock(), &p.avoid.spells
	for _, x := range s.list {
		list = append(list, AvoidSpell{Broker: x.broker, Since: wall(x.since), Until: wall(x.until), Latency: x.latency, Failed: x.failed, Reachable: x.reachable, Sends: x.sends})
	}
	slices.SortStableFunc(list, func(a, b AvoidSpell) int { return a.Since.Compare(b.Since) })
	return list, s.more
}

// wallClock tells the time of day at a remoting.Nanotime.
func wallClock() func(nano int64) time.Time {
	now, wall := remoting.Nanotime(), time.Now()
	return func(nano int64) time.Time { return wall.Add(time.Duration(nano - now)) }
}

// spells are the times in which brokers were avoided. The zero spells has none.
type spells struct {
	list []spell
	last map[string]int // by broker: the place of its last one; none: it was left out
	more int64          // left out
}

type spell struct {
	fault  // what it began with, and until when it lasts
	broker string
	failed bool // that send
	sends  int64
}

// blamed takes in that a send made what is held against a broker into x; it was avoided until then before.
func (s *spells) blamed(broker string, then int64, x fault, failed bool, now int64) {
	if then > now { // it lasts
		if i, kept := s.last[broker]; kept {
			s.list[i].until = x.until
			s.list[i].sends++
		}
		return
	}
	if len(s.list) == mostSpells {
		delete(s.last, broker)
		s.more++
		return
	}
	if s.last == nil {
		s.last = map[string]int{}
	}
	s.last[broker] = len(s.list)
	x.since = now // it may have been out of reach for long
	s.list = append(s.list, spell{x, broker, failed, 1})
}

// gone ends a broker's spell, if one lasts.
func (s *spells) gone(broker string, now int64) {
	if i, kept := s.last[broker]; kept {
		s.list[i].until = min(s.list[i].until, now)
	}
}
