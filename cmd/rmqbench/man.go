package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rmqbench/internal/reference"
)

// newMan is for whoever makes packages.
func newMan(_ streams) *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write a manual page of every command into a directory",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				return err
			}
			b := thisBuild()
			for _, p := range reference.Man(cmd.Root(), dayOf(b.Date), "rmqbench "+b.Version) {
				if err := os.WriteFile(filepath.Join(args[0], p.Name), []byte(p.Text), 0o666); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
