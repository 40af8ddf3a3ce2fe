package bench

import "rmqbench/results"

// keyBook knows of each key where its acknowledged messages are, warm-up included: order by key holds within one queue only.
type keyBook struct {
	at []int32 // by key: the queue's number and 1; 0: none; inSeveral: no single one
}

const inSeveral = -1

// note takes in that a message of a key is in a queue, which has a number of at least 0.
func (b *keyBook) note(key, queue int32) {
	if key == noKey {
		return
	}
	if missing := int(key) + 1 - len(b.at); missing > 0 {
		b.at = append(b.at, make([]int32, missing)...)
	}
	switch at := &b.at[key]; *at {
	case 0:
		*at = queue + 1
	case queue + 1:
	default:
		*at = inSeveral
	}
}

// count is nil if no key has been seen.
func (b *keyBook) count() *results.Keys {
	k := &results.Keys{}
	for _, at := range b.at {
		if at != 0 {
			k.Used++
		}
		if at == inSeveral {
			k.InTwoQueues++
		}
	}
	if k.Used == 0 {
		return nil
	}
	return k
}
