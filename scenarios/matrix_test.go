package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rmqbench/internal/golden"
)

// listing names s's cases with what tells each from the others.
func listing(s *Scenario) string {
	var b strings.Builder
	for _, c := range s.Cases() {
		fmt.Fprintf(&b, "%s\n", c.Name)
		for _, path := range sorted(c.Params) {
			fmt.Fprintf(&b, "    %s: %s\n", path, c.Params[path])
		}
	}
	return b.String()
}

func sorted(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Each of testdata/valid gives the cases of the golden file beside it, and is the same once it is written out.
func TestValid(t *testing.T) {
	paths, err := filepath.Glob("testdata/valid/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse(path, data)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "valid/"+name+".golden", listing(s))
			roundTrip(t, s)
		})
	}
}

// names gives those of s's cases in one line.
func names(s *Scenario) string {
	var all []string
	for _, c := range s.Cases() {
		all = append(all, c.Name)
	}
	return strings.Join(all, " | ")
}

// --selector takes some of the shipped comparison: those that were asked for as they are, and what it includes of one of them.
func TestSomeSelectors(t *testing.T) {
	for flag, want := range map[string]string{
		"hash":             "hash | java-4.5.1 | java-5.4",
		"round_robin,hash": "round_robin | hash | round_robin java-4.5.1 | round_robin java-5.4",
		"random,sticky":    "random | sticky",
	} {
		s, err := Load("selectors", Override{Path: "producer.selector", Value: flag, Source: "--selector"})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(s); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", flag, got, want)
		}
	}
	s, err := Load("selectors", Override{Path: "producer.selector", Value: "round_robin,hash"}, Override{Path: "producer.avoid_slow", Value: "java-5.4"})
	if err != nil || names(s) != "round_robin | hash" {
		t.Errorf("%v: %s", err, names(s))
	}
}

// A flag over a field takes the place of the axis over it, or is one.
func TestMatrixAndFlags(t *testing.T) {
	const file = `version: 1
name: a
matrix:
  producer.selector: [random, hash]
  message.size: [128B, 4KiB]
  exclude: [{producer.selector: hash, message.size: 4KiB}]
  include: [{producer.selector: sticky, message.size: 1MiB}]
`
	for _, tt := range []struct {
		flags []Override
		want  string
	}{
		{nil, "random 128B | random 4KiB | hash 128B | sticky 1MiB"},
		{[]Override{{Path: "message.size", Value: "1KiB"}}, "random | hash | sticky"},
		{[]Override{{Path: "message.size", Value: "4KiB"}}, "random | sticky"}, // hash is excluded with it
		{[]Override{{Path: "producer.selector", Value: "hash"}}, "128B | 1MiB"},
		{[]Override{{Path: "producer.selector", Value: "random"}}, "128B | 4KiB | 1MiB"},
		{[]Override{{Path: "producer.selector", Value: "hash,round_robin"}}, "128B hash | 128B round_robin | 4KiB round_robin"},
		{[]Override{{Path: "producer.selector", Value: "[hash, sticky]"}, {Path: "message.size", Value: "128B"}}, "hash | sticky"},
		{[]Override{{Path: "load.workers", Value: "1,64"}, {Path: "message.size", Value: "128B"}}, "random workers 1 | random workers 64 | hash workers 1 | hash workers 64 | sticky workers 1 | sticky workers 64"},
		{[]Override{{Path: "load.workers", Value: "1,64"}, {Path: "load.workers", Value: "8"}}, "random 128B | random 4KiB | hash 128B | sticky 1MiB"},
	} {
		s, err := Parse("a.yaml", []byte(file), tt.flags...)
		if err != nil {
			t.Errorf("%v: %v", tt.flags, err)
			continue
		}
		if got := names(s); got != tt.want {
			t.Errorf("%v:\n%s\nwant\n%s", tt.flags, got, tt.want)
		}
		roundTrip(t, s)
	}
}

// Flags alone may be axes too; what their field takes as one value is one.
func TestFlagAxes(t *testing.T) {
	for _, tt := range []struct {
		o    []Override
		want string // names, or the faults
	}{
		{[]Override{{"load.rate", "1k/s,5k/s", "-r"}}, "1k/s | 5k/s"},
		{[]Override{{"load.rate", "1k/s..5k/s,5k/s", "-r"}, {"load.warmup", "1s", "--warmup"}}, "1k/s..5k/s | 5k/s"},
		{[]Override{{"message.size", "64B, 4KiB", "-s"}, {"producer.compress_over", "off,4KiB", "--compress-over"}},
			"size 64B compress_over off | size 64B compress_over 4KiB | size 4KiB compress_over off | size 4KiB compress_over 4KiB"},
		{[]Override{{"message.keys.skew", "hot(0.9, 10),uniform", "--set message.keys.skew"}}, "hot(0.9, 10) | uniform"},
		{[]Override{{"message.keys.skew", "hot(0.9, 10)", "--set message.keys.skew"}}, "sync 64"},
		{[]Override{{"target.namesrv", "a:1,b:2", "-n"}}, "sync 64"},
		{[]Override{{"slo", "p99<1s,errors<1%", "--slo"}}, "sync 64"},
		{[]Override{{"target.tls.ca", "a,b.pem", "--tls-ca"}, {"target.namesrv", "a:1", "-n"}}, "sync 64"},
		{[]Override{{"load.workers", "8,x", "-w"}}, `-w 8,x: workers must be a whole number like 64, or auto, not "x"`},
		{[]Override{{"load.workers", "8,", "-w"}}, `-w 8,: workers must be a whole number like 64, or auto, not ""`},
		{[]Override{{"message.size", "1KiB,1024B", "-s"}}, "-s 1KiB,1024B: 1KiB is there twice"},
		{[]Override{{"seed", "1,2", "--seed"}}, "--seed 1,2: seed must be a whole number from 0 to 18446744073709551615"},
		{[]Override{{"repeat", "0", "--repeat"}}, "--repeat 0: repeat must be at least 1"},
		{[]Override{{"repeat", "101", "--repeat"}}, "--repeat 101: repeat must be at most 100"},
		{[]Override{{"load.workers", lines("1%d,", 12) + "2", "-w"}, {"message.tags", lines("2%d,", 12) + "1", "--set message.tags"}},
			"-w 10,11,12,13,14,15,16,17,18,19,110,111,2: 169 cases; at most 128"},
	} {
		s, err := FromFlags(tt.o...)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = names(s)
			roundTrip(t, s)
		}
		if got != tt.want {
			t.Errorf("%v:\n%s\nwant\n%s", tt.o, got, tt.want)
		}
	}
}

// Names stay short and tell cases apart.
func TestMatrixNames(t *testing.T) {
	long := "{region: " + strings.Repeat("x", 40) + "}"
	s, err := Parse("a.yaml", []byte(`version: 1
name: a
cases: [{name: `+strings.Repeat("n", 60)+`}, {name: short}]
matrix:
  message.properties: [`+long+`, {a: b}]
  producer.retries: [0, 1]
  load.backlog: [10000]
  load.rate: [1k/s]
`))
	if err != nil {
		t.Fatal(err)
	}
	n := strings.Repeat("n", 60)
	want := n + " #1 | " + n + " #2 | " + n + " #3 | " + n + " #4 | " +
		"short properties #1 retries 0 backlog 10000 1k/s | short properties #1 retries 1 backlog 10000 1k/s | short b retries 0 backlog 10000 1k/s | short b retries 1 backlog 10000 1k/s"
	if got := names(s); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
