package leaks

import (
	"errors"
	"strings"
	"testing"

	"rmqbench/internal/lent"
)

func TestMain(m *testing.M) { Main(m) }

var books = lent.New("books")

func TestLeft(t *testing.T) {
	before := lent.Now()
	books.Add(2)
	if got := lent.Differ(before); got != "books: 2, before 0" {
		t.Errorf("two are lent: %q", got)
	}
	go func() { books.Add(-2) }() // a moment later, which is waited for
	if got := left(before, nil); got != "" {
		t.Errorf("all are back: %q", got)
	}
	if got := left(before, errors.New("goroutine 7")); !strings.Contains(got, "goroutine 7") {
		t.Errorf("a goroutine: %q", got)
	}
	t.Run("within", func(t *testing.T) {
		Check(t)
		books.Add(1)
		t.Cleanup(func() { books.Add(-1) }) // before the check
	})
}
