package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// gateAlpha is how seldom a gate may raise an alarm by chance, over all of its metrics.
const gateAlpha = 0.01

// gateFlags are those of gate beside ab's.
type gateFlags struct {
	abFlags
	slo             string
	junit, markdown string
	openmetrics     string
	selfTest        bool
}

func newGate(s streams) *cobra.Command {
	var f gateFlags
	cmd := &cobra.Command{
		Use:   "gate BASE NEW [flags] | gate --a THING --b THING [flags] [-- ARGUMENTS] | gate --self-test",
		Short: "compare or ab with an exit status, for continuous integration",
		Long: `gate fails (exit status 3) if NEW is worse than BASE by more than --max-regression and by more than noise does, or misses an
objective. If it can't tell, because there are too few rounds, too much noise, or a SUSPECT run, it says so: exit status 4.
With --a and --b it measures both itself, in turns, which sees most; of two files it needs repeats.

` + compareWhat + `

` + abThings + `

--self-test slows the embedded broker down by a tenth of 5 ms and fails (1) unless the gate sees that: an alarm that can't ring is none.`,
		Example: `  rmqbench gate runs/main runs/branch --max-regression 5% --slo 'p99<10ms'
  rmqbench gate --a './main.test -test.bench Send' --b './branch.test -test.bench Send' --budget 5m --junit gate.xml
  rmqbench gate baseline:sync runs/branch                      # counts only: another machine
  rmqbench gate --self-test`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.gate(cmd, args, s)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.judge.add(flags)
	f.judge.addUnlike(flags)
	flags.StringVar(&f.slo, "slo", "", "what must hold of NEW, in each case and round: 'p99<10ms,errors<0.1%'")
	flags.StringVar(&f.junit, "junit", "", "write JUnit's XML to this new file")
	flags.StringVar(&f.markdown, "markdown", "", "append Markdown to this file, such as $GITHUB_STEP_SUMMARY")
	flags.StringVar(&f.openmetrics, "openmetrics", "", "write OpenMetrics text to this new file")
	f.addThings(flags)
	f.addMeasuring(flags)
	flags.BoolVar(&f.selfTest, "self-test", false, "slow the embedded broker down and see whether the gate sees it")
	completeAb(cmd)
	return cmd
}

func (f *gateFlags) gate(cmd *cobra.Command, args []string, s streams) error {
	o, err := f.judge.options()
	if err != nil {
		return err
	}
	o.Gate, o.Alpha = true, gateAlpha
	objectives, err := demanded(f.slo)
	if err != nil {
		return err
	}
	for _, path := range []string{f.junit, f.openmetrics} { // a budget's time is too long to learn it after
		if _, err := os.Lstat(path); path != "" && err == nil {
			return &os.PathError{Op: "open", Path: path, Err: os.ErrExist}
		}
	}
	var c *results.Comparison
	switch measured := f.a != "" || f.b != ""; {
	case f.selfTest:
		return f.prove(cmd.Context(), o, s)
	case measured:
		extra, err := afterDashes(cmd, args)
		if err != nil {
			return err
		}
		if c, err = f.run(cmd.Context(), extra, objectives, o, s); err != nil && c == nil {
			return err
		} else if err != nil {
			return errors.Join(err, f.reports(c))
		}
	case len(args) != 2:
		return &usageError{"gate takes BASE and NEW, or --a and --b; see rmqbench gate --help"}
	default:
		var changed *results.Side
		if c, changed, err = compareFiles(args[0], args[1], o); err != nil {
			return err
		}
		c.Demand(changed, objectives)
		if err := showComparison(s.out, c, f.judge.json); err != nil {
			return err
		}
	}
	if err := f.reports(c); err != nil {
		return err
	}
	if status := c.Status(); status != exitDone {
		return exitError(status)
	}
	return nil
}

// demanded are the objectives of --slo.
func demanded(text string) ([]results.Objective, error) {
	if text == "" {
		return nil, nil
	}
	parsed, err := scenarios.ParseObjectives(text)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("--slo: %v", err)}
	}
	var all []results.Objective
	for _, o := range parsed {
		all = append(all, results.Objective{Text: o.String(), Metric: o.Metric.Name, Unit: o.Metric.Unit, AtLeast: o.Metric.AtLeast, Limit: o.Limit})
	}
	return all, nil
}

// reports writes the files that were asked for.
func (f *gateFlags) reports(c *results.Comparison) error {
	var errs []error
	if f.junit != "" {
		errs = append(errs, writeTo(f.junit, os.O_CREATE|os.O_EXCL, func(w io.Writer) error { return results.WriteComparisonJUnit(w, c) }))
	}
	if f.openmetrics != "" {
		errs = append(errs, writeTo(f.openmetrics, os.O_CREATE|os.O_EXCL, func(w io.Writer) error { return results.WriteComparisonOpenMetrics(w, c) }))
	}
	if f.markdown != "" {
		errs = append(errs, writeTo(f.markdown, os.O_CREATE|os.O_APPEND, func(w io.Writer) error { return results.WriteComparisonMarkdown(w, c) }))
	}
	return errors.Join(errs...)
}

// writeTo fills a file.
func writeTo(path string, how int, fill func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|how, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(fill(file), file.Close())
}

// The self-test: a broker whose only server is computed to take 5 ms, and one of which it takes a tenth more. With 100 sends waiting it
// is never idle, whatever the machine does meanwhile.
const (
	selfTestBase = "-m sync -w 100 -d 600ms --set target.embedded.servers=1 --set target.embedded.service_time=5ms"
	selfTestSlow = "-m sync -w 100 -d 600ms --set target.embedded.servers=1 --set target.embedded.service_time=5500us"
)

// prove is gate --self-test.
func (f *gateFlags) prove(ctx context.Context, o results.CompareOptions, s streams) error {
	f.a, f.b, f.out, f.stored, f.rounds = selfTestBase, selfTestSlow, "none", "off", 10
	o.Metrics = []string{"msg/s", "p50"}
	c, err := f.run(ctx, nil, nil, o, s)
	if err != nil {
		return err
	}
	if c.Outcome != results.Worse {
		return fmt.Errorf("the gate did not see a service time of 5.5 ms instead of 5 ms: don't trust it on this machine (%s)", c.Sentence())
	}
	_, err = fmt.Fprintln(s.out, "the gate saw it, so it can fail")
	return err
}
