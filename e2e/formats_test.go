//go:build e2e

package e2e

import (
	"fmt"
	"os"
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

// TestFormatsAreStrict holds what CI servers and Prometheus read to what they demand: JUnit's XML to Jenkins' schema, by Java's
// validator, and OpenMetrics text to the parser of its authors. Of a real run with objectives held, missed and not to be told; of names
// that would like to be more, and of a gate, as the golden files of results have them. Neither judge takes everything.
func TestFormatsAreStrict(t *testing.T) {
	scenario, err := scenarios.FromFlags(scenarios.Override{Path: "load.duration", Value: "1s"}, scenarios.Override{Path: "load.workers", Value: "4"},
		scenarios.Override{Path: "slo", Value: "p50<10s,p90<1ns,p99.99<10s"})
	report := runResult(t, scenario, err)
	dir := t.TempDir()
	golden := filepath.Join("..", "results", "testdata")
	files := map[string][]string{
		"junit":       {filepath.Join(golden, "report_quick.junit"), filepath.Join(golden, "report_hostile.junit"), filepath.Join(golden, "comparison.xml")},
		"openmetrics": {filepath.Join(golden, "report_quick.openmetrics"), filepath.Join(golden, "report_hostile.openmetrics"), filepath.Join(golden, "comparison.prom")},
	}
	spoiled := map[string]string{}
	for format, spoil := range map[string]*strings.Replacer{"junit": strings.NewReplacer(" name=", " called="), "openmetrics": strings.NewReplacer("# EOF\n", "")} {
		f, _ := results.FormatNamed(format)
		own := filepath.Join(dir, format)
		if _, err := f.WriteFile(own, report); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(own)
		if err != nil {
			t.Fatal(err)
		}
		files[format] = append(files[format], own)
		spoiled[format] = filepath.Join(dir, "spoiled."+format)
		if err := os.WriteFile(spoiled[format], []byte(spoil.Replace(string(text))), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	schema, err := junitSchema()
	if err != nil {
		t.Fatal(err)
	}
	java, err := javaTool("java")
	if err != nil {
		t.Fatal(err)
	}
	client, err := prometheusClient()
	if err != nil {
		t.Fatal(err)
	}
	for format, judge := range map[string]func(files ...string) *exec.Cmd{
		"junit": func(files ...string) *exec.Cmd {
			return exec.Command(java, append([]string{"java/Validate.java", schema}, files...)...)
		},
		"openmetrics": func(files ...string) *exec.Cmd {
			cmd := exec.Command("python3", append([]string{"python/read_metrics.py"}, files...)...)
			cmd.Env = append(os.Environ(), "PYTHONPATH="+client)
			return cmd
		},
	} {
		out, err := judge(files[format]...).CombinedOutput()
		if err != nil || strings.Count(string(out), "\n") != len(files[format]) || strings.Contains(string(out), "refused") {
			t.Errorf("%s: %v\n%s", format, err, out)
		}
		t.Logf("%s:\n%s", format, out)
		if out, err := judge(spoiled[format]).CombinedOutput(); err == nil || !strings.Contains(string(out), "refused") {
			t.Errorf("%s: what is spoiled is taken: %v\n%s", format, err, out)
		}
	}
}
