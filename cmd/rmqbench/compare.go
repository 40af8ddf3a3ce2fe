package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rmqbench/results"
)

// judgeFlags say how two results are compared, in compare, gate and ab.
type judgeFlags struct {
	most    string
	metrics []string
	unlike  bool
	json    bool
}

func (j *judgeFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&j.most, "max-regression", "5%", "change for the worse that is tolerated, and that the comparison must be able to see")
	flags.StringSliceVar(&j.metrics, "metric", nil, "compare only these, by comma: msg/s, p50, p99, cpu/msg, sec/op, … (all)")
	flags.BoolVar(&j.json, "json", false, "print the comparison's record as JSON on stdout, and nothing else there")
}

func (j *judgeFlags) addUnlike(flags *pflag.FlagSet) {
	flags.BoolVar(&j.unlike, "allow-unlike", false, "compare what is unlike too, and say so in the result")
}

// options are what the flags say.
func (j *judgeFlags) options() (results.CompareOptions, error) {
	most, err := parsePercent(j.most)
	if err != nil {
		return results.CompareOptions{}, &usageError{fmt.Sprintf("--max-regression %s: %v", j.most, err)}
	}
	return results.CompareOptions{MaxRegression: most, Metrics: j.metrics, AllowUnlike: j.unlike}, nil
}

// parsePercent reads 5% as 0.05.
func parsePercent(text string) (float64, error) {
	digits, ok := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if !ok || err != nil || !(v > 0 && v < 100) {
		return 0, errors.New("a percentage over 0 and under 100, such as 5%")
	}
	return v / 100, nil
}

const compareWhat = `BASE and NEW are each a result directory or its run.json, Go benchmark text (what go test -bench prints, with -count=10 or
more), a directory of several of these, which are repeats, or baseline:NAME, a file of results/baselines or one that comes with rmqbench.`

func newCompare(s streams) *cobra.Command {
	var j judgeFlags
	cmd := &cobra.Command{
		Use:   "compare BASE NEW [flags]",
		Short: "What differs between two results, and how sure that is",
		Long: `compare shows for each metric both medians, the change with its 95 % interval, how likely chance alone makes as much
of it, and the smallest change that this comparison would have seen. "No difference found" is not "equal".

` + compareWhat + `

Unlike runs (another broker or setting of it, topic, payload, mode, selector, workers, rate, …) are refused, with a list. Counts
(allocations, bytes and writes a message, outcomes, order breaks) are compared across machines; times only on one machine in one job.`,
		Example: `  rmqbench compare runs/before runs/after
  go test -bench . -count 10 > old.txt; …; go test -bench . -count 10 > new.txt; rmqbench compare old.txt new.txt
  rmqbench compare baseline:sync runs/20261127T193000Z-run-1f2e3d4c`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			o, err := j.options()
			if err != nil {
				return err
			}
			c, _, err := compareFiles(args[0], args[1], o)
			if err != nil {
				return err
			}
			return showComparison(s.out, c, j.json)
		},
	}
	cmd.Flags().SortFlags = false
	j.add(cmd.Flags())
	j.addUnlike(cmd.Flags())
	completeAb(cmd)
	return cmd
}

// compareFiles reads two sides and compares them.
func compareFiles(base, changed string, o results.CompareOptions) (*results.Comparison, *results.Side, error) {
	b, err := results.ReadSide(base)
	if err != nil {
		return nil, nil, asUsage(err)
	}
	n, err := results.ReadSide(changed)
	if err != nil {
		return nil, nil, asUsage(err)
	}
	c, err := results.Compare(b, n, o)
	return c, n, asUsage(err)
}

// asUsage makes the refusal of unlike results, and of files that aren't there, a wrong call.
func asUsage(err error) error {
	if unlike, ok := errors.AsType[*results.UnlikeError](err); ok {
		return &usageError{unlike.Error()}
	}
	if errors.Is(err, os.ErrNotExist) {
		return &usageError{err.Error()}
	}
	return err
}

// showComparison prints a comparison for people, or its record.
func showComparison(w io.Writer, c *results.Comparison, asJSON bool) error {
	if asJSON {
		return results.EncodeComparison(w, c)
	}
	return results.WriteComparison(w, c)
}
