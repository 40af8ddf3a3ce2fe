package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"rmqbench/internal/golden"
	"rmqbench/internal/reference"
)

const referenceHead = `# Commands

Made of the commands' own help: ` + "`go test ./cmd/rmqbench -run Reference -update`" + `. Each flag can come from the environment too, as
` + "`RMQBENCH_<FLAG>`" + ` (RMQBENCH_DISK_LIMIT=85%), and one that is typed wins. ` + "`rmqbench completion bash`" + `, ` + "`zsh`" + `, ` + "`fish`" + ` or ` + "`powershell`" + ` prints a
script for that shell; ` + "`rmqbench man DIR`" + ` writes manual pages.

`

func TestCommandReference(t *testing.T) {
	golden.Compare(t, "../../../docs/commands.md", referenceHead+reference.Markdown(newRoot(streams{})))
}

func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	if _, errs, status := command(t, "man", dir); status != exitDone {
		t.Fatal(errs)
	}
	for _, name := range []string{"rmqbench.1", "rmqbench-run.1", "rmqbench-topic-create.1"} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasPrefix(string(page), ".TH "+strings.ToUpper(strings.TrimSuffix(name, ".1"))+" 1 ") {
			t.Errorf("%s: %.40q %v", name, page, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "rmqbench-man.1")); err == nil {
		t.Error("a hidden command has a page")
	}
}

func TestVersion(t *testing.T) {
	noted := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "noted"}, {Key: "vcs.time", Value: "2026-03-01T12:00:00Z"}, {Key: "vcs.modified", Value: "true"}}}
	noted.Main.Version = "v0.1.0"
	for name, tt := range map[string]struct {
		linked binary
		info   *debug.BuildInfo
		want   string
	}{
		"nothing is known": {binary{}, nil, "rmqbench of unknown version · commit unknown · go"},
		"Go's note":        {binary{}, noted, "rmqbench v0.1.0 · noted, modified · 2026-03-01T12:00:00Z · go"},
		"the linker wins":  {binary{Version: "v1.2.3", Commit: "linked", Date: "2026-04-01T00:00:00Z"}, noted, "rmqbench v1.2.3 · linked · 2026-04-01T00:00:00Z · go"},
	} {
		if got := tt.linked.or(tt.info).String(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s…", name, got, tt.want)
		}
	}
	if out, _, status := command(t, "version"); status != exitDone || !strings.HasPrefix(out, "rmqbench ") {
		t.Errorf("%s %d", out, status)
	}
}
