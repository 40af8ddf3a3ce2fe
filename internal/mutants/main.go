// Command mutants plants deliberate bugs, one at a time, and has the tests that should catch each say that they do. No file of the tree
// is touched: the go command reads the changed one in place of its own (go test -overlay).
//
//	go run ./internal/mutants             all of them; writes docs/mutants.md
//	go run ./internal/mutants -only 3,10  some of them; writes nothing
//
// It fails if a bug is caught by no test, does not build, or can't be planted because the code has changed: then list.go is to follow.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// atOnce is how many are tried at once: the tests that a bug makes hang wait until their time is up.
const atOnce = 2

func main() {
	only := flag.String("only", "", "numbers of the bugs to plant, with commas between; all without it")
	page := flag.String("page", "docs/mutants.md", "the page to write")
	timeout := flag.Duration("timeout", time.Minute, "of one package's tests")
	flag.Parse()
	if err := run(*only, *page, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(only, page string, timeout time.Duration) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	caught, failures := make([]string, len(chosen)), make([]error, len(chosen))
	var all sync.WaitGroup
	places := make(chan string, atOnce) // a folder for each that is tried
	for n := range atOnce {
		place := filepath.Join(dir, strconv.Itoa(n))
		if err := os.Mkdir(place, 0o777); err != nil {
			return err
		}
		places <- place
	}
	for i, n := range chosen {
		place := <-places
		all.Go(func() {
			defer func() { places <- place }()
			m := &list[n-1]
			began := time.Now()
			test, err := m.try(place, timeout)
			if err != nil {
				failures[i] = fmt.Errorf("%d, %s: %w", n, m.bug, err)
				test = "NOT CAUGHT"
			}
			fmt.Printf("%2d  %-38s %-40s %4.0f s  %s\n", n, m.bug, m.file, time.Since(began).Seconds(), test)
			caught[i] = test
		})
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	if only != "" {
		return nil
	}
	return os.WriteFile(page, []byte(text(caught)), 0o666)
}

// choose are the numbers that were asked for.
func choose(only string) ([]int, error) {
	var all []int
	if only == "" {
		for n := range list {
			all = append(all, n+1)
		}
		return all, nil
	}
	for part := range strings.SplitSeq(only, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > len(list) || slices.Contains(all, n) {
			return nil, fmt.Errorf("-only %q: numbers from 1 to %d, each once", only, len(list))
		}
		all = append(all, n)
	}
	return all, nil
}

// text is the page.
func text(caught []string) string {
	var b strings.Builder
	b.WriteString("# Mutants\n\nDeliberate bugs, each planted by itself, and the test that catches it. Written by `make mutants`, which fails when one is caught by none.\n\n" +
		"| | bug | where | what is planted | caught by |\n|---|---|---|---|---|\n")
	for i, m := range list {
		fmt.Fprintf(&b, "| %d | %s | `%s` | %s | `%s` of `%s` |\n", i+1, m.bug, m.file, m.planted, caught[i], m.pkg)
	}
	return b.String()
}
