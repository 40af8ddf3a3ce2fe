package results

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// Side is one of the two things that a comparison is of: runs of one kind, or the Go benchmarks of one program.
type Side struct {
	Name     string
	Samples  []Sample           // by the order in which they came; unlike in case or metric
	Cost     *InstrumentCost    // what the harness itself takes, where it was measured once beside the rounds
	Rounds   int                // runs, or times that a benchmark was run
	Verdicts map[Verdict]int    // of the cases' rounds; none of Go benchmarks
	Reasons  map[Verdict]string // of each that is worse than VALID, the first line that was evidence of it

	measured   []Case                // of every round
	histograms map[string]*Histogram // response or write time, by case, of all rounds
	embedded   bool                  // the broker was
	ran        *Run                  // the first, without its cases: what there is to tell of where and how; nil of Go benchmarks
	setup      facts
	cases      map[string]facts
	machine    machine
}

// maxTextBytes bounds what is read of a program's output.
const maxTextBytes = 16 << 20

// baselines are the results that rmqbench was released with.
//
//go:embed all:baselines
var baselines embed.FS

// baselinePrefix names a result that is kept in results/baselines or baselines, or that comes with rmqbench.
const baselinePrefix = "baseline:"

// ReadSide reads what a comparison is of: a result directory or its run.json, Go benchmark text, a directory of several of these,
// which are repeats, or baseline:NAME.
func ReadSide(path string) (*Side, error) {
	if name, ok := strings.CutPrefix(path, baselinePrefix); ok {
		return readBaseline(path, name)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if !info.IsDir() {
		return readSideFile(path)
	}
	if _, err := os.Stat(filepath.Join(path, RunFile)); err == nil {
		return readSideFile(filepath.Join(path, RunFile))
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	all := &Side{}
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		switch ext := filepath.Ext(e.Name()); {
		case e.IsDir():
			file = filepath.Join(file, RunFile)
			if _, err := os.Stat(file); err != nil {
				continue
			}
		case ext != ".json" && ext != ".txt":
			continue
		}
		repeat, err := readSideFile(file)
		if err != nil {
			return nil, err
		}
		if err := all.Add(repeat); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if all.Rounds == 0 {
		return nil, fmt.Errorf("read results: %s holds no %s, no directory with one, and no benchmark text (*.txt)", path, RunFile)
	}
	all.Name = path
	return all, nil
}

// readBaseline finds a kept result by its name.
func readBaseline(path, name string) (*Side, error) {
	if name == "" || pathName(name) != name {
		return nil, fmt.Errorf("%s: a baseline's name is of letters, digits, dots, hyphens and underscores; there is: %s", path, strings.Join(Baselines(), ", "))
	}
	for _, parent := range []string{filepath.Join("results", "baselines"), "baselines"} {
		for _, file := range []string{name, name + ".json", name + ".txt"} {
			file = filepath.Join(parent, file)
			if _, err := os.Stat(file); err != nil {
				continue
			}
			s, err := ReadSide(file)
			if s != nil {
				s.Name = path
			}
			return s, err
		}
	}
	text, err := baselines.ReadFile("baselines/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("%s: %w in results/baselines or baselines; with rmqbench come: %s", path, fs.ErrNotExist, strings.Join(Baselines(), ", "))
	}
	return ParseSide(path, text)
}

// Baselines are the names of those that come with rmqbench.
func Baselines() []string {
	var names []string
	entries, _ := fs.ReadDir(baselines, "baselines") // embedded: it can't fail
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok {
			names = append(names, name)
		}
	}
	return names
}

// readSideFile reads one file, and the histograms beside it if it is a run's.
func readSideFile(path string) (*Side, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxRunBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", path, err)
	}
	s, err := ParseSide(path, text)
	if err != nil || filepath.Base(path) != RunFile {
		return s, err
	}
	return s, readBeside(filepath.Join(filepath.Dir(path), LogFile), func(from io.Reader) error {
		histograms, err := decodeLog(from)
		s.addHistograms(histograms)
		return err
	})
}

// ParseSide reads one run's record, or Go benchmark text, which may have other lines between; name is for people.
func ParseSide(name string, text []byte) (*Side, error) {
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		r, err := decode(bytes.NewReader(text), maxRunBytes)
		if err != nil {
			return nil, fmt.Errorf("read result %s: %w", name, err)
		}
		return SideOf(name, r, nil), nil
	}
	if len(text) > maxTextBytes {
		return nil, fmt.Errorf("read %s: larger than %s", name, FormatBytes(maxTextBytes))
	}
	return parseGoText(name, text)
}

