package bench

import (
	"slices"
	"testing"
)

// slots walks a whole plan.
func slots(p *plan) []cursor {
	var all []cursor
	for c, more := walk(p); more; more = c.next() {
		all = append(all, c)
	}
	return all
}

// bordersOf are the stages' ends, and how many slots each has.
func bordersOf(p *plan) (ends, counts []int64) {
	counts = make([]int64, len(p.stages))
	for _, c := range slots(p) {
		counts[c.stage]++
	}
	for i := range p.stages {
		ends = append(ends, p.stages[i].to)
	}
	return ends, counts
}

func TestPlanStages(t *testing.T) {
	p := planOf(t, loadOf(t, "workers: 8, stages: [{for: 500ms, rate: 2k/s, warmup: true}, {for: 1s, rate: 1k/s}, {for: 1s, rate: 3/s}, {for: 700ms, rate: 10k/s}]"))
	ends, counts := bordersOf(p)
	if !slices.Equal(ends, []int64{500e6, 1500e6, 2500e6, 3200e6}) || !slices.Equal(counts, []int64{1000, 1000, 3, 7000}) {
		t.Errorf("stages end at %v with %v slots", ends, counts)
	}
	if p.length() != 3200e6 || p.measuredFrom() != 500e6 {
		t.Errorf("%d ns, measured from %d", p.length(), p.measuredFrom())
	}
	due := int64(-1)
	for i, c := range slots(p) {
		if c.index != int64(i) || c.due <= due || c.due < p.stages[c.stage].from || c.due >= p.stages[c.stage].to {
			t.Fatalf("slot %d is number %d and falls due at %d in stage %d, after one at %d", i, c.index, c.due, c.stage, due)
		}
		due = c.due
	}
	for at, want := range map[int64]int{0: 0, 499_999_999: 0, 500e6: 1, 1500e6: 2, 3199e6: 3, 3200e6: -1} {
		if got := p.stageAt(at); got != want {
			t.Errorf("at %d ns stage %d, want %d", at, got, want)
		}
	}
}

func TestPlanCount(t *testing.T) {
	for name, tt := range map[string]struct {
		load   string
		slots  []int64 // by stage
		length int64
	}{
		"within a stage":      {"count: 1500, stages: [{for: 1s, rate: 1k/s}, {for: 1s, rate: 1k/s}, {for: 1s, rate: 1k/s}]", []int64{1000, 500}, 1500e6},
		"at a stage's end":    {"count: 1000, stages: [{for: 1s, rate: 1k/s}, {for: 1s, rate: 1k/s}]", []int64{1000}, 1e9},
		"no other end":        {"count: 7, stages: [{rate: 1k/s}]", []int64{7}, 7e6},
		"after a warm-up":     {"count: 10, stages: [{for: 1s, rate: 1k/s, warmup: true}, {for: 1s, rate: 1k/s}]", []int64{1000, 10}, 1010e6},
		"more than there are": {"count: 5000, stages: [{for: 1s, rate: 1k/s}, {for: 1s, rate: 2k/s}]", []int64{1000, 2000}, 2e9},
		"within a staircase":  {"count: 250, stages: [{for: 3s, rate: 100/s..300/s, steps: 3}]", []int64{100, 150}, 1750e6},
	} {
		p := planOf(t, loadOf(t, "workers: 1, "+tt.load))
		if _, counts := bordersOf(p); !slices.Equal(counts, tt.slots) || p.length() != tt.length {
			t.Errorf("%s: slots %v in %d ns, want %v in %d", name, counts, p.length(), tt.slots, tt.length)
		}
	}
	if p := planOf(t, loadOf(t, "count: 10")); p.open || p.length() != forever {
		t.Errorf("a closed loop that only a count ends lasts %d ns", p.length())
	}
	if n := len(slots(planOf(t, loadOf(t, "arrivals: poisson, count: 1000, stages: [{for: 1s, rate: 1k/s, warmup: true}, {rate: 1k/s}]")))); n < 1900 || n > 2100 {
		t.Errorf("%d slots, want 1,000 after about as many of a warm-up", n)
	}
}
