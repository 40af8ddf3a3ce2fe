package bench

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"iter"
	"time"

	"rmqbench/scenarios"
)

// Due is a message of an open loop's schedule.
type Due struct {
	Index  int64
	At     time.Duration // since the case began
	Key    string        // "" if it has none
	Topic  string        // of several; "" if there is one
	Kind   string        // of a mix's kinds; "" without one
	Size   int           // bytes of its body
	Warmup bool
}

// Schedule is which messages of an open loop fall due when. It follows from the case alone, its seed among it: whoever runs it,
// and be it several that share it, has the same. Of a closed loop, whose sends follow answers, there is none. An error is the
// scenario's fault.
func Schedule(c *scenarios.Case) (iter.Seq[Due], error) {
	p, err := newPlan(c)
	if err != nil {
		return nil, err
	}
	return p.schedule(), nil
}

// schedule is the whole's, of a share too.
func (p *plan) schedule() iter.Seq[Due] {
	whole := *p
	whole.share, whole.of = 0, 0
	return func(yield func(Due) bool) {
		if !whole.open {
			return
		}
		for at, more := walk(&whole); more; more = at.next() {
			for i := at.index; i < at.index+at.size; i++ {
				d := Due{Index: i, At: time.Duration(at.due), Kind: whole.mould.kinds[whole.mould.kindOf(i)].name, Size: len(whole.mould.bodyOf(i)), Warmup: whole.stages[at.stage].warmup}
				if len(whole.mould.topics) > 1 {
					d.Topic = whole.mould.topics[whole.mould.topicOf(at.index)]
				}
				if key := whole.mould.keyOf(i); key != noKey {
					d.Key = whole.mould.keys.keys[key]
				}
				if !yield(d) {
					return
				}
			}
		}
	}
}

// hashedDues is how many messages of a schedule its hash covers: the whole can have billions.
const hashedDues = 10_000

// scheduleHash tells schedules apart; "" of a closed loop.
func (p *plan) scheduleHash() string {
	if !p.open {
		return ""
	}
	h := sha256.New()
	var buf []byte
	n := 0
	for d := range p.schedule() {
		buf = binary.BigEndian.AppendUint64(buf[:0], uint64(d.Index))
		buf = binary.BigEndian.AppendUint64(buf, uint64(d.At))
		buf = binary.BigEndian.AppendUint64(buf, uint64(d.Size))
		buf = append(append(buf, d.Key...), 0)
		for _, of := range []string{d.Topic, d.Kind} {
			if of != "" {
				buf = append(append(buf, of...), 0)
			}
		}
		_, _ = h.Write(buf) // never fails
		if n++; n == hashedDues {
			break
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
