package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"rmqbench/results"
)

// TestR29_KilledRunLeavesItsCheckpoint kills the built binary in the middle of a run: what is there is whole, and says that it isn't all.
func TestR29_KilledRunLeavesItsCheckpoint(t *testing.T) {
	binary := build(t)
	for _, args := range [][]string{{"-w", "4", "-d", "1h"}, {"-r", "200/s", "-d", "1h", "-m", "async"}} {
		dir := t.TempDir()
		ctx, kill := context.WithCancel(t.Context()) // kills as kill -9 does
		defer kill()
		cmd := exec.CommandContext(ctx, binary, append([]string{"run", "--progress", "none", "-o", dir}, args...)...)
		var printed bytes.Buffer
		cmd.Stdout, cmd.Stderr = &printed, &printed
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		run := checkpointIn(t, dir)
		kill()
		if err := cmd.Wait(); err == nil {
			t.Errorf("%v: it ended by itself: %s", args, &printed)
		}
		if run.Verdict != results.Partial || run.CutShort != results.Unfinished || len(run.Cases) != 1 {
			t.Fatalf("%v: verdict %s, cut short %q, %d cases", args, run.Verdict, run.CutShort, len(run.Cases))
		}
		if c := &run.Cases[0]; c.Acknowledged == 0 || c.Response == nil || c.Verdict != results.Partial {
			t.Errorf("%v: %+v, %s", args, c.Counts, c.Verdict)
		}
		var table bytes.Buffer
		if err := results.WriteTable(&table, run); err != nil {
			t.Error(err)
		}
	}
}

// builtIn is where; TestMain takes it away.
var builtIn string

// built is the binary of this package, once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rmqbench")
	if err != nil {
		return "", err
	}
	builtIn = dir
	binary := filepath.Join(dir, "rmqbench")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return binary, nil
})

// build gives the built binary.
func build(t *testing.T) string {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// checkpointIn waits for the run that writes into parent to leave something that has begun.
func checkpointIn(t *testing.T, parent string) *results.Run {
	t.Helper()
	const patience = 60 * time.Second // of a machine with much else to do; the first one comes within a second
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(parent, "*", results.RunFile))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			continue
		}
		run, err := results.Read(found[0])
		if err != nil {
			t.Fatal(err) // never a torn one
		}
		if run.Cases[0].Acknowledged > 0 {
			return run
		}
	}
	t.Fatal("no checkpoint")
	return nil
}
