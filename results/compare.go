package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// ComparisonSchema is the version of a comparison's record.
const ComparisonSchema = "rmqbench.comparison/1"

// Outcome is what came of comparing one metric.
type Outcome string

const (
	Better       Outcome = "better"
	Worse        Outcome = "worse"
	NoDifference Outcome = "no difference found" // which isn't "equal": see Row.Smallest
	Inconclusive Outcome = "inconclusive"        // too noisy, too few, or of other machines; see Row.Why
)

// Comparison is what differs between two sides.
type Comparison struct {
	Schema string `json:"schema"`
	Base   string `json:"base"`
	New    string `json:"new"`
	Paired bool   `json:"paired"` // values of one round were measured side by side

	// Embedded: either was measured on an embedded broker, so that this is of the client, never of RocketMQ.
	Embedded bool `json:"embedded,omitempty"`

	Rounds [2]int `json:"rounds"` // of base and new

	// Differs is in what the two are unlike: by design in an ab, because it was allowed (AllowedUnlike) elsewhere.
	Differs       []Difference `json:"differs,omitempty"`
	AllowedUnlike bool         `json:"allowed_unlike,omitempty"`

	// Ran is where the first run of each side ran, on what and how, by name; not of Go benchmark text.
	Ran []Difference `json:"ran,omitempty"`

	Alpha         float64      `json:"alpha"`          // adjusted p under this is a difference
	MaxRegression float64      `json:"max_regression"` // a change up to this is tolerated
	Rows          []Row        `json:"rows"`
	Shifts        []Shift      `json:"shifts,omitempty"`
	Missing       []string     `json:"missing,omitempty"`      // on one side only: case and metric
	Doubts        []string     `json:"doubts,omitempty"`       // what keeps the whole from a clear answer
	Outcome       Outcome      `json:"outcome"`                // worse if any row is; see Status
	BaseVerdict   Verdict      `json:"base_verdict,omitempty"` // the worst of its rounds'
	NewVerdict    Verdict      `json:"new_verdict,omitempty"`
	SLO           []Objective  `json:"slo,omitempty"` // demanded of NEW
	Samples       []RowSamples `json:"samples,omitempty"`
}

// RowSamples are the values behind a row, a round each.
type RowSamples struct {
	Case   string    `json:"case"`
	Metric string    `json:"metric"`
	Base   []float64 `json:"base"`
	Again  []float64 `json:"again,omitempty"` // of the base measured a second time
	New    []float64 `json:"new"`
}

// Row is one metric of one case.
type Row struct {
	Case   string  `json:"case"`
	Metric Metric  `json:"metric"`
	Base   float64 `json:"base"` // medians
	New    float64 `json:"new"`
	Change
	AdjustedP *float64 `json:"p_holm"`           // null where no test was made
	Width     float64  `json:"width"`            // what a change must exceed: the greater of what is tolerated and of what noise does
	Noise     *float64 `json:"noise"`            // three deviations of the same estimate, made of one thing measured twice
	Smallest  *float64 `json:"smallest_visible"` // change that would have been seen in four of five such comparisons; null: none would
	Outcome   Outcome  `json:"outcome"`
	Why       string   `json:"why,omitempty"` // of inconclusive
}

// Shift is how a whole distribution of latencies moved.
type Shift struct {
	Case       string  `json:"case"`
	Percentile string  `json:"percentile"`
	BaseNS     int64   `json:"base_ns"`
	NewNS      int64   `json:"new_ns"`
	Share      float64 `json:"share"`
}

// CompareOptions says how strict a comparison is.
type CompareOptions struct {
	Paired        bool           // values of one index are of one round; both sides and Again have as many
	ByDesign      bool           // what differs is what is being compared
	AllowUnlike   bool           // compare unlike runs, and say so
	Alpha         float64        // 0: 0.05
	MaxRegression float64        // a change that matters, as a share; 0: 0.05
	Gate          bool           // only a change beyond MaxRegression and beyond the noise counts
	Again         *Side          // the base measured a second time in each round; nil: Spreads, or nothing, says what noise does
	Spreads       []StoredSpread // of an earlier measurement of one thing twice
	Metrics       []string       // names of those that are compared; nil: all
}

