//go:build unix

package ab

import (
	"os/exec"
	"strings"
	"syscall"
	"time"
)

var shell = []string{"/bin/sh", "-c"}

// confine gives cmd a process group of its own, of which all are told to end when the context does, and none is left after stopped.
func confine(cmd *exec.Cmd) (stopped func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var late *time.Timer
	cmd.Cancel = func() error {
		group := -cmd.Process.Pid
		late = time.AfterFunc(grace, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
		return syscall.Kill(group, syscall.SIGTERM)
	}
	return func() {
		if late != nil {
			late.Stop()
		}
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind; usually nobody
		}
	}
}

// shellQuote makes arg one word of the shell's.
func shellQuote(arg string) string { return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'" }
