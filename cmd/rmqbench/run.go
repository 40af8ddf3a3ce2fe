package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rmqbench/bench"
	"rmqbench/metrics"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// runFlags are those of run that are not the scenario's.
type runFlags struct {
	out       string
	json      bool
	unlimited bool
	share     shareFlags
	wait      time.Duration
	change    bool
	noGuard   bool
	diskLimit string
	progress  string
	cost      string
	quiet     bool
	metrics   string // where they are served; "": nowhere
	expose    bool
	dry       bool
}

// defaultScenario is what run does without a word.
const defaultScenario = "quick"

func newRun(s streams) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [SCENARIO] [flags]",
		Short: "Put load on a cluster, or on the embedded broker, and measure it",
		Long: `run drives a shipped scenario, a scenario file, or one case made of flags. Without any it runs quick: under 30 s on the
embedded broker. A flag fixes its field in every case of the scenario; RMQBENCH_<FLAG> in the environment does so too. With
several values, by comma, it makes a case for each.

With a rate (-r) it is an open loop: each message falls due at a known time and is measured from then, so that waiting
before the send counts. Without one it is a closed loop, as fast as answers come.

Off loopback a rate is required (or --unlimited), topics are neither made nor altered unless asked for, and a run stops
by itself (PARTIAL, exit status 3) when over 5 % of its sends have failed for 5 s (--no-guard).`,
		Example: `  rmqbench run                                               # quick
  rmqbench run -m sync -w 64 -s 128 -d 5s --json             # one case on the embedded broker, its record on stdout
  rmqbench run -n 127.0.0.1:9876 -r 1k/s -t TOPIC -d 30s     # an open loop on a cluster
  rmqbench run -n HOST:9876 --tls-ca ca.pem --credentials tools.yml -r 1k/s -t TOPIC
  rmqbench run --selector random,hash -s 128B,4KiB -d 5s      # four cases
  rmqbench run -n HOST:9876 -r 100k/s -d 60s -t TOPIC --shard 0/3 --start-at 2026-03-01T12:00:00Z   # one of three machines
  rmqbench run mine.yaml --dry-run                           # what it would send, and how long it would take
  rmqbench run selectors                                     # which selector copes best with a slow broker
  rmqbench run mine.yaml --set message.size=4KiB -o results`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runLoad(cmd, args, f, s)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addFlags(flags, loadFlags)
	flags.BoolVar(&f.dry, "dry-run", false, "print the plan (cases, messages, bytes, time) and send nothing")
	flags.BoolVar(&f.unlimited, "unlimited", false, "off loopback: drive the cluster as hard as it can, without a rate")
	flags.BoolVar(&f.change, "allow-change", false, "on a cluster: events of the scenario may change its topic's queues")
	flags.BoolVar(&f.noGuard, "no-guard", false, "off loopback: go on though over 5 % of the sends have failed for 5 s")
	flags.DurationVar(&f.wait, "wait", 0, "how long to wait for name servers and brokers that aren't up yet (not at all)")
	f.share.add(flags)
	flags.StringVar(&f.diskLimit, "disk-limit", "", "refuse a run, or stop it, that fills a commit log's disk beyond this: 70% (off loopback), 85%, or off")
	addOutputFlags(cmd, &f)
	flags.StringVar(&f.metrics, "metrics", "", "tell Prometheus of the run while it goes on, at `HOST:PORT`; loopback only, unless --metrics-expose")
	flags.BoolVar(&f.expose, "metrics-expose", false, "let other machines ask for metrics, with the token in "+metricsToken)
	return cmd
}

// addOutputFlags defines how a run is told of and kept, and completes what has few values.
func addOutputFlags(cmd *cobra.Command, f *runFlags) {
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "out", "o", "runs", "directory for result directories, or none")
	flags.BoolVar(&f.json, "json", false, "print the run record as JSON on stdout, and nothing else there")
	flags.StringVar(&f.cost, "instrument-cost", "auto", "auto: measure first what rmqbench itself takes, against a broker that does nothing (2 s, 0.5 s in a run of under 30 s); or off")
	flags.StringVar(&f.progress, "progress", "auto", "auto (on a terminal a live view, elsewhere a line every 5 s), plain (the line) or none")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress, no table: the verdict only")
	for name, values := range map[string][]string{"mode": {"sync", "async", "oneway", "batch", "transaction"}, "serialize": {"rocketmq", "json"}, "progress": {"auto", "plain", "none"}, "instrument-cost": {"auto", "off"},
		"selector": {"round_robin", "random", "hash", "machine_room", "least_in_flight", "power_of_two", "consistent_hash", "sticky"}} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flags are there: defined above
	}
}

