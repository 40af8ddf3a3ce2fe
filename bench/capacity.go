package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// CapacityOptions is what a search for a capacity needs beside its scenario.
type CapacityOptions struct {
	Options
	MaxRate   scenarios.Rate // no step is faster; zero: none, which is refused off loopback
	Budget    time.Duration  // no step begins that would not end within it; 0 means 15m
	Step      time.Duration  // a step, if that is long enough for the percentiles demanded; 0 means 5s
	Confirm   time.Duration  // the longer run that confirms an answer; 0 means 60s
	Rounds    int            // answers, each found and confirmed anew; 0 means 3
	Steps     int            // of a share: of the stairs that all climb; 0 means 8
	Tolerance float64        // rates this share apart are not told apart; 0 means 0.01
	Resume    *results.Run   // a search of the same scenario and options that did not come to its end; nil: begin anew
	Lose      int            // search once more without so many of the busiest brokers; 0: don't
	Need      scenarios.Rate // say how many brokers hold that rate; zero: nobody asks
	Headroom  float64        // with that share of them left free, 0 to under 1

	// Told is told of each step as it ends, and which brokers it was with: "" means all that there are. nil: nobody listens.
	Told func(with string, step results.CapacityStep)
}

func (o CapacityOptions) withDefaults() CapacityOptions {
	const budget, step, confirm, rounds, steps, tolerance = 15 * time.Minute, 5 * time.Second, time.Minute, 3, 8, 0.01
	o.Budget, o.Step, o.Confirm = cmp.Or(o.Budget, budget), cmp.Or(o.Step, step), cmp.Or(o.Confirm, confirm)
	o.Rounds, o.Steps, o.Tolerance = cmp.Or(o.Rounds, rounds), cmp.Or(o.Steps, steps), cmp.Or(o.Tolerance, tolerance)
	return o
}

// Capacity looks for the highest rate that the target of s holds under its objectives. s has one case, an open loop,
// whose first stage has the rate to begin with. Where no objective speaks of errors one of 1 % is added: refusals are
// fast. The record's Cases are the runs that confirmed the answer, or the last step where none did. ctx's end is an
// interrupt, as it is to [Run]; errors are as Run's, scenarios.Faults too.
//
// With o.Share it doesn't search: it sends its share of Steps rates from the first to MaxRate, in Rounds rounds, which all shares know
// beforehand. Which of them hold is for [results.Merger] to say.
func Capacity(ctx context.Context, s *scenarios.Scenario, o CapacityOptions) (_ *Report, err error) {
	o = o.withDefaults()
	c, err := searchable(s)
	if err != nil {
		return nil, err
	}
	if o.Share != nil {
		return climb(ctx, s, c, o)
	}
	r, err := begin(ctx, s, o.Options, 0)
	if err != nil {
		return nil, err
	}
	r.uncapped = o.MaxRate.IsZero()
	q := &quest{runner: r, options: &o, ends: time.Now().Add(o.Budget)}
	if o.Resume != nil {
		if err := q.resumes(o.Resume); err != nil {
			return nil, err
		}
	}
	r.targets, err = preflight(ctx, []scenarios.Case{o.most(c)}, r.Options)
	defer func() {
		if err != nil {
			r.giveUp(ctx)
		}
	}()
	if err != nil {
		return nil, err
	}
	if r.targets[0] != nil && r.targets[0].record.Proxy && (o.Lose > 0 || !o.Need.IsZero()) {
		return nil, scenarios.Faults{{Msg: "--lose and --need speak of single brokers, of which nothing is known through a proxy; give the name server behind it"}}
	}
	st, err := newStand(ctx, c, r.targets[0], 0, r.lot(c))
	if err != nil {
		return nil, err
	}
	st.hurry = r.Hurry
	defer st.close()
	r.run.Target = st.record
	if there := len(brokersOf(st.queues)); o.Lose >= there {
		return nil, scenarios.Faults{{Msg: fmt.Sprintf("--lose %d: of %s nothing would be left", o.Lose, results.FormatCount(there, "broker"))}}
	}
	if err := q.search(ctx, c, st); err != nil {
		return nil, err
	}
	var sent int64
	r.run.Capacity.EachStep(func(step *results.CapacityStep) { sent += step.Successes() })
	return r.end(ctx, sent)
}

// most is a case that sends as much as the search can: the ceiling for all of its budget, and without a ceiling whatever is answered.
// It is what disks have to hold, however fast c itself begins.
func (o CapacityOptions) most(c *scenarios.Case) scenarios.Case {
	most := *c
	most.Load.Count, most.Load.Stages = 0, []scenarios.Stage{{For: scenarios.Duration(o.Budget), Rate: o.MaxRate}}
	return most
}

