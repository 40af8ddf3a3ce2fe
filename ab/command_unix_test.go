//go:build unix

package ab

import (
	"bytes"
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

	"rmqbench/results"
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
		"no benchmark":         {"echo PASS", nil, time.Minute, "neither a run's record (run --json) nor Go benchmark text"},
		"it fails":             {"echo no such queue >&2; exit 1", nil, time.Minute, "exit status 1: no such queue"},
		"it fails on stdout":   {"echo '--- FAIL: BenchmarkX'; echo FAIL; exit 1", nil, time.Minute, "exit status 1: --- FAIL: BenchmarkX; FAIL"},
		"it fails on both":     {"printf 'a\\nVERDICT\\n'; echo no such queue >&2; exit 1", nil, time.Minute, "exit status 1: no such queue; a; VERDICT"},
		"numbers and a fault":  {"printf 'BenchmarkX 1 7 ns/op\\nFAIL\\n'; exit 1", nil, time.Minute, "exit status 1: BenchmarkX 1 7 ns/op; FAIL"},
		"it doesn't exist":     {"/nonexistent/rmqbench run", nil, time.Minute, "exit status 127"},
		"it doesn't end":       {"sleep 60", nil, 100 * time.Millisecond, "didn't end in time"},
		"a record with status": {`printf '{"schema":"no/1"}'; exit 3`, nil, time.Minute, "schema no/1"},
		"JSON of another kind": {`printf '{}'; echo no such queue >&2; exit 1`, nil, time.Minute, "exit status 1: no such queue; read result A"},
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

// TestCommandOfRecord: a record that says itself why rmqbench ended with its status is a measurement as one of this process is; one that
// doesn't is none.
func TestCommandOfRecord(t *testing.T) {
	const attempts = 7
	broken := func(r *results.Run) { r.Cases[0].Attempted += attempts }
	for name, tt := range map[string]struct {
		change func(*results.Run)
		status int
		want   results.Verdict // the measurement's, or
		err    string
	}{
		"a sum is broken":        {broken, 1, results.Invalid, ""},
		"a part is lost":         {func(r *results.Run) { r.Lost = []string{"shard 1 of 2"} }, 1, results.Partial, ""},
		"an objective is missed": {func(*results.Run) {}, 3, results.Valid, ""},
		"all is well, but not":   {func(*results.Run) {}, 1, "", "exit status 1: the disk is full"},
		"it was called wrongly":  {broken, 2, "", "exit status 2: the disk is full"},
		"it was interrupted":     {broken, 130, "", "exit status 130: the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := results.Read("../results/testdata/quick.json")
			if err != nil {
				t.Fatal(err)
			}
			r.Cases = r.Cases[:1]
			tt.change(r)
			results.Judge(r)
			var record bytes.Buffer
			if err := results.Encode(&record, r); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "run.json")
			if err := os.WriteFile(file, record.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			side, err := Command("A", fmt.Sprintf("cat %s; echo the disk is full >&2; exit %d", file, tt.status), nil, time.Minute).Measure(t.Context())
			switch {
			case tt.want == "":
				if err == nil || !strings.HasSuffix(err.Error(), tt.err) {
					t.Errorf("got %v, want %s", err, tt.err)
				}
			case err != nil:
				t.Error(err)
			case side.Verdicts[tt.want] == 0:
				t.Errorf("verdicts %v, want %s", side.Verdicts, tt.want)
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
