package results

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// anatomyCase is a case of 10,000 sends whose parts add up to their mean.
func anatomyCase() Case {
	c := closedCase("a", "sync", 10_000, time.Millisecond, time.Millisecond)
	sample := spread(1000, time.Microsecond, time.Millisecond)
	c.Anatomy = &Anatomy{Compress: NewPart(1000, sample), Select: NewPart(2000, sample), Queue: NewPart(3000, sample),
		Write: NewPart(4000, sample), Reply: NewPart(980_000, sample), Wake: NewPart(10_000, sample)}
	return c
}

func TestAnatomyAddsUp(t *testing.T) {
	for _, tt := range []struct {
		wake  int64
		holds bool
	}{{10_000, true}, {19_000, true}, {21_000, false}, {1000, true}, {-1000, false}} {
		c := anatomyCase()
		c.Anatomy.Wake.Mean = tt.wake
		if got := breaches(&c); (len(got) == 0) != tt.holds {
			t.Errorf("wake %d ns: %+v", tt.wake, got)
		}
	}
	if p := anatomyCase().Anatomy.Write; p.Samples != 1000 || p.P50 == nil || p.P90 == nil || p.P99 != nil || p.Max != int64(time.Millisecond) {
		t.Errorf("%+v", p)
	}
}

func TestAnatomyTable(t *testing.T) {
	lines, err := anatomyTable(&Run{Cases: []Case{closedCase("none", "sync", 100, 1, 2), anatomyCase()}})
	want := []string{
		"where the time went  from call  compress   select    queue    write   reply     wake",
		"a · mean               1.00 ms   1.00 µs  2.00 µs  3.00 µs  4.00 µs  980 µs  10.0 µs",
	}
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("%v\n%s\nwant\n%s", err, strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if lines, err := anatomyTable(&Run{Cases: []Case{closedCase("none", "sync", 100, 1, 2)}}); err != nil || lines != nil {
		t.Errorf("%v, %q", err, lines)
	}
}
