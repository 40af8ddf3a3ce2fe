package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every bug can still be planted, and changes something.
func TestMutantsApply(t *testing.T) {
	for i, m := range list {
		source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(m.file)))
		if err != nil {
			t.Fatal(err)
		}
		changed, err := m.apply(string(source))
		if err != nil || changed == string(source) {
			t.Errorf("%d, %s: changed is %v, error %v", i+1, m.bug, changed != string(source), err)
		}
	}
	if _, err := (&mutant{edits: []edit{{"b", "c"}}}).apply("abba"); err == nil {
		t.Error("an edit that stands there twice applies")
	}
	if _, err := (&mutant{edits: []edit{{"x", "y"}}}).apply("abba"); err == nil {
		t.Error("an edit that stands nowhere applies")
	}
}

func TestVerdict(t *testing.T) {
	failed := errors.New("exit status 1")
	for name, tt := range map[string]struct {
		err  error
		out  string
		want string // "": an error
	}{
		"caught":              {failed, "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n--- FAIL: TestB (0.00s)\nFAIL\n", "TestB"},
		"caught by a subtest": {failed, "=== RUN   TestA\n=== RUN   TestA/x\n--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/x (0.00s)\n", "TestA"},
		"it hangs":            {failed, "=== RUN   TestA\npanic: test timed out after 1m0s\n", "TestA"},
		"survives":            {nil, "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\n", ""},
		"does not build":      {failed, "# rmqbench/x\nx.go:1:1: no\nFAIL\trmqbench/x [build failed]\n", ""},
		"something else":      {failed, "signal: killed\n", ""},
	} {
		got, err := (&mutant{}).verdict(tt.err, tt.out)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
		}
	}
}

// The page names the bugs that the list has.
func TestPageIsUpToDate(t *testing.T) {
	page, err := os.ReadFile("../../docs/mutants.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if !strings.Contains(string(page), "| "+m.bug+" | `"+m.file+"` | "+m.planted+" |") {
			t.Errorf("docs/mutants.md has nothing of %q: run make mutants", m.bug)
		}
	}
	if n := strings.Count(string(page), "\n| "); n != len(list)+1 {
		t.Errorf("docs/mutants.md has %d lines, want %d", n, len(list)+1)
	}
}
