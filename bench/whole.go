package bench

import (
	"slices"

	"rmqbench/results"
)

// whole is what other shares' cases are merged with: the histograms behind the record. It runs when record has, whose ledger names
// the queues that nothing was sent to.
func (m *measurement) whole() (results.WholeCase, error) {
	var w results.WholeCase
	total, warm := newKinds(m.plan), newKinds(m.plan)
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
	w.Queues = m.ledger.times(nil)
	if m.ledger.batch > 0 {
		w.Batches = &results.BatchesInOrder{LengthNS: m.ledger.batch, Batches: m.ledger.batches}
	}
	return w, nil
}

// times are a tally's histograms in the record's form, those of a mix's kinds too.
func (m *measurement) times(t *tally) results.StageTimes {
	out := results.StageTimes{Times: m.ownTimes(t)}
	for i := range t.kinds {
		out.Kinds = append(out.Kinds, m.ownTimes(&t.kinds[i]))
	}
	return out
}

// ownTimes are those without the kinds'. On a closed loop a send is due when it is called: response is service, and nothing waits.
func (m *measurement) ownTimes(t *tally) results.Times {
	out := results.Times{Response: t.response, Service: t.service, Delay: t.delay}
	if !m.plan.waits() {
		out.Response, out.Delay = t.service, zeros(t.service.Count())
	}
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
