package bench

import (
	"rmqbench/results"
)

// keyBook keeps, key by key, where its messages went and in what order. What it counts doesn't depend on how sends are
// gathered, but for one thing: a send is compared with the latest other one of its key that is known when it is taken in.
type keyBook struct {
	keys          []keyState // by number, those of each number by topic; nil: none is known yet
	pairs, breaks int64
}

// keyState is what is known of one key, or of one key within a topic, where there are several.
type keyState struct {
	sent       bool
	called     int64    // of the send that was called last
	offset     int64    // its
	queue      keyPlace // its
	first      keyPlace // of the send that was taken in first
	moved      bool     // another queue than first
	before     keyPlace // of a send called before the topic changed
	isBefore   bool
	many       bool // several queues before that
	calledLate bool // the last send was called after the topic had changed
}

// keyPlace is a queue, its broker by its book's number in the ledger.
type keyPlace struct{ broker, queue int32 }

// take takes in an acknowledged send to a queue, warm-up or not.
func (k *keyBook) take(p *plan, at keyPlace, e *event) {
	if e.key == noKey {
		return
	}
	number := int(e.key)*len(p.mould.topics) + int(e.topic)
	if missing := number + 1 - len(k.keys); missing > 0 {
		k.keys = append(k.keys, make([]keyState, missing)...)
	}
	s := &k.keys[number]
	late := p.change > 0 && e.called >= p.change
	if p.change > 0 && !late {
		s.many = s.many || s.isBefore && s.before != at
		s.before, s.isBefore = at, true
	}
	if !s.sent {
		*s = keyState{sent: true, called: e.called, offset: e.offset, queue: at, first: at, before: s.before, isBefore: s.isBefore, calledLate: late}
		return
	}
	s.moved = s.moved || at != s.first
	after := e.called >= s.called
	if p.offsets {
		k.pairs++
		if at != s.queue || after != (e.offset > s.offset) {
			k.breaks++
		}
	}
	if after {
		s.called, s.offset, s.queue, s.calledLate = e.called, e.offset, at, late
	}
}

// record is what the book holds; nil where no send had a key.
func (k *keyBook) record(p *plan) *results.Keys {
	if k.keys == nil {
		return nil
	}
	r := &results.Keys{Pairs: k.pairs, OrderBreaks: k.breaks}
	if p.change > 0 {
		r.Change = &results.KeyChange{}
	}
	for i := range k.keys {
		s := &k.keys[i]
		if !s.sent {
			continue
		}
		r.Used++
		if s.moved {
			r.InTwoQueues++
		}
		if r.Change == nil || !s.isBefore || !s.calledLate {
			continue
		}
		r.Change.Both++
		if s.many {
			continue
		}
		r.Change.InOneBefore++
		if s.queue != s.before {
			r.Change.Moved++
		}
	}
	return r
}