// StoredSpread is how much one thing differs from itself, a round each.
type StoredSpread struct {
	Case   string  `json:"case"`
	Metric string  `json:"metric"`
	Spread float64 `json:"spread"` // deviation of the logarithm of the ratio of two values of one round
}

// noiseWidth is how many deviations of an estimate noise is given.
const noiseWidth = 3

// Compare compares two sides. Runs that can't be a baseline (GENERATOR_LIMITED, PARTIAL, INVALID) are refused as base, unless they were
// measured beside what is judged: then they leave it open. Unlike ones are an [UnlikeError].
func Compare(base, changed *Side, o CompareOptions) (*Comparison, error) {
	if o.Alpha == 0 {
		o.Alpha = 0.05
	}
	if o.MaxRegression == 0 {
		o.MaxRegression = 0.05
	}
	if v := base.worst(); !o.ByDesign && v.decidesNothing() {
		return nil, fmt.Errorf("%s is %s, which can't be a baseline%s", Printable(base.Name), v, base.because(v))
	}
	changed = changed.clone()
	changed.alignLone(base)
	c := &Comparison{Schema: ComparisonSchema, Base: base.Name, New: changed.Name, Paired: o.Paired, Rounds: [2]int{base.Rounds, changed.Rounds},
		Alpha: o.Alpha, MaxRegression: o.MaxRegression, BaseVerdict: base.worst(), NewVerdict: changed.worst(),
		Embedded: base.embedded || changed.embedded, Ran: ranOn(base, changed)}
	c.Differs = base.differences(changed)
	if !o.ByDesign && len(base.cases) > 0 && len(changed.cases) > 0 && !base.sharesCase(changed) { // of Go benchmarks one may go
		c.Differs = append(c.Differs, Difference{"cases", strings.Join(base.caseNames(), ", "), strings.Join(changed.caseNames(), ", ")})
	}
	c.AllowedUnlike = !o.ByDesign && len(c.Differs) > 0
	if c.AllowedUnlike && !o.AllowUnlike {
		return nil, &UnlikeError{base.Name, changed.Name, c.Differs}
	}
	elsewhere := base.machine.unlike(changed.machine)
	if o.AllowUnlike && elsewhere != "" {
		c.Differs, c.AllowedUnlike = append(c.Differs, Difference{"machine or job", base.machine.String(), changed.machine.String()}), true
		elsewhere = ""
	}
	c.rows(base, changed, o, elsewhere)
	if len(c.Rows) == 0 {
		return nil, fmt.Errorf("%s and %s have no metric in common: %s", Printable(base.Name), Printable(changed.Name), nothingShared(base, changed))
	}
	c.shift(base, changed, elsewhere)
	c.conclude(base, changed)
	return c, nil
}

// nothingShared says what each side has.
func nothingShared(base, changed *Side) string {
	some := func(s *Side) string {
		if len(s.Samples) == 0 {
			return cmp.Or(s.Reasons[s.worst()], "nothing measured")
		}
		return s.Samples[0].Case + " " + s.Samples[0].Metric.Name + ", …"
	}
	return Printable(some(base)) + " against " + Printable(some(changed))
}

