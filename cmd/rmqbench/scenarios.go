package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rmqbench/results"
	"rmqbench/scenarios"
)

func newScenarios(s streams) *cobra.Command {
	list := func(*cobra.Command, []string) error {
		for _, info := range scenarios.Shipped() {
			if _, err := fmt.Fprintf(s.out, "%-12s %s\n", info.Name, info.Description); err != nil {
				return err
			}
		}
		return nil
	}
	cmd := &cobra.Command{
		Use:   "scenarios",
		Short: "List, show and check scenario files",
		Example: `  rmqbench scenarios list
  rmqbench scenarios show quick > mine.yaml
  rmqbench scenarios check mine.yaml`,
		Args: cobra.NoArgs,
		RunE: list,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "The scenarios that come with rmqbench", RunE: list},
		&cobra.Command{
			Use: "show NAME", Short: "The text of a shipped scenario, to start one of your own from",
			Args: cobra.ExactArgs(1), ValidArgsFunction: completeScenarios,
			RunE: func(_ *cobra.Command, args []string) error {
				text, err := scenarios.Source(args[0])
				if err != nil {
					return &usageError{err.Error()}
				}
				_, err = s.out.Write(text)
				return err
			},
		},
		&cobra.Command{
			Use: "check FILE…", Short: "Every fault of scenario files, as file:line:column", Args: cobra.MinimumNArgs(1),
			RunE: func(_ *cobra.Command, args []string) error { return check(args, s) },
		})
	return cmd
}

// check prints what is wrong with files, or what they hold.
func check(files []string, s streams) error {
	var text strings.Builder
	wrong := 0
	for _, file := range files {
		loaded, err := scenarios.Load(file)
		faults, bad := errors.AsType[scenarios.Faults](err)
		switch {
		case bad:
			wrong += len(faults)
			fmt.Fprintf(&text, "%s\n\n", faults.Detail())
		case err != nil:
			return err
		default:
			fmt.Fprintf(&text, "ok    %s: %s, %s\n", results.Printable(file), loaded.Name, count(len(loaded.Cases()), "case"))
		}
	}
	if wrong > 0 {
		fmt.Fprintln(&text, count(wrong, "fault"))
	}
	if _, err := io.WriteString(s.out, text.String()); err != nil {
		return err
	}
	if wrong > 0 {
		return exitError(exitUsage)
	}
	return nil
}

// count gives a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func completeScenarios(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, info := range scenarios.Shipped() {
		names = append(names, cobra.CompletionWithDesc(info.Name, info.Description))
	}
	return names, cobra.ShellCompDirectiveDefault
}