// quest is one call of Capacity: the search with all brokers, and those with some of them.
type quest struct {
	*runner
	options *CapacityOptions
	ends    time.Time         // the budget
	before  *results.Capacity // that is resumed; nil: none
	kept    []results.Case    // of before's run, those of searches that haven't been gone through yet
	steps   int               // of all searches so far
}

// search searches with all brokers of st, and then with those that are left when the busiest are lost and those that show
// whether capacity grows with the brokers' number. The budget is shared out evenly.
func (q *quest) search(ctx context.Context, c *scenarios.Case, st *stand) error {
	there := len(brokersOf(st.queues))
	few := min(2, there-1) // brokers that the assumption of --need is checked with
	parts := 1
	if q.options.Lose > 0 {
		parts++
	}
	if !q.options.Need.IsZero() && few > 0 && there-q.options.Lose != few {
		parts++
	}
	h := newHunt(q.run, c, q.options)
	q.run.Capacity = h.record
	h.ends = q.share(parts)
	if err := q.hunt(ctx, st, h, q.before); err != nil {
		return err
	}
	answer := h.record
	if q.options.Need.IsZero() {
		few = 0
	}
	order := busiest(h.latest(), brokersOf(st.queues))
	for _, p := range partsOf(order, q.options.Lose, few) {
		parts--
		if answer.RatePerSecond == nil || ctx.Err() != nil || q.run.CutShort != "" || len(q.run.Lost) > 0 {
			break
		}
		if err := q.part(ctx, c, st, p, *answer.RatePerSecond*float64(len(p.Brokers))/float64(there), q.share(parts)); err != nil {
			q.run.Lost = append(q.run.Lost, fmt.Sprintf("search %s: %v", p.With(), err))
		}
	}
	if !q.options.Need.IsZero() {
		answer.Reckon(q.options.Need.PerSecond(), q.options.Headroom, there)
	}
	return nil
}

// share is when a search must end of which so many are still to come, itself included.
func (q *quest) share(parts int) time.Time {
	return time.Now().Add(time.Until(q.ends) / time.Duration(max(parts, 1)))
}

// partsOf are the searches with some of the brokers only, which come the busiest first: without as many as are lost, and with
// few of them. They may be one and the same.
func partsOf(order []string, lose, few int) []results.CapacityPart {
	var parts []results.CapacityPart
	if lose > 0 {
		parts = append(parts, results.CapacityPart{Brokers: slices.Sorted(slices.Values(order[lose:])), Lost: slices.Sorted(slices.Values(order[:lose]))})
	}
	if few > 0 && len(order)-lose != few {
		parts = append(parts, results.CapacityPart{Brokers: slices.Sorted(slices.Values(order[len(order)-few:]))})
	}
	return parts
}

// part searches with some of the brokers only, from a rate on. The cluster isn't touched: the routes of a producer of its own
// are cut.
func (q *quest) part(ctx context.Context, c *scenarios.Case, st *stand, p results.CapacityPart, start float64, ends time.Time) error {
	own := *c
	own.Target.Brokers = p.Brokers
	own.Load.Stages = []scenarios.Stage{{For: c.Load.Stages[0].For, Rate: perSecond(start)}}
	with, err := newStand(ctx, &own, st.target, len(q.run.Capacity.Parts)+1, q.lot(&own))
	if err != nil {
		return err
	}
	with.hurry = q.Hurry
	defer with.close()
	h := newHunt(q.run, &own, q.options)
	h.with, h.ends = p.With(), ends
	var before *results.Capacity
	if q.before != nil {
		for i := range q.before.Parts {
			if old := &q.before.Parts[i]; slices.Equal(old.Brokers, p.Brokers) {
				before = &old.Capacity
			}
		}
	}
	err = q.hunt(ctx, with, h, before)
	p.Capacity = *h.record
	if len(p.Steps) > 0 {
		q.run.Capacity.Parts = append(q.run.Capacity.Parts, p)
	}
	return err
}

// hunt takes a search to its end, from where it was left before.
func (q *quest) hunt(ctx context.Context, st *stand, h *hunt, before *results.Capacity) error {
	if before != nil {
		if err := q.resume(h, before); err != nil {
			return err
		}
	}
	first := q.steps
	err := h.search(ctx, func(ctx context.Context, c *scenarios.Case, index int) (*measurement, error) {
		m, err := q.measure(ctx, st, c, first+index)
		if err == nil {
			q.series = append(q.series, m.series.of(c.Name, 0, m.offset)...)
			q.run.Outages = append(q.run.Outages, m.outages(c.Name, 0)...)
		}
		return m, err
	})
	q.steps += len(h.record.Steps)
	q.histograms = append(q.histograms, h.logs...)
	h.record.BytesOut += st.producers.stats().BytesOut
	return err
}