// rows compares each metric that both sides have.
func (c *Comparison) rows(base, changed *Side, o CompareOptions, elsewhere string) {
	var tested []int // rows
	for i := range base.Samples {
		b := &base.Samples[i]
		if o.Metrics != nil && !slices.Contains(o.Metrics, b.Metric.Name) {
			continue
		}
		n := changed.sample(b.Case, b.Metric.Name)
		if n == nil {
			c.missing(b, base.Name)
			continue
		}
		samples := c.matched(b, n, o)
		if len(samples.Base) == 0 || len(samples.New) == 0 {
			c.missing(b, "one side")
			continue
		}
		row := Row{Case: b.Case, Metric: b.Metric, Base: Median(samples.Base), New: Median(samples.New), Width: o.MaxRegression, Change: Change{P: 1}}
		switch {
		case b.Metric.Counted:
			row.count(samples.Base, samples.New, o.MaxRegression, max(b.Metric.Grain, n.Metric.Grain))
		case elsewhere != "":
			row.Outcome, row.Why = Inconclusive, elsewhere
		case o.Paired:
			row.Change = PairedChange(samples.Base, samples.New)
			tested = append(tested, len(c.Rows))
		default:
			row.Change = UnpairedChange(samples.Base, samples.New)
			tested = append(tested, len(c.Rows))
		}
		if !b.Metric.Counted {
			row.Noise = noiseOf(samples, o)
		}
		if !o.Gate && !b.Metric.Counted {
			row.Width = 0
		}
		if row.Noise != nil {
			row.Width = max(row.Width, *row.Noise)
		}
		c.Rows, c.Samples = append(c.Rows, row), append(c.Samples, samples)
	}
	for i := range changed.Samples {
		n := &changed.Samples[i]
		if base.sample(n.Case, n.Metric.Name) == nil && (o.Metrics == nil || slices.Contains(o.Metrics, n.Metric.Name)) {
			c.missing(n, changed.Name)
		}
	}
	p := make([]float64, len(tested))
	for i, at := range tested {
		p[i] = c.Rows[at].P
	}
	adjusted := Holm(p)
	for i, at := range tested {
		c.Rows[at].AdjustedP = &adjusted[i]
		c.Rows[at].judge(o, len(tested))
	}
}

// missing notes a metric that only one side has.
func (c *Comparison) missing(s *Sample, who string) {
	text := fmt.Sprintf("%s %s, which only %s has", s.Case, s.Metric.Name, who)
	c.Missing = append(c.Missing, text)
	if s.Metric.Leading {
		c.Doubts = append(c.Doubts, "not compared: "+text)
	}
}

// matched are the values to compare: those of the rounds that both sides have, if they are paired; of each side all, if not.
func (c *Comparison) matched(b, n *Sample, o CompareOptions) RowSamples {
	s := RowSamples{Case: b.Case, Metric: b.Metric.Name}
	said := func(values []float64) []float64 {
		return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	}
	var again *Sample
	if o.Again != nil {
		again = o.Again.sample(b.Case, b.Metric.Name)
	}
	if !o.Paired {
		s.Base, s.New = said(b.Values), said(n.Values)
		return s
	}
	for i := range min(len(b.Values), len(n.Values)) {
		if math.IsNaN(b.Values[i]) || math.IsNaN(n.Values[i]) || again != nil && (i >= len(again.Values) || math.IsNaN(again.Values[i])) {
			continue
		}
		s.Base, s.New = append(s.Base, b.Values[i]), append(s.New, n.Values[i])
		if again != nil {
			s.Again = append(s.Again, again.Values[i])
		}
	}
	return s
}

// count compares counts, without statistics: they differ beyond the grain, beyond the share that is tolerated, and beyond what
// each side's rounds differ among themselves.
func (r *Row) count(base, changed []float64, tolerated, grain float64) {
	if r.Base > 0 {
		r.Share = finite(r.New/r.Base - 1)
	}
	r.Width = tolerated
	apart := slices.Max(base) < slices.Min(changed) || slices.Min(base) > slices.Max(changed)
	by := math.Abs(r.New - r.Base)
	switch {
	case !apart || by <= grain || by <= tolerated*r.Base:
		r.Outcome = NoDifference
	case r.Metric.better(r.Base, r.New):
		r.Outcome = Better
	default:
		r.Outcome = Worse
	}
}