// SideOf makes a side of a judged run and its histograms, which may be none. Repeats of a case are rounds.
func SideOf(name string, r *Run, histograms []TaggedHistogram) *Side {
	all := &Side{Name: name}
	for round := 0; ; round++ {
		s := &Side{Name: name, Rounds: 1, Verdicts: map[Verdict]int{}, setup: setup(r), embedded: r.Target.AnyEmbedded(), cases: map[string]facts{},
			machine: machine{fingerprint: r.Environment.HostFingerprint, procs: r.Environment.GOMAXPROCS, began: r.StartedAt}}
		for i := range r.Cases {
			c := r.Cases[i]
			if max(c.Round-1, 0) != round {
				continue
			}
			s.cases[c.Name] = caseSetup(r, &r.Cases[i], i)
			s.Samples = append(s.Samples, samplesOf(&c)...)
			s.Verdicts[c.Verdict]++
			s.measured = append(s.measured, c)
			for _, e := range c.Evidence {
				s.reason(e.Verdict, c.Name+": "+e.Text)
			}
		}
		if len(s.cases) == 0 {
			break
		}
		if round == 0 {
			s.Cost = r.InstrumentCost
			s.ran = &Run{StartedAt: r.StartedAt, Environment: r.Environment, Target: r.Target, Scenario: r.Scenario}
			for _, e := range judgeRun(r) {
				s.Verdicts[e.Verdict]++
				s.reason(e.Verdict, e.Text)
			}
		}
		_ = all.Add(s) // rounds of one run have one target
	}
	if all.Rounds == 0 { // nothing was measured
		all.Rounds, all.Verdicts = 1, map[Verdict]int{r.Verdict: 1}
		for _, e := range r.Evidence {
			all.reason(e.Verdict, e.Text)
		}
	}
	all.addHistograms(histograms)
	return all
}

// reason notes why a verdict is v, unless a reason is known.
func (s *Side) reason(v Verdict, text string) {
	if v == Valid || s.Reasons[v] != "" {
		return
	}
	if s.Reasons == nil {
		s.Reasons = map[Verdict]string{}
	}
	s.Reasons[v] = text
}

// addHistograms merges those of the times that a comparison is about.
func (s *Side) addHistograms(histograms []TaggedHistogram) {
	if s.histograms == nil {
		s.histograms = map[string]*Histogram{}
	}
	for _, t := range histograms {
		if t.Metric != "response" && t.Metric != "write_time" {
			continue
		}
		if s.histograms[t.Case] == nil {
			s.histograms[t.Case] = NewHistogram()
		}
		_ = s.histograms[t.Case].Merge(t.Histogram) // all are of one configuration
	}
}

// Add puts another round's values behind s's own. Of unlike setups: an [UnlikeError].
func (s *Side) Add(round *Side) error {
	if s.Rounds == 0 {
		name := cmp.Or(s.Name, round.Name)
		*s = *round
		s.Name = name
		return nil
	}
	if d := s.differences(round); len(d) > 0 {
		return &UnlikeError{s.Name, round.Name, d}
	}
	if why := s.machine.unlike(round.machine); why != "" {
		s.machine.fingerprint, s.machine.cpu = "several", "several"
	}
	for _, r := range round.Samples {
		if s.sample(r.Case, r.Metric.Name) == nil {
			s.Samples = append(s.Samples, Sample{r.Case, r.Metric, unsaid(s.Rounds)})
		}
	}
	for i := range s.Samples {
		own := &s.Samples[i]
		own.Values = append(own.Values, unsaid(s.Rounds-len(own.Values))...)
		if r := round.sample(own.Case, own.Metric.Name); r != nil {
			own.Values = append(own.Values, r.Values...)
		}
		own.Values = append(own.Values, unsaid(s.Rounds+round.Rounds-len(own.Values))...)
	}
	for name, f := range round.cases {
		if s.cases[name] == nil {
			s.cases[name] = f
		}
	}
	for name, h := range round.histograms {
		if s.histograms[name] == nil {
			s.addHistograms(nil)
			s.histograms[name] = NewHistogram()
		}
		if err := s.histograms[name].Merge(h); err != nil {
			return err
		}
	}
	s.measured = append(s.measured, round.measured...)
	for v, n := range round.Verdicts {
		s.Verdicts[v] += n
	}
	for v, text := range round.Reasons {
		s.reason(v, text)
	}
	s.Rounds += round.Rounds
	return nil
}

