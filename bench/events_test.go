package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// kindsOf are the kinds of a case's events, and what failed of them.
func kindsOf(t *testing.T, c *results.Case) (kinds []string) {
	t.Helper()
	for _, e := range c.Events {
		if e.Error != "" {
			t.Errorf("event %s: %s", e.Kind, e.Error)
		}
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestEventsOfEachKind(t *testing.T) {
	s := scenario(t, `
target: {embedded: {brokers: 3}}
topic: {queues_per_broker: 2}
producer: {route_every: 50ms}
message: {size: 64B, keys: {distinct: 40}}
load: {workers: 8, stages: [{for: 1200ms, rate: 1k/s}]}
events:
  - {at: 0s, for: 1200ms, broker: 0, busy: 0.5}
  - {at: 100ms, for: 300ms, broker: 1, down: true}
  - {at: 100ms, for: 100ms, broker: 2, service_time: 20ms}
  - {at: 600ms, topic: {queues_per_broker: 3}}
`)
	report, err := Run(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &report.Run.Cases[0]
	if kinds := kindsOf(t, c); !slices.Equal(kinds, []string{"busy", "down", "service_time", "topic"}) && !slices.Equal(kinds, []string{"busy", "service_time", "down", "topic"}) {
		t.Errorf("events %v", kinds)
	}
	if c.Refused < 100 || c.Refused > 300 { // half of a third of 1,200
		t.Errorf("%d sends were refused", c.Refused)
	}
	down := map[string]int64{}
	for _, p := range c.Pulse {
		for _, n := range p.Sends[4:min(8, len(p.Sends))] { // from 200 to 400 ms
			down[p.Broker] += n
		}
	}
	if down["broker-1"] >= down["broker-0"] {
		t.Errorf("while broker-1 was down the sends were %v", down)
	}
	var before, after int
	for _, q := range c.Queues {
		if q.Acknowledged > 0 && *q.Queue == 2 && q.BeforeChange == nil {
			after++
		}
		if q.BeforeChange != nil {
			before++
			if q.Broker != "broker-0" && *q.BeforeChange == 0 || *q.BeforeChange > q.Acknowledged {
				t.Errorf("queue %s:%d took %d of its %d sends before the change", q.Broker, *q.Queue, *q.BeforeChange, q.Acknowledged)
			}
		}
	}
	if before != 6 || after != 3 {
		t.Errorf("%d queues before the change, %d new ones used after it", before, after)
	}
	if k := c.Keys; k == nil || k.Used != 40 || k.InTwoQueues == 0 || k.Change == nil || k.Change.Both == 0 {
		t.Errorf("keys %+v", k)
	}
	var sent int64
	for _, p := range c.Pulse {
		for _, n := range p.Sends {
			sent += n
		}
	}
	if sent != c.Attempted {
		t.Errorf("%d sends in the pulse, %d were made", sent, c.Attempted)
	}
}

// A slow broker's sends queue up: what it can't serve in time waits, and longer and longer.
func TestServiceTimeOverload(t *testing.T) {
	t.Parallel()
	s := scenario(t, `
target: {embedded: {brokers: 2}}
load: {stages: [{for: 800ms, rate: 500/s}]}
message: {size: 64B}
events: [{at: 0s, for: 800ms, broker: 1, service_time: 8ms}]
`)
	report, err := Run(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c := &report.Run.Cases[0]; c.Acknowledged != 400 || c.Response.Max < 600e6 { // 200 sends × 8 ms take 1.6 s, 0.8 s more than there is
		t.Errorf("%d acknowledged, the last after %d ns", c.Acknowledged, c.Response.Max)
	}
}

// On somebody's cluster a topic changes only if that is allowed, and each case begins with what it says.
func TestR46_TopicEventOnSomebodysCluster(t *testing.T) {
	t.Parallel()
	cluster, err := broker.Start(broker.Options{Brokers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	of := func(cases string) *scenarios.Scenario {
		return scenario(t, fmt.Sprintf(`
target: {namesrv: [%q]}
topic: {name: CHANGED, queues_per_broker: 2}
producer: {route_every: 50ms}
load: {workers: 2, stages: [{for: 400ms, rate: 500/s}]}
events: [{at: 100ms, topic: {queues_per_broker: 4}}]
cases: [%s]
`, cluster.NameServer(), cases))
	}
	s := of("{name: a}, {name: b}")
	_, err = Run(t.Context(), s, Options{})
	if danger, ok := errors.AsType[*DangerError](err); !ok || danger.Msg != "an event changes the queues of topic CHANGED on DefaultCluster; if that is meant, give --allow-change" {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), s, Options{AllowChange: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Run.Cases {
		c := &report.Run.Cases[i]
		before, used := 0, 0
		for _, q := range c.Queues {
			if q.BeforeChange != nil {
				before++
			}
			if q.Acknowledged > 0 {
				used++
			}
		}
		if kinds := kindsOf(t, c); len(kinds) != 1 || before != 4 || used != 8 {
			t.Errorf("%s: events %v, %d queues before, %d used", c.Name, kinds, before, used)
		}
	}
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	r, err := producer.NewAdmin(client, []string{cluster.NameServer()}).Route(context.WithoutCancel(t.Context()), "CHANGED")
	if err != nil || r.Queues[0].WriteQueues != 4 {
		t.Errorf("route %+v, %v", r, err)
	}

	// A case without events, before such a case and after it, begins with its own number too: once the topic is as the run before left it, then
	// as the case before did.
	report, err = Run(t.Context(), of("{name: still, events: []}, {name: a}, {name: still again, events: []}"), Options{AllowChange: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{4, 8, 4} {
		c := &report.Run.Cases[i]
		used := 0
		for _, q := range c.Queues {
			if q.Acknowledged > 0 {
				used++
			}
		}
		if used != want || c.Failed > 0 {
			t.Errorf("%s: %d queues used, want %d; %d failed", c.Name, used, want, c.Failed)
		}
	}
	_, err = Run(t.Context(), of("{name: still, events: []}, {name: a, topic: {name: OTHER}}"), Options{AllowChange: true})
	if err != nil { // CHANGED is at 2 again, and no event of this run is about it
		t.Error(err)
	}
}
