package bench

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rmqbench/scenarios"
)

func rate(t testing.TB, text string) scenarios.Rate {
	t.Helper()
	r, err := scenarios.ParseRate(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDueAfter(t *testing.T) {
	const year = int64(365 * 24 * time.Hour)
	for _, tt := range []struct {
		k    int64
		rate string
		want int64
	}{
		{0, "1k/s", 0}, {1, "1k/s", 1e6}, {999, "1k/s", 999e6}, {1, "3/s", 333_333_333}, {3, "3/s", 1e9},
		{7, "7/3s", 3e9}, {1, "60/m", 1e9}, {1, "1G/s", 1},
		{9_300_000_000, "1k/s", 9_300_000 * 1e9},             // i × 10⁹ would have overflowed
		{9_300_000_001, "1M/s", 9_300*1e9 + 1e3},             //
		{1 << 60, "1G/s", 1 << 60},                           //
		{1 << 62, "1/s", forever}, {1 << 61, "1/h", forever}, // later than there is time
		{year, "1G/s", year},
	} {
		if got := dueAfter(tt.k, rate(t, tt.rate)); got != tt.want {
			t.Errorf("send %d at %s falls due after %d ns, want %d", tt.k, tt.rate, got, tt.want)
		}
	}
}

// TestScheduleAgainstBigNumbers compares with arithmetic that can't overflow: due is floor(k·per/count), and slotsIn(d)
// counts exactly the slots whose due is before d.
func TestScheduleAgainstBigNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		r := scenarios.Rate{Count: 1 + random.Int64N(1<<(1+random.Int64N(30))), Per: time.Duration(1 + random.Int64N(1<<(1+random.Int64N(50))))}
		k := random.Int64N(1 << (1 + random.Int64N(61)))
		want := new(big.Int).Mul(big.NewInt(k), big.NewInt(int64(r.Per)))
		want.Div(want, big.NewInt(r.Count))
		if want.Cmp(big.NewInt(forever)) > 0 {
			want.SetInt64(forever)
		}
		due := dueAfter(k, r)
		if due != want.Int64() {
			t.Fatalf("dueAfter(%d, %+v) = %d, want %d", k, r, due, want)
		}
		if due == forever || k >= forever {
			continue
		}
		if before := slotsIn(due, r); before > k {
			t.Fatalf("%d slots before %d ns at %+v, but slot %d falls due then", before, due, r, k)
		}
		if until := slotsIn(due+1, r); until <= k {
			t.Fatalf("%d slots until %d ns at %+v, slot %d is due and not among them", until, due, r, k)
		}
	}
}

func TestPlanStages(t *testing.T) {
	p := newPlan(loadOf(t, "workers: 8, stages: [{for: 500ms, rate: 2k/s, warmup: true}, {for: 1s, rate: 1k/s}, {for: 1s, rate: 3/s}, {for: 700ms, rate: 10k/s}]"))
	wantSlots := []int64{1000, 1000, 3, 7000}
	wantFrom := []int64{0, 500e6, 1500e6, 2500e6}
	next, last := int64(0), int64(-1)
	for i, s := range p.stages {
		if s.first != next || s.from != wantFrom[i] || s.slots != wantSlots[i] {
			t.Errorf("stage %d: %+v, want %d slots from number %d at %d ns", i, s, wantSlots[i], next, wantFrom[i])
		}
		next += s.slots
	}
	if p.slots() != next || p.length() != 3200e6 || p.measuredFrom() != 500e6 {
		t.Errorf("%d slots in %d ns, measured from %d", p.slots(), p.length(), p.measuredFrom())
	}
	for i := range p.slots() {
		due, stage := p.slot(i)
		if due <= last && i > 0 || due < p.stages[stage].from || due >= p.stages[stage].to {
			t.Fatalf("slot %d falls due at %d in stage %d, after one at %d", i, due, stage, last)
		}
		if by := p.dueBy(due); by != i+1 {
			t.Fatalf("%d slots are due at %d, when number %d falls due", by, due, i)
		}
		if by := p.dueBy(due - 1); by != i {
			t.Fatalf("%d slots are due just before slot %d is", by, i)
		}
		last = due
	}
	if by := p.dueBy(forever); by != p.slots() {
		t.Errorf("%d slots in the end, want %d", by, p.slots())
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
	} {
		p := newPlan(loadOf(t, "workers: 1, "+tt.load))
		var slots []int64
		for _, s := range p.stages {
			slots = append(slots, s.slots)
		}
		if !slices.Equal(slots, tt.slots) || p.length() != tt.length {
			t.Errorf("%s: slots %v in %d ns, want %v in %d", name, slots, p.length(), tt.slots, tt.length)
		}
	}
	if p := newPlan(loadOf(t, "count: 10")); p.open || p.length() != forever {
		t.Errorf("a closed loop that only a count ends lasts %d ns", p.length())
	}
}