// brokersOf are the names of the queues' brokers, in order.
func brokersOf(queues []producer.MessageQueue) []string {
	var names []string
	for _, q := range queues {
		names = append(names, q.Broker)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// busiest are the brokers by what c acknowledged of each, most first; those of which nothing is known last.
func busiest(c *results.Case, brokers []string) []string {
	took := map[string]int64{}
	if c != nil {
		for _, b := range c.Brokers {
			took[b.Broker] = b.Acknowledged
		}
	}
	slices.SortStableFunc(brokers, func(a, b string) int { return cmp.Compare(took[b], took[a]) })
	return brokers
}

// searchable is the one case of s, made ready for a search.
func searchable(s *scenarios.Scenario) (*scenarios.Case, error) {
	cases := s.Cases()
	c := cases[0]
	fault := func(format string, args ...any) (*scenarios.Case, error) {
		return nil, scenarios.Faults{{Msg: fmt.Sprintf(format, args...)}}
	}
	speaks := func(of string) func(scenarios.Objective) bool {
		return func(o scenarios.Objective) bool { return o.Metric.Name == of }
	}
	switch {
	case len(cases) > 1:
		return fault("capacity looks at one case at a time, and %s has %d", s.Name, len(cases))
	case s.Repeat > 1:
		return fault("capacity finds its answer several times by itself; give --rounds %d instead of repeat", s.Repeat)
	case !c.Load.OpenLoop():
		return fault("capacity needs a rate to begin with; give --start 1k/s")
	case c.Load.Uses(scenarios.Oneway):
		return fault("oneway sends have no answers: how fast bytes can be written is no capacity; use -m sync or -m async")
	case len(c.Events) > 0:
		return fault("events happen at times of their own: capacity looks for a steady state; take them out")
	case len(c.SLO) == 0:
		return fault("no objective: what must hold? Give --slo 'p99<10ms,errors<0.1%%'")
	case slices.ContainsFunc(c.SLO, speaks("rate")):
		return fault("the rate is what capacity looks for, and no objective of it")
	}
	if !slices.ContainsFunc(c.SLO, speaks("errors")) {
		most, err := scenarios.ParseObjectives("errors<1%")
		if err != nil {
			return nil, err
		}
		c.SLO = slices.Concat(c.SLO, most)
	}
	return &c, nil
}

// searchOptionsOf sizes the steps for what the objectives need.
func searchOptionsOf(c *scenarios.Case, o *CapacityOptions) searchOptions {
	const spare = 1.2 // of the sends that a percentile needs: some may fail
	so := searchOptions{start: c.Load.Stages[0].Rate.PerSecond(), ceiling: o.MaxRate.PerSecond(),
		tolerance: o.Tolerance, rounds: o.Rounds, length: o.Step, confirm: o.Confirm}
	for _, objective := range c.SLO {
		so.sends = max(so.sends, spare*float64(results.PercentileNeeds(objective.Metric.Name)))
	}
	return so
}

// hunt is a search under way, and the record of it.
type hunt struct {
	run    *results.Run
	record *results.Capacity // run's
	logs   []results.TaggedHistogram
	of     *scenarios.Case
	states *search
	told   func(with string, step results.CapacityStep)
	with   string    // which brokers only; "": all of them
	ends   time.Time // the budget

	quiet, breaks sighting // the case at the lowest rate that held, and at the lowest that broke
	confirmed     sighting // the last one
	last          sighting
}

// sighting is a case that a step measured.
type sighting struct {
	rate  float64
	of    *results.Case // nil: none yet
	logs  []results.TaggedHistogram
	clues results.LimitClues
	limit *results.CapacityLimit // what a search that is resumed had found of it, with more clues
}

func newHunt(run *results.Run, c *scenarios.Case, o *CapacityOptions) *hunt {
	h := &hunt{run: run, record: &results.Capacity{Ended: results.EndedInterrupted, Rounds: []float64{}}, of: c, states: newSearch(searchOptionsOf(c, o)), told: o.Told, ends: time.Now().Add(o.Budget)}
	for _, objective := range c.SLO {
		h.record.Objectives = append(h.record.Objectives, objective.String())
	}
	return h
}

// latest is the last case that confirmed a rate, or that was measured at all; nil: none.
func (h *hunt) latest() *results.Case {
	if h.confirmed.of != nil {
		return h.confirmed.of
	}
	return h.last.of
}

// errNotResumed says why a search can't go on.
func errNotResumed(why string) error { return scenarios.Faults{{Msg: "this can't be resumed: " + why}} }

// resumes checks that before is a search of this scenario, and keeps it.
func (q *quest) resumes(before *results.Run) error {
	if before.Capacity == nil {
		return errNotResumed("it is no search for a capacity")
	}
	var same bytes.Buffer
	if err := json.Compact(&same, before.Scenario); err != nil || !bytes.Equal(same.Bytes(), q.run.Scenario) {
		return errNotResumed("it was of another scenario, or had other flags")
	}
	q.before, q.kept = before.Capacity, before.Cases
	return nil
}

// resume has h go the way of a search that did not come to its end once more, by what its steps found.
func (q *quest) resume(h *hunt, before *results.Capacity) error {
	for i := range before.Steps {
		step := before.Steps[i]
		t, more := h.states.next()
		f := slices.Index(findings[:], step.Found)
		if !more || f < 0 || t.rate != step.RatePerSecond || string(t.phase) != step.Phase || int64(t.length) != step.PlannedNS {
			return errNotResumed("its steps are not those of this search; give the same --start, --max-rate, --step and --confirm")
		}
		measured := results.Case{Name: h.caseOf(t, i).Name, Measured: step.Measured}
		if finding(f) == held && t.phase == confirming && len(q.kept) > 0 { // of a confirmation the whole case was kept
			measured, q.kept = q.kept[0], q.kept[1:]
		}
		h.file(t, finding(f), step, measured, nil, results.LimitClues{Setting: SettingOf})
	}
	h.record.BytesOut, h.breaks.limit = before.BytesOut, before.Limit
	return nil
}

// search takes steps until the search itself, the budget or ctx ends it, and completes the record.
func (h *hunt) search(ctx context.Context, try func(ctx context.Context, c *scenarios.Case, index int) (*measurement, error)) error {
	defer h.answer()
	for i := len(h.record.Steps); ; i++ {
		t, more := h.states.next()
		switch {
		case !more:
			h.record.Ended = h.whyOver()
			return nil
		case ctx.Err() != nil:
			h.interrupted()
			return nil
		case time.Until(h.ends) < t.length+settle(t.length):
			h.record.Ended = results.EndedBudget
			return nil
		}
		c := h.caseOf(t, i)
		m, err := try(ctx, c, i)
		if err == nil && m.stopped != nil && m.stopped.by == results.StoppedByDisk { // no rate is to blame
			h.record.Ended = results.EndedInterrupted
			h.run.CutShort, h.run.StoppedBy = m.stopped.why, m.stopped.by
			return nil
		}
		if err == nil && m.interrupted {
			h.interrupted()
			return nil
		}
		if err == nil {
			err = h.weigh(t, c, m)
		}
		switch {
		case err == nil:
		case i == 0:
			return err
		default: // what was found stays
			h.run.Lost = append(h.run.Lost, fmt.Sprintf("step %s: %v", c.Name, err))
			return nil
		}
	}
}

func (h *hunt) interrupted() {
	h.record.Ended, h.run.CutShort = results.EndedInterrupted, results.Interrupted
}

// whyOver is why the search itself ended.
func (h *hunt) whyOver() string {
	switch s := h.states; {
	case s.capped:
		return results.EndedCeiling
	case s.ours:
		return results.EndedGenerator
	case len(s.answers) == 0:
		return results.EndedNothingHeld
	}
	return results.EndedFound
}

// settle is the time that a step's queues get to fill before it is measured.
func settle(length time.Duration) time.Duration { return max(length/5, time.Second/2) }

// caseOf is the case of one trial: a warm-up, and quarters at one rate. Each trial has a seed of its own, so that chance
// is not the same each time.
func (h *hunt) caseOf(t trial, index int) *scenarios.Case {
	c := *h.of
	c.Name = fmt.Sprintf("%s %s/s", t.phase, results.FormatRate(t.rate))
	if h.with != "" {
		c.Name = h.with + ": " + c.Name
	}
	if t.phase == confirming {
		c.Name += fmt.Sprintf(" (round %d)", t.round+1)
	}
	c.Seed += uint64(index)
	c.Load.Count = 0
	rate := perSecond(t.rate)
	c.Load.Stages = []scenarios.Stage{{For: scenarios.Duration(settle(t.length)), Rate: rate, Warmup: true}}
	for range results.SteadyQuarters {
		c.Load.Stages = append(c.Load.Stages, scenarios.Stage{For: scenarios.Duration(t.length / results.SteadyQuarters), Rate: rate})
	}
	return &c
}

// perSecond is a rate of so many a second; those below 1/s have digits too.
func perSecond(n float64) scenarios.Rate {
	const grain = 1000
	return scenarios.Rate{Count: int64(math.Round(n * grain)), Per: grain * time.Second}
}

// weigh judges what a trial measured and files it.
func (h *hunt) weigh(t trial, of *scenarios.Case, m *measurement) error {
	c, logs, err := m.record(of)
	if err != nil {
		return err
	}
	judged := &results.Run{Target: h.run.Target, Cases: []results.Case{c}}
	results.Judge(judged)
	c = judged.Cases[0]
	found, why, err := results.Weigh(&c)
	if err != nil {
		return err
	}
	f := finding(slices.Index(findings[:], found))
	step := results.CapacityStep{Phase: string(t.phase), Round: t.round, RatePerSecond: t.rate, PlannedNS: int64(t.length),
		Found: findings[f], Why: why, Verdict: c.Verdict, Measured: c.Measured}
	h.file(t, f, step, c, logs, results.LimitClues{Failed: m.ledger.failed, Said: m.said(), Setting: SettingOf})
	if h.told != nil {
		h.told(h.with, step)
	}
	return nil
}

// findings are their names in the record.
var findings = [...]string{held: results.StepHeld, broke: results.StepBroke, limited: results.StepLimited}

// file takes a step into the record, and what it found to the states.
func (h *hunt) file(t trial, f finding, step results.CapacityStep, c results.Case, logs []results.TaggedHistogram, clues results.LimitClues) {
	h.record.Steps = append(h.record.Steps, step)
	now := sighting{rate: t.rate, of: &c, logs: logs, clues: clues}
	h.last = now
	switch f {
	case held:
		if h.quiet.of == nil || t.rate < h.quiet.rate {
			h.quiet = now
		}
		h.record.HeldPerSecond = new(max(t.rate, deref(h.record.HeldPerSecond)))
		if t.phase == confirming {
			h.confirmed = now
			h.run.Cases, h.logs = append(h.run.Cases, c), append(h.logs, logs...)
		}
	case broke:
		if h.breaks.of == nil || t.rate <= h.breaks.rate {
			h.breaks = now
		}
	}
	h.states.tell(f)
}

// answer completes the record.
func (h *hunt) answer() {
	r := h.record
	r.Rounds = append([]float64{}, h.states.answers...)
	if mean, low, high, ok := h.states.interval(); mean > 0 {
		r.RatePerSecond = &mean
		if ok {
			r.LowPerSecond, r.HighPerSecond = &low, &high
		}
	}
	r.AtLeast = r.Ended == results.EndedCeiling || r.Ended == results.EndedGenerator
	r.Limit = h.limit()
	r.FindKnee()
	if len(h.run.Cases) == 0 && h.last.of != nil {
		h.run.Cases, h.logs = []results.Case{*h.last.of}, h.last.logs
	}
}

// limit says what kept the target from more.
func (h *hunt) limit() *results.CapacityLimit {
	switch h.record.Ended {
	case results.EndedCeiling:
		return &results.CapacityLimit{Kind: "ceiling", Text: "the ceiling that was given with --max-rate"}
	case results.EndedGenerator:
		var first *results.CapacityStep // above the answer
		for i := range h.record.Steps {
			if s := &h.record.Steps[i]; s.Found == results.StepLimited && s.RatePerSecond > deref(h.record.RatePerSecond) && (first == nil || s.RatePerSecond < first.RatePerSecond) {
				first = s
			}
		}
		if first != nil {
			return &results.CapacityLimit{Kind: "generator", Text: "this generator, and what the target holds is not known: at " + results.FormatRate(first.RatePerSecond) + "/s " + first.Why}
		}
	}
	if h.breaks.of == nil {
		return nil
	}
	l := results.LimitOf(&h.run.Target, h.breaks.of, h.quiet.of, h.breaks.clues)
	if was := h.breaks.limit; was != nil && was.Kind == l.Kind {
		return was
	}
	return l
}

// SettingOf is the key in broker.conf that governs why a broker is busy, such as waitTimeMillsInSendQueue of "[TIMEOUT_CLEAN_QUEUE]"; ""
// where there is none, or none is known.
func SettingOf(reason string) string {
	return remoting.NewBrokerError("", remoting.SystemBusy, reason).Pushback().Setting()
}