// metricsToken is the environment variable of what whoever asks for metrics must bring.
const metricsToken = "RMQBENCH_METRICS_TOKEN"

func runLoad(cmd *cobra.Command, args []string, f runFlags, s streams) error {
	scenario, err := chooseScenario(cmd.Flags(), args, s)
	if err != nil {
		return err
	}
	if scenario.EventsLeftOut {
		s.warn(scenario.Name + "'s events are left out: they happen to the embedded broker only")
	}
	limit, err := parseDiskLimit(f.diskLimit)
	if err != nil {
		return err
	}
	cost, err := costTime(f.cost, scenario)
	if err != nil {
		return err
	}
	share, err := f.share.share(cmd.Flags(), s.warn)
	if err != nil {
		return err
	}
	if f.dry {
		return preview(cmd.Context(), scenario, bench.Options{Share: share, Unlimited: f.unlimited, AllowChange: f.change, Tell: s.note, Warn: s.warn}, s)
	}
	if err := f.share.began(share, s); err != nil {
		return err
	}
	o := bench.Options{Share: share, Wait: f.wait, Cost: cost, Unlimited: f.unlimited, AllowChange: f.change, NoGuard: f.noGuard, DiskLimit: limit}
	watch, keep, err := f.begin(&o, s)
	if err != nil {
		return err
	}
	if f.metrics != "" {
		live := &metrics.Live{}
		server, err := metrics.Serve(f.metrics, f.expose, os.Getenv(metricsToken), live)
		if errors.Is(err, metrics.ErrExposed) {
			return &usageError{fmt.Sprintf("--metrics %v: give --metrics-expose, and a token of %d bytes or more in %s", err, metrics.MinToken, metricsToken)}
		}
		if err != nil {
			return &usageError{fmt.Sprintf("--metrics %v", err)}
		}
		defer func() { _ = server.Close() }() // the run is over
		s.note("metrics at " + server.URL())
		o.Interval = live.Add
	}
	report, err := bench.Run(cmd.Context(), scenario, o)
	watch.close()
	if err != nil {
		return err
	}
	return deliver(report, scenario, keep, f, s)
}

// chooseScenario is the one that is named, or one case made of flags, or quick. fixed are flags that the verb has beside
// those of loads.
func chooseScenario(flags *pflag.FlagSet, args []string, s streams, fixed ...scenarios.Override) (*scenarios.Scenario, error) {
	all, err := overrides(flags)
	if err != nil {
		return nil, err
	}
	all = append(all, fixed...)
	name := defaultScenario
	switch {
	case len(args) > 0:
		name = args[0]
	case len(all) > 0:
		if addr := namesrvFromEnv(); addr != "" && !flags.Changed("namesrv") {
			fmt.Fprintf(s.err, "name server %s, from NAMESRV_ADDR\n", results.Printable(scenarios.WithoutSecrets(addr)))
			all = append(all, scenarios.Override{Path: "target.namesrv", Value: addr, Source: "NAMESRV_ADDR"})
		}
		return scenarios.FromFlags(all...)
	}
	return scenarios.Load(name, all...)
}

