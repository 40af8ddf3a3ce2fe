package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rmqbench/results"
)

// benchText is Go benchmark text of so many repeats around ns.
func benchText(ns float64, repeats int) string {
	var b strings.Builder
	for i := range repeats {
		fmt.Fprintf(&b, "BenchmarkSend-2 1000 %g ns/op 2 allocs/op\n", ns*(1+0.001*float64(i%5)))
	}
	return b.String()
}

func TestCompareAndGateFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"old.txt": benchText(1000, 10), "same.txt": benchText(1001, 10), "slow.txt": benchText(1100, 10),
		"few.txt": benchText(1100, 2), "more.txt": strings.ReplaceAll(benchText(1000, 10), "2 allocs", "3 allocs")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, tt := range []struct {
		args   string
		status int
		want   string // on stdout
	}{
		{"compare old.txt slow.txt", 0, "WORSE: sec/op +10.0 %"},
		{"gate old.txt slow.txt", 3, "WORSE: sec/op +10.0 %"},
		{"gate slow.txt old.txt", 0, "BETTER: sec/op −9.09 %"},
		{"gate old.txt same.txt", 0, "No difference found"},
		{"gate old.txt slow.txt --max-regression 20%", 0, "No difference found"},
		{"gate old.txt few.txt", 4, "too few rounds"},
		{"gate old.txt more.txt", 3, "WORSE: allocs/op +50.0 %"},
		{"gate old.txt more.txt --metric sec/op", 0, "No difference found"},
		{"gate old.txt slow.txt --metric allocs/op", 0, "No difference found"},
	} {
		out, errs, status := command(t, strings.Fields(tt.args)...)
		if status != tt.status || !strings.Contains(out, tt.want) {
			t.Errorf("%s: status %d, want %d and %q:\n%s%s", tt.args, status, tt.status, tt.want, out, errs)
		}
	}

	out, errs, status := command(t, "gate", "old.txt", "slow.txt", "--json", "--junit", "gate.xml", "--markdown", "summary.md")
	var c results.Comparison
	if err := json.Unmarshal([]byte(out), &c); err != nil || status != 3 || c.Schema != results.ComparisonSchema || c.Outcome != results.Worse {
		t.Errorf("--json: status %d, %v\n%s%s", status, err, out, errs)
	}
	for file, want := range map[string]string{"gate.xml": "<failure", "summary.md": "| Send-2 | sec/op |"} {
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v\n%s", file, want, err, text)
		}
	}
	if _, errs, status = command(t, "gate", "old.txt", "slow.txt", "--junit", "gate.xml"); status != 1 || !strings.Contains(errs, "gate.xml: file already exists") {
		t.Errorf("JUnit over a file that is there: status %d, %s", status, errs)
	}
}

func TestCompareRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]string{"a": "sync", "b": "oneway"} {
		out, errs, status := command(t, "run", "-m", mode, "-w", "2", "--count", "50", "--json", "-o", "none", "--instrument-cost", "off", "--progress", "none")
		if status != 0 {
			t.Fatalf("run -m %s: status %d, %s", mode, status, errs)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(out), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	out, errs, status := command(t, "compare", "a.json", "b.json")
	for _, want := range []string{"a.json and b.json are unlike", "mode: sync and oneway", "--allow-unlike"} {
		if status != exitUsage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("status %d, want %d and %q:\n%s%s", status, exitUsage, want, out, errs)
		}
	}
	out, errs, status = command(t, "compare", "a.json", "b.json", "--allow-unlike")
	if status != 0 || !strings.Contains(out, "UNLIKE, and compared because --allow-unlike was given:") {
		t.Errorf("--allow-unlike: status %d\n%s%s", status, out, errs)
	}
}

