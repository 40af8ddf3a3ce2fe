package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"rmqbench/results"
)

// TestR29_KilledRunLeavesItsCheckpoint kills the built binary in the middle of a run: what is there is whole, and says that it isn't all.
// KILLS says how many of them there are, four at once (2; make lives: 100), each at another moment up to a checkpoint's time later.
func TestR29_KilledRunLeavesItsCheckpoint(t *testing.T) {
	t.Parallel()
	kills := 2
	if text := os.Getenv("KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("KILLS=%q is no number from 1", text)
		}
		kills = n
	}
	binary := build(t)
	next := make(chan int, kills)
	for n := range kills {
		next <- n
	}
	close(next)
	var all sync.WaitGroup
	for range min(kills, 4) {
		all.Go(func() {
			for n := range next {
				if err := killOne(t, binary, n, kills); err != nil {
					t.Errorf("kill %d of %d: %v", n, kills, err)
				}
			}
		})
	}
	all.Wait()
}

// killOne is the n-th of so many kills.
func killOne(t *testing.T, binary string, n, of int) error {
	dir := t.TempDir()
	args := []string{"-w", "4", "-d", "1h", "--set", "load.cap=500/s"}
	if n%2 == 1 {
		args = []string{"-r", "200/s", "-d", "1h", "-m", "async"}
	}
	ctx, kill := context.WithCancel(t.Context()) // kills as kill -9 does
	defer kill()
	cmd := exec.CommandContext(ctx, binary, append([]string{"run", "--progress", "none", "--instrument-cost", "off", "-o", dir}, args...)...)
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		return err
	}
	path, _, err := firstCheckpoint(dir)
	if err != nil {
		kill()
		_ = cmd.Wait() // it was killed
		return fmt.Errorf("%w: %s", err, &printed)
	}
	const betweenCheckpoints = 5 * time.Second
	time.Sleep(betweenCheckpoints * time.Duration(n) / time.Duration(of))
	kill()
	if err := cmd.Wait(); err == nil {
		return fmt.Errorf("it ended by itself: %s", &printed)
	}
	run, err := results.Read(path)
	if err != nil {
		return err
	}
	if run.Verdict != results.Partial || run.CutShort != results.Unfinished || len(run.Cases) != 1 {
		return fmt.Errorf("verdict %s, cut short %q, %d cases", run.Verdict, run.CutShort, len(run.Cases))
	}
	if c := &run.Cases[0]; c.Acknowledged == 0 || c.Response == nil || c.Verdict != results.Partial {
		return fmt.Errorf("%+v, %s", c.Counts, c.Verdict)
	}
	said, err := exec.CommandContext(t.Context(), binary, "report", filepath.Dir(path), "--format", "md", "-o", "-").CombinedOutput()
	if err != nil {
		return fmt.Errorf("report: %w: %s", err, said)
	}
	if !bytes.Contains(said, []byte("PARTIAL")) {
		return fmt.Errorf("report does not say PARTIAL: %s", said)
	}
	return nil
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
	_, run, err := firstCheckpoint(parent)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// firstCheckpoint is checkpointIn's, and where it is.
func firstCheckpoint(parent string) (path string, run *results.Run, err error) {
	const patience = 60 * time.Second // of a machine with much else to do; the first one comes within a second
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(parent, "*", results.RunFile))
		if err != nil {
			return "", nil, err
		}
		if len(found) == 0 {
			continue
		}
		run, err := results.Read(found[0])
		if err != nil {
			return "", nil, err // never a torn one
		}
		if run.Cases[0].Acknowledged > 0 {
			return found[0], run, nil
		}
	}
	return "", nil, errors.New("no checkpoint")
}

// TestR32_TwoAtOnce runs the built binary four times at once into one directory, which isn't there yet: each has a result of its own,
// whole and of its own sends.
func TestR32_TwoAtOnce(t *testing.T) {
	binary, dir := build(t), filepath.Join(t.TempDir(), "results")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			out, err := exec.CommandContext(t.Context(), binary, "run", "--progress", "none", "--instrument-cost", "off", "-w", "4", "--count", "300", "-o", dir).CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(found) != 4 {
		t.Fatalf("%v, %v", found, err)
	}
	for _, path := range found {
		r, err := results.Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if c := &r.Run.Cases[0]; c.Acknowledged != 300 || len(r.Histograms) == 0 || r.Histograms[0].Histogram.Count() != 300 {
			t.Errorf("%s: %+v, %d histograms", path, c.Counts, len(r.Histograms))
		}
		if page, err := os.ReadFile(filepath.Join(path, results.HTMLFile)); err != nil || !bytes.HasSuffix(bytes.TrimSpace(page), []byte("</html>")) {
			t.Errorf("%s: a page of %d bytes, %v", path, len(page), err)
		}
	}
}
