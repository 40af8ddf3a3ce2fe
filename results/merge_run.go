package results

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// mostSeries is up to how many shares a merged run keeps their series: more would be larger than anybody reads.
const mostSeries = 64

// merging is a merge under way: the first share, to which the others are added.
type merging struct {
	of      int
	setting func(reason string) string // Merger.Setting
	whole   *Whole
	cases   []mergingCase
	allocs  float64 // of all successes
}

func (g *merging) add(w *Whole) error {
	row := w.Run.row()
	if w.LeftOut != nil {
		row.LeftOut = w.LeftOut.Parts
		w.LeftOut = nil // the merged run's rows tell
	}
	w.Run.Shards = []ShardRow{row}
	stepped := w.Run.Capacity != nil && w.Run.StoppedBy == StoppedByGuard // that the target could take no more is an answer
	if w.Run.CutShort != "" && !stepped {                                 // of the merged run a part is lost; itself it came to its end
		w.Run.Lost = append(w.Run.Lost, fmt.Sprintf("the rest of %s: %s", w.Run.Shard.named(), w.Run.CutShort))
	}
	w.Run.CutShort = ""
	w.keepSeries(g.of)
	first := g.whole == nil
	if err := w.stepped(g.whole); err != nil {
		return err
	}
	if first {
		g.whole = w
		g.cases = make([]mergingCase, len(w.Cases))
	}
	if len(w.Cases) != len(g.cases) {
		return fmt.Errorf("it has %d cases, the shares before it %d", len(w.Cases), len(g.cases))
	}
	for i := range w.Cases {
		if err := g.addCase(i, w); err != nil {
			return fmt.Errorf("case %s: %w", Printable(w.Run.Cases[i].Name), err)
		}
	}
	if p := w.Run.Process; p != nil {
		g.allocs += perMessage(p.AllocsPerMessage, w.Run.successes())
	}
	if first {
		return nil
	}
	return g.addRun(w)
}

// successes are those of all cases.
func (r *Run) successes() int64 {
	var sum int64
	for i := range r.Cases {
		sum += r.Cases[i].Successes()
	}
	return sum
}

func perMessage(each *float64, n int64) float64 {
	if each == nil {
		return 0
	}
	return *each * float64(n)
}

// keepSeries marks the points of a share with its number, or leaves them out where there are too many shares for them.
func (w *Whole) keepSeries(of int) {
	if of > mostSeries {
		w.Series = nil
		for i := range w.Run.Cases {
			w.Run.Cases[i].Intervals = nil
		}
	}
	for i := range w.Series {
		w.Series[i].Shard = new(w.Run.Shard.Index)
	}
}

// addRun adds what belongs to no case.
func (g *merging) addRun(w *Whole) error {
	into, from := g.whole.Run, w.Run
	if from.StartedAt.Before(into.StartedAt) {
		into.StartedAt = from.StartedAt
	}
	if from.EndedAt.After(into.EndedAt) {
		into.EndedAt = from.EndedAt
	}
	into.StoppedBy = cmp.Or(into.StoppedBy, from.StoppedBy)
	into.Lost = append(into.Lost, from.Lost...)
	into.Shards = append(into.Shards, from.Shards...)
	into.Outages = append(into.Outages, from.Outages...)
	into.MoreOutages += from.MoreOutages
	into.RouteChanges = foldChanges(into.RouteChanges, from.RouteChanges)
	into.Marks = append(into.Marks, from.Marks...)
	into.Leftover = into.Leftover.and(from.Leftover)
	g.whole.Series = append(g.whole.Series, w.Series...)
	if into.Process == nil || from.Process == nil {
		into.Process = nil
		return nil
	}
	addProcess(into.Process, from.Process)
	return nil
}

func addProcess(into, from *Process) {
	into.CPUNS = sum(into.CPUNS, from.CPUNS)
	into.MaxRSSBytes = atLeast(into.MaxRSSBytes, from.MaxRSSBytes)
}

// sum adds two that may be unknown: the sum is then.
func sum[N int | int64 | float64 | ListHash](a, b *N) *N {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

// end derives all numbers from the sums and the histograms.
func (g *merging) end() (*Whole, error) {
	w := g.whole
	if w == nil {
		return nil, errors.New("nothing to merge: no share fits")
	}
	r := w.Run
	r.Shard = nil
	for i := range r.Cases {
		if err := g.cases[i].end(&r.Cases[i], &w.Cases[i]); err != nil {
			return nil, err
		}
	}
	n := r.successes()
	if p := r.Process; p != nil && n > 0 {
		p.each(n, g.allocs)
	}
	if err := r.poolAgain(w); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.Outages, func(a, b Outage) int { return a.BeganAt.Compare(b.BeganAt) })
	slices.SortStableFunc(r.Marks, func(a, b Mark) int { return a.At.Compare(b.At) })
	type key struct {
		name  string
		round int
	}
	order := map[key]int{}
	for i := range r.Cases {
		order[key{r.Cases[i].Name, r.Cases[i].Round}] = i
	}
	slices.SortStableFunc(w.Series, func(a, b Point) int {
		return cmp.Compare(order[key{a.Case, a.Round}], order[key{b.Case, b.Round}])
	})
	return w, nil
}

// poolAgain puts the rounds together, where there are any.
func (r *Run) poolAgain(w *Whole) error {
	if len(r.Pooled) == 0 {
		return nil
	}
	var names []string
	for i := range r.Pooled {
		names = append(names, r.Pooled[i].Name)
	}
	times, err := w.Histograms()
	if err != nil {
		return err
	}
	r.Pooled, err = Pool(names, r.Cases, times)
	return err
}

// each sets what n messages used, allocs objects in all.
func (p *Process) each(n int64, allocs float64) {
	if p.CPUNS != nil {
		p.CPUNSPerMessage = new(float64(*p.CPUNS) / float64(n))
	}
	if p.AllocsPerMessage != nil {
		p.AllocsPerMessage = new(allocs / float64(n))
	}
}
