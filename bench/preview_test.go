package bench

import (
	"testing"
	"time"

	"rmqbench/broker"
)

// A preview says what would be sent, sends none of it, and makes no topic.
func TestPreview(t *testing.T) {
	c := cluster(t, broker.Options{})
	text := on(c.NameServer()) + "topic: {name: RMQBENCH_PREVIEW}\nload: {stages: [{for: 1s, rate: 100/s, warmup: true}, {for: 2s, rate: 100/s}]}\n" +
		"cases: [{name: open}, {name: closed, load: {stages: [{for: 3s}]}}, {name: counted, load: {count: 7, stages: [{}]}}]\n"
	planned, err := Preview(t.Context(), scenario(t, text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	open, closed, counted := planned[0], planned[1], planned[2]
	if open.Messages != 300 || !open.Bounded || open.Length != 3*time.Second || open.Body != 128 || open.Stored <= 128 {
		t.Errorf("open %+v", open)
	}
	if closed.Bounded || closed.Length != 3*time.Second || !counted.Bounded || counted.Messages != 7 || counted.Length != 0 {
		t.Errorf("closed %+v, counted %+v", closed, counted)
	}
	again := on(c.NameServer()) + "topic: {name: RMQBENCH_PREVIEW, create: never}\nload: {stages: [{for: 1s}]}\n"
	if _, err := Preview(t.Context(), scenario(t, again), Options{}); err == nil {
		t.Error("the preview made the topic")
	}
}
