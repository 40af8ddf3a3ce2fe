package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

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
			RunE: func(_ *cobra.Command, args []string) error {
				var faults scenarios.Faults
				for _, file := range args {
					loaded, err := scenarios.Load(file)
					if err != nil {
						bad, ok := errors.AsType[scenarios.Faults](err)
						if !ok {
							return err
						}
						faults = append(faults, bad...)
						continue
					}
					if _, err := fmt.Fprintf(s.out, "ok    %s: %s, %d cases\n", file, loaded.Name, len(loaded.Cases())); err != nil {
						return err
					}
				}
				if len(faults) > 0 {
					return faults
				}
				return nil
			},
		})
	return cmd
}

func completeScenarios(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, info := range scenarios.Shipped() {
		names = append(names, cobra.CompletionWithDesc(info.Name, info.Description))
	}
	return names, cobra.ShellCompDirectiveDefault
}
