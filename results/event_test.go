package results

import (
	"reflect"
	"slices"
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
	for i := range 20 {
		r.RouteChanges = append(r.RouteChanges, RouteChange{At: at, Queues: i + 5})
	}
	if got := eventLines(r); len(got) != 11 || got[10] != "17 more route changes" {
		t.Errorf("%q", got)
	}
}

// TestFoldChanges: shares that see the same change make one line of it, and none is lost that isn't the same.
func TestFoldChanges(t *testing.T) {
	at := func(s float64, what, broker string) RouteChange {
		return RouteChange{Case: "a", What: what, Broker: broker, At: time.Unix(0, int64(s*1e9)).UTC(), StartOffsetNS: int64(s * 1e9)}
	}
	one := []RouteChange{at(10.2, BrokerGone, "b"), at(12, BrokerAdded, "b"), at(40, BrokerGone, "b")}
	for name, tt := range map[string]struct{ known, seen, want []RouteChange }{
		"the first share":            {nil, one, one},
		"the same, a little later":   {one, []RouteChange{at(10.9, BrokerGone, "b"), at(12.7, BrokerAdded, "b"), at(40.1, BrokerGone, "b")}, one},
		"the earliest stands":        {[]RouteChange{at(10, BrokerGone, "b")}, []RouteChange{at(9.5, BrokerGone, "b")}, []RouteChange{at(9.5, BrokerGone, "b")}},
		"long after":                 {[]RouteChange{at(10, BrokerGone, "b")}, []RouteChange{at(30, BrokerGone, "b")}, []RouteChange{at(10, BrokerGone, "b"), at(30, BrokerGone, "b")}},
		"another broker":             {[]RouteChange{at(10, BrokerGone, "b")}, []RouteChange{at(10, BrokerGone, "c")}, []RouteChange{at(10, BrokerGone, "b"), at(10, BrokerGone, "c")}},
		"twice in one share":         {[]RouteChange{at(10, BrokerGone, "b")}, []RouteChange{at(10, BrokerGone, "b"), at(12, BrokerGone, "b")}, []RouteChange{at(10, BrokerGone, "b"), at(12, BrokerGone, "b")}},
		"twice in both":              {[]RouteChange{at(10, BrokerGone, "b"), at(12, BrokerGone, "b")}, []RouteChange{at(10.5, BrokerGone, "b"), at(12.5, BrokerGone, "b")}, []RouteChange{at(10, BrokerGone, "b"), at(12, BrokerGone, "b")}},
		"only the other one saw any": {nil, nil, nil},
	} {
		if got := foldChanges(slices.Clone(tt.known), tt.seen); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
