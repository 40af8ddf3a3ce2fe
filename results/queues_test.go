package results

import (
	"strings"
	"testing"

	"rmqbench/internal/golden"
)

// withQueues is a case that sent so many to each of its queues.
func withQueues(name string, counts ...int64) Case {
	c := closedCase(name, "sync", 400, 1, 2)
	c.Skew = SkewOf(counts)
	c.Acknowledged = 0
	for i, n := range counts {
		c.Acknowledged += n
		c.Queues = append(c.Queues, Share{Broker: "b\x1b", Queue: new(int32(i)), Acknowledged: n})
	}
	return c
}

// Only what is uneven beyond chance is told of: 14 against 7 of ten may be chance, 10,014 against 10,007 is no matter.
func TestQueueTable(t *testing.T) {
	hot := withQueues("hot", 100, 90_000, 95, 103, 7, 30_000, 102, 4)
	hot.Queues[1].P99NS = new(int64(12_300_000))
	var out strings.Builder
	for _, cases := range [][]Case{
		{withQueues("chance", 14, 7, 10, 9), withQueues("even", 10_014, 10_007), withQueues("few", 3, 0), withQueues("one", 5)},
		{withQueues("two", 100, 300)},
		{hot, withQueues("two", 100, 300)},
		{withQueues("a", 100, 300), withQueues("b", 100, 300), withQueues("c", 100, 300), withQueues("d", 100, 300), withQueues("e", 100, 300)},
	} {
		lines, err := queueTable(&Run{Cases: cases})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, skewLines(&Run{Cases: cases})...)
		out.WriteString(strings.Join(lines, "\n") + "\n\n")
	}
	golden.Compare(t, "queues.txt", out.String())
}
