package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"rmqbench/bench"
	"rmqbench/results"
)

func newMerge(s streams) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "merge RESULT… [flags]",
		Short: "Make one result of the shares that several machines sent",
		Long: `merge puts the shares of one run together (run --shard k/N), and loses nothing: counts, histograms and percentiles are those
that one machine would have had. A share that is missing, came twice with unlike contents, began late or is of another version
makes the result PARTIAL, with its name; one record read twice, as from a log and a directory, counts once. Of shares of a search
(capacity --shard k/N) it judges each step, and gives the highest rate that held.

RESULT is the directory of a share's result, its whole.zst, a log with the lines of --print-record, a directory that holds any of
these, or - for such a log on standard input. Lines of several shares may be mixed, and others stand between.`,
		Example: `  rmqbench merge runs/20260301T120005Z-*                     # directories of all shares
  kubectl logs -l job-name=rmqbench --tail=-1 --max-log-requests=50 | rmqbench merge -
  rmqbench merge logs/ -o results --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return merge(args, f, s) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "out", "o", "runs", "directory for the merged result's directory, or none")
	flags.BoolVar(&f.json, "json", false, "print the run record as JSON on stdout, and nothing else there")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no table: the verdict only")
	return cmd
}

func merge(args []string, f runFlags, s streams) error {
	m := results.Merger{Setting: bench.SettingOf}
	for _, path := range args {
		if path == "-" {
			if err := m.AddPrinted("standard input", s.in); err != nil {
				return err
			}
			continue
		}
		if err := m.AddPath(path); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return &usageError{fmt.Sprintf("%s: there is no such file or directory", path)}
			}
			return err
		}
	}
	whole, err := m.Merge()
	if err != nil {
		return err
	}
	histograms, err := whole.Histograms()
	if err != nil {
		return err
	}
	merged, keep := &results.Result{Run: whole.Run, Histograms: histograms, Series: whole.Series}, &keeper{parent: f.out}
	if whole.Run.Capacity != nil {
		return deliverCapacity(merged, nil, keep, f, s)
	}
	return deliver(merged, nil, keep, f, s)
}
