//go:build e2e

package e2e

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rmqbench/results"
)

// TestR28_DiskFails has the kernel answer EIO, from some file's fsync on, while the command writes its result: the run ends, its summary
// is printed, the status is 1, and what has a final name is whole.
func TestR28_DiskFails(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	program := buildGo(t, "..", "./cmd/rmqbench")
	for _, from := range []string{"1", "3"} {
		t.Run("from the fsync "+from, func(t *testing.T) {
			dir := t.TempDir()
			var out, errs bytes.Buffer
			cmd := exec.CommandContext(t.Context(), strace, "-f", "-qq", "-o", "/dev/null", "--seccomp-bpf", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when="+from+"+",
				program, "run", "-r", "100/s", "-d", "1s", "-o", dir, "--progress", "none", "--instrument-cost", "off")
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run() // its status is looked at
			if status := cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(errs.String(), "the result is lost: ") || !strings.Contains(errs.String(), "input/output error") {
				t.Errorf("status %d:\n%s", status, &errs)
			}
			if !strings.Contains(out.String(), "100/s") {
				t.Errorf("no summary:\n%s", &out)
			}
			named, err := filepath.Glob(filepath.Join(dir, "*", "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range named {
				if filepath.Base(path) != results.RunFile {
					continue
				}
				if _, err := results.Read(path); err != nil {
					t.Errorf("%v", err)
				}
			}
			if from == "1" && len(named) > 0 {
				t.Errorf("nothing could be written, and there are %q", named)
			}
		})
	}
}
