package results

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"rmqbench/internal/golden"
)

// withTopics is a case that sent so many to each queue of each topic.
func withTopics(name string, topics ...[]int64) Case {
	c := closedCase(name, "sync", 400, 1, 2)
	c.Acknowledged = 0
	for i, counts := range topics {
		topic := Share{Topic: fmt.Sprintf("T%d\x1b", i), P99NS: new(int64(i+1) * 1_000_000)}
		for j, n := range counts {
			topic.Acknowledged += n
			c.Queues = append(c.Queues, Share{Topic: topic.Topic, Broker: "b", Queue: new(int32(j)), Acknowledged: n})
		}
		c.Topics = append(c.Topics, topic)
		c.Acknowledged += topic.Acknowledged
	}
	c.Skew = SkewOfQueues(c.Queues)
	return c
}

// TestTopicTable: what topics took, the busiest first; that one took more than another is no skew of its queues.
func TestTopicTable(t *testing.T) {
	var out strings.Builder
	few := make([][]int64, 8)
	for i := range few {
		few[i] = []int64{int64(1000 * (i + 1)), int64(1000 * (i + 1))}
	}
	for _, cases := range [][]Case{
		{withQueues("one topic", 100, 300)},
		{withTopics("by weight", []int64{3000, 3000}, []int64{1000, 1000}), withTopics("many", few...)},
		{withTopics("uneven", []int64{3000, 3000}, []int64{100, 900})},
	} {
		r := &Run{Cases: cases}
		topics, err := topicTable(r)
		if err != nil {
			t.Fatal(err)
		}
		queues, err := queueTable(r)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(strings.Join(append(append(topics, queues...), skewLines(r)...), "\n") + "\n\n")
	}
	golden.Compare(t, "topics.txt", out.String())
}

// TestSkewOfTopics: each queue is held to its own topic's mean.
func TestSkewOfTopics(t *testing.T) {
	for name, tt := range map[string]struct {
		groups     [][]int64
		over, gini float64
		p          float64 // below 0: none
	}{
		"even, by weight": {[][]int64{{300, 300}, {100, 100}}, 1, 0, 1},
		"uneven in one":   {[][]int64{{300, 300}, {10, 30}}, 1.5, 0.1875, 0.0067}, // chi² 10, df 2: e⁻⁵
		"nothing to one":  {[][]int64{{10, 30}, {0, 0}}, 1.5, 0.25, 0.001565},
		"too few in one":  {[][]int64{{300, 300}, {1, 2}}, 4.0 / 3, 0.125, -1},
		"one of a queue":  {[][]int64{{300}, {10, 30}}, 1.5, 2.0 / 9, 0.001565},
	} {
		s := SkewOf(tt.groups...)
		if math.Abs(s.MaxOverMean-tt.over) > 1e-9 || math.Abs(s.Gini-tt.gini) > 1e-9 || (s.Chi2P == nil) != (tt.p < 0) || s.Chi2P != nil && math.Abs(*s.Chi2P-tt.p) > 1e-4 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if s := SkewOf([]int64{7}, []int64{3}); s != nil {
		t.Errorf("topics of one queue: %+v", s)
	}
}

// TestTopicsAddUp: what topics took must be what the case sent.
func TestTopicsAddUp(t *testing.T) {
	three := &Run{Cases: []Case{withTopics("c", []int64{100}, []int64{300}, []int64{1})}}
	three.Cases[0].Topics[0].Acknowledged++
	Judge(three)
	var text bytes.Buffer
	if err := WriteTable(&text, three); err != nil {
		t.Fatal(err)
	}
	if three.Verdict != Invalid || !strings.Contains(text.String(), "the topics' successes sum to 402, the case has 401") {
		t.Errorf("%s\n%s", three.Verdict, text.String())
	}
}

// TestOtherTopicsAreTold: the record's disclosure says what other topics took of each broker, or why that isn't known.
func TestOtherTopicsAreTold(t *testing.T) {
	c := withQueues("c", 100, 300)
	c.Others = []OtherTopics{{Broker: "a", Messages: new(int64(120)), PerSecond: new(12.0)}, {Broker: "b", Unknown: NotPermitted}}
	var said []string
	for _, d := range disclosure(&Run{Cases: []Case{c, withQueues("d", 1, 2)}}) {
		if d.name == "other topics' put rate" {
			said = append(said, d.value)
		}
	}
	if want := "c: a 12/s, b not permitted"; len(said) != 1 || said[0] != want {
		t.Errorf("%q, want %q", said, want)
	}
}
