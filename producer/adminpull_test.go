package producer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/remoting"
)

// TestPull reads a queue from its beginning, past its end, and waits for what comes.
func TestPull(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	if _, err := p.CreateTopic(t.Context(), Topic{Name: "PULL", Queues: 1}); err != nil {
		t.Fatal(err)
	}
	addr, q := c.Brokers()[0].Addr(), MessageQueue{Topic: "PULL", Broker: c.Brokers()[0].Name()}
	for i := range 5 {
		if _, err := p.Send(t.Context(), text("PULL", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		from int64
		most int
		want string
		next int64
	}{
		"some": {0, 3, "012", 3}, "the rest": {3, 32, "34", 5}, "nothing yet": {5, 32, "", 5}, "beyond the end": {9, 32, "", 5},
	} {
		got, err := p.Admin().Pull(t.Context(), addr, q, tt.from, tt.most, 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		bodies := ""
		for _, m := range got.Messages {
			bodies += string(m.Body)
		}
		if bodies != tt.want || got.Next != tt.next || got.Min != 0 || got.Max != 5 {
			t.Errorf("%s: %q, then %d; %d to %d", name, bodies, got.Next, got.Min, got.Max)
		}
	}
	sent := make(chan error, 1)
	go func() {
		_, err := p.Send(t.Context(), text("PULL", "late"))
		sent <- err
	}()
	got, err := p.Admin().Pull(t.Context(), addr, q, 5, 32, time.Minute)
	if err != nil || len(got.Messages) != 1 || string(got.Messages[0].Body) != "late" {
		t.Errorf("waited: %+v %v", got, err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	q.Topic = "NO_SUCH_TOPIC"
	_, err = p.Admin().Pull(t.Context(), addr, q, 0, 32, 0)
	if be, ok := errors.AsType[*remoting.BrokerError](err); !ok || be.Code != remoting.TopicNotExist {
		t.Errorf("a topic that isn't there: %v", err)
	}
}
