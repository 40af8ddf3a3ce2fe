package ab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"rmqbench/results"
)

// What a command may print, and how long it has to end once it is told to.
const (
	maxOutput = 64 << 20
	maxErrors = 4 << 10
	grace     = 3 * time.Second
)

// Command is an arm that runs line in the system's shell, with extra arguments behind it, and reads what it prints on standard output:
// a run's record, or Go benchmark text. It has until limit; then, and when the context ends, it is stopped with all that it started.
func Command(name, line string, extra []string, limit time.Duration) Arm {
	for _, arg := range extra {
		line += " " + shellQuote(arg)
	}
	return Arm{Name: name, Measure: func(ctx context.Context) (*results.Side, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		text, err := output(ctx, line)
		if err != nil {
			return nil, err
		}
		return results.ParseSide(name, text)
	}}
}

// output runs line and returns what it printed.
func output(ctx context.Context, line string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, shell[0], append(shell[1:], line)...)
	out, errs := &head{most: maxOutput}, &tail{most: maxErrors}
	cmd.Stdout, cmd.Stderr = out, errs
	err := Confined(cmd)
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("it didn't end in time and was stopped%s", errs)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case out.over:
		return nil, fmt.Errorf("it printed over %s", results.FormatBytes(maxOutput))
	case exited && readable(exit.ExitCode(), out.Bytes()):
		return out.Bytes(), nil
	case err != nil:
		return nil, fmt.Errorf("%w%s", err, errs)
	}
	return out.Bytes(), nil
}

// Confined runs cmd, which must be made with a context, and leaves nothing of what it started, however it ends.
func Confined(cmd *exec.Cmd) error {
	stopped := confine(cmd)
	defer stopped()
	cmd.WaitDelay = grace
	return cmd.Run()
}

// readable: rmqbench's own statuses of a run that was measured, whose record says what it is worth.
func readable(status int, out []byte) bool {
	return status >= 3 && status <= 5 && bytes.HasPrefix(bytes.TrimSpace(out), []byte("{"))
}

// head keeps the first bytes written to it.
type head struct {
	bytes.Buffer
	most int
	over bool
}

func (h *head) Write(p []byte) (int, error) {
	if room := h.most - h.Len(); len(p) > room {
		h.over = true
		h.Buffer.Write(p[:max(room, 0)])
		return len(p), nil // it goes on, so that it ends by itself
	}
	return h.Buffer.Write(p)
}

// tail keeps the last bytes written to it.
type tail struct {
	kept []byte
	most int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.most; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// String is the last lines behind a colon, "" if there are none.
func (t *tail) String() string {
	text := strings.TrimSpace(string(t.kept))
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	return ": " + strings.Join(lines[max(len(lines)-3, 0):], "; ")
}
