package bench

import (
	"slices"
	"testing"
)

// TestSchedule: the same case has the same schedule, another seed another one; shares of it have all of it together, and its hash.
func TestSchedule(t *testing.T) {
	const load = "\nmessage: {size: {uniform: [10B, 2KiB]}, keys: {distinct: 100, skew: zipf(1.1)}}\n" +
		"load: {arrivals: poisson, stages: [{for: 1s, rate: 500/s, warmup: true}, {for: 3s, rate: 1k/s..2k/s}, {for: 1s, rate: 100/s}]}"
	all := func(text string) []Due {
		seq, err := Schedule(&parse(t, text)[0])
		if err != nil {
			t.Fatal(err)
		}
		return slices.Collect(seq)
	}
	one, again, other := all("seed: 7"+load), all("seed: 7"+load), all("seed: 8"+load)
	if len(one) < 4500 || !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Fatalf("%d messages; the same seed the same: %v, another the same: %v", len(one), slices.Equal(one, again), slices.Equal(one, other))
	}
	for i, d := range one {
		if d.Index != int64(i) || d.Key == "" || d.Size < 10 || i > 0 && d.At < one[i-1].At {
			t.Fatalf("message %d: %+v", i, d)
		}
	}
	p := planOf(t, &parse(t, "seed: 7"+load)[0])
	hash := p.scheduleHash()
	if len(hash) != 32 || hash == planOf(t, &parse(t, "seed: 8"+load)[0]).scheduleHash() {
		t.Errorf("hash %q", hash)
	}
	seen := map[int64]int64{}
	for k := range 4 {
		p.share, p.of = k, 4
		for at, more := walk(p); more; more = at.next() {
			if _, twice := seen[at.index]; twice || at.index%4 != int64(k) {
				t.Fatalf("share %d has slot %d", k, at.index)
			}
			seen[at.index] = at.due
		}
		if p.scheduleHash() != hash {
			t.Errorf("share %d has another schedule", k)
		}
	}
	for _, d := range one {
		if seen[d.Index] != int64(d.At) {
			t.Fatalf("message %d is due at %d, in its share at %d", d.Index, d.At, seen[d.Index])
		}
	}
	if len(seen) != len(one) {
		t.Errorf("%d slots in shares, %d in all", len(seen), len(one))
	}
	if got := planOf(t, loadOf(t, "workers: 8")).scheduleHash(); got != "" {
		t.Errorf("a closed loop has the schedule %s", got)
	}
}
