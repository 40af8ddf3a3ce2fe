package results

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// Sweep is a closed loop with more and more workers, and the law that it follows.
type Sweep struct {
	Points  []SweepPoint `json:"points"`            // by workers, a round each
	Fit     *USL         `json:"fit"`               // null: it was refused
	Refused string       `json:"refused,omitempty"` // why
}

// SweepPoint is what so many workers made.
type SweepPoint struct {
	Workers   int     `json:"workers"`
	PerSecond float64 `json:"per_second"`
	Left      string  `json:"left_out,omitempty"` // why it isn't fitted
}

// USL is Gunther's Universal Scalability Law fitted to a sweep: N workers make λN / (1 + σ(N−1) + κN(N−1)) a second.
type USL struct {
	Lambda        Estimate `json:"lambda_per_second"` // of one worker alone
	Sigma         Estimate `json:"sigma"`             // share of the work that is done one after the other
	Kappa         Estimate `json:"kappa"`             // cost of keeping a pair of workers in step, as a share of the work
	Off           float64  `json:"off"`               // root of the mean square of the points' relative distances from it
	PeakWorkers   *float64 `json:"peak_workers"`      // null where κ may be 0: more workers never hurt then
	PeakPerSecond *float64 `json:"peak_per_second"`
}

// Estimate is a value and its 95 % interval.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// At is what n workers make a second.
func (u *USL) At(n float64) float64 {
	return u.Lambda.Value * n / (1 + u.Sigma.Value*(n-1) + u.Kappa.Value*n*(n-1))
}

// What a fit must be to be believed.
const (
	mostOff      = 0.10 // USL.Off
	mostOffOnce  = 0.25 // the mean relative distance of the points of one number of workers
	leastNumbers = 6    // of workers: three values are fitted
	reweigh      = 8    // times: the weights are settled long before
)

// FitUSL fits the law to points, by least squares on relative distances; an error says why the law isn't theirs.
//
// N/X is linear in 1/λ, σ/λ and κ/λ. Each point weighs by the inverse of what the fit before gives for it, so that its noise is
// a share of its value; σ and κ are not let below 0. The intervals come from the points' scatter about the fit by Student's t.
func FitUSL(points []SweepPoint) (*USL, error) {
	var used []SweepPoint
	numbers := map[int]bool{}
	for _, p := range points {
		if p.Left == "" && p.Workers > 0 && p.PerSecond > 0 {
			used, numbers[p.Workers] = append(used, p), true
		}
	}
	if len(numbers) < leastNumbers {
		return nil, fmt.Errorf("%d numbers of workers were measured, and it takes %d", len(numbers), leastNumbers)
	}
	var c [3]float64
	var cov [3][3]float64
	weights := make([]float64, len(used)) // of the first round: N/X itself
	for i, p := range used {
		weights[i] = p.PerSecond / float64(p.Workers)
	}
	fitted := false
	for range reweigh {
		if c, cov, fitted = nonNegative(used, weights); !fitted {
			return nil, fmt.Errorf("the curve grows faster than its workers")
		}
		for i, p := range used {
			weights[i] = 1 / dot(c, terms(p.Workers))
		}
	}
	u := &USL{}
	var squares float64
	means := map[int][2]float64{} // sum and count of relative distances
	for i, p := range used {
		d := float64(p.Workers)/p.PerSecond*weights[i] - 1
		squares += d * d
		m := means[p.Workers]
		means[p.Workers] = [2]float64{m[0] + d, m[1] + 1}
	}
	u.Off = math.Sqrt(squares / float64(len(used)))
	if u.Off > mostOff {
		return nil, fmt.Errorf("the curve is off it by %.1f %% on average, and up to %.0f %% is believed", 100*u.Off, 100*mostOff)
	}
	for _, n := range sortedInts(means) {
		if off := math.Abs(means[n][0] / means[n][1]); off > mostOffOnce {
			return nil, fmt.Errorf("with %d workers the curve is off it by %.1f %%, and up to %.0f %% is believed", n, 100*off, 100*mostOffOnce)
		}
	}
	df := float64(len(used) - len(c))
	t := StudentT(df) * math.Sqrt(squares/df)
	a := c[0]
	u.Lambda = around(1/a, t*math.Sqrt(cov[0][0])/(a*a))
	ratio := func(i int) Estimate { // c[i] / a, whose interval follows from both
		v := c[i] / a
		return around(v, t*math.Sqrt(max(cov[i][i]-2*v*cov[0][i]+v*v*cov[0][0], 0))/a)
	}
	u.Sigma, u.Kappa = ratio(1), ratio(2)
	if u.Kappa.Low > 0 && u.Sigma.Value < 1 {
		peak := math.Sqrt((1 - u.Sigma.Value) / u.Kappa.Value)
		u.PeakWorkers, u.PeakPerSecond = &peak, new(u.At(peak))
	}
	return u, nil
}

