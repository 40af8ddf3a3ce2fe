package bench

import (
	"cmp"
	"slices"

	"rmqbench/results"
)

// whole is what other shares' cases are merged with: the histograms behind the record. It runs when record has, whose ledger names
// the queues that nothing was sent to.
func (m *measurement) whole() (results.WholeCase, error) {
	var w results.WholeCase
	total, warm := newTally(m.plan.open), newTally(m.plan.open)
	for i := range m.tallies {
		t, into := &m.tallies[i], &total
		if m.plan.stages[i].warmup {
			into = &warm
		} else {
			w.Stages = append(w.Stages, m.times(t))
		}
		if err := into.merge(t); err != nil {
			return w, err
		}
		if into == &warm {
			w.Warmup = new(m.times(&warm))
		}
	}
	w.First, w.Last = total.first, total.last
	if m.anatomy.part[0] != nil {
		w.Anatomy = slices.Clone(m.anatomy.part[:])
	}
	for _, b := range m.ledger.byName() {
		for id, q := range b.queues {
			if q != nil {
				w.Queues = append(w.Queues, results.QueueTimes{Broker: b.name, Queue: int32(id), Times: q})
			}
		}
	}
	slices.SortFunc(w.Queues, func(a, b results.QueueTimes) int {
		return cmp.Or(cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.Queue, b.Queue))
	})
	if m.ledger.batch > 0 {
		w.Batches = &results.BatchesInOrder{LengthNS: m.ledger.batch, Batches: m.ledger.batches}
	}
	return w, nil
}

// times are a tally's histograms in the record's form.
func (m *measurement) times(t *tally) results.Times {
	h := m.histograms(t)
	out := results.Times{Response: h[0].h, Service: h[1].h, Delay: h[2].h}
	for o, h := range t.unsuccessful {
		if h == nil {
			continue
		}
		if out.Unsuccessful == nil {
			out.Unsuccessful = map[string]*results.Histogram{}
		}
		out.Unsuccessful[outcome(o).String()] = h
	}
	return out
}
