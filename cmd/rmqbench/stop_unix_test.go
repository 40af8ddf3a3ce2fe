//go:build unix

package main

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"rmqbench/results"
)

// The built binary is stopped for two seconds and goes on: the run says so, and is not VALID. A machine with much else to do may let us
// see only when the load is nearly over that it has begun: it is then longer.
func TestR23_StoppedForAWhile(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{5 * time.Second, 20 * time.Second, time.Minute} {
		if stoppedFor(t, 2*time.Second, length) {
			return
		}
	}
	t.Error("no run could be stopped before it was nearly over")
}

// stoppedFor stops a run of that length for a while, and judges its record; false: it came too late for that.
func stoppedFor(t *testing.T, stopped, length time.Duration) bool {
	t.Helper()
	binary, dir := build(t), t.TempDir()
	var printed bytes.Buffer
	cmd := exec.Command(binary, "run", "-r", "200/s", "-w", "8", "-d", length.String(), "--progress", "none", "--instrument-cost", "off", "-o", dir)
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checkpointIn(t, dir)
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	time.Sleep(stopped + 300*time.Millisecond) // a look may be nearly due when it stops
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "exit status 5") {
		t.Fatalf("%v: %s", err, &printed)
	}
	run := checkpointIn(t, dir)
	c := &run.Cases[0]
	if at.After(run.StartedAt.Add(time.Duration(c.StartOffsetNS) + length - time.Second)) {
		return false
	}
	if g := c.Generator; g.Pauses < 1 || time.Duration(g.PausedNS) < stopped || g.ClockSetNS != 0 {
		t.Errorf("%d pauses, %v in all, the clock was set by %d", g.Pauses, time.Duration(g.PausedNS), g.ClockSetNS)
	}
	if c.Offered != int64(length/time.Second)*200 || run.Verdict == results.Valid || c.Response.Max < int64(stopped) {
		t.Errorf("verdict %s, %d offered, the longest took %v", run.Verdict, c.Offered, time.Duration(c.Response.Max))
	}
	if !strings.Contains(printed.String(), "stood still") {
		t.Errorf("nothing of it is printed: %s", &printed)
	}
	return true
}
