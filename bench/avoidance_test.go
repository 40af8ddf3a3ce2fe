package bench

import (
	"reflect"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
)

// What two producers avoided comes into the case's time, without what was over before it began.
func TestAvoidedRecord(t *testing.T) {
	zero := time.Now()
	at := func(s int) time.Time { return zero.Add(time.Duration(s) * time.Second) }
	spell := func(from, until int) producer.AvoidSpell {
		return producer.AvoidSpell{Broker: "b", Since: at(from), Until: at(until), Latency: time.Second, Reachable: true, Sends: 2}
	}
	failed, lost := spell(3, 13), spell(1, 9)
	failed.Failed = true
	lost.Failed, lost.Reachable = true, false
	a := &avoided{spells: [][]producer.AvoidSpell{{spell(-20, -10), spell(-3, 2), failed}, {lost}}, more: 4, at: at(10)}
	want := func(from, until int, of int, why string) results.AvoidSpell {
		return results.AvoidSpell{Producer: &of, Broker: "b", FromNS: int64(from) * 1e9, UntilNS: int64(until) * 1e9, Still: until > 10, Why: why, TookNS: 1e9, Sends: 2}
	}
	all := &results.Avoidance{LeftOut: 4, Spells: []results.AvoidSpell{want(-3, 2, 0, results.AvoidedSlow), want(1, 9, 1, results.AvoidedUnreachable), want(3, 13, 0, results.AvoidedFailed)}}
	if got := a.record(at(-5), zero); !reflect.DeepEqual(got, all) {
		t.Errorf("%+v, want %+v", got, all)
	}
	if got := (*avoided)(nil).record(zero, zero); got != nil {
		t.Errorf("who avoids none avoided %+v", got)
	}
}
