package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"rmqbench/results"
)

// TestR24_R58_Hogs: two processes for each CPU take it. They end by themselves, and are stopped before that.
func TestR24_R58_Hogs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes every CPU for three seconds")
	}
	build(t) // while there are CPUs for it
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
	wantDisturbed(t, "5k/s")
}

// TestR24_HalfACPU: the control group lets it have half of a CPU, and a rate is asked for that takes more.
func TestR24_HalfACPU(t *testing.T) {
	var group string
	var err error
	for _, root := range []struct{ dir, file, value string }{{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "50000"}, {"/sys/fs/cgroup", "cpu.max", "50000 100000"}} {
		group = filepath.Join(root.dir, "rmqbench-"+strconv.Itoa(os.Getpid()))
		if err = os.Mkdir(group, 0o755); err != nil {
			continue
		}
		defer os.Remove(group) // after its last process
		if err = os.WriteFile(filepath.Join(group, root.file), []byte(root.value), 0o644); err == nil {
			break
		}
	}
	if err != nil {
		t.Skipf("a control group can't be made here: %v", err)
	}
	wantDisturbed(t, "100k/s", "sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, group)
}

// wantDisturbed has the built binary, behind a command if there is one, keep a rate: the record says that the machine or the generator
// may have coloured it and why, and the exit status is 5 where the generator was the limit.
func wantDisturbed(t *testing.T, rate string, behind ...string) {
	t.Helper()
	dir := t.TempDir()
	args := append(behind, build(t), "run", "-r", rate, "-d", "3s", "-o", dir, "--instrument-cost", "off", "--progress", "none")
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
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
	if !strings.Contains(printed.String(), string(run.Verdict)+" sync "+rate+": ") {
		t.Errorf("no reason is printed:\n%s", &printed)
	}
}
