package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rmqbench/bench"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// capacityFlags are those of capacity that are not the scenario's.
type capacityFlags struct {
	runFlags
	start, maxRate        string
	resume                string
	budget, step, confirm string
	rounds, steps         int
	lose                  int
	need, headroom        string
	sweep                 bool
}

func newCapacity(s streams) *cobra.Command {
	var f capacityFlags
	cmd := &cobra.Command{
		Use:   "capacity [SCENARIO] --slo LIST [flags]",
		Short: "Find the highest rate that holds objectives, and what the limit is",
		Long: `capacity drives a scenario, or one case made of flags, on an open loop at a rate that it raises until an objective breaks. It
narrows the rate down by bisection, confirms the answer by a longer run, and does so several times for a 95 % interval. A step
counts only in steady state: what falls due is answered as fast as it does. The percentiles that are demanded say how long a step
must be: p99 needs 10,000 sends.

What holds at a rate that this generator could not keep is a floor and no answer: exit status 5, with the cure. Off loopback
--max-rate is required, and each message stays in the brokers' commit logs.

--lose 1 searches once more without the busiest broker: the client leaves it out, the cluster isn't touched. --need says how many
brokers hold a rate with a share of them left free; it takes capacity to grow with their number, and checks that with two.

With --shard k/N the steps are agreed beforehand, for nobody commands the shares: --steps rates from --start to --max-rate, both of all
shares together, each as many times the one below it, --rounds times from the bottom up. Give all shares the same flags and one
--start-at. rmqbench merge of their records judges each step by what all measured together, and has the answer: the highest rate up
to which every step held, in each round, and the next one, which broke. See docs/scale.md.

--sweep answers another question: how much do more workers help? It takes 1, 2, 4, … 1,024 of them on a closed loop and fits the
Universal Scalability Law to what they make: how much of a send is done one at a time, and what it costs to keep in step. Where
the curve is another, it says so and gives no values: exit status 4.`,
		Example: `  rmqbench capacity --slo 'p99<10ms,errors<0.1%'                       # the embedded broker, and this machine
  rmqbench capacity -n HOST:9876 -t TOPIC -m async --slo 'p99<10ms' --max-rate 50k/s
  rmqbench capacity -n HOST:9876 -t TOPIC --slo 'p99<10ms' --max-rate 200k/s --lose 1 --need 300k/s --headroom 30%
  rmqbench capacity mine.yaml --budget 5m --json                       # objectives from the scenario's slo
  rmqbench capacity -n HOST:9876 -t TOPIC --slo 'p99<10ms' --start 50k/s --max-rate 400k/s --shard 0/3 --start-at 2026-03-01T12:00:00Z
  rmqbench capacity --sweep                                            # 1 to 1,024 workers on the embedded broker
  rmqbench capacity --set target.embedded.service_time=1ms --slo 'p99<50ms' --set load.arrivals=poisson`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.sweep {
				return runSweep(cmd, args, f, s)
			}
			return runCapacity(cmd, args, f, s)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addFlags(flags, searchedFlags())
	flags.StringVar(&f.start, "start", "1k/s", "rate of the first step")
	flags.StringVar(&f.maxRate, "max-rate", "", "no step is faster; required off loopback")
	flags.StringVar(&f.budget, "budget", "15m", "time for all of it")
	flags.StringVar(&f.step, "step", "5s", "a step's time, or what its percentiles need")
	flags.StringVar(&f.confirm, "confirm", "60s", "time of a run that confirms an answer")
	flags.IntVar(&f.rounds, "rounds", 3, "answers, each found and confirmed anew, 1 to 10; the interval is over them")
	flags.IntVar(&f.steps, "steps", 8, "with --shard: rates from --start to --max-rate, 1 to 60")
	flags.IntVar(&f.lose, "lose", 0, "search once more without so many of the busiest brokers")
	flags.StringVar(&f.need, "need", "", "say how many brokers hold this rate")
	flags.StringVar(&f.headroom, "headroom", "0%", "share of the brokers' capacity that --need leaves free, below 100%")
	flags.BoolVar(&f.sweep, "sweep", false, "no search: a closed loop with 1 to 1,024 workers, and the law that what they make follows")
	flags.StringVar(&f.resume, "resume", "", "result `directory` of a search that was cut short: go on from there, with the same flags")
	f.share.add(flags)
	addOutputFlags(cmd, &f.runFlags)
	return cmd
}

// searchedFlags are those of loadFlags that a search doesn't set itself.
func searchedFlags() []loadFlag {
	var kept []loadFlag
	for _, f := range loadFlags {
		switch f.path {
		case "load.rate", "load.duration", "load.count", "load.warmup", "repeat":
		default:
			kept = append(kept, f)
		}
	}
	return kept
}

func runCapacity(cmd *cobra.Command, args []string, f capacityFlags, s streams) error {
	o := bench.CapacityOptions{Rounds: f.rounds}
	for _, t := range []struct {
		flag, text string
		into       *time.Duration
	}{{"budget", f.budget, &o.Budget}, {"step", f.step, &o.Step}, {"confirm", f.confirm, &o.Confirm}} {
		if err := readTime(t.flag, t.text, t.into); err != nil {
			return err
		}
	}
	for _, r := range []struct {
		flag, text string
		into       *scenarios.Rate
	}{{"max-rate", f.maxRate, &o.MaxRate}, {"need", f.need, &o.Need}} {
		if r.text == "" {
			continue
		}
		rate, err := scenarios.ParseRate(r.text)
		if err != nil {
			return &usageError{fmt.Sprintf("--%s: %v", r.flag, err)}
		}
		*r.into = rate
	}
	var err error
	if o.Headroom, err = parseHeadroom(f.headroom); err != nil {
		return err
	}
	if cmd.Flags().Changed("headroom") && f.need == "" {
		return &usageError{"--headroom is of --need: give --need 200k/s"}
	}
	if o.Lose = f.lose; f.lose < 0 {
		return &usageError{fmt.Sprintf("--lose %d: 0 or more brokers", f.lose)}
	}
	if f.rounds < 1 || f.rounds > 10 {
		return &usageError{fmt.Sprintf("--rounds %d: 1 to 10", f.rounds)}
	}
	if o.Share, err = f.share.share(cmd.Flags(), s.warn); err != nil {
		return err
	}
	if o.Steps, err = f.stairs(cmd.Flags(), o.Share != nil); err != nil {
		return err
	}
	scenario, err := chooseScenario(cmd.Flags(), args, s, scenarios.Override{Path: "load.rate", Value: f.start, Source: "--start"})
	if err != nil {
		return err
	}
	if err := f.share.began(o.Share, s); err != nil {
		return err
	}
	if f.resume != "" {
		if o.Resume, err = results.Read(f.resume); err != nil {
			return &usageError{fmt.Sprintf("--resume: %v", err)}
		}
	}
	watch, keep, err := f.begin(&o.Options, s)
	if err != nil {
		return err
	}
	o.Told = func(with string, step results.CapacityStep) { watch.say(stepLine(with, &step)) }
	report, err := bench.Capacity(cmd.Context(), scenario, o)
	watch.close()
	if err != nil {
		return err
	}
	if o.Share != nil {
		return deliver(report, scenario, keep, f.runFlags, s)
	}
	return deliverCapacity(report, scenario, keep, f.runFlags, s)
}

// stairs checks what goes with --shard and what doesn't, and gives the number of steps.
func (f *capacityFlags) stairs(flags *pflag.FlagSet, shared bool) (int, error) {
	if !shared {
		if flags.Changed("steps") {
			return 0, &usageError{"--steps is of shares, which agree upon them beforehand: give --shard k/N, or leave it out, and the search finds its own"}
		}
		return 0, nil
	}
	for _, name := range []string{"confirm", "lose", "need", "headroom", "resume"} {
		if flags.Changed(name) {
			return 0, &usageError{fmt.Sprintf("--%s needs a search that goes by what it finds, and shares (--shard) climb steps that they know beforehand: leave one of them out", name)}
		}
	}
	if f.steps < 1 || f.steps > 60 {
		return 0, &usageError{fmt.Sprintf("--steps %d: 1 to 60", f.steps)}
	}
	return f.steps, nil
}

// runSweep sweeps workers instead of searching.
func runSweep(cmd *cobra.Command, args []string, f capacityFlags, s streams) error {
	for _, name := range []string{"start", "budget", "confirm", "lose", "need", "headroom", "resume", "workers", "slo", "shard", "steps"} {
		if cmd.Flags().Changed(name) {
			return &usageError{"--" + name + " is of the search for a rate, and --sweep is none: leave one of them out"}
		}
	}
	o := bench.SweepOptions{Rounds: f.rounds}
	if err := readTime("step", f.step, &o.Step); err != nil {
		return err
	}
	if f.rounds < 1 || f.rounds > 10 {
		return &usageError{fmt.Sprintf("--rounds %d: 1 to 10", f.rounds)}
	}
	var fixed []scenarios.Override
	if f.maxRate != "" {
		fixed = append(fixed, scenarios.Override{Path: "load.cap", Value: f.maxRate, Source: "--max-rate"})
	}
	if len(args) == 0 { // one case, on the embedded broker unless flags say another
		fixed = append(fixed, scenarios.Override{Path: "name", Value: "workers", Source: "--sweep"})
	}
	scenario, err := chooseScenario(cmd.Flags(), args, s, fixed...)
	if err != nil {
		return err
	}
	watch, keep, err := f.begin(&o.Options, s)
	if err != nil {
		return err
	}
	report, err := bench.Sweep(cmd.Context(), scenario, o)
	watch.close()
	if err != nil {
		return err
	}
	path, lost := keep.result(report)
	var text strings.Builder
	switch run := report.Run; {
	case f.json:
		if err := results.Encode(&text, run); err != nil {
			return err
		}
	case f.quiet:
		fmt.Fprintln(&text, run.Sweep.Sentence())
	default:
		fmt.Fprintf(&text, "%s · seed %d\n", results.Title(run), scenario.Seed)
		if err := results.WriteSweep(&text, run); err != nil {
			return err
		}
	}
	return hand(text.String(), path, lost, report.Run, results.SweepStatus(report.Run), f.runFlags, s)
}

// begin makes what shows and what keeps a run, and sets the options that are both verbs'.
func (f *runFlags) begin(o *bench.Options, s streams) (*progress, *keeper, error) {
	o.Marks = &bench.Marks{}
	watch, err := newProgress(*f, s, o.Marks.Add)
	if err != nil {
		return nil, nil, err
	}
	o.Tool, o.Tell, o.Warn, o.Progress, o.Hurry = tool(), s.note, s.warn, watch.show, s.hurry
	keep := &keeper{parent: f.out}
	if f.out != "none" {
		o.Checkpoint = keep.checkpoint
	}
	if err := creatable(f.out); err != nil {
		return nil, nil, err
	}
	return watch, keep, nil
}

// creatable is an error, before anything is sent, where -o names a place in which no result can be kept.
func creatable(out string) error {
	if out == "none" {
		return nil
	}
	if err := results.Creatable(out); err != nil {
		return fmt.Errorf("-o %s: %w; give another directory, or none", out, err)
	}
	return nil
}

// readTime reads a flag of at least a second.
func readTime(flag, text string, into *time.Duration) error {
	d, err := scenarios.ParseDuration(text)
	if err == nil && time.Duration(d) < time.Second {
		err = fmt.Errorf("duration %q must be at least 1s", text)
	}
	if err != nil {
		return &usageError{fmt.Sprintf("--%s: %v", flag, err)}
	}
	*into = time.Duration(d)
	return nil
}

// parseHeadroom reads 30% or 0.3.
func parseHeadroom(text string) (float64, error) {
	share, err := parseShare(text)
	if err != nil || !(share >= 0 && share < 1) {
		return 0, &usageError{fmt.Sprintf("--headroom %s: a share from 0%% to below 100%%, such as 30%%", text)}
	}
	return share, nil
}

// stepLine tells of a step that has ended, with some brokers only or with all.
func stepLine(with string, step *results.CapacityStep) string {
	line := fmt.Sprintf("%-7s %8s/s  %s", step.Phase, results.FormatRate(step.RatePerSecond), step.Found)
	if step.Why != "" {
		line += ": " + step.Why
	}
	if with != "" {
		line += "  (" + with + ")"
	}
	return results.Printable(line)
}

// deliverCapacity prints the answer and writes the result's directory; scenario is nil where the record alone is at hand.
func deliverCapacity(report *bench.Report, scenario *scenarios.Scenario, keep *keeper, f runFlags, s streams) error {
	path, lost := keep.result(report)
	run := report.Run
	var text strings.Builder
	switch {
	case f.json:
		if err := results.Encode(&text, run); err != nil {
			return err
		}
	case f.quiet:
		fmt.Fprintln(&text, run.Capacity.Sentence(run.Target.Embedded))
		if run.Capacity.Need != nil {
			fmt.Fprintln(&text, run.Capacity.Need.Sentence())
		}
	default:
		title := results.Title(run)
		if scenario != nil {
			title += fmt.Sprintf(" · seed %d", scenario.Seed)
		}
		fmt.Fprintln(&text, title)
		if err := results.WriteCapacity(&text, run); err != nil {
			return err
		}
	}
	return hand(text.String(), path, lost, run, results.CapacityStatus(run), f, s)
}

// hand prints a text, under it, unless it is a record, the verdict and the result's path, and gives the exit status. lost is why
// the result could not be kept.
func hand(text, path string, lost error, run *results.Run, status int, f runFlags, s streams) error {
	if !f.json {
		text += string(run.Verdict)
		if path != "" {
			text += " · " + path
		}
		text += "\n"
	}
	if _, err := fmt.Fprint(s.out, text); err != nil {
		return err
	}
	if lost != nil {
		return fmt.Errorf("the result is lost: %w; give another directory with -o", lost)
	}
	if status != exitDone {
		return exitError(status)
	}
	return nil
}
