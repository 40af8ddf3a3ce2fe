package results

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
)

func TestSummarizeClaimsNoMoreThanTheDataHolds(t *testing.T) {
	for _, tt := range []struct {
		n      int64
		claims int // of p50, p90, p99, p99.9, p99.99
	}{{1, 0}, {199, 0}, {200, 1}, {999, 1}, {1_000, 2}, {9_999, 2}, {10_000, 3}, {99_999, 3}, {100_000, 4}, {999_999, 4}, {1_000_000, 5}} {
		h := NewHistogram()
		for range tt.n {
			h.Record(5)
		}
		l := Summarize(h)
		for i, p := range percentiles {
			if got, want := *p.of(l) != nil, i < tt.claims; got != want {
				t.Errorf("n = %d: %s claimed %v, want %v", tt.n, p.key, got, want)
			}
			if need, listed := l.Needs[p.key]; listed != (i >= tt.claims) || listed && need != p.needs {
				t.Errorf("n = %d: needs %v", tt.n, l.Needs)
			}
		}
	}
	if l := Summarize(NewHistogram()); l != nil {
		t.Errorf("an empty histogram has latency %+v", l)
	}
}

func TestSummarizeJSON(t *testing.T) {
	got, err := json.Marshal(Summarize(spread(5_000, time.Millisecond, time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"count":5000,"mean":200859952,"min":1000000,"p50":63406079,"p90":656408575,"p99":null,"p99_9":null,"p99_99":null,` +
		`"max":1000000000,"needs":{"p99":10000,"p99_9":100000,"p99_99":1000000}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Whatever was recorded, 0 ≤ min ≤ p50 ≤ … ≤ max, the mean among them.
func TestSummarizeIsMonotone(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 100 {
		h := NewHistogram()
		limit := int64(1) << (1 + random.IntN(44))
		center := random.Int64N(1 << 40)
		for range 1 + random.IntN(3_000) {
			h.Record(center + random.Int64N(limit) - random.Int64N(limit))
		}
		if l := Summarize(h); !l.ordered() {
			t.Errorf("round %d: %+v", round, l)
		}
	}
}
