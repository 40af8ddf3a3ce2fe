// Package leaks holds tests to what they must leave behind: nothing. Only for tests.
package leaks

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rmqbench/internal/lent"
)

// Main is a TestMain: it runs the tests, and fails them if afterwards a goroutine still runs, or a pooled buffer, a permit or a timer
// has not been given back. What is to be done before the process ends comes last.
func Main(m *testing.M, last ...func()) {
	lent.Begin()
	status := m.Run()
	if status == 0 {
		if said := left(map[string]int64{}, goleak.Find()); said != "" {
			fmt.Fprintln(os.Stderr, "leaks: after all tests:", said)
			status = 1
		}
	}
	for _, f := range last {
		f()
	}
	os.Exit(status)
}

// Check has the test fail if at its end, once what it had cleaned up is gone, there is more than there is now. Call it first. Not for
// tests that run beside others.
func Check(tb testing.TB) {
	before, ignored := lent.Now(), goleak.IgnoreCurrent()
	tb.Cleanup(func() {
		if tb.Failed() {
			return
		}
		if said := left(before, goleak.Find(ignored)); said != "" {
			tb.Errorf("after the test: %s", said)
		}
	})
}

// patience is how long what is about to be given back may take; goleak has a patience of its own.
const patience = 10 * time.Second

// left says what has not been given back, and which goroutines goleak found.
func left(before map[string]int64, goroutines error) string {
	said := lent.Differ(before)
	for end := time.Now().Add(patience); said != "" && time.Now().Before(end); said = lent.Differ(before) {
		time.Sleep(time.Millisecond)
	}
	if goroutines != nil {
		said += "\n" + goroutines.Error()
	}
	return said
}