// profiles names whose defaults the producers have, with what matters most of them.
func profiles(s *scenarios.Scenario) string {
	var all []string
	for _, c := range s.Cases() {
		retries := "no retries"
		switch n := c.Producer.Retries; {
		case n == 1:
			retries = "one retry"
		case n > 1:
			retries = fmt.Sprintf("up to %d retries", n)
		}
		words := fmt.Sprintf("profile %s, %s", c.Producer.Profile, retries)
		if !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	return strings.Join(all, "; ")
}

// costTime is how long the instrument's own cost is measured.
func costTime(flag string, scenario *scenarios.Scenario) (time.Duration, error) {
	const whole, short, shortRun = 2 * time.Second, 500 * time.Millisecond, scenarios.Duration(30 * time.Second)
	switch flag {
	case "off":
		return 0, nil
	case "auto":
	default:
		return 0, &usageError{fmt.Sprintf("--instrument-cost %s: auto or off", flag)}
	}
	var length scenarios.Duration
	for _, c := range scenario.Cases() {
		for _, s := range c.Load.Stages {
			if s.For == 0 { // a count ends it
				return whole, nil
			}
			length += s.For * scenarios.Duration(max(scenario.Repeat, 1))
		}
	}
	if length < shortRun {
		return short, nil
	}
	return whole, nil
}

// deliver prints the report and writes its directory; scenario is nil where the record alone is at hand. What could not be written does not keep the summary back.
func deliver(report *bench.Report, scenario *scenarios.Scenario, keep *keeper, f runFlags, s streams) error {
	run := report.Run
	path, lost := keep.result(report)
	if f.json {
		if err := results.Encode(s.out, run); err != nil {
			return err
		}
	} else {
		last := results.VerdictLine(run)
		if path != "" {
			last += " · " + path
		}
		if next := nextStep(run); next != "" {
			last += "   next: " + next
		}
		var text strings.Builder
		headline := quickLines(report)
		if !f.quiet {
			title := results.Title(run)
			if scenario != nil {
				title += fmt.Sprintf(" · seed %d · %s", scenario.Seed, profiles(scenario))
			}
			fmt.Fprintln(&text, title)
			for _, line := range headline {
				fmt.Fprintln(&text, line)
			}
		}
		if headline != nil && !f.quiet { // quick tells its verdict before the table
			fmt.Fprintln(&text, last)
			fmt.Fprintln(&text)
		}
		if !f.quiet {
			if err := results.WriteTable(&text, run); err != nil {
				return err
			}
		}
		if headline == nil || f.quiet {
			fmt.Fprintln(&text, last)
		}
		if _, err := fmt.Fprint(s.out, text.String()); err != nil {
			return err
		}
	}
	if f.share.print {
		if err := results.PrintWhole(s.out, report.Whole); err != nil {
			return err
		}
	}
	if lost != nil {
		return fmt.Errorf("the result is lost: %w; give another directory with -o", lost)
	}
	status := results.ExitStatus(run, asksForRate(run))
	if (f.share.print || run.Capacity != nil) && status != exitFailed && status != exitInterrupted {
		return nil // a share whose record is under way has done its part: the merge judges, and a Job needn't count a pod as failed
	}
	if status != exitDone {
		return exitError(status)
	}
	return nil
}

// asksForRate reports whether any case has one.
func asksForRate(run *results.Run) bool {
	return slices.ContainsFunc(run.Cases, func(c results.Case) bool { return c.OpenLoop })
}

// keeper writes a run's directory, while the run goes on and at its end.
type keeper struct {
	parent string // or "none"
	dir    *results.Dir
}

// open makes the directory, once.
func (k *keeper) open(run *results.Run) (err error) {
	if k.dir == nil {
		k.dir, err = results.Create(k.parent, run.Name, run.StartedAt)
	}
	return err
}

// checkpoint writes what there is so far. That it could not be written is told at the end, if it can't be then either.
func (k *keeper) checkpoint(report *bench.Report) {
	if k.open(report.Run) == nil {
		_ = k.dir.Checkpoint(report.Run, report.Series)
	}
}

// result writes the run and returns its directory's path; "" if none was wanted.
func (k *keeper) result(report *bench.Report) (string, error) {
	if k.parent == "none" {
		return "", nil
	}
	if err := k.open(report.Run); err != nil {
		return "", err
	}
	var whole error
	if report.Whole != nil {
		whole = k.dir.WriteWhole(report.Whole)
	}
	return k.dir.Path(), errors.Join(whole, k.dir.WriteRun(report.Run), k.dir.WriteSeries(report.Series), k.dir.WriteLog(report.Histograms), k.dir.WriteReports(report))
}

// nextStep is what one would do after this run.
func nextStep(run *results.Run) string {
	if run.Target.Embedded && run.Name == defaultScenario {
		return "rmqbench doctor -n HOST:9876 | rmqbench run -n HOST:9876 -r 1k/s -t TOPIC"
	}
	return ""
}

// parseDiskLimit reads --disk-limit as bench.Options takes it.
func parseDiskLimit(text string) (float64, error) {
	switch text {
	case "":
		return 0, nil
	case "off":
		return 1, nil
	}
	share, err := parseShare(text)
	if err != nil || !(share > 0 && share < 1) {
		return 0, &usageError{fmt.Sprintf("--disk-limit %s: a share between 0%% and 100%%, such as 70%%, or off", text)}
	}
	return share, nil
}
