package results

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// merge adds another share's histograms but for the stages'.
func (c *WholeCase) merge(from *WholeCase) error {
	var err error
	each := func(into **Histogram, h *Histogram) {
		switch {
		case h == nil:
		case *into == nil:
			*into = h
		default:
			err = errors.Join(err, (*into).Merge(h))
		}
	}
	each(&c.First, from.First)
	each(&c.Last, from.Last)
	if c.Anatomy == nil {
		c.Anatomy = from.Anatomy
	} else {
		for i := range from.Anatomy {
			each(&c.Anatomy[i], from.Anatomy[i])
		}
	}
	for _, q := range from.Queues {
		at, found := slices.BinarySearchFunc(c.Queues, q, compareQueues)
		if found {
			known := &c.Queues[at]
			known.Times.Merge(q.Times)
			known.ServiceNS, known.DelayNS = known.ServiceNS+q.ServiceNS, known.DelayNS+q.DelayNS
		} else {
			c.Queues = slices.Insert(c.Queues, at, q)
		}
	}
	if c.Batches == nil || from.Batches == nil {
		c.Batches = nil
	} else {
		c.Batches.merge(from.Batches)
	}
	return err
}

func compareQueues(a, b QueueTimes) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.Queue, b.Queue))
}

// merge adds the batches of another share, which began at the same time.
func (b *BatchesInOrder) merge(from *BatchesInOrder) {
	for b.LengthNS < from.LengthNS {
		b.double()
	}
	for from.LengthNS < b.LengthNS {
		from.double()
	}
	if b.LengthNS != from.LengthNS { // unlike lengths that no doubling makes alike: no interval rather than a wrong one
		b.Batches = nil
		return
	}
	for i, batch := range from.Batches {
		if i < len(b.Batches) {
			b.Batches[i].Merge(batch)
		} else {
			b.Batches = append(b.Batches, batch)
		}
	}
}

// double puts neighbours together.
func (b *BatchesInOrder) double() {
	var halves []*Packed
	for i := 0; i < len(b.Batches); i += 2 {
		whole := b.Batches[i]
		if i+1 < len(b.Batches) {
			whole.Merge(b.Batches[i+1])
		}
		halves = append(halves, whole)
	}
	b.Batches, b.LengthNS = halves, 2*b.LengthNS
}

// Histograms are those of the run's cases, for its log; with rounds a case has several.
func (w *Whole) Histograms() ([]TaggedHistogram, error) {
	var all []TaggedHistogram
	for i := range w.Cases {
		c := &w.Run.Cases[i]
		total, err := w.Cases[i].total()
		if err != nil {
			return nil, err
		}
		for _, h := range total.Tagged(c.Mode, c.Kinds) {
			h.Case, h.Start, h.Length = c.Name, w.Run.StartedAt.Add(time.Duration(c.StartOffsetNS)), time.Duration(c.ElapsedNS)
			all = append(all, h)
		}
	}
	return all, nil
}

// total is all measured stages' times together.
func (c *WholeCase) total() (*StageTimes, error) {
	total := StageTimes{Times: NewTimes()}
	if len(c.Stages) > 0 {
		for range c.Stages[0].Kinds {
			total.Kinds = append(total.Kinds, NewTimes())
		}
	}
	for i := range c.Stages {
		if err := total.Merge(&c.Stages[i]); err != nil {
			return nil, err
		}
	}
	return &total, nil
}
