package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"rmqbench/bench"
)

// Set by the build: -ldflags "-X main.version=v1.2.3 -X main.commit=abcdef".
var version, commit string

// tool is this build, as far as it knows itself.
func tool() bench.Tool {
	t := bench.Tool{Version: version, Commit: commit}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if t.Version == "" {
		t.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && t.Commit == "" {
			t.Commit = s.Value
		}
	}
	return t
}

func newVersion(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Version, commit and Go of this build",
		RunE: func(*cobra.Command, []string) error {
			t := tool()
			if t.Commit == "" {
				t.Commit = "commit unknown"
			}
			_, err := fmt.Fprintf(s.out, "rmqbench %s · %s · %s %s/%s\n", t.Version, t.Commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