func around(v, half float64) Estimate { return Estimate{Value: v, Low: max(v-half, 0), High: v + half} }

// terms are what 1/λ, σ/λ and κ/λ are multiplied with.
func terms(workers int) [3]float64 {
	n := float64(workers)
	return [3]float64{1, n - 1, n * (n - 1)}
}

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// nonNegative is the weighted least squares solution whose values are not negative and whose first is over 0, with the inverse of
// the normal equations of all three; the best of those with any of σ and κ at 0. false: there is none.
func nonNegative(points []SweepPoint, weights []float64) (best [3]float64, cov [3][3]float64, found bool) {
	var normal [3][3]float64
	var right [3]float64
	for i, p := range points {
		x, y, w := terms(p.Workers), float64(p.Workers)/p.PerSecond, weights[i]*weights[i]
		for j := range x {
			right[j] += w * x[j] * y
			for k := range x {
				normal[j][k] += w * x[j] * x[k]
			}
		}
	}
	least := math.Inf(1)
	for _, free := range [][]int{{0, 1, 2}, {0, 1}, {0, 2}, {0}} {
		inverse, ok := invert(normal, free)
		if !ok {
			continue
		}
		if len(free) == len(best) {
			cov = inverse
		}
		var c [3]float64
		for _, j := range free {
			c[j] = dot(inverse[j], right)
		}
		if c[0] <= 0 || c[1] < 0 || c[2] < 0 {
			continue
		}
		var squares float64
		for i, p := range points {
			d := (float64(p.Workers)/p.PerSecond - dot(c, terms(p.Workers))) * weights[i]
			squares += d * d
		}
		if squares < least {
			least, best, found = squares, c, true
		}
	}
	return best, cov, found
}

// invert is the inverse of the rows and columns of m that are free, with zeros elsewhere, by Gauss and Jordan; false: it has none.
// Rows are scaled first: the terms are decades apart.
func invert(m [3][3]float64, free []int) (out [3][3]float64, ok bool) {
	var scale [3]float64
	for _, i := range free {
		if scale[i] = math.Sqrt(m[i][i]); scale[i] == 0 {
			return out, false
		}
	}
	n := len(free)
	work := make([][]float64, n)
	for i := range work {
		work[i] = make([]float64, 2*n)
		for j := range n {
			work[i][j] = m[free[i]][free[j]] / scale[free[i]] / scale[free[j]]
		}
		work[i][n+i] = 1
	}
	for i := range n {
		pivot := i
		for k := i + 1; k < n; k++ {
			if math.Abs(work[k][i]) > math.Abs(work[pivot][i]) {
				pivot = k
			}
		}
		work[i], work[pivot] = work[pivot], work[i]
		if math.Abs(work[i][i]) < 1e-14 {
			return out, false
		}
		for k := range n {
			if k == i {
				continue
			}
			f := work[k][i] / work[i][i]
			for j := range work[k] {
				work[k][j] -= f * work[i][j]
			}
		}
	}
	for i := range n {
		for j := range n {
			out[free[i]][free[j]] = work[i][n+j] / work[i][i] / scale[free[i]] / scale[free[j]]
		}
	}
	return out, true
}

