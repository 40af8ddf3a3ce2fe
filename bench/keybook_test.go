package bench

import (
	"testing"

	"rmqbench/results"
)

func TestKeyBook(t *testing.T) {
	in := func(topic int8, e event) event { e.topic = topic; return e }
	const change = 100
	send := func(key, queue int32, called, offset int64) event {
		return event{key: key, queue: queue, called: called, offset: offset}
	}
	for name, c := range map[string]struct {
		sends []event
		want  results.Keys
	}{
		"in order": {[]event{send(0, 1, 1, 1), send(0, 1, 2, 5), send(0, 1, 3, 6)},
			results.Keys{Used: 1, Pairs: 2, Change: &results.KeyChange{}}},
		"told of late, stored in order": {[]event{send(0, 1, 2, 5), send(0, 1, 1, 1)},
			results.Keys{Used: 1, Pairs: 1, Change: &results.KeyChange{}}},
		"the wrong way round": {[]event{send(0, 1, 1, 5), send(0, 1, 2, 4), send(0, 1, 3, 6)},
			results.Keys{Used: 1, Pairs: 2, OrderBreaks: 1, Change: &results.KeyChange{}}},
		"two queues, and back": {[]event{send(0, 1, 1, 1), send(0, 2, 2, 1), send(0, 1, 3, 2), send(1, 2, 1, 7)},
			results.Keys{Used: 2, InTwoQueues: 1, Pairs: 2, OrderBreaks: 2, Change: &results.KeyChange{}}},
		"moved by the change": {[]event{send(0, 1, 1, 1), send(0, 3, change, 1), send(1, 1, 2, 2), send(1, 1, change+1, 3), send(2, 0, change+2, 1)},
			results.Keys{Used: 3, InTwoQueues: 1, Pairs: 2, OrderBreaks: 1, Change: &results.KeyChange{Both: 2, InOneBefore: 2, Moved: 1}}},
		"in two queues before the change": {[]event{send(0, 1, 1, 1), send(0, 2, 2, 1), send(0, 3, change, 1)},
			results.Keys{Used: 1, InTwoQueues: 1, Pairs: 2, OrderBreaks: 2, Change: &results.KeyChange{Both: 1}}},
		"one key of two topics": {[]event{send(0, 1, 1, 1), in(1, send(0, 2, 2, 1)), send(0, 1, 3, 2), in(1, send(0, 2, 4, 2))},
			results.Keys{Used: 2, Pairs: 2, Change: &results.KeyChange{}}},
		"without a key": {[]event{send(0, 1, 1, 1), send(noKey, 2, 2, 1)},
			results.Keys{Used: 1, Change: &results.KeyChange{}}},
	} {
		p := &plan{offsets: true, change: change, mould: &mould{topics: []string{"T", "U"}}}
		var k keyBook
		for i := range c.sends {
			k.take(p, keyPlace{0, c.sends[i].queue}, &c.sends[i])
		}
		got := k.record(p)
		change := *got.Change
		if want := *c.want.Change; change != want {
			t.Errorf("%s: change %+v, want %+v", name, change, want)
		}
		got.Change, c.want.Change = nil, nil
		if *got != c.want {
			t.Errorf("%s: %+v, want %+v", name, *got, c.want)
		}
	}
	if (&keyBook{}).record(&plan{offsets: true}) != nil {
		t.Error("a book without sends has a record")
	}
}
