package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rmqbench/results"
)

// pty is a terminal that a test sits at.
type pty struct {
	master, slave *os.File

	mu   sync.Mutex // protects following
	text bytes.Buffer
}

// newPTY opens a terminal of 100 × 30 and reads what is written to it.
func newPTY(t *testing.T) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	p := &pty{master: master, slave: slave}
	p.size(t, 100)
	var reading sync.WaitGroup
	reading.Go(func() {
		part := make([]byte, 4096)
		for {
			n, err := master.Read(part)
			p.mu.Lock()
			p.text.Write(part[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { // the last end that is open: reading fails
		slave.Close()
		reading.Wait()
	})
	return p
}

func (p *pty) size(t *testing.T, columns uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(p.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: columns}); err != nil {
		t.Fatal(err)
	}
}

func (p *pty) mode(t *testing.T) unix.Termios {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *mode
}

func (p *pty) written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// start runs the binary at the terminal, which is its own; it is killed when the test is over.
func (p *pty) start(t *testing.T, binary string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, p.slave, p.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Env = append(os.Environ(), "TERM=xterm")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// status waits for a command and gives its exit status.
func status(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

// TestLiveView sits at a terminal: it sees the view, marks two moments, makes the window narrower and ends the run with Ctrl-C; the
// terminal is as it was.
func TestLiveView(t *testing.T) {
	binary := build(t)
	for _, colours := range []bool{true, false} {
		p, dir := newPTY(t), t.TempDir()
		if t.Setenv("NO_COLOR", ""); !colours {
			t.Setenv("NO_COLOR", "1")
		}
		before := p.mode(t)
		cmd := p.start(t, binary, "run", "-r", "200/s", "-d", "1h", "-o", dir, "--instrument-cost", "off")
		wait(t, "the view", func() bool { return strings.Contains(p.written(), "m marks a moment") })
		if mode := p.mode(t); mode.Lflag&(unix.ICANON|unix.ECHO) != 0 || mode.Lflag&unix.ISIG == 0 {
			t.Errorf("local modes %x", mode.Lflag)
		}
		if _, err := p.master.WriteString("mxm"); err != nil {
			t.Fatal(err)
		}
		wait(t, "two marks", func() bool { return strings.Contains(p.written(), "(2 so far)") })
		p.size(t, 30)
		wait(t, "a narrow view", func() bool {
			return strings.Contains(p.written(), "\r  m marks a moment (2 so far)\x1b[K") || strings.Contains(p.written(), "  m marks a moment (2 so far)"+normal+"\x1b[K")
		})
		if _, err := p.master.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
		if got := status(t, cmd); got != exitInterrupted {
			t.Errorf("status %d: %s", got, p.written())
		}
		if after := p.mode(t); after != before {
			t.Errorf("the terminal was %+v and is %+v", before, after)
		}
		if styled := strings.Contains(p.written(), faint); styled != colours {
			t.Errorf("colours %v: %q", colours, p.written())
		}
		run := kept(t, dir)
		if len(run.Marks) != 2 || run.Marks[0].OffsetNS <= 0 || run.Marks[1].OffsetNS < run.Marks[0].OffsetNS || run.Verdict != results.Partial || !strings.Contains(p.written(), "mark 2 at ") {
			t.Errorf("%+v, %s", run.Marks, run.Verdict)
		}
	}
}

// TestR31_TheTerminalComesBack: however a run at a terminal is ended, the terminal is as it was.
func TestR31_TheTerminalComesBack(t *testing.T) {
	t.Parallel()
	binary := build(t)
	for name, end := range map[string][]syscall.Signal{"SIGTERM": {syscall.SIGTERM}, "SIGHUP": {syscall.SIGHUP}, "SIGQUIT": {syscall.SIGQUIT}, "thrice": {syscall.SIGINT, syscall.SIGINT, syscall.SIGINT}} {
		p := newPTY(t)
		before := p.mode(t)
		cmd := p.start(t, binary, "run", "-w", "2", "-d", "1h", "-o", "none", "--instrument-cost", "off")
		wait(t, "the view", func() bool { return strings.Contains(p.written(), "m marks a moment") })
		for _, s := range end {
			if err := cmd.Process.Signal(s); err != nil {
				break // it is over already
			}
		}
		_ = cmd.Wait()
		if after := p.mode(t); after != before {
			t.Errorf("%s: the terminal was %+v and is %+v", name, before, after)
		}
	}
}