func sortedInts[V any](m map[int]V) []int {
	var keys []int
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Settle fits the law to the sweep's points, or says why not.
func (s *Sweep) Settle() {
	var err error
	if s.Fit, err = FitUSL(s.Points); err != nil {
		s.Refused = err.Error()
	}
}

// Sentence is what the sweep says, for somebody who doesn't know the law.
func (s *Sweep) Sentence() string {
	u := s.Fit
	if u == nil {
		return "No law of scaling fits: " + s.Refused + "."
	}
	said := fmt.Sprintf("One worker makes %s/s (95 %%: %s–%s/s); %s of a send is done one at a time (%s–%s)", FormatRate(u.Lambda.Value), FormatRate(u.Lambda.Low), FormatRate(u.Lambda.High),
		sharpShare(u.Sigma.Value), sharpShare(u.Sigma.Low), sharpShare(u.Sigma.High))
	if u.PeakWorkers == nil {
		if u.Sigma.Low > 0 {
			said += fmt.Sprintf(", so that no number of workers makes more than %s/s", FormatRate(u.Lambda.Value/u.Sigma.Value))
		}
		return said + "; that workers get into each other's way doesn't show."
	}
	said += fmt.Sprintf(", and each pair of workers costs %s more (%s–%s): ", sharpShare(u.Kappa.Value), sharpShare(u.Kappa.Low), sharpShare(u.Kappa.High))
	if most := s.mostFitted(); *u.PeakWorkers > float64(most) {
		return said + fmt.Sprintf("up to %s, the most that were measured, more of them help. Beyond that the law is a guess: the most %s/s, with about %s.",
			FormatCount(most, "worker"), FormatRate(*u.PeakPerSecond), FormatCount(int64(math.Round(*u.PeakWorkers)), "worker"))
	}
	return said + fmt.Sprintf("the most is %s/s, with about %s.", FormatRate(*u.PeakPerSecond), FormatCount(int64(math.Round(*u.PeakWorkers)), "worker"))
}

// mostFitted is the largest number of workers that the law was fitted to.
func (s *Sweep) mostFitted() (most int) {
	for _, p := range s.Points {
		if p.Left == "" {
			most = max(most, p.Workers)
		}
	}
	return most
}

// sharpShare is a share of three digits, however small.
func sharpShare(v float64) string { return fmt.Sprintf("%.3g %%", 100*v) }

// WriteSweep writes a run's sweep for a terminal: a row for each number of workers, what they make drawn over their number, and what
// follows from it.
func WriteSweep(w io.Writer, r *Run) error {
	s := r.Sweep
	cases := r.Cases
	if len(r.Pooled) > 0 {
		cases = r.Pooled
	}
	rates := map[int][]float64{}
	left := map[int]string{}
	for _, p := range s.Points {
		rates[p.Workers] = append(rates[p.Workers], p.PerSecond)
		if p.Left != "" {
			left[p.Workers] = p.Left
		}
	}
	var rows [][]string
	var marks []mark
	for i := range cases {
		c := &cases[i]
		n := c.Generator.Workers
		for j := range r.Cases { // of a sweep that was cut short the rounds don't all have it
			if c.Generator.Workers == 0 && r.Cases[j].Name == c.Name {
				n = max(n, r.Cases[j].Generator.Workers)
			}
		}
		mean, fit := 0.0, noClaim
		for _, rate := range rates[n] {
			mean += rate / float64(len(rates[n]))
		}
		if s.Fit != nil {
			fit = FormatRate(s.Fit.At(float64(n)))
			marks = append(marks, mark{float64(n), s.Fit.At(float64(n)), '.'})
		}
		if mean > 0 {
			marks = append(marks, mark{float64(n), mean, 'o'})
		}
		spread := noClaim
		if len(rates[n]) > 1 && mean > 0 {
			spread = formatShare((slices.Max(rates[n]) - slices.Min(rates[n])) / mean)
		}
		row := []string{groupDigits(int64(n)), FormatRate(mean), spread, fit}
		for _, p := range []percentile{shown[0], shown[2]} {
			cell := noClaim
			if c.Response != nil && *p.of(c.Response) != nil {
				cell = FormatDuration(**p.of(c.Response))
			}
			row = append(row, cell)
		}
		verdict := Printable(string(c.Verdict))
		if left[n] != "" {
			verdict += "  left out: " + left[n]
		}
		rows = append(rows, append(row, verdict))
	}
	header := []string{"workers", "msg/s", "rounds differ by", "law", shown[0].label, shown[2].label, "verdict"}
	lines, err := drawTable(header, rows, len(header)-1)
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	if len(marks) >= leastPlot {
		lines = append(lines, "", "msg/s over workers: o measured, . the law")
		lines = append(lines, drawPlot(marks, plotWidth, plotHeight, true, false,
			func(v float64) string { return fmt.Sprintf("%.0f", v) }, func(v float64) string { return FormatRate(v) })...)
	}
	lines = append(append(lines, oncePerCode(cases)...), s.Sentence())
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	return nil
}

// oncePerCode gives the reasons for verdicts that aren't VALID: of those that many cases share the first, and how many more.
func oncePerCode(cases []Case) []string {
	var codes []string
	first, more := map[string]string{}, map[string]int{}
	for i := range cases {
		for _, e := range cases[i].Evidence {
			if e.Verdict == Valid {
				continue
			}
			if _, known := first[e.Code]; known {
				more[e.Code]++
				continue
			}
			codes = append(codes, e.Code)
			first[e.Code] = Printable(string(e.Verdict)) + " " + Printable(cases[i].Name) + ": " + Printable(e.Text)
		}
	}
	var lines []string
	for _, code := range codes {
		line := first[code]
		if n := more[code]; n > 0 {
			line += fmt.Sprintf(" (and so in %d more)", n)
		}
		lines = append(lines, line)
	}
	return lines
}

// SweepStatus is the command's exit status for a sweep: as [ExitStatus], 4 for a fit that was refused.
func SweepStatus(r *Run) int {
	status := ExitStatus(r, false)
	if status == 0 && r.Sweep.Fit == nil {
		return exitInconclusive
	}
	return status
}
