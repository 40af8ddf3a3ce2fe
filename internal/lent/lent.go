// Package lent counts what is taken and must be given back: buffers of a pool, permits, timers. It counts in tests only, which call
// [Begin]; otherwise a count costs the look at one variable that nobody writes.
package lent

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// Count is how many of one thing are lent.
type Count struct {
	name string
	n    atomic.Int64
}

var (
	on     bool // set before anything is counted
	counts []*Count
)

// New makes a count; only for the values of package variables.
func New(name string) *Count {
	c := &Count{name: name}
	counts = append(counts, c)
	return c
}

// Add counts n more, or fewer.
func (c *Count) Add(n int64) {
	if on {
		c.n.Add(n)
	}
}

// Begin begins to count; only for a TestMain.
func Begin() { on = true }

// Now are the numbers of all counts by name.
func Now() map[string]int64 {
	all := map[string]int64{}
	for _, c := range counts {
		all[c.name] += c.n.Load()
	}
	return all
}

// Differ says what is not as it was before: "pooled buffers: 3, before 0"; "" if all is.
func Differ(before map[string]int64) string {
	var lines []string
	for name, n := range Now() {
		if n != before[name] {
			lines = append(lines, fmt.Sprintf("%s: %d, before %d", name, n, before[name]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}
