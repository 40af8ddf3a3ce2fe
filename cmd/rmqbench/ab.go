package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rmqbench/ab"
	"rmqbench/bench"
	"rmqbench/internal/nearest"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// abFlags are those of ab, and of gate where it measures itself.
type abFlags struct {
	a, b     string
	budget   string
	rounds   int
	seed     uint64
	out      string
	progress string
	stored   string
	judge    judgeFlags
}

const abThings = `A thing is
  - arguments of run, if it begins with "run" or with a flag: '-m sync -w 64', 'run mine.yaml -n HOST:9876'
  - or else a command, which prints Go benchmark text or a run's record (rmqbench run --json) on standard output: your service's own
    benchmark, another binary of rmqbench, a Java program's
Arguments after -- stand behind both.`

func (f *abFlags) addThings(flags *pflag.FlagSet) {
	flags.StringVar(&f.a, "a", "", "the thing to compare with")
	flags.StringVar(&f.b, "b", "", "the thing that is judged")
}

func (f *abFlags) addMeasuring(flags *pflag.FlagSet) {
	flags.StringVar(&f.budget, "budget", "5m", "time for all of it; it fixes the rounds before the first, and the seconds of each where -d isn't given")
	flags.IntVar(&f.rounds, "rounds", 0, "so many rounds, whatever they take (as many as fit into the budget)")
	flags.Uint64Var(&f.seed, "seed", 1, "of the order within the rounds")
	flags.StringVarP(&f.out, "out", "o", "runs", "directory for result directories, or none")
	flags.StringVar(&f.progress, "progress", "auto", "auto (a line that is redrawn, on a terminal only), plain (a line a measurement) or none")
	flags.StringVar(&f.stored, "calibration", "auto", "auto: what calibrate stored in the last week saves the third measurement of each round; or off")
}

// usualMetrics are of our runs and of Go benchmarks; a run of few sends lacks some.
var usualMetrics = []string{"msg/s", "p50", "p99", "cpu/msg", "allocs/msg", "wire B/msg", "writes/msg", "sec/op", "B/op", "allocs/op"}

// completeAb completes what has few values.
func completeAb(cmd *cobra.Command) {
	for name, values := range map[string][]string{"progress": {"auto", "plain", "none"}, "calibration": {"auto", "off"}, "metric": usualMetrics} {
		if cmd.Flags().Lookup(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
		}
	}
}

