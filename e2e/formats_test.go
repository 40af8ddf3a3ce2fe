//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// benchstat is the version in go.mod.
const benchstat = "golang.org/x/perf/cmd/benchstat"

// TestFormats has others' own tools read what we write of a real run: HdrHistogram's log reader, and benchstat.
func TestFormats(t *testing.T) {
	scenario, err := scenarios.FromFlags(scenarios.Override{Path: "load.duration", Value: "1s"}, scenarios.Override{Path: "load.workers", Value: "4"})
	report := runResult(t, scenario, err)
	report.Run.Cases[0].Params = map[string]string{"producer.selector": "round_robin"}
	dir := t.TempDir()
	for _, name := range []string{"hlog", "gobench"} {
		f, _ := results.FormatNamed(name)
		if _, err := f.WriteFile(filepath.Join(dir, name), report); err != nil {
			t.Fatal(err)
		}
	}

	out, err := NewTools(t, latest()).Java("java/ReadLog.java", filepath.Join(dir, "hlog"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, h := range report.Histograms {
		// Java's percentile is of the bucket's end, as is ours but for the exact maximum.
		if want := fmt.Sprintf("interval %s %d %d ", h.Tag(), h.Histogram.Count(), h.Histogram.Quantile(0.5)); !strings.Contains(out, want) {
			t.Errorf("Java's reader lacks %q:\n%s", want, out)
		}
	}

	cmd := exec.Command("go", "run", benchstat, "-col", "/selector", filepath.Join(dir, "gobench"))
	cmd.Dir = ".."
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "│ round_robin") || !strings.Contains(string(text), "msg/s") || !strings.Contains(string(text), "p50-sec") {
		t.Errorf("benchstat: %v\n%s", err, text)
	}
}
