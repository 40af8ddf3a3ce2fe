package main

import (
	"strings"
	"testing"

	"rmqbench/internal/golden"
)

func TestDraw(t *testing.T) {
	var b strings.Builder
	if err := draw(&b, strings.NewReader("p99 <b> & 1 µs\n\n  set in\n\n"), "rmqbench run"); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "terminal.svg", b.String())
}
