package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// Options is what a run needs beside its scenario.
type Options struct {
	Tool      Tool
	Unlimited bool           // a closed loop off loopback was asked for in so many words
	Progress  func(Progress) // called at most four times a second; nil: nobody watches
}

// Tool is the program that runs, for the record.
type Tool struct{ Version, Commit string }

// Report is a run's record and the histograms behind it.
type Report struct {
	Run        *results.Run
	Histograms []results.TaggedHistogram
}

// Histogram finds a case's histogram of a metric; nil if there is none.
func (r *Report) Histogram(name, metric string) *results.Histogram {
	for _, h := range r.Histograms {
		if h.Case == name && h.Metric == metric {
			return h.Histogram
		}
	}
	return nil
}

// DangerError is a run that would be dangerous as asked; nothing was sent.
type DangerError struct{ Msg string }

func (e *DangerError) Error() string { return e.Msg }

// Run puts every case of s on its target, one after the other, and judges what it measured. ctx's end is an interrupt:
// sends under way are drained, and the report of what was measured comes with a nil error, marked as cut short. A
// *DangerError means that nothing was sent.
func Run(ctx context.Context, s *scenarios.Scenario, o Options) (*Report, error) {
	cases := s.Cases()
	resolved, err := json.Marshal(s.Resolved())
	if err != nil {
		return nil, fmt.Errorf("scenario for the record: %w", err)
	}
	report := &Report{Run: &results.Run{Name: s.Name, StartedAt: time.Now(), Scenario: resolved}}
	run := report.Run
	run.Environment = environment(o.Tool)
	whole := currentUsage()
	timer := timerP99(ctx)
	for i := range cases {
		c := &cases[i]
		if ctx.Err() != nil {
			run.Lost = append(run.Lost, "case "+c.Name)
			continue
		}
		m, err := runCase(ctx, c, run, o, timer, i, len(cases))
		if err != nil {
			if ctx.Err() != nil && !isDanger(err) {
				run.Lost = append(run.Lost, "case "+c.Name)
				continue
			}
			return nil, err
		}
		out, hists, err := m.record(c)
		if err != nil {
			return nil, err
		}
		run.Cases = append(run.Cases, out)
		report.Histograms = append(report.Histograms, hists...)
	}
	if ctx.Err() != nil {
		run.CutShort = results.Interrupted
	}
	run.EndedAt = time.Now()
	var sent int64
	for i := range run.Cases {
		sent += run.Cases[i].Successes()
	}
	used := currentUsage().since(&whole)
	run.Process = used.record(sent)
	results.Judge(run)
	return report, nil
}

func isDanger(err error) bool {
	_, ok := errors.AsType[*DangerError](err)
	return ok
}

// runCase makes the target and the producer of one case, drives it, and takes both down again.
func runCase(ctx context.Context, c *scenarios.Case, run *results.Run, o Options, timer int64, index, of int) (*measurement, error) {
	t, err := openTarget(ctx, c, o)
	if err != nil {
		return nil, err
	}
	defer t.close()
	p := producer.New(producerOptions(c, t.nameServers, index))
	if err := p.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = p.Shutdown() }() // a broker that can't be told any more drops us by itself
	route, err := p.Prepare(ctx, c.Topic.Name)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", c.Topic.Name, err)
	}
	queues, _ := route.PublishQueues(c.Topic.Name)
	run.Target = t.record
	run.Target.Topic, run.Target.Queues = c.Topic.Name, new(int64(len(queues)))

	plan := newPlan(c)
	stopEvents := t.playEvents(c.Events, plan)
	defer stopEvents()
	tick := func(elapsed time.Duration, ended, well int64) {
		if o.Progress == nil {
			return
		}
		total := time.Duration(plan.length())
		if plan.length() >= forever {
			total = 0
		}
		o.Progress(Progress{Case: c.Name, Index: index, Of: of, Elapsed: elapsed, Total: total, Ended: ended, Failed: ended - well})
	}
	m, err := drive(ctx, plan, p, &threadWaiter{}, func() int64 { return p.Stats().BytesOut }, tick)
	if err != nil {
		return nil, err
	}
	m.timerP99 = timer
	return m, nil
}

// producerOptions are the case's, in the producer's words.
func producerOptions(c *scenarios.Case, nameServers []string, index int) producer.Options {
	return producer.Options{
		NameServers: nameServers, Group: c.Producer.Group, InstanceName: fmt.Sprintf("rmqbench-%d-%d", time.Now().UnixNano(), index),
		SendTimeout: time.Duration(c.Producer.SendTimeout),
		Retries:     orNone(c.Producer.Retries), AsyncRetries: orNone(c.Producer.Retries), CompressOver: orNone(int(c.Producer.CompressOver)),
		JSON: c.Producer.Serialize == "json", NoAutoCreate: true,
	}
}

// orNone turns zero, which the producer's options read as their default, into none at all.
func orNone(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// target is what a case's load goes to.
type target struct {
	nameServers []string
	embedded    *broker.Cluster // nil: somebody's cluster
	record      results.Target
}

func (t *target) close() {
	if t.embedded != nil {
		t.embedded.Close()
	}
}

// embeddedBudget is what an embedded broker keeps of what it is sent: enough to be a store, little enough that its
// memory doesn't become the load.
const embeddedBudget = 64 << 20

// openTarget starts the embedded cluster, or looks at somebody's before anything is sent to it.
func openTarget(ctx context.Context, c *scenarios.Case, o Options) (*target, error) {
	if e := c.Target.Embedded; e != nil {
		cluster, err := broker.Start(broker.Options{Brokers: e.Brokers, ServiceTime: time.Duration(e.ServiceTime), Servers: e.Servers, MemoryBudget: embeddedBudget})
		if err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		t := &target{nameServers: []string{cluster.NameServer()}, embedded: cluster}
		t.record = results.Target{Embedded: true, Namesrv: t.nameServers, Cluster: cluster.Name()}
		for _, b := range cluster.Brokers() {
			t.record.Brokers = append(t.record.Brokers, results.Broker{Name: b.Name(), Addr: b.Addr()})
		}
		if err := t.createTopic(ctx, c); err != nil {
			cluster.Close()
			return nil, err
		}
		return t, nil
	}
	return preflight(ctx, c, o)
}

// playEvents carries out the case's events at their times; the function that it returns ends them.
func (t *target) playEvents(events []scenarios.Event, p *plan) (stop func()) {
	var timers []*time.Timer
	for _, e := range events {
		b := t.embedded.Brokers()[e.Broker]
		at := time.Duration(p.measuredFrom()) + time.Duration(e.At)
		if e.Stall {
			timers = append(timers, time.AfterFunc(at, func() { b.Stall(time.Duration(e.For)) }))
			continue
		}
		timers = append(timers, time.AfterFunc(at, func() { b.Delay(time.Duration(e.Delay)) }),
			time.AfterFunc(at+time.Duration(e.For), func() { b.Delay(0) }))
	}
	return func() {
		for _, timer := range timers {
			timer.Stop()
		}
	}
}

// sortedKeys lists a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
