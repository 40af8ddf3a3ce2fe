package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"rmqbench/producer"
	"rmqbench/scenarios"
)

// TestSkews counts keys against what is true of their distribution.
func TestSkews(t *testing.T) {
	const n = 200_000
	var harmonic float64
	for r := 1.0; r <= 1000; r++ {
		harmonic += math.Pow(r, -1.1)
	}
	for skew, want := range map[string][]float64{ // shares of the first keys
		"uniform": {0.001, 0.001}, "sequence": {0.001, 0.001},
		"zipf(1.1)":    {1 / harmonic, math.Pow(2, -1.1) / harmonic, math.Pow(3, -1.1) / harmonic},
		"hot(0.9, 3)":  {0.3, 0.3, 0.3, 0.1 / 997},
		"hot(1, 1)":    {1, 0},
		"zipf(0.0001)": {0.001, 0.001},
	} {
		keys := newKeyPool(1, messageOf(t, "keys: {distinct: 1000, skew: '"+skew+"'}").Keys)
		counts := map[string]float64{}
		for i := range int64(n) {
			counts[keys.list(int32(keys.pick(i)))[0]]++
		}
		for r, share := range want {
			key := fmt.Sprintf("k%03d", r)
			if off := math.Abs(counts[key] - share*n); off > 5*math.Sqrt(share*n)+1 {
				t.Errorf("%s: %s %v times, want %v", skew, key, counts[key], share*n)
			}
		}
	}
	if got := newKeyPool(1, &scenarios.Keys{Distinct: 1, Skew: scenarios.Skew{Kind: scenarios.Zipf, Exponent: 1}}); got.pick(5) != 0 || got.list(0)[0] != "k0" {
		t.Errorf("the only key is %q", got.keys)
	}
}

// TestSameSeed: an open loop's slots have the same keys, sizes and due times whoever sends them.
func TestSameSeed(t *testing.T) {
	const text = "message: {size: {lognormal: {median: 1KiB, p99: 16KiB}}, keys: {distinct: 100, skew: zipf(1.1)}, tags: 4}\n" +
		"load: {arrivals: poisson, stages: [{for: 1s, rate: 1k/s, warmup: true}, {for: 1s, rate: 1k/s..5k/s}]}\nseed: "
	list := func(seed string) (all []string) {
		p := planOf(t, &parse(t, text+seed)[0])
		for _, c := range slots(p) {
			var m producer.Message
			p.mould.fill(&m, c.index)
			all = append(all, fmt.Sprint(c.index, m.Keys, m.Tags, len(m.Body), c.due))
		}
		return all
	}
	one := list("1")
	if len(one) < 3500 || !slices.Equal(one, list("1")) {
		t.Errorf("the same seed gives another list; %d slots", len(one))
	}
	if other := list("2"); other[0] == one[0] {
		t.Errorf("another seed gives the same: %s", one[0])
	}
}

// sees is a sender that looks at messages.
type sees struct {
	*fake
	mu   sync.Mutex // protects following
	seen map[string]int
}

func (s *sees) note(m *producer.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[fmt.Sprint(m.Topic, m.Keys, m.Tags, len(m.Body), m.Properties, m.DelayLevel)]++
}

func (s *sees) Send(ctx context.Context, m *producer.Message, o ...producer.SendOption) (producer.SendResult, error) {
	s.note(m)
	return s.fake.Send(ctx, m, o...)
}

func (s *sees) SendAsync(ctx context.Context, m *producer.Message, done func(producer.SendResult, error), o ...producer.SendOption) error {
	s.note(m)
	return s.fake.SendAsync(ctx, m, done, o...)
}

// TestMessagesAreSent: the messages of a plan reach the sender, whoever sends them, and their bytes are counted.
func TestMessagesAreSent(t *testing.T) {
	const text = "message: {size: {weights: {100B: 3, 1KiB: 1}}, keys: {distinct: 3}, tags: 2, properties: {region: eu}, delay_level: 5}\n"
	var before map[string]int
	for _, load := range []string{"mode: sync, workers: 4", "mode: async, workers: 2, in_flight: 100"} {
		synctest.Test(t, func(t *testing.T) {
			s := &sees{fake: newFake(), seen: map[string]int{}}
			c := &parse(t, text+"load: {stages: [{for: 1s, rate: 2k/s}], "+load+"}")[0]
			m := measure(t.Context(), t, c, s)
			want := map[string]int{}
			p, sum := planOf(t, c), int64(0)
			for _, slot := range slots(p) {
				var m producer.Message
				p.mould.begin(&m)
				p.mould.fill(&m, slot.index)
				want[fmt.Sprint(m.Topic, m.Keys, m.Tags, len(m.Body), m.Properties, m.DelayLevel)]++
				sum += int64(len(m.Body))
			}
			if fmt.Sprint(s.seen) != fmt.Sprint(want) || len(want) != 12 || before != nil && fmt.Sprint(before) != fmt.Sprint(want) {
				t.Errorf("%s: sent %v, want %v", load, s.seen, want)
			}
			if *m.BodyBytes != sum || m.BodyBytesEach != nil {
				t.Errorf("%s: %d body bytes, want %d", load, *m.BodyBytes, sum)
			}
			before = want
		})
	}
}

// TestFillAllocatesNothing: all of it is ready before the run.
func TestFillAllocatesNothing(t *testing.T) {
	p := planOf(t, &parse(t, "message: {size: {uniform: [1B, 9B]}, keys: {distinct: 1000, skew: zipf(1)}, tags: 3, properties: {a: b}}")[0])
	var m producer.Message
	p.mould.begin(&m)
	i := int64(0)
	if n := testing.AllocsPerRun(1000, func() { p.mould.fill(&m, i); i++ }); n > 0 {
		t.Errorf("%v allocations a message", n)
	}
}