func TestAbOfCommands(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("for a Unix shell")
	}
	dir := t.TempDir()
	quick, err := filepath.Abs("../../results/testdata/quick.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("XDG_CACHE_HOME", dir)
	if err := os.WriteFile("broken", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	slow := `i=$(cat n 2>/dev/null || echo 0); i=$((i+1)); echo $i >n; echo "BenchmarkX 1 $((1100 + i % 7)) ns/op"`
	fast := `i=$(cat m 2>/dev/null || echo 0); i=$((i+1)); echo $i >m; echo "BenchmarkX 1 $((1000 + i % 7)) ns/op"`
	out, errs, status := command(t, "ab", "--a", fast, "--b", slow, "--rounds", "12", "--progress", "plain", "-o", "runs")
	if status != 0 || !strings.Contains(out, "WORSE: sec/op +9.9") || !strings.Contains(errs, "round 12 of 12") || !strings.Contains(errs, "12 rounds of 3") {
		t.Errorf("ab: status %d\n%s%s", status, out, errs)
	}
	kept, _ := filepath.Glob("runs/*-ab-*/comparison.json")
	if len(kept) != 1 {
		t.Errorf("kept %v", kept)
	}
	if _, _, status = command(t, "gate", "--a", fast, "--b", slow, "--rounds", "12", "-o", "none"); status != 3 {
		t.Errorf("gate: status %d", status)
	}
	if out, _, status = command(t, "calibrate", "--a", fast, "--rounds", "12"); status != 0 || !strings.Contains(out, "sec/op") {
		t.Errorf("calibrate: status %d\n%s", status, out)
	}
	out, errs, status = command(t, "gate", "--a", fast, "--b", slow, "--rounds", "12", "-o", "none", "--progress", "plain")
	if status != 3 || !strings.Contains(errs, "12 rounds of 2") || !strings.Contains(errs, "could see: sec/op") {
		t.Errorf("gate after calibrate: status %d\n%s%s", status, out, errs)
	}
	if _, errs, status = command(t, "ab", "--a", "sleep 1; "+fast, "--b", slow, "--budget", "5s"); status != exitUsage || !strings.Contains(errs, "10 rounds of 3 are the least") {
		t.Errorf("a small budget: status %d, %s", status, errs)
	}
	other := strings.ReplaceAll(slow, "BenchmarkX", "BenchmarkY")
	if _, errs, status = command(t, "ab", "--a", fast, "--b", other, "--progress", "plain"); status != exitFailed || !strings.Contains(errs, "A and B have no metric in common: X sec/op, … against Y sec/op, …") || strings.Contains(errs, "round 1") {
		t.Errorf("nothing to compare: status %d, %s", status, errs)
	}
	if _, errs, status = command(t, "ab", "--a", "exit 7", "--b", slow); status != exitFailed || !strings.Contains(errs, "exit status 7") {
		t.Errorf("a command that fails: status %d, %s", status, errs)
	}
	if _, errs, status = command(t, "ab", "--a", fast, "--b", slow, "--metric", "sec/opp"); status != exitUsage || !strings.HasSuffix(errs, "--metric sec/opp: nearest: sec/op; there are sec/op\n") {
		t.Errorf("a metric that nothing has: status %d, %s", status, errs)
	}
	if _, errs, status = command(t, "ab", "--a", fast, "--b", slow, "-o", "broken/x"); status != exitFailed || !strings.HasPrefix(errs, "rmqbench: -o broken/x: create result directory: ") || strings.Count(errs, "\n") != 1 {
		t.Errorf("a place where nothing can be kept: status %d, %s", status, errs)
	}
	// A run that printed its record and nothing else, and ended with status 1 because that is INVALID: the record says why.
	r, err := results.Read(quick)
	if err != nil {
		t.Fatal(err)
	}
	r.Cases = r.Cases[:1]
	r.Cases[0].Attempted = 7
	results.Judge(r)
	var record bytes.Buffer
	if err := errors.Join(results.Encode(&record, r), os.WriteFile("broken.json", record.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, errs, status = command(t, "ab", "--a", fast, "--b", "cat broken.json; exit 1"); status != exitFailed || !strings.HasSuffix(errs, "\nrmqbench: B is INVALID: sync 64: offered 500000 ≠ attempted 7 + dropped 0\n") {
		t.Errorf("a run that measured nothing sound: status %d, %s", status, errs)
	}
}

func TestAbOfRuns(t *testing.T) {
	t.Parallel()
	out, errs, status := command(t, "ab", "--a", "-w 2 --count 300", "--b", "run -w 2 --count 300 -s 4KiB", "--rounds", "2", "-o", "none", "--calibration", "off", "--", "-m", "sync")
	if status != 0 || !strings.Contains(out, "message.size_bytes: 128 and 4096") || !strings.Contains(out, "too few rounds") || !strings.Contains(out, "wire B/msg") ||
		!strings.Contains(out, "the instrument itself base (sync, 128 B, a broker that does nothing): ") || !strings.Contains(out, "; new (sync, 4 KiB, ") || !strings.Contains(out, "EMBEDDED BROKER") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"-m sync  -w 8":          {"-m", "sync", "-w", "8"},
		`--slo 'p99<10 ms' "" x`: {"--slo", "p99<10 ms", "", "x"},
		`a'b c'd`:                {"ab cd"},
		"":                       nil,
	} {
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
	if _, err := splitWords("a 'b"); err == nil {
		t.Error("an open quote is taken")
	}
}
