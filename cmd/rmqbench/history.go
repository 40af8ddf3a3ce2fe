package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"rmqbench/internal/nearest"
	"rmqbench/results"
)

func newHistory(s streams) *cobra.Command {
	var metric, name, page string
	var most int
	cmd := &cobra.Command{
		Use:   "history [DIR] [flags]",
		Short: "Runs over time: a list, and how a metric went",
		Long: `history lists the results in a directory (runs), the newest last, and draws a metric over time of each load that was run three
times or more; --html makes a page of it. It doesn't judge: times of unlike machines and days stand side by side. compare does.`,
		Example: `  rmqbench history
  rmqbench history runs --name quick --metric p99
  rmqbench history ci-results --metric allocs/msg --html history.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "runs"
			if len(args) > 0 {
				dir = args[0]
			}
			if most < 1 {
				return &usageError{fmt.Sprintf("--last %d: at least 1", most)}
			}
			all, unread, err := results.ReadHistory(dir)
			if err != nil {
				return asUsage(err)
			}
			for _, why := range unread {
				s.warn(why)
			}
			found := len(all)
			if name != "" {
				all = slices.DeleteFunc(all, func(p results.Past) bool { return p.Run != name })
			}
			if len(all) == 0 && found > 0 {
				return &usageError{fmt.Sprintf("%s holds no result of %s; rmqbench history %s lists what there is", dir, name, dir)}
			}
			if len(all) == 0 {
				return &usageError{fmt.Sprintf("%s holds no results; rmqbench run makes them", dir)}
			}
			if names := results.HistoryMetrics(all); !slices.Contains(names, metric) {
				return &usageError{fmt.Sprintf("--metric %s: no run has it; nearest: %s", metric, nearest.Any(metric, names))}
			}
			if page != "" {
				return writeTo(page, os.O_CREATE|os.O_EXCL, func(w io.Writer) error { return results.WriteHistoryHTML(w, all, metric) })
			}
			return results.WriteHistory(s.out, all, metric, most, 4)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&metric, "metric", "msg/s", "what is drawn: msg/s, p50, p99, cpu/msg, allocs/msg, …")
	flags.StringVar(&name, "name", "", "only runs of this name: a scenario's, or run")
	flags.IntVar(&most, "last", 40, "rows of the table")
	flags.StringVar(&page, "html", "", "write a page to this new file instead")
	return cmd
}
