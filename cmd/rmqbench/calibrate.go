package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rmqbench/ab"
	"rmqbench/bench"
	"rmqbench/results"
)

// calibratedThing is what calibrate measures without a word.
const calibratedThing = "-m sync -w 64 -s 1KiB"

func newCalibrate(s streams) *cobra.Command {
	var f abFlags
	cmd := &cobra.Command{
		Use:   "calibrate [--a THING] [flags] [-- ARGUMENTS]",
		Short: "The same thing twice: the smallest change that this machine and target could show",
		Long: `calibrate measures one thing in turns with itself. How much it differs from itself says what the smallest change is that ab and
gate could see of it. It is stored by machine, in the user's cache, and for a week ab and gate of the same thing leave out the third
measurement of each round.

` + abThings,
		Example: `  rmqbench calibrate
  rmqbench calibrate --a '-m sync -w 64' --budget 2m
  rmqbench calibrate --a './old.test -test.bench Send'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			extra, err := afterDashes(cmd, args)
			if err != nil {
				return err
			}
			o := results.CompareOptions{Alpha: gateAlpha}
			t, err := f.measure(cmd.Context(), f.a, f.a, extra, false, &o, s)
			if err != nil {
				return err
			}
			if t.err != nil {
				return t.err
			}
			c := ab.Calibration{Host: bench.HostFingerprint(), Thing: t.thing, At: time.Now().UTC(), Rounds: t.rounds, Spreads: results.SpreadsOf(t.sides.Base, t.sides.New)}
			path, err := c.Store()
			if err != nil {
				return err
			}
			var lines strings.Builder
			fmt.Fprintf(&lines, "the same thing twice, %s: the smallest change that an ab or gate of so many could see\n", results.FormatCount(t.rounds, "round"))
			for _, spread := range c.Spreads {
				seen := "none"
				if v := spread.Foreseen(t.rounds, t.sides.Base.Timed(nil), gateAlpha); v != nil {
					seen = results.FormatChange(*v)
				}
				fmt.Fprintf(&lines, "  %s %-8s %s\n", results.Printable(spread.Case), results.Printable(spread.Metric), seen)
			}
			fmt.Fprintf(&lines, "stored for a week: %s\n", path)
			_, err = fmt.Fprint(s.out, lines.String())
			return err
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.a, "a", calibratedThing, "the thing")
	f.addMeasuring(flags)
	_ = flags.MarkHidden("calibration") // it is what this makes
	_ = flags.MarkHidden("out")
	completeAb(cmd)
	return cmd
}