// judge sets the outcome of a test that was one of so many.
func (r *Row) judge(o CompareOptions, tests int) {
	alpha := o.Alpha / float64(tests) // what the first of Holm's steps asks of the least p
	r.Smallest = r.Change.Smallest(alpha, r.Width)
	unwidened := r.Change.Smallest(alpha, 0)
	switch {
	case *r.AdjustedP < o.Alpha && (r.Share == nil || math.Abs(*r.Share) > r.Width):
		more := r.New > r.Base
		if r.Share != nil { // the medians may lie the other way round than the estimate
			more = *r.Share > 0
		}
		r.Outcome = Worse
		if more == r.Metric.HigherIsBetter {
			r.Outcome = Better
		}
	case r.Base == r.New && r.P == 1 && (r.Low == nil || r.High == nil || *r.Low == *r.High) && unwidened == nil && r.LeastP < alpha:
		r.Outcome = NoDifference // every value is the same, 0 perhaps
	case unwidened == nil && r.LeastP < alpha:
		r.Outcome, r.Why = Inconclusive, "a value isn't positive, so there is no ratio"
	case unwidened == nil:
		r.Outcome, r.Why = Inconclusive, fmt.Sprintf("too few rounds: with %s it takes %d", FormatCount(tests, "metric"), RoundsNeeded(tests, o.Alpha, o.Paired))
	case *unwidened > o.MaxRegression:
		r.Outcome, r.Why = Inconclusive, fmt.Sprintf("too noisy: only a change of %s or more would have been seen", FormatChange(*unwidened))
	case o.Gate && r.Width > o.MaxRegression:
		r.Outcome, r.Why = Inconclusive, fmt.Sprintf("too noisy: the same thing twice differs by up to %s", FormatChange(r.Width))
	default:
		r.Outcome = NoDifference
	}
}

// RoundsNeeded is how many rounds it takes at the least for one of so many tests to find anything: 10 or more if they are paired.
func RoundsNeeded(tests int, alpha float64, paired bool) int {
	for n := 2; ; n++ {
		least := leastSignedRank(n)
		if !paired {
			least = min(1, 2/choose(2*n, n))
		}
		if least*float64(tests) < alpha && (!paired || n >= minPairs) {
			return n
		}
	}
}

// minPairs is how many pairs a comparison has at the least.
const minPairs = 10

// noiseOf is three times the deviation that the estimate has between one thing and itself: null where nobody measured it twice.
func noiseOf(s RowSamples, o CompareOptions) *float64 {
	var spread float64
	switch {
	case len(s.Again) == len(s.Base) && len(s.Again) > 0:
		c := PairedChange(s.Base, s.Again)
		spread = c.Spread()
	case o.Spreads != nil:
		i := slices.IndexFunc(o.Spreads, func(k StoredSpread) bool { return k.Case == s.Case && k.Metric == s.Metric })
		if i < 0 {
			return nil
		}
		spread = o.Spreads[i].Spread / math.Sqrt(float64(len(s.Base)))
	case !o.Paired && o.Gate && len(s.Base) >= 8: // the two halves of the base, which have half as many values: √2 times the deviation
		var halves [2][]float64
		for i, v := range s.Base {
			halves[i%2] = append(halves[i%2], v)
		}
		c := UnpairedChange(halves[0], halves[1])
		spread = c.Spread() / math.Sqrt2
	default:
		return nil
	}
	return finite(math.Expm1(noiseWidth * spread))
}

// shift compares the whole distributions.
func (c *Comparison) shift(base, changed *Side, elsewhere string) {
	if elsewhere != "" {
		return
	}
	for _, name := range base.caseNames() {
		b, n := base.histograms[name], changed.histograms[name]
		if b == nil || n == nil {
			continue
		}
		for _, p := range percentiles[:4] {
			if b.Count() < p.needs || n.Count() < p.needs {
				continue
			}
			from, to := b.Quantile(p.q), n.Quantile(p.q)
			if from > 0 {
				c.Shifts = append(c.Shifts, Shift{name, p.label, from, to, float64(to)/float64(from) - 1})
			}
		}
	}
}

// suspectShare of a side's cases may be SUSPECT before the whole is in doubt: what passes by disturbs both sides alike.
const suspectShare = 0.25

// elsewhere tells a time that wasn't compared, because the other is of another machine or job. Counts decide alone then.
func (r *Row) elsewhere() bool { return !r.Metric.Counted && r.AdjustedP == nil }

