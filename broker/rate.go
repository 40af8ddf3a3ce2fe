package broker

// rate counts messages by the second, for what brokers call TPS. A second is one since the epoch; what comes for a
// second before the newest seen counts to the newest.
type rate struct {
	newest int64
	counts []uint32 // by second modulo their number
}

// How many seconds rates remember, the one that is still filling up included.
const (
	topicRateSeconds  = 61
	brokerRateSeconds = 601
)

func newRate(seconds int) rate { return rate{counts: make([]uint32, seconds)} }

func (r *rate) add(second int64, n int) {
	size := int64(len(r.counts))
	if second > r.newest {
		for s := max(r.newest+1, second-size+1); s <= second; s++ {
			r.counts[s%size] = 0
		}
		r.newest = second
	}
	r.counts[r.newest%size] += uint32(n)
}

// perSecond is the mean over the span whole seconds before now; span is below what it remembers.
func (r *rate) perSecond(now int64, span int) float64 {
	size := int64(len(r.counts))
	var sum uint64
	for s := now - int64(span); s < now; s++ {
		if s <= r.newest && s > r.newest-size {
			sum += uint64(r.counts[s%size])
		}
	}
	return float64(sum) / float64(span)
}
