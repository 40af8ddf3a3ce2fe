package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// happenings are a case's events. The zero happenings has none.
type happenings struct {
	cancel context.CancelFunc
	timers []*time.Timer
	work   sync.WaitGroup // what the timers do

	mu    sync.Mutex // protects following
	begun []results.Event
	over  bool
}

// play carries out the case's events at their times, counted from now on. It is called once.
func (h *happenings) play(ctx context.Context, t *target, c *scenarios.Case, p *plan) {
	ctx, h.cancel = context.WithCancel(ctx)
	for _, e := range c.Events {
		at := time.Duration(p.measuredFrom()) + time.Duration(e.At)
		what := results.Event{Kind: e.Kind(), AtNS: int64(e.At), Text: eventText(&e)}
		if e.Topic != nil {
			h.at(at, what, func() error { return t.changeTopics(ctx, topicNames(c), e.Topic.QueuesPerBroker) })
			continue
		}
		b := t.embedded.Brokers()[e.Broker]
		what.Broker, what.LengthNS = b.Name(), int64(e.For)
		begin, end := faultOf(&e, b, c.Target.Embedded)
		h.at(at, what, begin)
		if end != nil {
			h.at(at+time.Duration(e.For), results.Event{}, end)
		}
	}
}

// eventText says what an event is as a file does.
func eventText(e *scenarios.Event) string {
	switch e.Kind() {
	case "delay":
		return "delay: " + e.Delay.String()
	case "service_time":
		return "service_time: " + e.ServiceTime.String()
	case "busy":
		return fmt.Sprintf("busy: %v", e.Busy)
	case "topic":
		return fmt.Sprintf("queues_per_broker: %d", e.Topic.QueuesPerBroker)
	}
	return e.Kind()
}

// faultOf is how an event of a broker begins and how it ends; a nil end comes by itself.
func faultOf(e *scenarios.Event, b *broker.Broker, of *scenarios.Embedded) (begin, end func() error) {
	never := func(f func()) func() error {
		return func() error { f(); return nil }
	}
	switch e.Kind() {
	case "stall":
		return never(func() { b.Stall(time.Duration(e.For)) }), nil
	case "delay":
		return never(func() { b.Delay(time.Duration(e.Delay)) }), never(func() { b.Delay(0) })
	case "service_time":
		return never(func() { b.Serve(time.Duration(e.ServiceTime)) }), never(func() { b.Serve(time.Duration(of.ServiceTime)) })
	case "busy":
		return never(func() { b.Answer(e.Busy, remoting.SystemBusy, broker.BusyTimeout) }), never(func() { b.Answer(0, remoting.SystemBusy, broker.BusyTimeout) })
	}
	return never(b.Down), b.Up
}

// at does something at a time from now; what names it in the record, the zero one nothing.
func (h *happenings) at(after time.Duration, what results.Event, do func() error) {
	h.work.Add(1)
	h.timers = append(h.timers, time.AfterFunc(after, func() {
		defer h.work.Done()
		h.mu.Lock()
		over, at := h.over, len(h.begun)
		if what.Kind != "" && !over {
			h.begun = append(h.begun, what)
		}
		h.mu.Unlock()
		if over {
			return
		}
		if err := do(); err != nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			if what.Kind == "" { // the end of one
				h.begun = append(h.begun, results.Event{Kind: "end", Error: err.Error()})
			} else {
				h.begun[at].Error = err.Error()
			}
		}
	}))
}

// so are the events that have begun.
func (h *happenings) so() []results.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.begun)
}

// stop ends them, and waits for what is under way. It may be called again.
func (h *happenings) stop() {
	if h.cancel != nil {
		h.cancel()
	}
	h.mu.Lock()
	h.over = true
	h.mu.Unlock()
	for _, timer := range h.timers {
		if timer.Stop() {
			h.work.Done()
		}
	}
	h.timers = nil
	h.work.Wait()
}

// changeTopics gives topics another number of queues on every broker.
func (t *target) changeTopics(ctx context.Context, topics []string, queues int) error {
	change := func(topic string) error {
		for _, b := range t.embedded.Brokers() {
			if err := b.PutTopic(message.TopicConfig{Name: topic, ReadQueues: queues, WriteQueues: queues, Perm: message.PermRead | message.PermWrite}); err != nil {
				return err
			}
		}
		return nil
	}
	if t.embedded == nil {
		client := t.security.client(remoting.ClientOptions{})
		defer client.Close()
		admin := producer.NewAdmin(client, t.nameServers)
		change = func(topic string) error { return admin.SetQueues(ctx, topic, t.record.Cluster, queues) }
	}
	for _, topic := range topics {
		if err := change(topic); err != nil {
			return err
		}
	}
	return nil
}

// restore gives the case's topics on somebody's cluster the queues that they are to begin with, where an event of this or of another
// case changes them: one before it, or a run before this one, may have. t is nil for an embedded cluster, which is a fresh one.
func (t *target) restore(ctx context.Context, c *scenarios.Case) error {
	if t == nil {
		return nil
	}
	for _, topic := range topicNames(c) {
		queues, changed := t.changed[topic]
		if !changed {
			continue
		}
		queues = cmp.Or(c.Topic.QueuesPerBroker, queues)
		if err := t.changeTopics(ctx, []string{topic}, queues); err != nil {
			return fmt.Errorf("topic %s back to %s: %w", topic, results.FormatCount(queues, "queue"), err)
		}
	}
	return nil
}

// willChange notes the topics that events of the case change.
func (t *target) willChange(c *scenarios.Case) {
	if !changesTopic(c) {
		return
	}
	for _, topic := range topicNames(c) {
		if t.changed == nil {
			t.changed = map[string]int{}
		}
		if _, known := t.changed[topic]; !known || c.Topic.QueuesPerBroker > 0 { // what somebody named
			t.changed[topic] = c.Topic.Queues()
		}
	}
}

func changesTopic(c *scenarios.Case) bool {
	return slices.ContainsFunc(c.Events, func(e scenarios.Event) bool { return e.Topic != nil })
}

// mayChange refuses events that change a topic of somebody's cluster, unless that is allowed.
func mayChange(c *scenarios.Case, cluster string, allowed bool) error {
	if allowed || !changesTopic(c) {
		return nil
	}
	return &DangerError{fmt.Sprintf("an event changes the queues of topic %s on %s; if that is meant, give --allow-change", topicWords(c), cluster)}
}
