//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rmqbench/results"
)

// newDisk mounts a disk of so many KiB in memory.
func newDisk(t *testing.T, size string, flags uintptr) string {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("rmqbench-e2e", dir, "tmpfs", flags|unix.MS_NOSUID|unix.MS_NODEV, "size="+size+",mode=777")
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Skip("needs the right to mount a disk: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes what room a disk has left.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "others"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// toDisk runs the built binary with its result into dir, beside meanwhile, and returns what it said.
func toDisk(t *testing.T, cmd *exec.Cmd, meanwhile func()) (out, errs string, status int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile()
	}
	_ = cmd.Wait() // the status says it
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// wholeFiles checks that what is under its own name below dir is whole, and that nothing else is; it returns the names.
func wholeFiles(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := filepath.Glob(filepath.Join(dir, "*", ".*"))
	if err != nil || len(hidden) > 0 {
		t.Errorf("%v is left, %v", hidden, err)
	}
	var names []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		names = append(names, name)
		switch end := strings.TrimSpace(string(text)); {
		case name == results.RunFile && !json.Valid(text),
			name == results.HTMLFile && !strings.HasSuffix(end, "</html>"),
			name == results.SummaryFile && !strings.HasSuffix(end, "</sub>"),
			name == results.SeriesFile && !strings.HasSuffix(end, "}"),
			len(text) == 0:
			t.Errorf("%s isn't whole: %d bytes", path, len(text))
		}
	}
	return strings.Join(names, " ")
}

// TestR28_FullDisk: a disk that is full from the first file on, at the page, or from the middle of the run on, loses files and nothing
// else: the run ends, the summary is printed, the status is 1, and what has a name is whole.
func TestR28_FullDisk(t *testing.T) {
	program := buildGo(t, "..", "./cmd/rmqbench")
	run := func(dir string, args ...string) *exec.Cmd {
		return exec.Command(program, append([]string{"run", "--progress", "none", "--instrument-cost", "off", "-w", "4", "-o", dir}, args...)...)
	}
	for _, tt := range []struct {
		name, size string
		args       []string
		meanwhile  func(t *testing.T, dir string) // nil: the disk is that small
		left       []string                       // names
		gone       []string
	}{
		{"from the start", "64k", []string{"--count", "500"}, nil, nil, []string{results.RunFile, results.SeriesFile, results.LogFile, results.HTMLFile, results.SummaryFile}},
		{"at the page", "80k", []string{"--count", "500"}, nil, []string{results.RunFile, results.SeriesFile}, []string{results.HTMLFile}},
		{"from the middle on", "8m", []string{"-d", "8s", "--set", "load.cap=200/s"}, func(t *testing.T, dir string) {
			for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
				if found, _ := filepath.Glob(filepath.Join(dir, "*", results.SeriesFile)); len(found) > 0 {
					fill(t, dir)
					return
				}
			}
			t.Error("no checkpoint")
		}, []string{results.RunFile, results.SeriesFile}, []string{results.HTMLFile}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := newDisk(t, tt.size, 0)
			if len(tt.left) == 0 {
				fill(t, dir)
			}
			out, errs, status := toDisk(t, run(dir, tt.args...), func() {
				if tt.meanwhile != nil {
					tt.meanwhile(t, dir)
				}
			})
			if status != 1 || !strings.Contains(out, "msg/s") || !strings.Contains(errs, "no space left on device") || !strings.Contains(errs, dir) {
				t.Errorf("status %d\n%s\n%s", status, out, errs)
			}
			names := wholeFiles(t, dir)
			for _, name := range tt.left {
				if !strings.Contains(names, name) {
					t.Errorf("no %s among %q\n%s", name, names, errs)
				}
			}
			for _, name := range tt.gone {
				if strings.Contains(names, name) {
					t.Errorf("%s is there: %q", name, names)
				}
			}
			if tt.name != "from the middle on" {
				return
			}
			found, err := filepath.Glob(filepath.Join(dir, "*", results.RunFile))
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			if got, err := results.Read(found[0]); err != nil || got.Verdict != results.Partial || got.CutShort != results.Unfinished {
				t.Errorf("the checkpoint: %v, %+v", err, got)
			}
		})
	}
}

// TestR32_ReadOnly: a disk that nobody may write, and a directory that the user may not: nothing is sent, one line says so, the
// status is 1, and nothing is left there.
func TestR32_ReadOnly(t *testing.T) {
	program, locked := buildGo(t, "..", "./cmd/rmqbench"), t.TempDir()
	for dir, mode := range map[string]fs.FileMode{filepath.Dir(program): 0o755, filepath.Dir(filepath.Dir(program)): 0o755, locked: 0o555} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	nobody := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 { // whom a mode doesn't stop
		nobody.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	for name, tt := range map[string]struct {
		dir  string
		as   *syscall.SysProcAttr
		want string
	}{
		"a disk":      {newDisk(t, "1m", unix.MS_RDONLY), nil, "read-only file system"},
		"a directory": {locked, nobody, "permission denied"},
	} {
		cmd := exec.Command(program, "run", "--progress", "none", "--instrument-cost", "off", "-w", "4", "--count", "200", "-o", tt.dir)
		cmd.SysProcAttr, cmd.Dir = tt.as, "/"
		out, errs, status := toDisk(t, cmd, nil)
		if status != 1 || out != "" || !strings.Contains(errs, tt.want) || !strings.Contains(errs, tt.dir) {
			t.Errorf("%s: status %d\n%s\n%s", name, status, out, errs)
		}
		if entries, err := os.ReadDir(tt.dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: %v, %v", name, entries, err)
		}
	}
}
