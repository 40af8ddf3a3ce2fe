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

// The built binary is stopped for two seconds and goes on: the run says so, and is not VALID.
func TestR23_StoppedForAWhile(t *testing.T) {
	t.Parallel()
	const stopped = 2 * time.Second
	binary, dir := build(t), t.TempDir()
	var printed bytes.Buffer
	cmd := exec.Command(binary, "run", "-r", "200/s", "-w", "8", "-d", "5s", "--progress", "none", "--instrument-cost", "off", "-o", dir)
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checkpointIn(t, dir)
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if s == syscall.SIGSTOP {
			time.Sleep(stopped + 300*time.Millisecond) // a look may be nearly due when it stops
		}
	}
	if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "exit status 5") {
		t.Fatalf("%v: %s", err, &printed)
	}
	run := checkpointIn(t, dir)
	c := &run.Cases[0]
	if g := c.Generator; g.Pauses < 1 || time.Duration(g.PausedNS) < stopped || g.ClockSetNS != 0 {
		t.Errorf("%d pauses, %v in all, the clock was set by %d", g.Pauses, time.Duration(g.PausedNS), g.ClockSetNS)
	}
	if c.Offered != 1000 || run.Verdict == results.Valid || c.Response.Max < int64(stopped) {
		t.Errorf("verdict %s, %d offered, the longest took %v", run.Verdict, c.Offered, time.Duration(c.Response.Max))
	}
	if !strings.Contains(printed.String(), "stood still") {
		t.Errorf("nothing of it is printed: %s", &printed)
	}
}
