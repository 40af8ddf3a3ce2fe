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
		if err := choose(&scenarios.Case{Scenario: scenarios.Scenario{Producer: scenarios.Producer{Selector: name}}}, &o); err != nil {
			t.Fatal(err)
		}
		got := map[int]int{}
		for range 800 {
			at, err := o.Selector.Select(queues, &producer.Message{}, nil)
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
		if err := choose(&scenarios.Case{Scenario: scenarios.Scenario{Producer: p}}, &producer.Options{}); err == nil {
			t.Errorf("%+v is chosen by", p)
		}
	}
}

// random draws by the scenario's seed: the same queues again with the same, others with another, and evenly at any.
func TestRandomBySeed(t *testing.T) {
	queues := make([]producer.MessageQueue, 24)
	drawn := func(seed uint64) (picks []int, counts []int64) {
		t.Helper()
		var o producer.Options
		if err := choose(&scenarios.Case{Scenario: scenarios.Scenario{Seed: seed, Producer: scenarios.Producer{Selector: "random"}}}, &o); err != nil {
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
	one, counts := drawn(1)
	if skew := results.SkewOf(counts); skew == nil || skew.Chi2P == nil || *skew.Chi2P <= 0.001 {
		t.Errorf("seed 1: %v: %+v", counts, skew)
	}
	if again, _ := drawn(1); !slices.Equal(one, again) {
		t.Error("seed 1 draws other queues the second time")
	}
	if other, _ := drawn(2); slices.Equal(one, other) {
		t.Error("seed 2 draws what seed 1 does")
	}
}
