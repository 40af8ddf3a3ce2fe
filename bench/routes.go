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

// routeWatch asks the name servers at the interval where the topic lives, and keeps what changes.
type routeWatch struct {
	mu    sync.Mutex // protects following
	found []results.RouteChange
	more  int64
	last  map[string]placeOf // nil: never seen
}

// placeOf is a topic on a broker.
type placeOf struct {
	master string // address; "": there is none
	queues int    // that may be written to
}

// watchRoute asks until stop is called, which waits for the question under way. now is the case's time, from its beginning on.
func watchRoute(admin *producer.Admin, topic string, first *message.Route, now func() int64) (w *routeWatch, stop func()) {
	w = &routeWatch{}
	if first != nil {
		w.take(first, 0)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	asking.Go(func() {
		every := time.NewTicker(firstInterval)
		defer every.Stop()
		for {
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
			r, err := admin.Route(ctx, topic)
			if producer.UnknownTopic(err) {
				r, err = &message.Route{}, nil
			}
			if err == nil { // a name server that doesn't answer changes nothing
				w.take(r, now())
			}
		}
	})
	return w, func() {
		cancel()
		asking.Wait()
	}
}

// take compares a route with the one before.
func (w *routeWatch) take(r *message.Route, at int64) {
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
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.last
	w.last = is
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
			change = results.RouteChange{Broker: name, StartOffsetNS: at, What: results.QueuesNew, Queues: n}
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