// unsaid are n values that a round doesn't have: a percentile of too few sends, perhaps.
func unsaid(n int) []float64 {
	values := make([]float64, max(n, 0))
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// sample finds one; nil if there is none.
func (s *Side) sample(name, metric string) *Sample {
	for i := range s.Samples {
		if s.Samples[i].Case == name && s.Samples[i].Metric.Name == metric {
			return &s.Samples[i]
		}
	}
	return nil
}

// differences are those that forbid a comparison.
func (s *Side) differences(other *Side) []Difference {
	all := s.setup.differences(other.setup, "")
	for _, name := range slices.Sorted(maps.Keys(s.cases)) {
		if of := other.cases[name]; of != nil {
			prefix := ""
			if len(s.cases) > 1 {
				prefix = name + ": "
			}
			all = append(all, s.cases[name].differences(of, prefix)...)
		}
	}
	return all
}

// sharesCase reports whether the two have a case of one name.
func (s *Side) sharesCase(other *Side) bool {
	for name := range s.cases {
		if other.cases[name] != nil {
			return true
		}
	}
	return false
}

// alignLone gives the only case of s the name of the only case of base: one load is compared with one load, whatever its name says.
func (s *Side) alignLone(base *Side) {
	if len(s.cases) != 1 || len(base.cases) != 1 {
		return
	}
	from, to := only(s.cases), only(base.cases)
	if from == to {
		return
	}
	s.cases = map[string]facts{to: s.cases[from]}
	s.Samples = slices.Clone(s.Samples)
	for i := range s.Samples {
		s.Samples[i].Case = to
	}
	if h := s.histograms[from]; h != nil {
		s.histograms = map[string]*Histogram{to: h}
	}
}

// errNoBenchmarks is what a text without any is.
var errNoBenchmarks = errors.New("neither a run's record (run --json) nor Go benchmark text: no line like \"BenchmarkX 1000 1234 ns/op\"")

// parseGoText reads what `go test -bench` prints, or anything in its format. A benchmark's repeats are rounds.
func parseGoText(name string, text []byte) (*Side, error) {
	s := &Side{Name: name, setup: facts{}, cases: map[string]facts{}}
	type value struct {
		name, unit string
		v          float64
	}
	var values []value
	reader := benchfmt.NewReader(bytes.NewReader(text), name)
	for reader.Scan() {
		r, ok := reader.Result().(*benchfmt.Result)
		if !ok { // a unit's metadata, or a line that only looks like a result: a program may print what it likes
			continue
		}
		full := string(r.Name.Full())
		if pkg := r.GetConfig("pkg"); pkg != "" {
			full = pkg + "." + full
		}
		for _, v := range r.Values {
			if finite(v.Value) == nil {
				continue
			}
			values = append(values, value{full, v.Unit, v.Value})
		}
		s.machine.cpu = cmp.Or(r.GetConfig("cpu"), s.machine.cpu)
		for _, key := range []string{"goos", "goarch"} {
			if v := r.GetConfig(key); v != "" {
				s.setup[key] = v
			}
		}
	}
	if err := reader.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	units := reader.Units()
	for _, v := range values {
		own := s.sample(v.name, v.unit)
		if own == nil {
			exact := units.Get(v.unit, "assume")
			s.Samples = append(s.Samples, Sample{v.name, goMetric(v.unit, units.GetBetter(v.unit), exact != nil && exact.Value == "exact"), nil})
			own = &s.Samples[len(s.Samples)-1]
		}
		own.Values = append(own.Values, v.v)
		s.Rounds = max(s.Rounds, len(own.Values))
	}
	if s.Rounds == 0 {
		return nil, fmt.Errorf("read %s: %w", name, errNoBenchmarks)
	}
	return s, nil
}

// AsRound makes one round of s: of several values of a metric, their median.
func (s *Side) AsRound() {
	for i := range s.Samples {
		s.Samples[i].Values = []float64{Median(s.Samples[i].Values)}
	}
	s.Rounds = 1
}

// only is the one key of m.
func only(m map[string]facts) string {
	for key := range m {
		return key
	}
	return ""
}