func newAb(s streams) *cobra.Command {
	var f abFlags
	cmd := &cobra.Command{
		Use:   "ab --a THING --b THING [flags] [-- ARGUMENTS]",
		Short: "Two configurations, binaries, clusters or commands, measured in turns and compared",
		Long: `ab measures two things in turns, in rounds of random order: in each the first, the first again, and the second. What the first
differs from itself is what noise does here; a change must exceed it to count.

` + abThings,
		Example: `  rmqbench ab --a '-m sync -w 64' --b '-m async' --budget 2m
  rmqbench ab --a 'run -n old:9876' --b 'run -n new:9876' -- -r 1k/s -t TOPIC -d 20s
  rmqbench ab --a './rmqbench-old run --json -o none' --b './rmqbench-new run --json -o none' -- -m sync -d 5s
  rmqbench ab --a './old.test -test.bench Send' --b './new.test -test.bench Send'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			extra, err := afterDashes(cmd, args)
			if err != nil {
				return err
			}
			o, err := f.judge.options()
			if err != nil {
				return err
			}
			_, err = f.run(cmd.Context(), extra, nil, o, s)
			return err
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.addThings(flags)
	f.addMeasuring(flags)
	f.judge.add(flags)
	completeAb(cmd)
	return cmd
}

// afterDashes are the arguments behind --; before it there may be none.
func afterDashes(cmd *cobra.Command, args []string) ([]string, error) {
	at := cmd.ArgsLenAtDash()
	if at < 0 {
		at = len(args)
	}
	if at > 0 {
		return nil, &usageError{fmt.Sprintf("%s: quote a thing and give it to --a or --b, or write its arguments after --; see %s --help", args[0], cmd.CommandPath())}
	}
	return args[at:], nil
}

// run measures the two things in turns, shows the comparison, and keeps it.
func (f *abFlags) run(ctx context.Context, extra []string, objectives []results.Objective, o results.CompareOptions, s streams) (*results.Comparison, error) {
	if f.a == "" || f.b == "" {
		return nil, &usageError{"--a and --b: two things to compare, such as --a '-m sync' --b '-m async'"}
	}
	turns, err := f.measure(ctx, f.a, f.b, extra, true, &o, s)
	if err != nil {
		return nil, err
	}
	c, err := results.Compare(turns.sides.Base, turns.sides.New, o)
	if err != nil {
		return nil, cmpInterrupted(turns.err, err)
	}
	if turns.err != nil {
		c.Doubts = append(c.Doubts, fmt.Sprintf("%s after %d of %d rounds", results.Interrupted, turns.sides.Base.Rounds, turns.rounds))
		c.Outcome = results.Inconclusive
	}
	c.Demand(turns.sides.New, objectives)
	if err := showComparison(s.out, c, f.judge.json); err != nil {
		return nil, err
	}
	if err := keepComparison(f.out, c, s); err != nil {
		return nil, err
	}
	return c, turns.err
}

// cmpInterrupted prefers the interrupt to what it led to.
func cmpInterrupted(interrupt, err error) error {
	if interrupt != nil {
		return interrupt
	}
	return err
}

// keepComparison writes a comparison's directory, unless none is wanted.
func keepComparison(parent string, c *results.Comparison, s streams) error {
	if parent == "none" {
		return nil
	}
	dir, err := results.Create(parent, "ab", time.Now())
	if err == nil {
		err = dir.WriteComparison(c)
	}
	if err != nil {
		return fmt.Errorf("the result is lost: %w; give another directory with -o", err)
	}
	fmt.Fprintln(s.err, dir.Path())
	return nil
}

// turns are what was measured.
type turns struct {
	sides  ab.Sides
	rounds int   // that were planned
	err    error // an interrupt
	thing  string
}

// measure plans the rounds and carries them out, with the base a second time in each if again and nothing is stored that saves it. It
// adds to o what the comparison needs to know of them.
func (f *abFlags) measure(ctx context.Context, a, b string, extra []string, again bool, o *results.CompareOptions, s streams) (*turns, error) {
	budget, err := scenarios.ParseDuration(f.budget)
	if err != nil || budget == 0 {
		return nil, &usageError{fmt.Sprintf("--budget %s: a time such as 5m", f.budget)}
	}
	if f.rounds < 0 || f.rounds > 1000 {
		return nil, &usageError{fmt.Sprintf("--rounds %d: 1 to 1000, or 0 for as many as fit", f.rounds)}
	}
	watch, err := newProgress(runFlags{progress: f.progress}, s, nil)
	if err != nil {
		return nil, err
	}
	if err := creatable(f.out); err != nil {
		return nil, err
	}
	base, err := f.arm("A", a, extra, time.Duration(budget), s)
	if err != nil {
		return nil, fmt.Errorf("--a: %w", err)
	}
	changed, err := f.arm("B", b, extra, time.Duration(budget), s)
	if err != nil {
		return nil, fmt.Errorf("--b: %w", err)
	}
	compared := again // a calibration has no reader of what else there is to tell
	o.Paired, o.ByDesign = true, true
	if o.Alpha == 0 {
		o.Alpha = 0.05
	}
	t := &turns{thing: base.thing}
	var calibration *ab.Calibration
	switch {
	case f.stored != "auto" && f.stored != "off":
		return nil, &usageError{fmt.Sprintf("--calibration %s: auto or off", f.stored)}
	case f.stored == "auto" && again:
		calibration = ab.Calibrated(bench.HostFingerprint(), base.thing, time.Now())
		again = calibration == nil
	}

	// One of each, which doesn't count: it warms up, finds what is wrong, and says how long a measurement takes and of how many metrics.
	watch.say("one of each first, which doesn't count")
	var took time.Duration
	var metrics int
	var first []*results.Side
	for _, arm := range []*thingArm{base, changed} {
		began := time.Now()
		side, err := arm.Measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arm.Name, err)
		}
		if why, invalid := side.Reasons[results.Invalid]; invalid { // no rounds make it better
			return nil, fmt.Errorf("%s is %s: %s", arm.Name, results.Invalid, why)
		}
		took, metrics, first = max(took, time.Since(began)), max(metrics, side.Timed(o.Metrics)), append(first, side)
	}
	began := time.Now()
	for i, arm := range []*thingArm{base, changed} {
		if arm.cost != nil && compared {
			first[i].Cost = arm.cost(ctx)
		}
	}
	spent := 2*took + time.Since(began)
	known := append(first[0].Metrics(), first[1].Metrics()...)
	for _, name := range o.Metrics {
		if !slices.Contains(known, name) && !slices.Contains(usualMetrics, name) {
			slices.Sort(known)
			return nil, &usageError{fmt.Sprintf("--metric %s: nearest: %s; there are %s", name, nearest.Any(name, known), strings.Join(slices.Compact(known), ", "))}
		}
	}
	if _, err := results.Compare(first[0], first[1], *o); err != nil { // nor would it be any other after the rounds
		return nil, asUsage(err)
	}
	t.rounds = f.rounds
	if t.rounds == 0 {
		if t.rounds, err = ab.Fit(time.Duration(budget)-spent, took, again, metrics, o.Alpha); err != nil {
			return nil, &usageError{fmt.Sprintf("--budget %s: %v", f.budget, err)}
		}
	}
	watch.say(planLine(t.rounds, took, again, calibration, metrics, o.Alpha))
	sides, err := ab.Measure(ctx, ab.Plan{Base: base.Arm, New: changed.Arm, Rounds: t.rounds, Again: again, Seed: f.seed, Progress: watch.turn})
	watch.close()
	if err != nil && !(errors.Is(err, context.Canceled) && sides.Base.Rounds > 0) {
		return nil, err
	}
	sides.Base.Name, sides.New.Name = "A ("+strings.TrimSpace(a)+")", "B ("+strings.TrimSpace(b)+")"
	sides.Base.Cost, sides.New.Cost = first[0].Cost, first[1].Cost
	t.sides, t.err = sides, err
	if o.Again = sides.Again; o.Again == nil && calibration != nil {
		o.Spreads = calibration.Spreads
	}
	return t, nil
}

// planLine says before the first round what is to come.
func planLine(rounds int, took time.Duration, again bool, calibration *ab.Calibration, metrics int, alpha float64) string {
	n := 2
	if again {
		n = 3
	}
	line := fmt.Sprintf("%s of %d measurements, about %s", results.FormatCount(rounds, "round"), n, elapsed(took*time.Duration(rounds*n)))
	if calibration == nil {
		return line + "; the smallest change this could see is told at the end (calibrate tells it beforehand)"
	}
	var all []string
	for _, s := range calibration.Spreads {
		if seen := s.Foreseen(rounds, metrics, alpha); seen != nil {
			all = append(all, fmt.Sprintf("%s %s", s.Metric, results.FormatChange(*seen)))
		}
	}
	return line + "; the smallest changes this could see: " + strings.Join(all, ", ")
}

// turn shows a measurement before it begins.
func (p *progress) turn(at ab.Progress) {
	line := fmt.Sprintf("round %d of %d  %s", at.Round, at.Of, results.Printable(at.Arm))
	if at.Left > 0 {
		line += fmt.Sprintf("  %s left", elapsed(at.Left))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.kind {
	case plainProgress:
		fmt.Fprintln(p.w, line)
	case liveProgress:
		p.redraw([]string{line}, p.width())
	}
}

// thingArm is an arm with what tells it from others, for calibrations.
type thingArm struct {
	ab.Arm
	thing string
	cost  func(context.Context) *results.InstrumentCost // of the harness; nil of a command, or if nobody asks
}

// arm makes an arm of what --a or --b names.
func (f *abFlags) arm(name, thing string, extra []string, budget time.Duration, s streams) (*thingArm, error) {
	first, _, _ := strings.Cut(strings.TrimSpace(thing), " ")
	if first != "run" && !strings.HasPrefix(first, "-") {
		line := strings.TrimSpace(thing)
		return &thingArm{Arm: ab.Command(name, line, extra, budget), thing: strings.Join(append([]string{line}, extra...), " ")}, nil
	}
	words, err := splitWords(strings.TrimPrefix(strings.TrimSpace(thing), "run"))
	if err != nil {
		return nil, &usageError{err.Error()}
	}
	scenario, unlimited, withCost, err := runArguments(append(words, extra...), budget, f.rounds, s)
	if err != nil {
		return nil, err
	}
	resolved, err := json.Marshal(scenario.Resolved())
	if err != nil {
		return nil, err
	}
	warned := false
	measure := func(ctx context.Context) (*results.Side, error) {
		o := bench.Options{Tool: tool(), Unlimited: unlimited}
		if !warned {
			o.Warn, warned = s.warn, true
		}
		report, err := bench.Run(ctx, scenario, o)
		if err != nil {
			return nil, err
		}
		return results.SideOf(name, report.Run, report.Histograms), nil
	}
	arm := &thingArm{Arm: ab.Arm{Name: name, Measure: measure}, thing: string(resolved)}
	if withCost {
		arm.cost = func(ctx context.Context) *results.InstrumentCost { return bench.InstrumentCost(ctx, scenario, abCost) }
	}
	return arm, nil
}

// abCost is how long the instrument's own cost is measured, of each thing once.
const abCost = 500 * time.Millisecond

// runArguments reads the arguments of run, and whether the instrument's cost is to be measured. Where they don't say how long a measurement is, ten rounds of three fill the budget.
func runArguments(args []string, budget time.Duration, rounds int, s streams) (scenario *scenarios.Scenario, unlimited, cost bool, err error) {
	run := newRun(s)
	flags := run.Flags()
	if err := flags.Parse(args); err != nil {
		return nil, false, false, flagFault(run, err)
	}
	if flags.NArg() > 1 {
		return nil, false, false, &usageError{fmt.Sprintf("run takes one scenario, not %s", strings.Join(flags.Args(), " "))}
	}
	if err := fromEnvironment(flags); err != nil {
		return nil, false, false, err
	}
	if flags.NArg() == 0 && !flags.Changed("duration") && !flags.Changed("count") {
		const least, most, around = 500 * time.Millisecond, 10 * time.Second, time.Second // around a run: target, machine, drain
		each := budget/time.Duration(3*max(rounds, 12)+2) - around
		if err := flags.Set("duration", scenarios.Duration(min(max(each, least), most).Round(100*time.Millisecond)).String()); err != nil {
			return nil, false, false, err
		}
	}
	if scenario, err = chooseScenario(flags, flags.Args(), s); err != nil {
		return nil, false, false, err
	}
	unlimited, _ = flags.GetBool("unlimited") // both are run's
	said, _ := flags.GetString("instrument-cost")
	whole, err := costTime(said, scenario)
	return scenario, unlimited, whole > 0, err
}

// splitWords splits a line as a shell does where it has nothing but words and quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, in := rune(0), false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				words = append(words, word.String())
			}
			word.Reset()
			in = false
		default:
			in = true
			word.WriteRune(c)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%s: a quote %c isn't closed", line, quote)
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}
