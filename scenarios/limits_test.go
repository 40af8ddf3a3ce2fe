package scenarios

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// maxCost bounds what reading a file may allocate in all, in bytes.
const maxCost = 64 << 20

// hostile are texts that want to be expensive. Those marked fine are valid all the same.
var hostile = map[string]struct {
	text string
	fine bool
}{
	"flow nesting":           {text: "version: 1\nname: " + strings.Repeat("[", 10_000)},
	"closed flow nesting":    {text: "version: 1\nname: " + strings.Repeat("[", 2_000) + strings.Repeat("]", 2_000)},
	"lists in one line":      {text: strings.Repeat("- ", 2_000) + "a"},
	"block nesting":          {text: stairs(80)},
	"alias bomb":             {text: bomb()},
	"self-reference":         {text: "version: 1\nload: &a\n  stages: [*a]\n"},
	"over 1 MiB":             {text: "version: 1\nname: a\n" + strings.Repeat("# comment\n", 110_000)},
	"100,000 keys":           {text: lines("k%d: 1\n", 100_000)},
	"1,600 keys":             {text: lines("k%d: 1\n", 1_600)},
	"many unknown keys":      {text: "version: 1\nname: a\n" + lines("k%d: 1\n", 90) + "cases:\n" + lines("- name: a%d\n  load: {workers: 1}\n", 128)},
	"one long line":          {text: "version: 1\nname: " + strings.Repeat("a", 1<<20-20)},
	"long lines":             {text: "version: 1\nname: a\ndescription: " + strings.Repeat(strings.Repeat("a", 4_000)+"\n ", 250)},
	"blank lines":            {text: "version: 1\nname: a\n" + strings.Repeat("\n", 1<<20-30)},
	"blank lines in a block": {text: "version: 1\nname: |\n " + strings.Repeat("x", 4_000) + strings.Repeat("\n", 9_000)},
	"comments in a block":    {text: "version: 1\nname: >+\n" + strings.Repeat(" # "+strings.Repeat("x", 4_000)+"\n", 250) + "\n\n\n\n\n"},
	"quoted lines":           {text: "version: 1\nname: \"" + strings.Repeat("#"+strings.Repeat("x", 4_000)+"\n", 250) + "\""},
	"less-than signs":        {text: "version: 1\nname: a\n" + strings.Repeat(strings.Repeat("<", 4_000)+"\n", 250)},
	"reserved characters":    {text: strings.Repeat("@", 4_000) + strings.Repeat("\n@", 4_000)},
	"dashes in plain text":   {text: "version: 1\nname: a\ndescription: b\n" + strings.Repeat("  -\n", 2_000)},
	"spaces":                 {text: strings.Repeat(strings.Repeat(" ", 4_000)+"\n", 250)},
	"tabs":                   {text: strings.Repeat(strings.Repeat("\t", 4_000)+"\n", 250)},
	"wrong everywhere":       {text: "version: 1\nname: a\ncases:\n" + lines("- name: a%d\n", 128) + "events:\n" + strings.Repeat("- {at: 9s, for: 9s}\n", 250)},
	"129 cases":              {text: "version: 1\nname: a\ncases:\n" + lines("- name: a%d\n", 129)},
	"a long key":             {text: "version: 1\nname: a\n" + strings.Repeat("k", 4_000) + ": 1\n"},
	"a matrix of 8 axes":     {text: "version: 1\nname: a\nmatrix:\n" + axes(8, 128)},
	"a matrix of 90 axes":    {text: "version: 1\nname: a\nmatrix:\n" + axes(90, 2)},
	"128 exclusions":         {text: "version: 1\nname: a\nmatrix:\n" + axes(3, 10) + "  exclude:\n" + strings.Repeat("  - {load.workers: 1, message.tags: 2}\n", 128)},
	"comments":               {text: "version: 1\nname: a\n" + strings.Repeat("# comment\n", 9_000), fine: true},
	"128 cases of 128 stages": {text: "version: 1\nname: a\ncases:\n" + lines("- name: a%d\n", 128) + "load: {stages: [" +
		strings.Repeat("{for: 1s},\n", 128) + "]}\n", fine: true},
}

func stairs(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "%*sa:\n", i, "")
	}
	return b.String()
}

// axes is a matrix of n fields with as many values each.
func axes(n, values int) string {
	known := []string{"load.workers", "message.tags", "producer.retries", "load.batch", "topic.queues_per_broker", "producer.connections", "load.in_flight", "load.count"}
	var b strings.Builder
	for i := range n {
		if i < len(known) {
			fmt.Fprintf(&b, "  %s: [", known[i])
		} else {
			fmt.Fprintf(&b, "  k%d: [", i)
		}
		for v := range values {
			fmt.Fprintf(&b, "%d, ", v+1)
		}
		b.WriteString("]\n")
	}
	return b.String()
}

func bomb() string {
	text := "a0: &a0 [x, x]\n"
	for i := range 30 {
		text += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	return text
}

func lines(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestR34_Hostile reads what wants to be expensive, and counts the bytes that this allocates: time follows them, and unlike time
// they are the same on every machine.
func TestR34_Hostile(t *testing.T) {
	for name, tt := range hostile {
		t.Run(name, func(t *testing.T) {
			var err error
			cost := allocated(func() { _, err = Parse("hostile.yaml", []byte(tt.text)) })
			if cost > maxCost {
				t.Errorf("allocated %d MiB, want at most %d", cost>>20, maxCost>>20)
			}
			if _, ok := errors.AsType[Faults](err); tt.fine && err != nil || !tt.fine && !ok {
				t.Errorf("error %v, fine is %v", err, tt.fine)
			}
		})
	}
}

// allocated gives the bytes that f allocates, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A file is refused by its length before it is read whole.
func TestR33_HugeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.yaml")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(100 << 20); err != nil { // a hole: no disk is used
		t.Fatal(err)
	}
	var got error
	if cost := allocated(func() { _, got = Load(path) }); cost > 8<<20 {
		t.Errorf("allocated %d MiB", cost>>20)
	}
	if want := path + ": is over 1 MiB"; got == nil || got.Error() != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
