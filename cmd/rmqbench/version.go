package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"rmqbench/bench"
)

// Set by the build: -ldflags "-X main.version=v1.2.3 -X main.commit=abcdef -X main.date=2026-03-01T12:00:00Z". The date is
// the commit's: that of the build would give each build other bytes.
var version, commit, date string

// binary is what this binary was made of, as far as it knows.
type binary struct {
	Version, Commit string
	Date            string // of the commit, RFC 3339; perhaps empty
	Modified        bool   // the tree had changes that the commit has not
}

// tool is this build, as a record has it.
func tool() bench.Tool {
	b := thisBuild()
	return bench.Tool{Version: b.Version, Commit: b.Commit}
}

// thisBuild is what the linker was told, else what Go noted.
func thisBuild() binary {
	info, _ := debug.ReadBuildInfo()
	return binary{Version: version, Commit: commit, Date: date}.or(info)
}

// or fills in what Go noted; info may be nil.
func (b binary) or(info *debug.BuildInfo) binary {
	if info == nil {
		return b
	}
	b.Version = cmp.Or(b.Version, info.Main.Version)
	linked := b.Commit != ""
	for _, s := range info.Settings {
		switch {
		case linked:
		case s.Key == "vcs.revision":
			b.Commit = s.Value
		case s.Key == "vcs.time":
			b.Date = cmp.Or(b.Date, s.Value)
		case s.Key == "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is one line.
func (b binary) String() string {
	parts := []string{"rmqbench " + cmp.Or(b.Version, "of unknown version"), cmp.Or(b.Commit, "commit unknown")}
	if b.Modified {
		parts[1] += ", modified"
	}
	if b.Date != "" {
		parts = append(parts, b.Date)
	}
	return strings.Join(append(parts, fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)), " · ")
}

// dayOf is the day of an RFC 3339 time.
func dayOf(date string) string {
	day, _, _ := strings.Cut(date, "T")
	return day
}

func newVersion(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Version, commit, its date, and Go of this build",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(s.out, thisBuild())
			return err
		},
	}
}