// conclude sets the outcome of the whole: worse if any row is, else inconclusive if a leading one is, or if there is a doubt.
func (c *Comparison) conclude(base, changed *Side) {
	for _, s := range []*Side{base, changed} {
		n := 0
		for _, k := range s.Verdicts {
			n += k
		}
		if suspect := s.Verdicts[Suspect]; float64(suspect) > suspectShare*float64(n) {
			c.Doubts = append(c.Doubts, fmt.Sprintf("%s is SUSPECT in %d of %d%s", s.Name, suspect, n, s.because(Suspect)))
		}
	}
	for _, s := range []*Side{base, changed} {
		if v := s.worst(); v.decidesNothing() {
			c.Doubts = append(c.Doubts, fmt.Sprintf("%s is %s%s", s.Name, v, s.because(v)))
		}
	}
	count := map[Outcome]int{}
	open, told := len(c.Doubts) > 0, false
	for i := range c.Rows {
		r := &c.Rows[i]
		count[r.Outcome]++
		open = open || r.Outcome == Inconclusive && r.Metric.Leading && !r.elsewhere()
		told = told || !r.elsewhere()
	}
	open = open || !told
	switch {
	case count[Worse] > 0:
		c.Outcome = Worse
	case open:
		c.Outcome = Inconclusive
	case count[Better] > 0:
		c.Outcome = Better
	default:
		c.Outcome = NoDifference
	}
}

// decidesNothing tells the verdicts of runs that can be no baseline and pass no gate.
func (v Verdict) decidesNothing() bool {
	return slices.Index(fromBest, v) >= slices.Index(fromBest, GeneratorLimited)
}

// worst is the worst of a side's verdicts; VALID for Go benchmarks, which have none.
func (s *Side) worst() Verdict {
	worst := Valid
	for v := range s.Verdicts {
		worst = worse(worst, v)
	}
	return worst
}

// because is why a side's verdict is v, behind a colon; "" if nothing says so.
func (s *Side) because(v Verdict) string {
	if s.Reasons[v] == "" {
		return ""
	}
	return ": " + Printable(s.Reasons[v])
}

// caseNames are those of a side, by the order of its samples.
func (s *Side) caseNames() []string {
	var names []string
	for i := range s.Samples {
		if !slices.Contains(names, s.Samples[i].Case) {
			names = append(names, s.Samples[i].Case)
		}
	}
	return names
}

// clone is a side that may be renamed.
func (s *Side) clone() *Side { c := *s; return &c }

func (m machine) String() string {
	text := m.fingerprint + m.cpu
	if !m.began.IsZero() {
		text += m.began.UTC().Format(" 2006-01-02 15:04")
	}
	return text
}

// Metrics are the names of a side's, a case's after another's.
func (s *Side) Metrics() []string {
	var names []string
	for i := range s.Samples {
		names = append(names, s.Samples[i].Metric.Name)
	}
	return names
}

// Timed are how many metrics of a side are tested, of those that are named; nil: of all.
func (s *Side) Timed(metrics []string) int {
	n := 0
	for i := range s.Samples {
		if m := &s.Samples[i].Metric; !m.Counted && (metrics == nil || slices.Contains(metrics, m.Name)) {
			n++
		}
	}
	return n
}

// SpreadsOf are how much one thing, measured twice in each round, differs from itself; metrics with too few rounds are left out.
func SpreadsOf(base, again *Side) []StoredSpread {
	var all []StoredSpread
	for i := range base.Samples {
		b := &base.Samples[i]
		a := again.sample(b.Case, b.Metric.Name)
		if b.Metric.Counted || a == nil || len(a.Values) != len(b.Values) || len(b.Values) == 0 {
			continue
		}
		c := PairedChange(b.Values, a.Values)
		if spread := c.Spread(); !math.IsInf(spread, 1) && !math.IsNaN(spread) {
			all = append(all, StoredSpread{b.Case, b.Metric.Name, spread * math.Sqrt(float64(len(b.Values)))})
		}
	}
	return all
}

// Foreseen is the smallest change that so many rounds would see of what s is the spread of, with so many metrics tested.
func (s *StoredSpread) Foreseen(rounds, metrics int, alpha float64) *float64 {
	half := math.Expm1(normalTwoSide * s.Spread / math.Sqrt(float64(rounds)))
	c := Change{Low: new(1/(1+half) - 1), High: new(half), LeastP: leastSignedRank(rounds)}
	return c.Smallest(alpha/float64(max(metrics, 1)), 0)
}
