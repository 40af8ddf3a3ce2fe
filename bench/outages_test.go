package bench

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
)

// TestOutages tells sends to the outages as lines of time, an event every 10 ms: "." succeeded, "r", "a" and "f" failed, and "|" is where
// the interval ends.
func TestOutages(t *testing.T) {
	const step = int64(10 * time.Millisecond)
	out := func(began, last, success, refused, ambiguous, failed int64) results.Outage {
		o := results.Outage{Broker: "b", StartOffsetNS: began * step, LastFailureNS: (last - began) * step, Refused: refused, Ambiguous: ambiguous, Failed: failed}
		if success >= 0 {
			o.FirstSuccessNS = new((success - began) * step)
		}
		return o
	}
	for events, want := range map[string][]results.Outage{
		"......":                           nil,
		"..f..r...a.":                      nil, // a success at once
		"..fffffffffff..":                  {out(2, 12, 13, 0, 0, 11)},
		"..ffff|ffraf|ff..":                {out(2, 14, 15, 1, 1, 9)},
		"f         .":                      {out(0, 0, 10, 0, 0, 1)}, // one failure and nothing else for 100 ms
		"f        .":                       nil,
		"fffffffffff":                      {out(0, 10, -1, 0, 0, 11)}, // it never came back
		".|rrrrrrrrrrrr.....aaaaaaaaaaaaa": {out(2, 13, 14, 12, 0, 0), out(19, 31, -1, 0, 13, 0)},
	} {
		var o outages
		var pending []event
		at := int64(0)
		for _, c := range events {
			e := event{broker: "b", called: at, done: at, outcome: map[rune]outcome{'.': acknowledged, 'r': refused, 'a': ambiguous, 'f': failed}[c]}
			switch c {
			case '|':
				o.take(pending)
				pending = nil
			case ' ':
			default:
				pending = append([]event{e}, pending...) // in no order
			}
			at += step
		}
		o.take(pending)
		if got := o.all(); len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", events, got, want)
		}
	}
}

func TestOutagesAreBounded(t *testing.T) {
	var o outages
	for i := range int64(mostOutages + 5) {
		o.take([]event{{broker: "b", called: i * 1e9, done: i * 1e9, outcome: failed}, {broker: "b", done: i*1e9 + 5e8}})
	}
	if len(o.all()) != mostOutages || o.more != 5 {
		t.Errorf("%d kept, %d more", len(o.all()), o.more)
	}
}

// TestLateNewsMatterNot: a worker that waited for its answer hands in earlier successes late; they neither end an outage nor begin one.
func TestLateNewsMatterNot(t *testing.T) {
	var o outages
	o.take([]event{{broker: "b", called: 100, done: 100, outcome: failed}})
	o.take([]event{{broker: "b", done: 90}, {broker: "b", called: 3e9, done: 3e9, outcome: ambiguous}})
	o.take([]event{{broker: "b", done: 2e9}, {broker: "b", done: 4e9}})
	o.take([]event{{broker: "b", called: 1e9, done: 1e9, outcome: failed}})
	want := []results.Outage{{Broker: "b", StartOffsetNS: 100, LastFailureNS: 3e9 - 100, FirstSuccessNS: new(int64(4e9 - 100)), Ambiguous: 1, Failed: 1}}
	if got := o.all(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestCutOffIsNoOutage: sends that we cut off, and of which nobody knows where they went, show an outage only if nothing was answered
// meanwhile.
func TestCutOffIsNoOutage(t *testing.T) {
	const ms = int64(time.Millisecond)
	cut := []event{{called: 100 * ms, done: 5000 * ms, outcome: ambiguous}, {called: 200 * ms, done: 5000 * ms, outcome: ambiguous}}
	var well, hung outages
	for at := int64(0); at <= 4990*ms; at += 10 * ms {
		well.take([]event{{broker: "b", done: at}})
	}
	well.take(cut)
	if got := well.all(); len(got) != 0 {
		t.Errorf("it answered to the end: %+v", got)
	}
	hung.take([]event{{broker: "b", done: 50 * ms}, {broker: "b", done: 150 * ms}})
	hung.take(cut)
	want := []results.Outage{{StartOffsetNS: 150 * ms, LastFailureNS: 4850 * ms, Ambiguous: 2}}
	if got := hung.all(); !reflect.DeepEqual(got, want) {
		t.Errorf("it hung: %+v, want %+v", got, want)
	}
}

// TestR02_OutageIsTimed: a broker that is away for two seconds of virtual time, its neighbour well meanwhile.
func TestR02_OutageIsTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = time.Millisecond
		f.answer = func(n int64) (producer.SendResult, error) {
			res := producer.SendResult{Attempts: 1, Broker: fmt.Sprintf("b%d", n%2)}
			if at := time.Since(f.began); n%2 == 1 && at >= time.Second && at < 3*time.Second {
				return res, &producer.SendError{Broker: res.Broker, Attempts: 1, Err: remoting.NewBrokerError("b1", remoting.SystemBusy, "")}
			}
			return res, nil
		}
		m := measure(t.Context(), t, loadOf(t, "workers: 8, stages: [{for: 1s, rate: 1k/s, warmup: true}, {for: 4s, rate: 1k/s}]"), f)
		m.offset = 7e9
		found := m.outages("c", 0)
		if len(found) != 1 {
			t.Fatalf("%+v", found)
		}
		o := found[0]
		if o.Broker != "b1" || o.Case != "c" || o.Refused != 1000 || o.Ambiguous+o.Failed != 0 || !o.BeganAt.Equal(m.began.Add(time.Duration(o.StartOffsetNS-7e9))) {
			t.Errorf("%+v", o)
		}
		near(t, "begin", time.Duration(o.StartOffsetNS), 8*time.Second, 0.001)
		near(t, "first success", time.Duration(*o.FirstSuccessNS), 2*time.Second, 0.005)
	})
}

// TestOutageOfABroker: one of two embedded brokers goes down for good.
func TestOutageOfABroker(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	var once bool
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: T}\nproducer: {send_timeout: 300ms}\nload: {workers: 8, stages: [{rate: 500/s, for: 1500ms}]}"),
		Options{Progress: func(Progress) {
			if !once {
				once = true
				c.Brokers()[0].Down()
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	var of []string
	for _, o := range report.Run.Outages {
		of = append(of, o.Broker)
		if o.Broker == c.Brokers()[0].Name() && (o.FirstSuccessNS != nil || o.Failed+o.Ambiguous == 0) {
			t.Errorf("%+v", o)
		}
	}
	if len(of) == 0 || of[0] != c.Brokers()[0].Name() {
		t.Errorf("outages of %q", of)
	}
}
