package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rmqbench/results"
)

// TestRule01StallThroughTheCommand has the built binary measure a broker that stalls for 1 s in 10 s at 1,000 a second, in a process of its
// own. By arithmetic a tenth of the sends wait, evenly from 1 s to 0: p95 is 0.5 s, and p99, which 10,000 sends may claim, 0.9 s.
// A busy machine only adds to that, so that the upper bound is wide; from the call the stall is hardly there.
func TestRule01StallThroughTheCommand(t *testing.T) {
	t.Parallel() // with others that wait; its own process sleeps most of the time
	binary, dir := build(t), t.TempDir()
	scenario := filepath.Join(dir, "stall.yaml")
	if err := os.WriteFile(scenario, []byte("version: 1\nname: stall\nload: {workers: 8, stages: [{for: 10s, rate: 1k/s}]}\nevents: [{at: 4s, for: 1s, stall: true}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "run", scenario, "-o", dir, "--instrument-cost", "off", "--progress", "none")
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Run(); err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 5 { // the machine had no time for us
			t.Fatalf("%v: %s", err, &printed)
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", results.RunFile))
	if err != nil || len(found) != 1 {
		t.Fatalf("results %q, %v", found, err)
	}
	run, err := results.Read(found[0])
	if err != nil {
		t.Fatal(err)
	}
	c := &run.Cases[0]
	if c.Offered != 10_000 || c.Acknowledged != 10_000 || c.Response == nil || c.Response.P99 == nil || c.Service.P99 == nil {
		t.Fatalf("%+v, response %+v", c.Counts, c.Response)
	}
	const p99 = 900e6
	if got := float64(*c.Response.P99); got < 0.98*p99 || got > 1.02*p99 && run.Verdict == results.Valid || got > 10*p99 {
		t.Errorf("%s: p99 from due is %s, want 900 ms", run.Verdict, results.FormatDuration(*c.Response.P99))
	}
	if got := float64(*c.Service.P99); got > p99/2 {
		t.Errorf("p99 from the call is %s: only 8 sends saw the stall", results.FormatDuration(*c.Service.P99))
	}
}
