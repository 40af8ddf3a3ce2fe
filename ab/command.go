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
		exit, exited := errors.AsType[*exec.ExitError](err)
		if err != nil && !exited {
			return nil, err
		}
		side, unread := results.ParseSide(name, text)
		switch {
		case !exited:
			return side, unread
		case unread == nil && says(side, exit.ExitCode()):
			return side, nil
		case unread != nil && isRecord(text):
			return nil, fmt.Errorf("%w; %w", err, unread)
		}
		return nil, err
	}}
}

// output runs line and returns what it printed, also beside an [exec.ExitError].
func output(ctx context.Context, line string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, shell[0], append(shell[1:], line)...)
	out, errs := &head{most: maxOutput}, &tail{most: maxErrors}
	cmd.Stdout, cmd.Stderr = out, errs
	err := Confined(cmd)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("it didn't end in time and was stopped%s", errs)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case out.over:
		return nil, fmt.Errorf("it printed over %s", results.FormatBytes(maxOutput))
	case err != nil && !isRecord(out.Bytes()): // a program may say on either why it failed
		return out.Bytes(), fmt.Errorf("%w%s", err, lastLines(errs.kept, out.Bytes()[max(out.Len()-maxErrors, 0):]))
	case err != nil:
		return out.Bytes(), fmt.Errorf("%w%s", err, errs)
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

// says reports whether a run's record, which is side, tells itself why rmqbench ended with that status: what it is worth is then judged
// as that of a run in this process is. Go benchmarks have no verdict.
func says(side *results.Side, status int) bool {
	if status == 1 {
		return side.Verdicts[results.Partial]+side.Verdicts[results.Invalid] > 0
	}
	return status >= 3 && status <= 5 && len(side.Verdicts) > 0
}

// isRecord reports whether a program printed JSON, as rmqbench run --json does.
func isRecord(out []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(out), []byte("{")) }

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
func (t *tail) String() string { return lastLines(t.kept) }

// lastLines are the last ones of each text behind a colon, in one line; "" if there are none.
func lastLines(texts ...[]byte) string {
	var all []string
	for _, text := range texts {
		var lines []string
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
		all = append(all, lines[max(len(lines)-3, 0):]...)
	}
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, "; ")
}
