//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is one child of ours, its output in a file. It never acts on a pid of anything else: os.Process knows when
// the child was reaped.
type process struct {
	cmd  *exec.Cmd
	log  string        // path of what it wrote on stdout and stderr
	done chan struct{} // closed once it has been reaped; err is set before
	err  error
}

// startProcess starts a command with its output in a new file. The kernel kills the child should this process die.
func startProcess(cmd *exec.Cmd, log string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the child has its own
	cmd.Stdout, cmd.Stderr = out, out
	if err := startChild(cmd); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// startChild is cmd.Start with the parent-death signal set.
func startChild(cmd *exec.Cmd) error {
	dieWithParent(cmd)
	started := make(chan error, 1)
	spawner() <- func() { started <- cmd.Start() }
	return <-started
}

// outputOf runs a command to its end and returns its stdout and stderr together, also with an error.
func outputOf(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startChild(cmd); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

// spawner runs what it is given on one OS thread that lives as long as we do: the parent-death signal is sent when
// the thread that forked ends, not the process.
var spawner = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// running tells whether it has not been reaped yet; a stopped one is running.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// stop asks it to end and kills it when it has not within the grace; without a grace it kills at once.
// It returns when the process is gone. Stopping one that has ended is no error.
func (p *process) stop(grace time.Duration) error {
	if grace > 0 {
		_ = p.signal(syscall.SIGTERM) // it may have ended by itself
		_ = p.signal(syscall.SIGCONT) // a stopped process gets no other signal
		select {
		case <-p.done:
			return nil
		case <-time.After(grace):
		}
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill pid %d: %w", p.cmd.Process.Pid, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("pid %d lives 10 s after SIGKILL: end it by hand", p.cmd.Process.Pid)
	}
}

// signal sends one signal; a process that has ended is an error.
func (p *process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("%v to pid %d: %w", s, p.cmd.Process.Pid, err)
	}
	return nil
}

// logTail returns the end of what it wrote, for an error or a failed test.
func (p *process) logTail(n int) string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(tail(b, n))
}
