package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// outcome is what came of a test when it was last run.
type outcome struct {
	state  string // passed, skipped, failed; "" for never run
	reason string // of what was skipped
	day    string // 2006-01-02, UTC
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	Time                          time.Time // zero: not told
}

var logged = regexp.MustCompile(`^\s+\S+_test\.go:\d+: (.*)`)

// read takes the outcomes of tests out of what go test -json printed, by the package's directory in the module and the test's
// name; a subtest is known by its function and its own last name.
func read(r io.Reader, module string, day string) (map[string]outcome, error) {
	said := map[string]string{} // last line that a test logged
	got := map[string]outcome{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Test == "" {
			continue // of the build, or of a whole package
		}
		full := e.Package + "." + e.Test
		names := strings.Split(e.Test, "/")
		dir := strings.TrimPrefix(strings.TrimPrefix(e.Package, module), "/")
		id := dir + "." + names[0]
		if len(names) > 1 {
			id += "/" + names[len(names)-1]
		}
		var state string
		switch e.Action {
		case "output":
			if m := logged.FindStringSubmatch(e.Output); m != nil {
				said[full] = strings.TrimSpace(m[1])
			}
			continue
		case "pass":
			state = "passed"
		case "skip":
			state = "skipped"
		case "fail":
			state = "failed"
		default:
			continue
		}
		o := outcome{state: state, day: day}
		if !e.Time.IsZero() {
			o.day = e.Time.UTC().Format(time.DateOnly)
		}
		if state == "skipped" {
			o.reason = said[full]
		}
		if old, ok := got[id]; ok && worst(old.state, o.state) == old.state { // the same subtest for several versions
			continue
		}
		got[id] = o
	}
	return got, lines.Err()
}

// elsewhere takes in the outcomes that a file has of a run made elsewhere; none for no file.
func elsewhere(path string) (map[string]outcome, error) {
	if path == "" {
		return map[string]outcome{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was read
	return read(f, module, time.Now().UTC().Format(time.DateOnly))
}

// worst is the one of two states that a reader must know of.
func worst(a, b string) string {
	order := []string{"", "passed", "skipped", "failed"}
	if slices.Index(order, a) >= slices.Index(order, b) {
		return a
	}
	return b
}

// holders are the functions that hold the tests, as a pattern for go test, and their packages.
func holders(tests []found) (pattern string, dirs []string) {
	var names []string
	for i := range tests {
		name, _, _ := strings.Cut(tests[i].name, "/")
		names, dirs = append(names, name), append(dirs, "./"+tests[i].dir)
	}
	slices.Sort(names)
	slices.Sort(dirs)
	return "^(" + strings.Join(slices.Compact(names), "|") + ")$", slices.Compact(dirs)
}

// goTest runs tests and adds what came of them to got. That some fail is no error: it is in got.
func goTest(root, module string, got map[string]outcome, env []string, args ...string) error {
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1"}, args...)...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "go", strings.Join(cmd.Args[1:], " "))
	if err := cmd.Start(); err != nil {
		return err
	}
	more, err := read(out, module, time.Now().UTC().Format(time.DateOnly))
	ended := cmd.Wait()
	if err != nil {
		return err
	}
	if ended != nil && len(more) == 0 {
		return fmt.Errorf("go %s: %w", strings.Join(cmd.Args[1:], " "), ended)
	}
	for id, o := range more {
		got[id] = o
	}
	return nil
}
