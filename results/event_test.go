package results

import (
	"reflect"
	"testing"
	"time"
)

func TestEventLines(t *testing.T) {
	at := time.Date(2026, 1, 2, 12, 4, 10, 5e6, time.UTC)
	r := &Run{RouteChanges: []RouteChange{
		{Case: "one", What: MasterMoved, Broker: "a\x1b", From: "a:1", To: "a:2", At: at},
		{Case: "one", What: MasterMoved, Broker: "a", From: "a:1", At: at},
		{Case: "one", What: MasterMoved, Broker: "a", To: "a:1", At: at},
		{Case: "one", What: BrokerGone, Broker: "a", At: at}, {Case: "one", What: BrokerAdded, Broker: "a", At: at},
		{Case: "one", What: QueuesGone, Broker: "a", Queues: 4, At: at}, {Case: "one", What: QueuesNew, Broker: "a", Queues: 2, At: at},
	}}
	want := []string{
		"one: route at 12:04:10.005Z: " + Printable("a\x1b") + ": master moved from a:1 to a:2",
		"one: route at 12:04:10.005Z: a has no master", "one: route at 12:04:10.005Z: a has a master again, a:1",
		"one: route at 12:04:10.005Z: a is gone", "one: route at 12:04:10.005Z: a was added",
		"one: route at 12:04:10.005Z: a: 4 queues fewer", "one: route at 12:04:10.005Z: a: 2 queues more",
	}
	if got := eventLines(r); !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	for range 20 {
		r.RouteChanges = append(r.RouteChanges, RouteChange{At: at})
	}
	if got := eventLines(r); len(got) != 11 || got[10] != "17 more route changes" {
		t.Errorf("%q", got)
	}
}
