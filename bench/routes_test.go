package bench

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

func TestRouteChanges(t *testing.T) {
	of := func(places map[string]placeOf) *message.Route {
		r := &message.Route{}
		for _, name := range sortedKeys(places) {
			b := message.BrokerData{Name: name, Addrs: map[int64]string{1: "replica:1"}}
			if places[name].master != "" {
				b.Addrs[0] = places[name].master
			}
			r.Brokers = append(r.Brokers, b)
			r.Queues = append(r.Queues, message.QueueData{Broker: name, ReadQueues: 8, WriteQueues: places[name].queues, Perm: message.PermRead | message.PermWrite})
		}
		return r
	}
	one := map[string]placeOf{"a": {"a:1", 4}, "b": {"b:1", 4}}
	for name, tt := range map[string]struct {
		after map[string]placeOf
		want  []results.RouteChange
	}{
		"nothing":      {one, nil},
		"master moved": {map[string]placeOf{"a": {"a:2", 4}, "b": {"b:1", 4}}, []results.RouteChange{{What: results.MasterMoved, Broker: "a", From: "a:1", To: "a:2", StartOffsetNS: 7}}},
		"master lost":  {map[string]placeOf{"a": {"", 4}, "b": {"b:1", 4}}, []results.RouteChange{{What: results.MasterMoved, Broker: "a", From: "a:1", StartOffsetNS: 7}}},
		"broker gone":  {map[string]placeOf{"a": {"a:1", 4}}, []results.RouteChange{{What: results.BrokerGone, Broker: "b", From: "b:1", StartOffsetNS: 7}}},
		"broker added": {map[string]placeOf{"a": {"a:1", 4}, "b": {"b:1", 4}, "c": {"c:1", 2}}, []results.RouteChange{{What: results.BrokerAdded, Broker: "c", To: "c:1", StartOffsetNS: 7}}},
		"queues": {map[string]placeOf{"a": {"a:1", 8}, "b": {"b:1", 2}}, []results.RouteChange{
			{What: results.QueuesNew, Broker: "a", Queues: 4, StartOffsetNS: 7}, {What: results.QueuesGone, Broker: "b", Queues: 2, StartOffsetNS: 7}}},
		"all gone": {nil, []results.RouteChange{
			{What: results.BrokerGone, Broker: "a", From: "a:1", StartOffsetNS: 7}, {What: results.BrokerGone, Broker: "b", From: "b:1", StartOffsetNS: 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &routeWatch{topics: []string{"T"}, last: make([]map[string]placeOf, 1)}
			w.take(0, of(one), 0)
			w.take(0, of(one), 5)
			w.take(0, of(tt.after), 7)
			if !reflect.DeepEqual(w.found, tt.want) {
				t.Errorf("%+v, want %+v", w.found, tt.want)
			}
		})
	}
	read := of(one)
	read.Queues[1].Perm = message.PermRead
	w := &routeWatch{topics: []string{"T"}, last: make([]map[string]placeOf, 1)}
	w.take(0, of(one), 0)
	w.take(0, read, 7)
	if want := []results.RouteChange{{What: results.QueuesGone, Broker: "b", Queues: 4, StartOffsetNS: 7}}; !reflect.DeepEqual(w.found, want) {
		t.Errorf("without the right to write: %+v, want %+v", w.found, want)
	}
	for range mostChanges {
		w.take(0, of(one), 8)
		w.take(0, read, 9)
	}
	if len(w.found) != mostChanges || w.more != mostChanges+1 {
		t.Errorf("%d kept, %d more", len(w.found), w.more)
	}
}

// TestR19_RouteChangesAreTold: a broker that goes and comes back is in the record.
func TestR19_RouteChangesAreTold(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	var once, twice sync.Once
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: T}\nproducer: {send_timeout: 1s}\nload: {stages: [{for: 6s, rate: 100/s}]}\n"),
		Options{Progress: func(p Progress) {
			once.Do(func() { c.Brokers()[1].Down() })
			if p.Elapsed > 3*time.Second {
				twice.Do(func() {
					if err := c.Brokers()[1].Up(); err != nil {
						t.Error(err)
					}
				})
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	run := report.Run
	wantSums(t, run)
	var what []string
	for _, change := range run.RouteChanges {
		if change.Broker != c.Brokers()[1].Name() || change.At.Before(run.StartedAt) || change.StartOffsetNS <= 0 || change.StartOffsetNS > int64(time.Minute) {
			t.Errorf("%+v", change)
		}
		what = append(what, change.What)
	}
	if want := []string{results.BrokerGone, results.BrokerAdded}; !reflect.DeepEqual(what, want) {
		t.Errorf("%q, want %q", what, want)
	}
}
