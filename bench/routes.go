package bench

import (
	"context"
	"sync"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// mostChanges bounds what is kept of a case's route changes.
const mostChanges = 1000

// routeWatch asks the name servers at the interval where the case's topics live, and keeps what changes.
type routeWatch struct {
	mu     sync.Mutex // protects following
	found  []results.RouteChange
	more   int64
	topics []string
	proxy  bool                 // the routes are one's: its address is every broker's, and queues are counted together
	last   []map[string]placeOf // by topic; nil: never seen
}

// placeOf is a topic on a broker.
type placeOf struct {
	master string // address; "": there is none
	queues int    // that may be written to
}

// inAll are the queues of all brokers.
func inAll(brokers map[string]placeOf) (all placeOf) {
	for _, b := range brokers {
		all.queues += b.queues
	}
	return all
}

// routesAtOnce is how many topics one round asks for: with more of them each is asked for less often.
const routesAtOnce = 8

// watchRoutes asks until stop is called, which waits for the question under way. now is the case's time, from its beginning on.
func watchRoutes(admin *producer.Admin, topics []string, first []*message.Route, proxy bool, now func() int64) (w *routeWatch, stop func()) {
	w = &routeWatch{topics: topics, proxy: proxy, last: make([]map[string]placeOf, len(topics))}
	for i, r := range first {
		w.take(i, r, 0)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	asking.Go(func() {
		every := time.NewTicker(firstInterval)
		defer every.Stop()
		for next := 0; ; {
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
			for range min(len(topics), routesAtOnce) {
				w.ask(ctx, admin, next, now)
				next = (next + 1) % len(topics)
			}
		}
	})
	return w, func() {
		cancel()
		asking.Wait()
	}
}

// ask asks where a topic lives. A name server that doesn't answer changes nothing.
func (w *routeWatch) ask(ctx context.Context, admin *producer.Admin, topic int, now func() int64) {
	r, err := admin.Route(ctx, w.topics[topic])
	if producer.UnknownTopic(err) {
		r, err = &message.Route{}, nil
	}
	if err == nil {
		w.take(topic, r, now())
	}
}

// take compares a topic's route with the one before.
func (w *routeWatch) take(topic int, r *message.Route, at int64) {
	is := map[string]placeOf{}
	for _, b := range r.Brokers {
		is[b.Name] = placeOf{master: b.Master()}
	}
	for _, q := range r.Queues {
		if p, there := is[q.Broker]; there && q.Perm&message.PermWrite != 0 {
			p.queues = q.WriteQueues
			is[q.Broker] = p
		}
	}
	if w.proxy {
		is = map[string]placeOf{results.ThroughProxy: inAll(is)}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.last[topic]
	w.last[topic] = is
	if was == nil {
		return
	}
	both := map[string]bool{}
	for name := range was {
		both[name] = true
	}
	for name := range is {
		both[name] = true
	}
	for _, name := range sortedKeys(both) {
		before, there := was[name]
		after, still := is[name]
		change := results.RouteChange{Broker: name, StartOffsetNS: at}
		if len(w.topics) > 1 {
			change.Topic = w.topics[topic]
		}
		switch {
		case !there:
			change.What, change.To = results.BrokerAdded, after.master
		case !still:
			change.What, change.From = results.BrokerGone, before.master
		case before.master != after.master:
			change.What, change.From, change.To = results.MasterMoved, before.master, after.master
		}
		if change.What != "" {
			w.keep(change)
		}
		if n := after.queues - before.queues; n != 0 && there && still {
			change.What, change.From, change.To, change.Queues = results.QueuesNew, "", "", n
			if n < 0 {
				change.What, change.Queues = results.QueuesGone, -n
			}
			w.keep(change)
		}
	}
}

// keep is under mu.
func (w *routeWatch) keep(c results.RouteChange) {
	if len(w.found) == mostChanges {
		w.more++
		return
	}
	w.found = append(w.found, c)
}

// changes are those so far, in the run's time, of a case that began then.
func (w *routeWatch) changes(name string, round int, began time.Time, offset int64) []results.RouteChange {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes := make([]results.RouteChange, len(w.found))
	for i, c := range w.found {
		c.Case, c.Round, c.At = name, round, began.Add(time.Duration(c.StartOffsetNS)).UTC()
		c.StartOffsetNS += offset
		changes[i] = c
	}
	return changes
}
