package broker

// rate counts messages by the second, for what brokers call TPS. The zero rate has counted none. A second is one since
// the epoch; seconds before the newest seen count to the newest.
type rate struct {
	newest int64
	counts [rateSeconds]uint32 // by second modulo rateSeconds
}

// rateSeconds is the longest span that a rate can be asked for, and a second more that is still filling up.
const rateSeconds = 61

func (r *rate) add(second int64, n int) {
	if second > r.newest {
		for s := max(r.newest+1, second-rateSeconds+1); s <= second; s++ {
			r.counts[s%rateSeconds] = 0
		}
		r.newest = second
	}
	r.counts[r.newest%rateSeconds] += uint32(n)
}

// perSecond is the mean over the span whole seconds before now; span < rateSeconds.
func (r *rate) perSecond(now int64, span int) float64 {
	var sum uint64
	for s := now - int64(span); s < now; s++ {
		if s >= 0 && s <= r.newest && s > r.newest-rateSeconds {
			sum += uint64(r.counts[s%rateSeconds])
		}
	}
	return float64(sum) / float64(span)
}
