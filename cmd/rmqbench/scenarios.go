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
		Short: "List, show and check scenario files; their JSON Schema",
		Example: `  rmqbench scenarios list
  rmqbench scenarios show --text quick > mine.yaml
  rmqbench scenarios show mine.yaml -w 8               # every value, and where it came from
  rmqbench scenarios check mine.yaml
  rmqbench scenarios schema > scenario.schema.json`,
		Args: cobra.NoArgs,
		RunE: list,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "The scenarios that come with rmqbench", RunE: list},
		newShow(s),
		&cobra.Command{
			Use: "schema", Short: "The JSON Schema of scenario files, for editors",
			RunE: func(*cobra.Command, []string) error {
				schema, err := scenarios.JSONSchema()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(s.out, "%s\n", schema)
				return err
			},
		},
		&cobra.Command{
			Use: "check FILE…", Short: "Every fault of scenario files, as file:line:column", Args: cobra.MinimumNArgs(1),
			RunE: func(_ *cobra.Command, args []string) error { return check(args, s) },
		})
	return cmd
}

func newShow(s streams) *cobra.Command {
	var text bool
	cmd := &cobra.Command{
		Use:   "show [SCENARIO] [flags]",
		Short: "Every value of a scenario and where it came from; or a shipped one's text",
		Long: `show prints a scenario, or one case made of flags, as run would drive it: every value of every case, and behind it where it
came from: the flag as typed, the environment's variable, the file and its line, or default. With --text it prints a shipped scenario's
file, comments and all, to start one of your own from.`,
		Example: `  rmqbench scenarios show quick
  rmqbench scenarios show mine.yaml -w 8 -s 4KiB
  rmqbench scenarios show -r 1k/s                      # what run -r 1k/s is made of
  rmqbench scenarios show --text quick > mine.yaml`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			if text {
				return showText(args, s)
			}
			scenario, err := chooseScenario(cmd.Flags(), args, s)
			if err != nil {
				return err
			}
			return scenario.Explain(s.out)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&text, "text", false, "a shipped scenario's file as it is")
	addFlags(cmd.Flags(), loadFlags)
	return cmd
}

// showText prints a shipped scenario's file.
func showText(args []string, s streams) error {
	name := defaultScenario
	if len(args) > 0 {
		name = args[0]
	}
	text, err := scenarios.Source(name)
	if err != nil {
		return &usageError{err.Error()}
	}
	_, err = s.out.Write(text)
	return err
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
			fmt.Fprintf(&text, "ok    %s: %s, %s\n", results.Printable(file), loaded.Name, results.FormatCount(len(loaded.Cases()), "case"))
		}
	}
	if wrong > 0 {
		fmt.Fprintln(&text, results.FormatCount(wrong, "fault"))
	}
	if _, err := io.WriteString(s.out, text.String()); err != nil {
		return err
	}
	if wrong > 0 {
		return exitError(exitUsage)
	}
	return nil
}

func completeScenarios(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, info := range scenarios.Shipped() {
		names = append(names, cobra.CompletionWithDesc(info.Name, info.Description))
	}
	return names, cobra.ShellCompDirectiveDefault
}
