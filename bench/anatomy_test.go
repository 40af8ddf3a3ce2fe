package bench

import (
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
)

// staged is a fake whose sends go through known times, in milliseconds: of the n-th send.
func staged(of func(n int64) [6]int64) *fake {
	f := newFake()
	f.answer = func(n int64) (producer.SendResult, error) {
		res := producer.SendResult{Attempts: 1}
		stamps := [...]*int64{&res.Prepared, &res.Stamps.Encoded, &res.Stamps.WriteBegan, &res.Stamps.WriteEnded, &res.Stamps.ReplyRead, new(int64)}
		for i, ms := range of(n) {
			time.Sleep(time.Duration(ms) * time.Millisecond)
			*stamps[i] = remoting.Nanotime()
		}
		if n%anatomyEvery != 0 { // not stamped
			res.Prepared = 0
		}
		return res, nil
	}
	return f
}

func TestAnatomy(t *testing.T) {
	bimodal := func(n int64) [6]int64 {
		if n%10 == 0 {
			return [6]int64{1, 1, 20, 1, 100, 7}
		}
		return [6]int64{1, 1, 2, 1, 10, 3}
	}
	for name, tt := range map[string]struct {
		load string
		of   func(n int64) [6]int64
		want [6]float64 // means, milliseconds
	}{
		"constant":       {"workers: 4, count: 4000", func(int64) [6]int64 { return [6]int64{1, 2, 3, 4, 5, 6} }, [6]float64{1, 2, 3, 4, 5, 6}},
		"bimodal, open":  {"workers: 64, stages: [{for: 10s, rate: 500/s}]", bimodal, [6]float64{1, 1, 3.8, 1, 19, 3.4}},
		"bimodal, async": {"mode: async, in_flight: 32, count: 4000", bimodal, [6]float64{1, 1, 3.8, 1, 19, 3.4}},
		"at once":        {"workers: 4, count: 4000", func(int64) [6]int64 { return [6]int64{4: 1} }, [6]float64{4: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := measure(t.Context(), t, loadOf(t, tt.load), staged(tt.of))
				a := m.Anatomy
				if a == nil {
					t.Fatal("no anatomy")
				}
				near(t, "sum of the parts", a.Sum(), m.Service.Mean, 0.01)
				for i, p := range []results.Part{a.Compress, a.Select, a.Queue, a.Write, a.Reply, a.Wake} {
					tolerate := 0.001
					if i < 3 { // divided as the sample is
						tolerate = 0.2
					}
					near(t, "part", float64(p.Mean)/1e6, tt.want[i], tolerate)
				}
			})
		})
	}
}

// TestStampsAreInOrder: whatever is unknown or out of order, the parts of a send add up to it.
func TestStampsAreInOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		stamps remoting.Stamps
		want   parts
	}{
		"all known":                {remoting.Stamps{WriteBegan: 130, WriteEnded: 140, ReplyRead: 170}, parts{sends: 1, before: 20, write: 10, reply: 30, end: 10}},
		"oneway":                   {remoting.Stamps{WriteBegan: 130, WriteEnded: 140}, parts{sends: 1, before: 20, write: 10, end: 40}},
		"the write is forgotten":   {remoting.Stamps{ReplyRead: 170}, parts{sends: 1, reply: 60, end: 10}},
		"the reply came first":     {remoting.Stamps{WriteBegan: 130, WriteEnded: 150, ReplyRead: 145}, parts{sends: 1, before: 20, write: 20, end: 30}},
		"before the call":          {remoting.Stamps{WriteBegan: 90, WriteEnded: 100, ReplyRead: 170}, parts{sends: 1, reply: 60, end: 10}},
		"after the end":            {remoting.Stamps{WriteBegan: 130, WriteEnded: 140, ReplyRead: 999}, parts{sends: 1, before: 20, write: 10, reply: 40}},
		"another client, no stamp": {remoting.Stamps{}, parts{}},
	} {
		s := sample{called: 10, done: 80}
		s.stamp(&tt.stamps, 100)
		var got parts
		got.add(&s)
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// TestAnatomyOfOurs: our own producer's stamps tell where the time went, in each mode, and the parts add up.
func TestAnatomyOfOurs(t *testing.T) {
	report, err := Run(t.Context(), scenario(t, "load: {workers: 8, in_flight: 64, count: 5000}\nproducer: {compress_over: 1KiB}\nmessage: {size: 4KiB, compressible: 0.9}\n"+
		"cases:\n  - {name: sync}\n  - {name: async, load: {mode: async}}\n  - {name: oneway, load: {mode: oneway}}\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	for i := range report.Run.Cases {
		c := &report.Run.Cases[i]
		a := c.Anatomy
		if a == nil {
			t.Errorf("%s has no anatomy", c.Name)
			continue
		}
		near(t, c.Name+": sum of the parts", a.Sum(), c.Service.Mean, 0.01)
		for name, p := range map[string]results.Part{"compress": a.Compress, "select": a.Select, "write": a.Write} {
			if p.Mean <= 0 || p.P50 == nil {
				t.Errorf("%s: %s %+v", c.Name, name, p)
			}
		}
		if n := a.Wake.Samples; n < c.Successes()/anatomyEvery-100 || n > c.Successes()/anatomyEvery+100 {
			t.Errorf("%s: %d samples of %d sends", c.Name, n, c.Successes())
		}
		if (a.Reply.Mean == 0) != (c.Mode == "oneway") {
			t.Errorf("%s: reply %+v", c.Name, a.Reply)
		}
	}
}
