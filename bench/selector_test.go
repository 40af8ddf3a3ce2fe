package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// Every selector that the producer knows can be named in a scenario, and runs.
func TestRunSelectors(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("target: {embedded: {brokers: 3, rooms: [a, b]}}\nload: {workers: 2, count: 100, stages: [{for: 1m}]}\ncases:\n")
	for _, name := range producer.SelectorNames() {
		fmt.Fprintf(&text, "  - {name: %s, producer: {selector: %s}}\n", name, name)
	}
	text.WriteString("  - {name: one room, producer: {selector: machine_room, rooms: [b], avoid_slow: java-4.5.1}}\n")
	text.WriteString("  - {name: no such room, producer: {selector: machine_room, rooms: c, avoid_slow: java-5.4}}\n")
	report, err := Run(t.Context(), scenario(t, text.String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Run.Cases {
		c := &report.Run.Cases[i]
		want := int64(100)
		if c.Name == "no such room" {
			want = 0
		}
		if c.Acknowledged != want {
			t.Errorf("%s: %d of 100 are acknowledged", c.Name, c.Acknowledged)
		}
	}
}

// What hashes takes each message for one of its own key; and a pick allocates nothing.
func TestHashWithoutKeys(t *testing.T) {
	queues := make([]producer.MessageQueue, 8)
	for i := range queues {
		queues[i] = producer.MessageQueue{Topic: "T", Broker: "b", ID: int32(i)}
	}
	for _, name := range []string{"hash", "consistent_hash"} {
		var o producer.Options
		if err := choose(&scenarios.Case{Scenario: scenarios.Scenario{Producer: scenarios.Producer{Selector: name}}}, &o, 0); err != nil {
			t.Fatal(err)
		}
		got := map[int]int{}
		for i := range int64(800) {
			at, err := o.Selector.Select(queues, &producer.Message{Number: i}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got[at]++
		}
		for at, n := range got {
			if n < 50 || n > 150 || len(got) != len(queues) {
				t.Errorf("%s: queue %d got %d of 800", name, at, n)
			}
		}
	}
}

func TestChooseKnowsNoOther(t *testing.T) {
	for _, p := range []scenarios.Producer{{Selector: "any"}, {Selector: "hash", AvoidSlow: "never"}} {
		if err := choose(&scenarios.Case{Scenario: scenarios.Scenario{Producer: p}}, &producer.Options{}, 0); err == nil {
			t.Errorf("%+v is chosen by", p)
		}
	}
}

// What draws does so by the scenario's seed: the same queues again with the same, others with another, in another round and on another
// share, and evenly at any. Rounds together are as even as one.
func TestDrawnBySeed(t *testing.T) {
	queues := make([]producer.MessageQueue, 24)
	for i := range queues {
		queues[i] = producer.MessageQueue{Topic: "T", Broker: string(rune('a' + i/8)), ID: int32(i % 8)}
	}
	even := func(name string, counts []int64) {
		t.Helper()
		if skew := results.SkewOf(counts); skew == nil || skew.Chi2P == nil || *skew.Chi2P <= 0.001 {
			t.Errorf("%s: %v: %+v", name, counts, skew)
		}
	}
	for _, name := range []string{"random", "least_in_flight", "power_of_two"} {
		drawn := func(seed uint64, round, share int) (picks []int, counts []int64) {
			t.Helper()
			var o producer.Options
			c := &scenarios.Case{Scenario: scenarios.Scenario{Seed: seed, Producer: scenarios.Producer{Selector: name}}}
			if err := choose(c, &o, lotOf(c, round, share)); err != nil {
				t.Fatal(err)
			}
			counts = make([]int64, len(queues))
			for range 24_000 {
				at, err := o.Selector.Select(queues, &producer.Message{}, nil)
				if err != nil {
					t.Fatal(err)
				}
				picks = append(picks, at)
				counts[at]++
			}
			return picks, counts
		}
		one, counts := drawn(1, 0, 0)
		even(name, counts)
		if again, _ := drawn(1, 0, 0); !slices.Equal(one, again) {
			t.Errorf("%s: seed 1 draws other queues the second time", name)
		}
		for _, other := range [][3]int{{2, 0, 0}, {1, 1, 0}, {1, 0, 1}} {
			if picks, _ := drawn(uint64(other[0]), other[1], other[2]); slices.Equal(one, picks) {
				t.Errorf("%s: %v draws what seed 1 does", name, other)
			}
		}
		together := make([]int64, len(queues))
		for round := range 10 {
			_, counts := drawn(1, round+1, 0)
			for i, n := range counts {
				together[i] += n
			}
		}
		even(name+" in ten rounds", together)
	}
}
