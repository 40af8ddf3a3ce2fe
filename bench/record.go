package bench

import (
	"math/bits"
	"slices"
	"time"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// record puts a measurement into the record's form, with the histograms that the log keeps.
func (m *measurement) record(c *scenarios.Case) (results.Case, []results.TaggedHistogram, error) {
	out := results.Case{Name: c.Name, Params: c.Params, Mode: string(m.plan.mode), OpenLoop: m.plan.open, LateNS: m.late}
	switch {
	case m.interrupted:
		out.CutShort = results.Interrupted
	case m.stopped != nil:
		out.CutShort, out.StoppedBy = m.stopped.why, m.stopped.by
	}
	for _, o := range c.SLO {
		out.SLO = append(out.SLO, results.Objective{Text: o.String(), Metric: o.Metric.Name, Unit: o.Metric.Unit, AtLeast: o.Metric.AtLeast, Limit: o.Limit})
	}
	total, warm := newKinds(m.plan), newKinds(m.plan)
	m.fellDue()
	if err := m.addWarmup(&out, &warm); err != nil {
		return out, nil, err
	}
	from, last, warmLast := m.plan.measuredFrom(), int64(0), int64(0)
	for i := range m.tallies {
		t, s := &m.tallies[i], &m.plan.stages[i]
		if s.warmup { // all of it is one stage
			if err := warm.merge(t); err != nil {
				return out, nil, err
			}
			warmLast = max(warmLast, t.lastDone)
			of, err := m.stage(&warm, m.plan.stages[0].from, warmLast)
			if err != nil {
				return out, nil, err
			}
			out.Warmup = &of
			out.Warmup.PlannedNS = new(s.to - m.plan.stages[0].from)
			if m.plan.open && i == 0 {
				out.Warmup.RatePerSecond = new(m.plan.rate(s))
			}
			continue
		}
		st, err := m.stage(t, s.from, t.lastDone)
		if err != nil {
			return out, nil, err
		}
		if s.to < forever {
			st.PlannedNS = new(s.to - s.from)
		}
		if m.plan.open {
			st.RatePerSecond = new(m.plan.rate(s))
		}
		out.Stages = append(out.Stages, st)
		if err := total.merge(t); err != nil {
			return out, nil, err
		}
		last = max(last, t.lastDone)
	}
	all, err := m.stage(&total, from, last)
	if err != nil {
		return out, nil, err
	}
	out.Measured, out.Kinds = all.Measured, all.Kinds
	if m.wire != nil {
		out.WireBytesPerSecond = results.PerSecond(m.wire.BytesOut, out.ElapsedNS)
	}
	out.Transport, out.Transactions, out.Replier = m.transport(c), m.transactions, m.replier
	intervals, inFlight := m.series.points, m.inFlightIntegral
	if w := m.warmup; w != nil {
		m.ledger.know(w.ledger)
		intervals = slices.Concat(w.series.points, intervals)
		if inFlight != nil {
			inFlight = new(*inFlight + *w.inFlightIntegral)
		}
	}
	out.Verify, out.Intervals = m.verified, results.Sum(intervals)
	m.ledger.shares(m.queues, &out)
	out.Ordered, out.Keys = m.plan.ordered, m.ledger.keys.record(m.plan)
	out.Others = m.others
	out.ScheduleHash = m.plan.scheduleHash()
	total.sent.record(m.plan, &out)
	if c.Target.Embedded == nil { // ours ends with the case
		out.Delayed = m.ledger.delayed.pending(m.began)
	}
	out.Events, out.Pulse = m.events, m.ledger.pulse.brokers
	began := m.began
	if m.warmup != nil {
		began = m.warmup.began
	}
	out.Avoidance = m.avoided.record(began, m.began.Add(time.Duration(from)))
	if len(out.Stages) == 1 { // over stages that differ, time is a cause and not a sample
		times := out.Response
		if m.plan.mode == scenarios.Oneway {
			times = out.WriteTime
		}
		times.Confide(m.ledger.wholeBatches())
	}
	out.Anatomy = m.anatomy.summarize(&total.parts, out.Timed(out.Mode))
	out.Generator = m.generator(&total, out.ElapsedNS)
	out.Generator.InFlightIntegralNS, out.Generator.CallTimeSumNS = inFlight, new(total.callTime+warm.callTime)
	out.Process = m.process.record(out.Successes())

	var hists []results.TaggedHistogram
	times := m.times(&total)
	for _, x := range times.Tagged(out.Mode, out.Kinds) {
		hists = append(hists, results.TaggedHistogram{Case: c.Name, Metric: x.Metric, Histogram: x.Histogram,
			Start: m.began.Add(time.Duration(from)), Length: time.Duration(out.ElapsedNS)})
	}
	return out, hists, nil
}

// outages are the case's, in the run's time.
func (m *measurement) outages(name string, round int) []results.Outage {
	var found []results.Outage
	if m.warmup != nil {
		found = m.warmup.outages(name, round)
	}
	return append(found, m.ownOutages(name, round)...)
}

// ownOutages leaves out those of a warm-up that went before.
func (m *measurement) ownOutages(name string, round int) []results.Outage {
	found := m.ledger.outages.all()
	for i := range found {
		o := &found[i]
		o.Case, o.Round, o.BeganAt = name, round, m.began.Add(time.Duration(o.StartOffsetNS)).UTC()
		o.StartOffsetNS += m.offset
	}
	return found
}

// changes are the route's, in the run's time.
func (m *measurement) changes(name string, round int) []results.RouteChange {
	if m.routes == nil {
		return nil
	}
	return m.routes.changes(name, round, m.began, m.offset)
}

// transport is what went over the connections; nil where the sender doesn't say.
func (m *measurement) transport(c *scenarios.Case) *results.Transport {
	if m.wire == nil {
		return nil
	}
	w := m.wire
	t := &results.Transport{Connections: c.Producer.Connections * max(c.Producer.Instances, 1), BytesOut: w.BytesOut, BytesIn: w.BytesIn, Writes: w.Writes, Dials: w.Dials,
		StrayReplies: w.StrayReplies, PermitWaits: w.LimitWaits, PermitRefusals: w.LimitRefusals}
	if w.Writes > 0 {
		t.MessagesPerWrite = new(float64(w.FramesOut) / float64(w.Writes))
	}
	if m.network != nil {
		t.RoundTripNS, t.Retransmits = new(m.network.RTT), new(m.network.Retransmits)
		if least := m.network.MinRTT; least > 0 {
			t.RoundTripLeastNS = &least
		}
	}
	return t
}

// fellDue tells the tallies how many of their sends fell due.
func (m *measurement) fellDue() {
	for i := range m.tallies {
		t := &m.tallies[i]
		t.fellDue(m.offered[i])
		for k := range t.kinds {
			t.kinds[k].fellDue(m.ofKinds[i][k])
		}
	}
}

func (t *tally) fellDue(n int64) {
	t.counts.Offered, t.counts.Dropped = n, n-t.counts.Attempted
}

// stage is what came of a tally's sends, and of each kind of a mix; from and last are in the case's time.
func (m *measurement) stage(t *tally, from, last int64) (results.Stage, error) {
	out := results.Stage{Measured: m.measured(t, from, last, m.plan.mould.each())}
	for i := range t.kinds {
		k := &m.plan.mould.kinds[i]
		out.Kinds = append(out.Kinds, results.Kind{Name: k.name, Mode: string(k.mode), Measured: m.measured(&t.kinds[i], from, last, k.each)})
	}
	times := m.times(t)
	return out, times.Set(&out.Measured, out.Kinds, string(m.plan.mode))
}

// measured is what came of a tally's sends but for their times, with bodies of so many bytes each; 0: they differ.
func (m *measurement) measured(t *tally, from, last int64, each int) results.Measured {
	out := results.Measured{Counts: t.counts, StartOffsetNS: m.offset + from, ElapsedNS: max(last-from, 0)}
	out.Retries, out.AmbiguousAttempts = new(t.retries), new(t.ambiguous)
	if each > 0 {
		out.BodyBytesEach = new(int64(each))
	}
	n := out.Successes()
	out.BodyBytes = new(t.bodyBytes)
	out.MessagesPerSecond = results.PerSecond(n, out.ElapsedNS)
	out.BodyBytesPerSecond = results.PerSecond(t.bodyBytes, out.ElapsedNS)
	return out
}

// zeros is a histogram of n durations of 0, made by doubling: n can be billions.
func zeros(n int64) *results.Histogram {
	h := results.NewHistogram()
	for bit := bits.Len64(uint64(n)) - 1; bit >= 0; bit-- {
		twice := results.NewHistogram()
		_, _ = twice.Merge(h), twice.Merge(h) // of one configuration: can't fail
		if n>>bit&1 == 1 {
			twice.Record(0)
		}
		h = twice
	}
	return h
}

// generator is the evidence of whether the generator was the limit.
func (m *measurement) generator(t *tally, elapsed int64) results.Generator {
	g := results.Generator{Workers: m.workers, TimerP99NS: new(m.timerP99)}
	capacity := m.workers
	if m.plan.open && m.plan.auto && m.plan.mode != scenarios.Async {
		g.WorkersMost = maxAutoWorkers
	}
	if m.plan.mode == scenarios.Async {
		g.InFlightCap, g.InFlightCapBytes, capacity = m.plan.inFlight, m.plan.inFlightBytes, m.plan.mostInFlight()
	}
	g.MissedBoundNS = results.MissedBound(t.service.Quantile(0.5), m.timerP99)
	if elapsed > 0 && capacity > 0 {
		g.WorkersBusyShare = new(min(float64(t.callTime)/(float64(capacity*m.plan.batch)*float64(elapsed)), 1))
	}
	if m.plan.open {
		g.PacerSpunNS = new(m.spun)
		g.Slots, g.MissedSlots = t.counts.Offered, t.late.CountAbove(g.MissedBoundNS)
		if first := t.first.Quantile(0.5); first > 0 && t.last.Count() > 0 {
			g.ServiceGrowth = new(float64(t.last.Quantile(0.5)) / float64(first))
		}
	}
	m.process.evidence(&g)
	m.stood.evidence(&g)
	return g
}
