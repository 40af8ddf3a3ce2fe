//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"rmqbench/results"
)

// TestR30_R31_Signals ends runs of the built binary whose broker answers nothing for an hour: an interrupt waits for the drain of 5 s and
// what follows doesn't; each leaves the whole report of what there was.
func TestR30_R31_Signals(t *testing.T) {
	t.Parallel()
	binary := build(t)
	dir := t.TempDir()
	scenario := filepath.Join(dir, "stall.yaml")
	text := "version: 1\nname: stall\nload: {workers: 2, stages: [{for: 1h}]}\nproducer: {send_timeout: 1h}\nevents: [{at: 0s, for: 1h, delay: 1h}]\n"
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		signals []syscall.Signal
		drained bool
	}{
		"SIGINT":       {[]syscall.Signal{syscall.SIGINT}, true},
		"SIGINT twice": {[]syscall.Signal{syscall.SIGINT, syscall.SIGINT}, false},
		"SIGTERM":      {[]syscall.Signal{syscall.SIGTERM}, false},
		"SIGHUP":       {[]syscall.Signal{syscall.SIGHUP}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			cmd := exec.CommandContext(t.Context(), binary, "run", scenario, "-o", out, "--instrument-cost", "off")
			var printed, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &printed, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			underWay(t, out)
			var began time.Time
			for i, s := range tt.signals {
				if i > 0 {
					time.Sleep(100 * time.Millisecond) // two at once are one
				}
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				began = time.Now()
			}
			_ = cmd.Wait()
			took := time.Since(began)
			if got := cmd.ProcessState.ExitCode(); got != exitInterrupted {
				t.Errorf("status %d, %s", got, &errs)
			}
			if tt.drained && took < 4*time.Second || took > 50*time.Second {
				t.Errorf("after %v", took)
			}
			run := kept(t, out)
			if c := &run.Cases[0]; run.CutShort != results.Interrupted || c.Attempted != c.Acknowledged+2 || c.Ambiguous != 2 { // some may be answered before the stall begins
				t.Errorf("%s, %+v", run.CutShort, c.Counts)
			}
			if !bytes.Contains(printed.Bytes(), []byte("PARTIAL")) {
				t.Errorf("printed %q, %q", &printed, &errs)
			}
			t.Logf("after %v", took)
		})
	}
}

// underWay waits for the run that writes into parent to have begun.
func underWay(t *testing.T, parent string) {
	t.Helper()
	wait(t, "a checkpoint", func() bool {
		found, err := filepath.Glob(filepath.Join(parent, "*", results.RunFile))
		return err == nil && len(found) > 0
	})
}

// TestR31_ClosedPipe: who reads our output has gone in the middle of a run. It ends, and what was measured is in its directory.
func TestR31_ClosedPipe(t *testing.T) {
	t.Parallel()
	binary := build(t)
	for _, both := range []bool{false, true} { // standard error goes the same way, progress and all
		out := t.TempDir()
		cmd := exec.CommandContext(t.Context(), binary, "run", "-w", "2", "-d", "1h", "-o", out, "--instrument-cost", "off", "--progress", "plain")
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = w, &errs
		if both {
			cmd.Stderr = w
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		checkpointIn(t, out)
		r.Close()
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != exitInterrupted || errs.Len() > 0 {
			t.Errorf("status %d, %s", got, &errs)
		}
		if run := kept(t, out); run.CutShort != results.Interrupted || run.Cases[0].Acknowledged == 0 {
			t.Errorf("%s, %+v", run.CutShort, run.Cases[0].Counts)
		}
	}
}

// wait waits for something to come true; a machine with much else to do may take its time.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(60 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// kept is the one result under parent.
func kept(t *testing.T, parent string) *results.Run {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(parent, "*", results.RunFile))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	run, err := results.Read(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return run
}
