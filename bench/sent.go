package bench

import (
	"rmqbench/results"
)

// sent tells apart which sends of a schedule were made: a hash of each, added up, so that their order has no part in it and shares of
// a schedule have together what one machine has. The zero value is none.
type sent struct {
	sends  results.ListHash // index, key, topic, kind, size and due time of each
	placed results.ListHash // its queue too; only where the selector's choice follows from the message
}

// add takes in one that has ended; of a closed loop, whose sends follow answers, there is no list.
func (l *sent) add(p *plan, s *sample) {
	if !p.open {
		return
	}
	// Odd constants, so that a change of one field can't be undone by a small one of another; the sum is scrambled once.
	x := uint64(s.index)*0x9e3779b97f4a7c15 + uint64(s.due)*0xd1342543de82ef95 + uint64(uint32(s.size))*0xaf251af3b0f025b5 +
		uint64(uint32(s.key))*0xb564ef22ec7aece5 + uint64(s.kind)*0xf1357aea2e62a9c5 + uint64(s.topic)*0xe220a8397b1dcdaf + uint64(p.mould.keys.distinct())
	l.sends += results.ListHash(scramble(x))
	if p.placed {
		l.placed += results.ListHash(scramble(x ^ scramble(nameHash(s.broker)+uint64(uint32(s.queue)))))
	}
}

func (l *sent) merge(from sent) {
	l.sends += from.sends
	l.placed += from.placed
}

// record puts it into c.
func (l *sent) record(p *plan, c *results.Case) {
	if !p.open {
		return
	}
	c.SentHash = new(l.sends)
	if p.placed {
		c.PlacedHash = new(l.placed)
	}
}

// nameHash is FNV-1a of 64 bits: every process must come to the same.
func nameHash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
