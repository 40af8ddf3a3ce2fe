package main

import (
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// probes is what peers/probes printed.
//
//go:embed probes.txt
var probes string

// entry is a test's line of the page.
var entry = regexp.MustCompile("^\\| [0-9, ]+ \\| `([^`]+)` \\| `([^`]+)` \\| [^|]* \\| ([^|]*) \\| ([^|]*) \\|$")

// written reads the outcomes of a page that write wrote.
func written(page string) map[string]outcome {
	got := map[string]outcome{}
	for line := range strings.Lines(page) {
		m := entry.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		o := outcome{day: m[4]}
		o.state, o.reason, _ = strings.Cut(m[3], ": ")
		if o.state == never {
			o = outcome{}
		}
		got[m[2]+"."+m[1]] = o
	}
	return got
}

const never = "not run yet"

// state is a row's, by its tests'.
func state(tests []found, got map[string]outcome) string {
	passed, skipped, unrun, failed := 0, 0, 0, 0
	for i := range tests {
		switch got[tests[i].id()].state {
		case "passed":
			passed++
		case "skipped":
			skipped++
		case "failed":
			failed++
		default:
			unrun++
		}
	}
	switch {
	case len(tests) == 0:
		return "**no test yet**"
	case failed > 0:
		return fmt.Sprintf("**%d failed**", failed)
	}
	var parts []string
	for _, p := range []struct {
		n    int
		text string
	}{{passed, "passed"}, {skipped, "skipped"}, {unrun, never}} {
		switch {
		case p.n == len(tests):
			return p.text
		case p.n > 0:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	return strings.Join(parts, ", ")
}

// needs says what a test wants beyond Go: e2e, gates or, for "", nothing. A constraint by platform is no want.
func needs(f *found) string {
	for _, tag := range []string{"e2e", "gates"} {
		if strings.Contains(f.tags, tag) {
			return tag
		}
	}
	return ""
}

// write writes the page.
func write(w io.Writer, tests []found, got map[string]outcome) error {
	of := make([][]found, len(list)+1)
	for _, t := range tests {
		for _, n := range t.rows {
			of[n] = append(of[n], t)
		}
	}
	var b strings.Builder
	b.WriteString(`# What must not break it

` + "Written by `make reliability` (internal/rows), which runs the tests named here; not by hand. A test that covers a row is named after it:\n" +
		"`TestR05_ResetMidFrame`, so `go test ./... -run '^TestR05_'` is row 5. `make reliability` runs those that need only Go; `make reliability E2E=1` also\n" +
		"those marked e2e, which need Java, Maven or a network namespace. A state is that of the test's last run, whose day stands beside it.\n" + `
After each of them: the sums of the outcomes hold, nothing is in flight, all permits are back, goroutines and pooled buffers are back to
their number, and the exit status is the documented one. Bounds in milliseconds are held to ten times their value, so that a busy machine
is no failure. **Ambiguous** is a send that may have reached the broker and whose answer never came: neither a success nor a failure.

| row | fault | what must hold | state |
|---|---|---|---|
`)
	for i := range list {
		r := &list[i]
		was := state(of[i+1], got)
		if how := short[i+1]; how != "" {
			was += " (in short: " + how + ")"
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", i+1, r.fault, r.must, was)
	}
	b.WriteString("\n## The tests\n\n| rows | test | package | needs | last run | day |\n|---|---|---|---|---|---|\n")
	sorted := slices.Clone(tests)
	slices.SortStableFunc(sorted, func(a, b found) int { return slices.Compare(a.rows, b.rows) })
	for i := range sorted {
		t := &sorted[i]
		o := got[t.id()]
		state := o.state
		switch {
		case state == "":
			state = never
		case o.reason != "":
			state += ": " + strings.ReplaceAll(o.reason, "|", "¦")
		}
		fmt.Fprintf(&b, "| %s | `%s` | `%s` | %s | %s | %s |\n", strings.Trim(strings.ReplaceAll(fmt.Sprint(t.rows), " ", ", "), "[]"), t.name, t.dir, needs(t), state, o.day)
	}
	b.WriteString("\n## Five probes\n\n" + strings.TrimSpace(probes) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}
