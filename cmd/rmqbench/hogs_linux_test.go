package main

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rmqbench/results"
)

// TestR58_Hogs has the built binary keep a rate while other processes take the CPUs: the record says that the machine or the generator
// may have coloured it and why, and the exit status is 5 where the generator was the limit. The hogs are two for each CPU, end by
// themselves, and are stopped before that.
func TestR58_Hogs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes every CPU for three seconds")
	}
	binary, dir := build(t), t.TempDir()
	for range 2 * runtime.NumCPU() {
		hog := exec.Command("sh", "-c", `i=0; while [ $i -lt 100000000 ]; do i=$((i+1)); done`)
		if err := hog.Start(); err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(30*time.Second, func() { _ = hog.Process.Kill() })
		defer func() {
			stop.Stop()
			_ = hog.Process.Kill()
			_ = hog.Wait()
		}()
	}
	cmd := exec.CommandContext(t.Context(), binary, "run", "-r", "5k/s", "-d", "3s", "-o", dir, "--instrument-cost", "off", "--progress", "none")
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	status := 0
	if err := cmd.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatalf("%v: %s", err, &printed)
		}
		status = exit.ExitCode()
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", results.RunFile))
	if err != nil || len(found) != 1 {
		t.Fatalf("results %q, %v: %s", found, err, &printed)
	}
	run, err := results.Read(found[0])
	if err != nil {
		t.Fatal(err)
	}
	want := map[results.Verdict]int{results.Suspect: 0, results.GeneratorLimited: 5}
	if exit, ok := want[run.Verdict]; !ok || status != exit {
		t.Errorf("%s and exit status %d, want SUSPECT and 0 or GENERATOR_LIMITED and 5:\n%s", run.Verdict, status, &printed)
	}
	if !strings.Contains(printed.String(), string(run.Verdict)+" sync 5k/s: ") {
		t.Errorf("no reason is printed:\n%s", &printed)
	}
}
