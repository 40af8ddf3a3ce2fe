package bench

import (
	"cmp"
	"slices"

	"rmqbench/results"
)

// event is a send that has ended, for those who look on from the interval: queues, brokers, outages, batches. Times are of
// the case.
type event struct {
	broker       string // "": none had been chosen
	queue        int32
	topic        int8  // see sample
	key          int32 // see sample
	offset       int64
	stage        int16
	outcome      outcome
	called, done int64
	response     int64 // due until done
}

// failing reports whether a send says that its broker is in trouble. What was stored in some way does not.
func (e *event) failing() bool {
	return e.outcome == refused || e.outcome == ambiguous || e.outcome == failed
}

const (
	shortestOutage = 100_000_000 // ns without a success; less is a lone error
	mostOutages    = 1000        // that a case keeps
)

// outages finds the times in which sends to a broker failed and none succeeded. One goroutine uses it at a time.
//
//	well  a send fails     out    its beginning is that send's call, or the success before the failure if that came later
//	out   a send fails     out    counted
//	out   a send succeeds  well   an outage if shortestOutage has passed since it began
type outages struct {
	topics  []string // names; nil: there is one
	proxy   bool     // of all that goes through one, not of each broker
	brokers []*brokerState
	found   []results.Outage // StartOffsetNS is of the case
	more    int64            // found, and no room left
	latest  int64            // done of the last event
}

type brokerState struct {
	name    string
	topic   int8  // where none could be chosen: a topic can be without brokers alone
	success int64 // done of the last success; -1: none
	out     bool
	since   results.Outage // if out
	failure int64          // done of the last failure, if out
}

func (o *outages) of(e *event) *brokerState {
	name, topic := e.broker, e.topic
	if name != "" {
		topic = 0
		if o.proxy {
			name = results.ThroughProxy
		}
	}
	for _, b := range o.brokers {
		if b.name == name && b.topic == topic {
			return b
		}
	}
	b := &brokerState{name: name, topic: topic, success: -1}
	o.brokers = append(o.brokers, b)
	return b
}

// take takes in what has ended since the last time. Events may come late by the time that a worker keeps its samples; one
// that is too late to matter doesn't.
func (o *outages) take(events []event) {
	for i := range events {
		o.latest = max(o.latest, events[i].done)
	}
	if !slices.ContainsFunc(events, func(e event) bool { return e.failing() }) && !slices.ContainsFunc(o.brokers, func(b *brokerState) bool { return b.out }) {
		for i := range events {
			b := o.of(&events[i])
			b.success = max(b.success, events[i].done)
		}
		return
	}
	ordered := slices.Clone(events)
	slices.SortFunc(ordered, func(a, b event) int { return cmp.Compare(a.done, b.done) })
	for i := range ordered {
		e := &ordered[i]
		b := o.of(e)
		if e.broker == "" && e.outcome == ambiguous { // it had a broker, and we cut it off without knowing which: one that answers belies an outage
			b.success = max(b.success, o.lastSuccess())
		}
		switch {
		case e.failing() && (b.out || e.done > b.success):
			o.fail(b, e)
		case !e.failing() && b.out && e.done > b.failure:
			o.succeed(b, e.done)
		}
		if !e.failing() {
			b.success = max(b.success, e.done)
		}
	}
}

func (o *outages) fail(b *brokerState, e *event) {
	if !b.out {
		b.out, b.failure = true, 0
		b.since = results.Outage{Broker: b.name, StartOffsetNS: max(e.called, b.success)}
		if b.name == "" && len(o.topics) > 1 {
			b.since.Topic = o.topics[b.topic]
		}
	}
	b.failure = max(b.failure, e.done)
	switch e.outcome {
	case refused:
		b.since.Refused++
	case ambiguous:
		b.since.Ambiguous++
	default:
		b.since.Failed++
	}
}

// lastSuccess is when a send to any broker succeeded last; -1: none has.
func (o *outages) lastSuccess() int64 {
	last := int64(-1)
	for _, b := range o.brokers {
		last = max(last, b.success)
	}
	return last
}

// succeed ends b's outage with a success.
func (o *outages) succeed(b *brokerState, at int64) {
	b.out = false
	b.since.LastFailureNS = b.failure - b.since.StartOffsetNS
	b.since.FirstSuccessNS = new(at - b.since.StartOffsetNS)
	if *b.since.FirstSuccessNS >= shortestOutage {
		o.keep(b.since)
	}
}

func (o *outages) keep(found results.Outage) {
	if len(o.found) == mostOutages {
		o.more++
		return
	}
	o.found = append(o.found, found)
}

// all are the outages so far by their beginning; those that haven't ended too, if there was time enough for a success.
func (o *outages) all() []results.Outage {
	all := slices.Clone(o.found)
	for _, b := range o.brokers {
		if b.out && o.latest-b.since.StartOffsetNS >= shortestOutage {
			open := b.since
			open.LastFailureNS = b.failure - open.StartOffsetNS
			all = append(all, open)
		}
	}
	slices.SortStableFunc(all, func(a, b results.Outage) int { return cmp.Compare(a.StartOffsetNS, b.StartOffsetNS) })
	return all
}
