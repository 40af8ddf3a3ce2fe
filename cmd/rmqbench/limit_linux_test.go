package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/remoting"
)

// limited is the built binary with so many file descriptors at the most.
func limited(t *testing.T, files int, args ...string) *exec.Cmd {
	return exec.Command("sh", append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files), build(t)}, args...)...)
}

// With few descriptors a run says what it lacks, soon; with enough of them it passes.
func TestR25_FewDescriptors(t *testing.T) {
	c, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, tt := range []struct {
		files, status int
		args, errs    string
	}{{64, exitDone, "", ""}, {20, exitFailed, "-n " + c.NameServer() + " --set producer.instances=64", "too many open files"}} {
		var out, errs bytes.Buffer
		cmd := limited(t, tt.files, append(strings.Fields("run -w 4 --count 200 -o none --progress none --instrument-cost off"), strings.Fields(tt.args)...)...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		if status := cmd.ProcessState.ExitCode(); status != tt.status || !strings.Contains(errs.String(), tt.errs) {
			t.Errorf("%d descriptors: %v\n%s%s", tt.files, err, &out, &errs)
		}
		if used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); used > 10*time.Second {
			t.Errorf("%d descriptors: %v of CPU", tt.files, used)
		}
	}
}

// A broker that has no descriptor left for who comes takes no CPU for it, and serves again once others have left.
func TestR25_AcceptDoesNotSpin(t *testing.T) {
	cmd := limited(t, 64, "broker", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	said := make([]byte, 4096)
	addr := ""
	for all := ""; addr == ""; {
		n, err := out.Read(said)
		if err != nil {
			t.Fatalf("%v: %s", err, all)
		}
		all += string(said[:n])
		for _, word := range strings.Fields(all) {
			if host, _, err := net.SplitHostPort(strings.Trim(word, ",;")); err == nil && host == "127.0.0.1" {
				addr = strings.Trim(word, ",;")
				break
			}
		}
	}
	var crowd []net.Conn
	for range 100 {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, nc)
	}
	before := cpuOf(t, cmd.Process.Pid)
	time.Sleep(time.Second)
	if used := cpuOf(t, cmd.Process.Pid) - before; used > 300*time.Millisecond {
		t.Errorf("%v of CPU in a second in which nothing could be accepted", used)
	}
	for _, nc := range crowd {
		nc.Close()
	}
	c := remoting.NewClient(remoting.ClientOptions{})
	defer c.Close()
	if _, err := c.Invoke(t.Context(), addr, remoting.NewRequest(remoting.GetBrokerClusterInfo), 20*time.Second); err != nil {
		t.Errorf("once they had left: %v", err)
	}
}

// cpuOf is what a process has used so far (proc(5), stat: utime and stime, in hundredths of a second).
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		t.Fatalf("%s", text)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// what can't be printed is a failure, not a success that nobody saw; the result is written all the same.
func TestR28_FullStandardOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	dir := t.TempDir()
	var errs bytes.Buffer
	cmd := exec.Command(build(t), "run", "-w", "4", "--count", "200", "-o", dir, "--progress", "none", "--instrument-cost", "off")
	cmd.Stdout, cmd.Stderr = full, &errs
	_ = cmd.Run()
	if status := cmd.ProcessState.ExitCode(); status != exitFailed || !strings.Contains(errs.String(), "no space left on device") {
		t.Errorf("status %d: %s", status, &errs)
	}
	if run := checkpointIn(t, dir); run.Cases[0].Acknowledged != 200 {
		t.Errorf("%+v", run.Cases[0].Counts)
	}
}
