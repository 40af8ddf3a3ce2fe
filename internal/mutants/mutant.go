package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// mutant is one bug and the tests that should catch it.
type mutant struct {
	bug     string
	planted string // what the edits do, in words
	file    string // slash separated, from the module's root
	edits   []edit
	pkg     string
	tests   string // regular expression of go test -run; "" for all of the package
}

// edit replaces a text that stands in the file exactly once.
type edit struct{ from, to string }

// apply makes the edits; one that does not apply is an error.
func (m *mutant) apply(source string) (string, error) {
	for _, e := range m.edits {
		if n := strings.Count(source, e.from); n != 1 {
			return "", fmt.Errorf("it can't be planted: %s has this %d times, want it once:\n%s", m.file, n, e.from)
		}
		source = strings.Replace(source, e.from, e.to, 1)
	}
	return source, nil
}

// try plants the bug for one run of its tests and names the one that failed.
func (m *mutant) try(dir string, timeout time.Duration) (string, error) {
	source, err := os.ReadFile(filepath.FromSlash(m.file))
	if err != nil {
		return "", fmt.Errorf("run this in the module's root: %w", err)
	}
	changed, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	overlay, err := m.overlay(dir, changed)
	if err != nil {
		return "", err
	}
	args := []string{"test", "-count=1", "-failfast", "-v", "-vet=off", "-timeout", timeout.String(), "-overlay", overlay}
	if m.tests != "" {
		args = append(args, "-run", m.tests)
	}
	var out bytes.Buffer
	cmd := exec.Command("go", append(args, m.pkg)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	return m.verdict(cmd.Run(), out.String())
}

// overlay writes the changed file, and the file that has the go command read it in place of the tree's.
func (m *mutant) overlay(dir, changed string) (string, error) {
	abs, err := filepath.Abs(filepath.FromSlash(m.file))
	if err != nil {
		return "", err
	}
	instead := filepath.Join(dir, "changed.go")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {abs: instead}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, errors.Join(os.WriteFile(instead, []byte(changed), 0o666), os.WriteFile(overlay, text, 0o666))
}

var (
	failedLine  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	runningLine = regexp.MustCompile(`(?m)^=== RUN\s+(\S+)`)
)

// verdict names the test that failed. A bug that crashes or hangs the test binary is caught by the test that ran.
func (m *mutant) verdict(err error, out string) (string, error) {
	if err == nil {
		return "", errors.New("no test catches it")
	}
	if strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]") {
		return "", fmt.Errorf("it does not build:\n%s", out)
	}
	if failed := failedLine.FindStringSubmatch(out); failed != nil {
		return failed[1], nil
	}
	if running := runningLine.FindAllStringSubmatch(out, -1); running != nil && strings.Contains(out, "panic:") {
		return running[len(running)-1][1], nil
	}
	return "", fmt.Errorf("%w, and no test says why:\n%s", err, out)
}
