//go:build unix

package ab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCommand(t *testing.T) {
	for name, tt := range map[string]struct {
		line  string
		extra []string
		limit time.Duration
		want  string // in the error; "" is success
	}{
		"benchmark text":       {"printf 'BenchmarkX 1 7 ns/op\\n'", nil, time.Minute, ""},
		"arguments behind":     {"printf '%s %s\\n'", []string{"BenchmarkX 1", "7 ns/op"}, time.Minute, ""},
		"noise on stderr":      {"echo hello >&2; printf 'BenchmarkX 1 7 ns/op\\n'", nil, time.Minute, ""},
		"no benchmark":         {"echo PASS", nil, time.Minute, "neither a run's record nor Go benchmark text"},
		"it fails":             {"echo no such queue >&2; exit 1", nil, time.Minute, "exit status 1: no such queue"},
		"it doesn't exist":     {"/nonexistent/rmqbench run", nil, time.Minute, "exit status 127"},
		"it doesn't end":       {"sleep 60", nil, 100 * time.Millisecond, "didn't end in time"},
		"a record with status": {`printf '{"schema":"no/1"}'; exit 3`, nil, time.Minute, "schema no/1"},
	} {
		t.Run(name, func(t *testing.T) {
			side, err := Command("A", tt.line, tt.extra, tt.limit).Measure(t.Context())
			switch {
			case tt.want == "" && err != nil:
				t.Fatal(err)
			case tt.want == "" && math.Abs(side.Samples[0].Values[0]-7e-9) > 1e-15:
				t.Errorf("measured %v", side.Samples)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestCommandLeavesNothing: an interrupt ends what the command started, too.
func TestCommandLeavesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Command("A", "sleep 60 & echo $! >"+file+"; wait", nil, time.Minute).Measure(ctx)
		ended <- err
	}()
	var pid int
	for wait := 0; pid == 0; wait++ {
		if wait > 1_000 {
			t.Fatal("the command didn't start")
		}
		time.Sleep(10 * time.Millisecond)
		if text, err := os.ReadFile(file); err == nil {
			pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	for wait := 0; ; wait++ { // it may be a zombie until init has taken it
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if (err != nil && syscall.Kill(pid, 0) != nil) || strings.Contains(string(text), ") Z ") {
			break
		}
		if wait > 1_000 {
			t.Fatalf("process %d is left", pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
