package results

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// mergingCase is what a case's record can't hold until the last share is added.
type mergingCase struct {
	whole, warmup span
	stages        []span
	anatomy       [6]float64 // sums, ns
	unknown       bool       // the anatomy of some share isn't known
	busy, ability float64    // of Generator.WorkersBusyShare: weighted by the workers, or the in-flight cap, and these
	allocs        float64
	begun         int    // shares that came to begin it
	limited       string // what kept the first of the shares whose generator was the limit; "": none was
	cut           string // why a share did not send all of it, and it was no answer of the target; "": all did
}

// span is when something began and ended, in nanoseconds after all were to begin it.
type span struct{ from, to int64 }

func (s *span) add(late int64, m *Measured, first bool) {
	from, to := late, late+m.ElapsedNS
	if first {
		*s = span{from, to}
		return
	}
	s.from, s.to = min(s.from, from), max(s.to, to)
}

// addCase adds case i of w to the shares before it. Of the first share that began it only what can't be in the record is noted.
func (g *merging) addCase(i int, w *Whole) error {
	acc, into, from := &g.cases[i], &g.whole.Run.Cases[i], &w.Run.Cases[i]
	hist, more := &g.whole.Cases[i], &w.Cases[i]
	if into.Name != from.Name || into.Round != from.Round || into.Mode != from.Mode || into.OpenLoop != from.OpenLoop {
		return fmt.Errorf("the shares before it have another case here: %s", Printable(into.Name))
	}
	acc.noteShare(w.Run.Shard, from)
	if from.Avoidance != nil {
		for j := range from.Avoidance.Spells {
			from.Avoidance.Spells[j].Shard = new(w.Run.Shard.Index)
		}
	}
	if from.CutShort != "" {
		from.CutShort = fmt.Sprintf("%s: %s", w.Run.Shard.named(), from.CutShort)
	}
	if len(from.Stages) == 0 && from.CutShort != "" { // it was over before this one's turn
		if into != from {
			into.CutShort, into.StoppedBy = joinWords(into.CutShort, from.CutShort), cmp.Or(into.StoppedBy, from.StoppedBy)
		}
		return nil
	}
	acc.begun++
	first := acc.begun == 1
	if first && into != from { // those before it did not come to begin it
		from.CutShort, from.StoppedBy = joinWords(into.CutShort, from.CutShort), cmp.Or(into.StoppedBy, from.StoppedBy)
		*into, *hist = *from, *more
	}
	if into.ScheduleHash != from.ScheduleHash {
		return fmt.Errorf("the shares before it have another schedule in %s", Printable(into.Name))
	}
	var late int64
	if from.LateNS != nil {
		late = *from.LateNS
	}
	if first {
		acc.stages = make([]span, len(from.Stages))
	}
	if len(from.Stages) != len(acc.stages) || (from.Warmup == nil) != (into.Warmup == nil) {
		return fmt.Errorf("it has %d stages, the shares before it %d", len(from.Stages), len(acc.stages))
	}
	acc.whole.add(late, &from.Measured, first)
	if from.Warmup != nil {
		acc.warmup.add(late, &from.Warmup.Measured, first)
	}
	for j := range from.Stages {
		acc.stages[j].add(late, &from.Stages[j].Measured, first)
	}
	acc.note(from)
	if first {
		return nil
	}
	into.SentHash, into.PlacedHash = sum(into.SentHash, from.SentHash), sum(into.PlacedHash, from.PlacedHash)
	into.CutShort, into.StoppedBy = joinWords(into.CutShort, from.CutShort), cmp.Or(into.StoppedBy, from.StoppedBy)
	into.LateNS = atLeast(into.LateNS, from.LateNS)
	into.Measured.sum(&from.Measured)
	err := sumKinds(into.Kinds, from.Kinds)
	if from.Warmup != nil {
		err = errors.Join(err, into.Warmup.sum(from.Warmup), hist.Warmup.Merge(more.Warmup))
	}
	for j := range from.Stages {
		err = errors.Join(err, into.Stages[j].sum(&from.Stages[j]), hist.Stages[j].Merge(&more.Stages[j]))
	}
	into.addShares(from)
	into.Generator.add(&from.Generator)
	if into.Process != nil && from.Process != nil {
		addProcess(into.Process, from.Process)
	} else {
		into.Process = nil
	}
	return errors.Join(err, hist.merge(more))
}

