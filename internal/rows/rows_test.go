package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestInFile(t *testing.T) {
	const text = `//go:build e2e && linux

package x

import "testing"

func TestR05_ResetMidFrame(t *testing.T) {}
func TestR06_R07_Cut(t *testing.T) { t.Run("a case", nil) }
func TestOther(t *testing.T) {
	for range 3 {
		t.Run("x", func(t *testing.T) { t.Run("R58_Inner", nil) })
	}
}
func (s *suite) TestR09_Method(t *testing.T) {}
`
	path := filepath.Join(t.TempDir(), "x_test.go")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	const tags = "e2e && linux"
	want := []found{{"TestR05_ResetMidFrame", "x", tags, []int{5}}, {"TestR06_R07_Cut", "x", tags, []int{6, 7}}, {"TestOther/R58_Inner", "x", tags, []int{58}}}
	if got, err := inFile(path, "x"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if names, dirs := holders(want); names != "^(TestOther|TestR05_ResetMidFrame|TestR06_R07_Cut)$" || !slices.Equal(dirs, []string{"./x"}) {
		t.Errorf("functions %s in %q", names, dirs)
	}
	for name, want := range map[string]string{"TestR59_None": "no row R59", "TestR5Old": "TestR05_Name", "TestR30R31Both": "TestR05_Name"} {
		if err := os.WriteFile(path, []byte("package x\nfunc "+name+"(t *testing.T) {}"), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := inFile(path, "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRead(t *testing.T) {
	const lines = `{"Action":"start","Package":"rmqbench/x"}
{"Action":"run","Package":"rmqbench/x","Test":"TestR01_A"}
{"Action":"pass","Package":"rmqbench/x","Test":"TestR01_A"}
{"Action":"output","Package":"rmqbench/x","Test":"TestR02_B","Output":"    b_test.go:7: no netem here\n"}
{"Action":"skip","Package":"rmqbench/x","Test":"TestR02_B"}
{"Action":"pass","Package":"rmqbench/x","Test":"TestS/4.5.1/R01_Killed"}
{"Action":"fail","Package":"rmqbench/x","Test":"TestS/5.4.0/R01_Killed"}
{"Action":"pass","Package":"rmqbench/x","Test":"TestS/9/R01_Killed"}
{"Time":"2026-01-03T23:00:00-02:00","Action":"pass","Package":"rmqbench/y","Test":"TestR27_Soak"}
not json
{"Action":"pass","Package":"rmqbench/x"}
`
	got, err := read(strings.NewReader(lines), module, "2026-01-02")
	want := map[string]outcome{"x.TestR01_A": {"passed", "", "2026-01-02"}, "x.TestR02_B": {"skipped", "no netem here", "2026-01-02"}, "x.TestS/R01_Killed": {"failed", "", "2026-01-02"}, "y.TestR27_Soak": {"passed", "", "2026-01-04"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// What was written is read back, and what was not run keeps its state.
func TestWrittenComesBack(t *testing.T) {
	tests := []found{{"TestR01_A", "x", "", []int{1}}, {"TestS/R01_B", "e2e", "e2e", []int{1, 2}}, {"TestR03_C", "x/y", "", []int{3}}, {"TestR03_D", "x", "", []int{3}}}
	got := map[string]outcome{"x.TestR01_A": {"passed", "", "2026-01-02"}, "e2e.TestS/R01_B": {"skipped", "no Java: none | at all", "2026-01-03"}, "x.TestR03_D": {"failed", "", "2026-01-04"}}
	var page strings.Builder
	if err := write(&page, tests, got); err != nil {
		t.Fatal(err)
	}
	want := map[string]outcome{"x/y.TestR03_C": {}}
	for id, o := range got {
		o.reason = strings.ReplaceAll(o.reason, "|", "¦")
		want[id] = o
	}
	if back := written(page.String()); !reflect.DeepEqual(back, want) {
		t.Errorf("%+v, want %+v", back, want)
	}
	for _, line := range []string{"| 1 | " + list[0].fault + " | " + list[0].must + " | 1 passed, 1 skipped |", "| 2 | " + list[1].fault + " | " + list[1].must + " | skipped |", "| **1 failed** |", "| **no test yet** |"} {
		if !strings.Contains(page.String(), line) {
			t.Errorf("the page lacks %q", line)
		}
	}
}

// The page names every test of the tree that covers a row, and no other.
func TestPageIsWhole(t *testing.T) {
	root := filepath.Join("..", "..")
	tests, err := find(root)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	listed := written(string(text))
	for _, f := range tests {
		if _, ok := listed[f.id()]; !ok {
			t.Errorf("%s lacks %s: make reliability, or go run ./internal/rows -run none", page, f.id())
		}
	}
	for id, o := range listed {
		if !slices.ContainsFunc(tests, func(f found) bool { return f.id() == id }) {
			t.Errorf("%s has %s, which is nowhere", page, id)
		}
		if o.state == "failed" {
			t.Errorf("%s: %s failed", page, id)
		}
	}
	var again strings.Builder
	if err := write(&again, tests, listed); err != nil {
		t.Fatal(err)
	}
	if again.String() != string(text) {
		t.Errorf("%s is not what rows writes: go run ./internal/rows -run none", page)
	}
	if len(list) != 58 {
		t.Errorf("%d rows", len(list))
	}
}
