package bench

import (
	"slices"

	"rmqbench/results"
)

// pulse counts measured sends by broker in short bins of when they were called, whatever became of them: who leaves a broker
// that is in trouble, and who comes back.
type pulse struct {
	brokers []results.Pulse // Sends by bin since the measured stages began
}

// mostBins bounds a broker's bins.
const mostBins = 1 << 16

func (u *pulse) take(p *plan, e *event) {
	if p.pulse == 0 || e.broker == "" || p.stages[e.stage].warmup {
		return
	}
	bin := int((e.called - p.measuredFrom()) / p.pulse)
	if bin < 0 || bin >= mostBins {
		return
	}
	i := slices.IndexFunc(u.brokers, func(b results.Pulse) bool { return b.Broker == e.broker })
	if i < 0 {
		i = len(u.brokers)
		u.brokers = append(u.brokers, results.Pulse{Broker: e.broker, BinNS: p.pulse})
	}
	b := &u.brokers[i]
	if bin >= len(b.Sends) {
		b.Sends = append(b.Sends, make([]int64, bin+1-len(b.Sends))...)
	}
	b.Sends[bin]++
}
