package producer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// route is one topic's queues as they were at one moment; it never changes (TopicPublishInfo.java).
type route struct {
	queues []queueAddr // in canonical order (broker, id), or an order configuration's own
	source *message.Route
}

// topicRoute keeps a topic's route fresh.
type topicRoute struct {
	now   atomic.Pointer[route] // nil: to be asked for
	turns turns                 // of round robin
	stale atomic.Bool           // now may not hold any more: see routes.suspect

	mu     sync.Mutex // protects following
	asking *question  // under way; nil: none
}

// question is asked once for all who want to know.
type question struct {
	done chan struct{} // closed when the answer is there
	now  *route
	err  error // a *RouteError
	void bool  // the asker's own time was up: that says nothing to others
}

// routes are all topics that were ever sent to.
type routes struct {
	admin  *Admin
	vip    bool          // sends go to VIP ports
	only   []string      // brokers whose queues count; nil: all
	stale  chan struct{} // somebody's route may be; capacity 1
	topics sync.Map      // name to *topicRoute
}

func (r *routes) topic(name string) *topicRoute {
	if t, ok := r.topics.Load(name); ok {
		return t.(*topicRoute)
	}
	fresh := &topicRoute{}
	fresh.turns.shuffle()
	t, _ := r.topics.LoadOrStore(name, fresh)
	return t.(*topicRoute)
}

// find returns the topic's route, asking for it if there is none yet; the error is a *RouteError. borrow says whose
// route an unknown topic takes so that the broker creates it; "" lets it be an error.
func (r *routes) find(ctx context.Context, name, borrow string, borrowQueues int) (*route, error) {
	t := r.topic(name)
	for {
		if now := t.now.Load(); now != nil {
			return now, nil
		}
		t.mu.Lock()
		q := t.asking
		if q == nil {
			q = &question{done: make(chan struct{})}
			t.asking = q
			t.mu.Unlock()
			q.now, q.err = r.answer(ctx, t, name, borrow, borrowQueues)
			q.void = q.err != nil && ctx.Err() != nil
			t.mu.Lock()
			t.asking = nil
			t.mu.Unlock()
			close(q.done)
			return q.now, q.err
		}
		t.mu.Unlock()
		select {
		case <-q.done:
			if !q.void {
				return q.now, q.err
			}
		case <-ctx.Done():
			return nil, &RouteError{Topic: name, Err: fmt.Errorf("waiting for the name servers' answer: %w", context.Cause(ctx))}
		}
	}
}

// answer asks, and keeps what it learns.
func (r *routes) answer(ctx context.Context, t *topicRoute, name, borrow string, borrowQueues int) (*route, error) {
	now, err := r.ask(ctx, name)
	if be, ok := errors.AsType[*remoting.BrokerError](err); ok && be.Code == remoting.TopicNotExist && borrow != "" {
		now, err = r.askBorrowed(ctx, borrow, borrowQueues)
	}
	if err != nil {
		return nil, &RouteError{Topic: name, Err: err}
	}
	if len(now.queues) == 0 {
		return nil, &RouteError{Topic: name}
	}
	t.now.Store(now)
	return now, nil
}

// refresh asks again for a topic that has a route. Without an answer the old one stays: better a stale route than none.
// An answer without a queue that can be written ends it, so that the next send asks again.
func (r *routes) refresh(ctx context.Context, name string) error {
	now, err := r.ask(ctx, name)
	if err != nil {
		return err
	}
	if len(now.queues) == 0 {
		now = nil
	}
	r.topic(name).now.Store(now)
	return nil
}

func (r *routes) ask(ctx context.Context, name string) (*route, error) {
	source, err := r.admin.Route(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.bind(newRoute(source, r.only)), nil
}

// askBorrowed takes the default topic's brokers, with at most borrowQueues queues each
// (MQClientInstance.updateTopicRouteInfoFromNameServer with isDefault).
func (r *routes) askBorrowed(ctx context.Context, borrow string, borrowQueues int) (*route, error) {
	source, err := r.admin.Route(ctx, borrow)
	if err != nil {
		return nil, err
	}
	for i := range source.Queues {
		q := &source.Queues[i]
		n := min(borrowQueues, q.ReadQueues)
		q.ReadQueues, q.WriteQueues = n, n
	}
	return r.bind(newRoute(source, r.only)), nil
}

// bind gives the queues of a new route their endpoints.
func (r *routes) bind(fresh *route) *route {
	for i := range fresh.queues {
		q := &fresh.queues[i]
		if r.vip {
			q.addr = vipAddr(q.addr)
		}
		q.endpoint = r.admin.Client.Endpoint(q.addr)
	}
	return fresh
}

// newRoute lists the queues that can be sent to: those whose broker has a master. Of an order configuration and of a static
// topic all are kept, for a key must not move to another queue because a broker is away; a send to such a queue fails. only
// names the brokers that count; nil: all.
func newRoute(source *message.Route, only []string) *route {
	list, ordered := source.PublishQueues()
	hosts := source.StaticHosts()
	fixed := ordered || hosts != nil
	r := &route{source: source, queues: make([]queueAddr, 0, len(list))}
	for _, q := range list {
		host := cmp.Or(hosts[q], q.Broker)
		addr := source.MasterAddr(host)
		if addr == "" && fixed {
			addr = host + " without a master" // no address: dialling it fails, and the error says so
		}
		if addr != "" && (only == nil || slices.Contains(only, host)) {
			r.queues = append(r.queues, queueAddr{broker: q.Broker, host: host, id: int32(q.ID), addr: addr, at: len(r.queues)})
		}
	}
	return r
}

// names are the topics that have a route.
func (r *routes) names() []string {
	var names []string
	for name, t := range r.topics.Range {
		if t.(*topicRoute).now.Load() != nil {
			names = append(names, name.(string))
		}
	}
	return names
}

// masters are the addresses of all masters of all routes, by broker name.
func (r *routes) masters() map[string]string {
	all := map[string]string{}
	for _, t := range r.topics.Range {
		if now := t.(*topicRoute).now.Load(); now != nil {
			for i := range now.source.Brokers {
				b := &now.source.Brokers[i]
				if addr := b.Master(); addr != "" {
					all[b.Name] = addr
				}
			}
		}
	}
	return all
}
