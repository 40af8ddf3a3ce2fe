package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	module = "rmqbench"
	page   = "docs/reliability.md"
)

func main() {
	only := flag.String("run", ".", "run the tests whose names match this regular expression; none: no test")
	e2e := flag.Bool("e2e", false, "also those that need Java, Maven or a network namespace")
	gates := flag.Bool("gates", false, "also the gate against itself, in short")
	from := flag.String("from", "", "take in first what this file has of a run made elsewhere, as go test -json or go tool test2json write it")
	flag.Parse()
	which, err := regexp.Compile(*only)
	if err == nil {
		err = makePage(which, *from, *only != "none", *e2e, *gates)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rows:", err)
		os.Exit(1)
	}
}

// makePage runs what is asked for and writes the page; an error too where a test failed.
func makePage(which *regexp.Regexp, from string, run, e2e, gates bool) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	tests, err := find(root)
	if err != nil {
		return err
	}
	path := filepath.Join(root, page)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	got := written(string(old))
	ran, err := elsewhere(from)
	if err != nil {
		return err
	}
	env := []string{"SOAK=" + cmp.Or(os.Getenv("SOAK"), "2m"), "CONNECTS=10000", "LIVES=1000"} // what takes longer is run in short, see short
	for _, s := range []struct {
		on   bool
		tag  string
		env  []string
		args []string
	}{
		{run, "", env, []string{"-timeout", "10m"}},
		{run && e2e, "e2e", env, []string{"-tags", "e2e", "-timeout", "40m"}},
		{run && gates, "gates", []string{"GATES=3", "GATES_AT_ONCE=3"}, []string{"-tags", "gates", "-timeout", "20m"}},
	} {
		these := slices.DeleteFunc(slices.Clone(tests), func(f found) bool { return needs(&f) != s.tag || !which.MatchString(f.name) })
		if !s.on || len(these) == 0 {
			continue
		}
		functions, dirs := holders(these)
		if err := goTest(root, module, ran, s.env, slices.Concat(s.args, []string{"-run", functions}, dirs)...); err != nil {
			return err
		}
	}
	maps.Copy(got, ran)
	var b bytes.Buffer
	if err := write(&b, tests, got); err != nil {
		return err
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		return err
	}
	var bad []string
	for i := range tests {
		if o := ran[tests[i].id()]; o.state == "failed" {
			bad = append(bad, tests[i].id()+" failed")
		}
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}
