package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rmqbench/results"
)

// A result, a record alone and a killed run's checkpoint become any other form, where the user says and over nothing that is there.
func TestReport(t *testing.T) {
	parent := t.TempDir()
	if out, errs, status := command(t, "run", "-d", "300ms", "-w", "2", "-o", parent, "--instrument-cost", "off", "-q"); status != exitDone {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	found, err := filepath.Glob(filepath.Join(parent, "*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	dir := found[0]
	for _, name := range []string{results.RunFile, results.SeriesFile, results.LogFile, results.HTMLFile, results.SummaryFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 || info.Size() > 1<<20 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	var all []string
	for _, f := range results.Formats() {
		all = append(all, f.Name)
	}
	elsewhere := t.TempDir()
	out, errs, status := command(t, "report", dir, "--format", strings.Join(all, ","), "-o", elsewhere)
	if status != exitDone {
		t.Fatalf("status %d: %s", status, errs)
	}
	for line := range strings.Lines(out) {
		if info, err := os.Stat(strings.TrimSpace(line)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", line, err)
		}
	}
	if n := strings.Count(out, "\n"); n != len(all)+2 { // hgrm is a file each for response, service and delay
		t.Errorf("%d files:\n%s", n, out)
	}
	out, errs, status = command(t, "report", filepath.Join(dir, results.RunFile), "--format", "csv", "-o", "-")
	if rows, err := csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil || len(rows) != 2 || status != exitDone {
		t.Errorf("status %d, %d rows, %v: %s", status, len(rows), err, errs)
	}
	if out, errs, status = command(t, "report", dir, "--format", "csv:topics", "-o", "-"); status != exitFailed || out != "" || !strings.Contains(errs, "the result has no table of topics; it has cases") {
		t.Errorf("status %d, %q: %s", status, out, errs)
	}
	if _, errs, status = command(t, "report", dir); status != exitFailed || !strings.Contains(errs, "nothing is overwritten: give another place with -o") {
		t.Errorf("over the report that is there: status %d, %s", status, errs)
	}
	page := filepath.Join(elsewhere, "page.md")
	if _, errs, status = command(t, "report", dir, "-o", page); status != exitDone {
		t.Errorf("status %d: %s", status, errs)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "| case |") {
		t.Errorf("%v: %s", err, text)
	}

	if err := os.Remove(filepath.Join(dir, results.LogFile)); err != nil {
		t.Fatal(err)
	}
	if _, errs, status = command(t, "report", dir, "-o", filepath.Join(elsewhere, "without.hlog")); status != exitFailed || !strings.Contains(errs, "a run that was killed leaves none") {
		t.Errorf("no histograms: status %d, %s", status, errs)
	}
	if _, errs, status = command(t, "report", dir, "-o", filepath.Join(elsewhere, "without.html")); status != exitDone {
		t.Errorf("a page without histograms: status %d, %s", status, errs)
	}
}

func TestReportRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"--format htm: nearest: html":       {"report", "x", "--format", "htm"},
		"nearest: csv:topics; all: ":        {"report", "x", "--format", "csv:topic"},
		"takes one format, 2 are asked for": {"report", "x", "--format", "md,csv", "-o", "-"},
		"accepts 1 arg(s), received 0":      {"report"},
		"accepts 1 arg(s), received 2":      {"report", "a", "b"},
	} {
		if out, errs, status := command(t, args...); status != exitUsage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%v: status %d, %s, want %q", args, status, errs, want)
		}
	}
	if _, errs, status := command(t, "report", filepath.Join(t.TempDir(), "none"), "-o", "-"); status != exitUsage || !strings.Contains(errs, "no such file") {
		t.Errorf("status %d: %s", status, errs)
	}
	out, _, status := command(t, "report", "--schema")
	if !json.Valid([]byte(out)) || status != exitDone {
		t.Errorf("the schema: status %d", status)
	}
}

// Metrics are served on loopback while a run goes on; elsewhere only with a flag and a token, before anything is sent.
func TestMetricsFlag(t *testing.T) {
	if out, errs, status := command(t, "run", "-d", "100ms", "--metrics", "0.0.0.0:0", "-o", "none"); status != exitUsage || out != "" || !strings.Contains(errs, "give --metrics-expose") {
		t.Errorf("status %d: %s", status, errs)
	}
	out, errs, status := command(t, "run", "-d", "100ms", "-w", "1", "--metrics", "127.0.0.1:0", "-o", "none", "--instrument-cost", "off", "-q")
	if status != exitDone || !strings.Contains(errs, "metrics at http://127.0.0.1:") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
}
