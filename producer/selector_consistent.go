package producer

// ConsistentHash picks by a hash of the argument, or else of the message's sharding key or first key, so that queues that
// come take their fair share of the keys from all others, and of queues that go only their own keys move. Every process
// picks alike. Arguments are those of [Hash].
//
// Each key goes to the queue whose hash together with the key's is the largest (rendezvous hashing). Note: a ring of
// virtual nodes would answer in log n, but has to be built for each change of route, and shares less evenly.
func ConsistentHash() Selector { return consistentHash{} }

type consistentHash struct{}

func (consistentHash) Select(queues []MessageQueue, m *Message, arg any) (int, error) {
	key, err := hashOf(m, arg, fnv1a, func(code int32) uint64 { return uint64(uint32(code)) })
	if err != nil {
		return 0, err
	}
	var broker, largest uint64
	at := 0
	for i := range queues {
		q := &queues[i]
		if i == 0 || q.Broker != queues[i-1].Broker {
			broker = fnv1a(q.Broker)
		}
		if score := mix(mix(key) ^ mix(broker+uint64(q.ID))); score > largest {
			at, largest = i, score
		}
	}
	return at, nil
}

// fnv1a is FNV-1a of 64 bits.
func fnv1a(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