func joinWords(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// noteShare keeps what a share says of itself, and what the sums don't show.
func (acc *mergingCase) noteShare(s *Shard, c *Case) {
	for _, e := range c.Evidence {
		if e.Verdict == GeneratorLimited && acc.limited == "" {
			acc.limited = fmt.Sprintf("%s: %s", s.named(), e.Text)
		}
	}
	switch {
	case acc.cut != "":
	case len(c.Stages) == 0 || c.CutShort != "" && c.StoppedBy != StoppedByGuard && c.StoppedBy != StoppedByErrors && c.StoppedBy != StoppedByObjective:
		acc.cut = fmt.Sprintf("%s: %s", s.named(), c.CutShort)
	case c.LateNS != nil && *c.LateNS > int64(lateShard):
		acc.cut = fmt.Sprintf("%s began %s late", s.named(), FormatDuration(*c.LateNS))
	}
}

// note keeps what has to be weighted.
func (acc *mergingCase) note(c *Case) {
	n := c.Timed(c.Mode)
	if c.Anatomy == nil {
		acc.unknown = acc.unknown || n > 0
	} else {
		for i, p := range anatomyParts {
			acc.anatomy[i] += float64(p.of(c.Anatomy).Mean) * float64(n)
		}
	}
	g := &c.Generator
	width := float64(cmp.Or(g.InFlightCap, g.Workers))
	if g.WorkersBusyShare != nil {
		acc.busy += *g.WorkersBusyShare * width
		acc.ability += width
	}
	if c.Process != nil {
		acc.allocs += perMessage(c.Process.AllocsPerMessage, c.Successes())
	}
}

func (acc *mergingCase) end(c *Case, w *WholeCase) error {
	if acc.begun == 0 {
		return nil
	}
	total, err := w.total()
	if err != nil {
		return err
	}
	for i := range w.Stages {
		err = errors.Join(err, c.Stages[i].derive(c.Stages[i].Kinds, &w.Stages[i], acc.stages[i], c.Mode))
	}
	if w.Warmup != nil {
		err = errors.Join(err, c.Warmup.derive(c.Warmup.Kinds, w.Warmup, acc.warmup, c.Mode))
	}
	if err := errors.Join(err, c.derive(c.Kinds, total, acc.whole, c.Mode)); err != nil {
		return err
	}
	if c.Transport != nil {
		c.WireBytesPerSecond = PerSecond(c.Transport.BytesOut, c.ElapsedNS)
	}
	if len(c.Stages) == 1 {
		times := c.Response
		if c.Mode == modeOneway {
			times = c.WriteTime
		}
		w.Batches.Confide(times)
	}
	n := c.Successes()
	if p := c.Process; p != nil && n > 0 {
		p.each(n, acc.allocs)
	}
	c.Anatomy = nil
	if n = c.Timed(c.Mode); !acc.unknown && w.Anatomy != nil && n > 0 {
		c.Anatomy = &Anatomy{}
		for i, p := range anatomyParts {
			if h := w.Anatomy[i]; h != nil {
				*p.of(c.Anatomy) = NewPart(int64(math.Round(acc.anatomy[i]/float64(n))), h)
			}
		}
	}
	if acc.ability > 0 {
		c.Generator.WorkersBusyShare = new(acc.busy / acc.ability)
	}
	c.Generator.ServiceGrowth = nil
	if w.First != nil && w.Last != nil {
		if before := w.First.Quantile(0.5); before > 0 && w.Last.Count() > 0 {
			c.Generator.ServiceGrowth = new(float64(w.Last.Quantile(0.5)) / float64(before))
		}
	}
	c.SetQueues(w.Queues)
	return nil
}

// derive sets the rates and the times of all shares' sends, and of the kinds that they are of.
func (m *Measured) derive(kinds []Kind, t *StageTimes, s span, mode string) error {
	m.rates(s)
	for i := range kinds {
		kinds[i].rates(s)
	}
	return t.Set(m, kinds, mode)
}

func (m *Measured) rates(s span) {
	m.ElapsedNS = s.to - s.from
	m.MessagesPerSecond = PerSecond(m.Successes(), m.ElapsedNS)
	m.BodyBytesPerSecond = nil
	if m.BodyBytes != nil {
		m.BodyBytesPerSecond = PerSecond(*m.BodyBytes, m.ElapsedNS)
	}
}

// SetQueues sets the shares of queues, topics and brokers, and the skew, from the queues' times, which are in order.
func (c *Case) SetQueues(queues []QueueTimes) {
	c.Queues = nil
	for i := range queues {
		c.Queues = append(c.Queues, queues[i].share())
	}
	c.Topics = together(queues, func(q *QueueTimes) Share { return Share{Topic: q.Topic} })
	c.Brokers = together(queues, func(q *QueueTimes) Share { return Share{Broker: q.Broker} })
	c.Skew = SkewOfQueues(c.Queues)
}

// together are the shares of all that of gives one name to, by it; what has none is left out.
func together(queues []QueueTimes, of func(*QueueTimes) Share) []Share {
	var all []Share
	times := map[Share]*QueueTimes{}
	for i := range queues {
		s, q := of(&queues[i]), &queues[i]
		switch {
		case s == Share{}:
			continue
		case times[s] == nil:
			times[s] = &QueueTimes{Times: &Packed{}}
			all = append(all, s)
		}
		t := times[s]
		t.Times.Merge(q.Times)
		t.ServiceNS, t.DelayNS = t.ServiceNS+q.ServiceNS, t.DelayNS+q.DelayNS
	}
	for i, s := range all {
		t := times[s]
		all[i].Acknowledged, all[i].P99NS = t.Times.Count(), t.Times.P99()
		all[i].timed(t.ServiceNS, t.DelayNS)
	}
	slices.SortFunc(all, func(a, b Share) int { return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Broker, b.Broker)) })
	return all
}
