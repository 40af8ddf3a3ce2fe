package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/vectors"
	"rmqbench/remoting"
)

// How long RocketMQ 5.4.0 keeps away after a send of some latency.
func TestVectorFaults(t *testing.T) {
	type faultCase struct {
		Name       string
		LatencyMS  int64 `json:"latencyMs"`
		ExpectedMS int64 `json:"expectedMs"`
	}
	how := Avoid54()
	for _, tt := range vectors.Load[faultCase](t, "fault.json") {
		if got := how.after(time.Duration(tt.LatencyMS)*time.Millisecond, false); got != time.Duration(tt.ExpectedMS)*time.Millisecond {
			t.Errorf("%s: after %d ms it is %v, want %d ms", tt.Name, tt.LatencyMS, got, tt.ExpectedMS)
		}
	}
}

// The tables of MQFaultStrategy.java at the edges of their steps; a send that failed counts as one of 30 s, or of 10 s.
func TestAvoidanceTables(t *testing.T) {
	for name, tt := range map[string]struct {
		how    *Avoidance
		after  map[time.Duration]time.Duration // both in ms
		failed time.Duration
	}{
		"4.5.1": {Avoid451(), map[time.Duration]time.Duration{0: 0, 50: 0, 100: 0, 200: 0, 549: 0, 550: 30_000, 700: 30_000, 999: 30_000, 1000: 60_000,
			1999: 60_000, 2000: 120_000, 3000: 180_000, 14_999: 180_000, 15_000: 600_000, 1e6: 600_000}, 10 * time.Minute},
		"5.4.0": {Avoid54(), map[time.Duration]time.Duration{0: 0, 200: 0, 549: 0, 550: 2000, 1799: 2000, 1800: 5000, 2999: 5000, 3000: 6000,
			4999: 6000, 5000: 10_000, 14_999: 10_000, 15_000: 30_000, 1e6: 30_000}, 10 * time.Second},
		"own": {&Avoidance{}, map[time.Duration]time.Duration{0: 0, 1e6: 0}, 0},
	} {
		for latency, want := range tt.after {
			if got := tt.how.after(latency*time.Millisecond, false); got != want*time.Millisecond {
				t.Errorf("%s: after %d ms it is %v, want %d ms", name, latency, got, want)
			}
		}
		if got := tt.how.after(0, true); got != tt.failed {
			t.Errorf("%s: after a failure it is %v, want %v", name, got, tt.failed)
		}
	}
	for name, want := range map[string]*Avoidance{"java-4.5.1": Avoid451(), "java-5.4": Avoid54()} {
		got, err := AvoidanceNamed(name)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	if _, err := AvoidanceNamed("on"); err == nil {
		t.Error("on is a name")
	}
}

const ms = int64(time.Millisecond)

// What sends that end one after the other make of the faults (LatencyFaultToleranceImpl.updateFaultItem, 5.4.0).
func TestFaultsAfter(t *testing.T) {
	well, refused := blame{told: true, reachable: true}, blame{told: true, failed: true}
	late := blame{told: true, failed: true, reachable: true}
	type step struct {
		at      int64 // ms
		latency time.Duration
		blame
		want fault // times in ms; the zero fault: none
	}
	for name, steps := range map[string][]step{
		"a quick send":   {{100, 200 * time.Millisecond, well, fault{}}},
		"a slow send":    {{100, 700 * time.Millisecond, well, fault{100, 2100, 700 * time.Millisecond, true}}},
		"a send refused": {{100, time.Millisecond, refused, fault{100, 10_100, time.Millisecond, false}}},
		"a later slow one makes it longer": {
			{100, 700 * time.Millisecond, well, fault{100, 2100, 700 * time.Millisecond, true}},
			{1000, 600 * time.Millisecond, well, fault{100, 3000, 600 * time.Millisecond, true}},
		},
		"a less slow one doesn't make it shorter": {
			{100, 6 * time.Second, well, fault{100, 10_100, 6 * time.Second, true}},
			{200, 700 * time.Millisecond, well, fault{100, 10_100, 700 * time.Millisecond, true}},
		},
		"nor does a quick one": {
			{100, 700 * time.Millisecond, well, fault{100, 2100, 700 * time.Millisecond, true}},
			{200, time.Millisecond, well, fault{100, 2100, 700 * time.Millisecond, true}},
		},
		"after its time it begins anew": {
			{100, 700 * time.Millisecond, well, fault{100, 2100, 700 * time.Millisecond, true}},
			{2100, 800 * time.Millisecond, well, fault{2100, 4100, 800 * time.Millisecond, true}},
		},
		"out of reach until a send is well": {
			{100, time.Millisecond, refused, fault{100, 10_100, time.Millisecond, false}},
			{20_000, time.Second, refused, fault{100, 30_000, time.Second, false}},
			{20_100, 5 * time.Millisecond, well, fault{100, 30_000, 5 * time.Millisecond, true}},
		},
		"the last word on its reach counts": {
			{100, time.Millisecond, refused, fault{100, 10_100, time.Millisecond, false}},
			{200, time.Second, late, fault{100, 10_200, time.Second, true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &faults{}
			for _, s := range steps {
				f = f.after(Avoid54(), "b", s.latency, s.blame, s.at*ms)
				got, want := f.of["b"], s.want
				want.since, want.until = want.since*ms, want.until*ms
				if got != want || f.until != want.until {
					t.Errorf("at %d ms: %+v, until %d, want %+v", s.at, got, f.until, want)
				}
			}
		})
	}

	f := (&faults{}).after(Avoid54(), "a", time.Second, well, 100*ms).after(Avoid54(), "b", 3*time.Second, well, 200*ms)
	if next := f.after(Avoid54(), "c", time.Millisecond, well, 300*ms); next != f {
		t.Error("a quick send makes new faults")
	}
	if len(f.of) != 2 || f.until != 6200*ms {
		t.Errorf("%+v", f)
	}
	f = f.after(Avoid54(), "c", time.Second, well, 5000*ms)
	if _, kept := f.of["a"]; kept || len(f.of) != 2 || f.until != 7000*ms {
		t.Errorf("what is over is kept: %+v", f)
	}
	if next := f.reached("d", false, 5000*ms); next != f {
		t.Error("who had no fault has one")
	}
	f = f.after(Avoid54(), "d", 0, refused, 5000*ms)
	if f = f.reached("d", false, 5000*ms); !f.of["d"].reachable || f.of["d"].until != 15_000*ms {
		t.Errorf("reached, and it is %+v", f.of["d"])
	}
	if f = f.reached("d", true, 5000*ms); len(f.of) != 2 || f.until != 7000*ms {
		t.Errorf("gone, and kept: %+v", f)
	}
}

func TestBlame(t *testing.T) {
	call := func(err error, sent bool) error { return &remoting.CallError{Addr: "a:1", Sent: sent, Err: err} }
	for name, tt := range map[string]struct {
		err             error
		async, detector bool
		want            blame
	}{
		"answered":                   {nil, false, false, blame{told: true, reachable: true}},
		"refused":                    {&remoting.BrokerError{Code: remoting.SystemBusy}, false, false, blame{told: true, failed: true}},
		"refused, async":             {&remoting.BrokerError{Code: remoting.SystemBusy}, true, false, blame{told: true, failed: true, reachable: true}},
		"no answer":                  {call(remoting.ErrTimeout, true), false, false, blame{told: true, failed: true, reachable: true}},
		"no answer, detector":        {call(remoting.ErrTimeout, true), false, true, blame{told: true, failed: true}},
		"no answer, async, detector": {call(remoting.ErrTimeout, true), true, true, blame{told: true, failed: true, reachable: true}},
		"no connection":              {call(remoting.ErrDial, false), false, false, blame{told: true, failed: true, reachable: true}},
		"no connection, detector":    {call(remoting.ErrDial, false), false, true, blame{told: true, failed: true}},
		"no connection, async":       {call(remoting.ErrDial, false), true, false, blame{told: true, failed: true}},
		"no permit":                  {call(remoting.ErrInFlight, false), false, true, blame{}},
		"we closed it":               {call(remoting.ErrClosed, true), false, true, blame{}},
		"too large for any":          {call(remoting.ErrFrameTooLarge, false), false, true, blame{}},
		"a hook of ours":             {call(fmt.Errorf("%w: no", remoting.ErrHook), false), false, true, blame{}},
		"no time left":               {ErrCallTimeout, false, true, blame{}},
		"executor full":              {ErrExecutorFull, true, true, blame{}},
		"forbidden":                  {&ForbiddenError{errors.New("no")}, false, true, blame{}},
	} {
		if got := blameFor(tt.err, tt.async, tt.detector); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// Whom the picks go to: for round robin and for selectors alike.
func TestSieve(t *testing.T) {
	const now = 1000
	slow := &faults{of: map[string]fault{"a": {until: now + 1, reachable: true}, "b": {until: now + 1}, "c": {until: now, reachable: true}, "d": {until: now}}}
	all := &faults{of: map[string]fault{"a": {until: now + 1, reachable: true}, "b": {until: now + 1}, "c": {until: now + 1}, "d": {until: now + 1, reachable: true}}}
	none := &faults{of: map[string]fault{"a": {until: now + 1}, "b": {until: now + 1}, "c": {until: now + 1}, "d": {until: now + 1}}}
	for name, tt := range map[string]struct {
		v    sieve
		want []string
	}{
		"all":                                 {sieve{}, []string{"a", "b", "c", "d"}},
		"not the last":                        {sieve{last: "b"}, []string{"a", "c", "d"}},
		"the last has left":                   {sieve{last: "e"}, []string{"a", "b", "c", "d"}},
		"none to be avoided":                  {sieve{slow: slow, now: now}, []string{"c", "d"}},
		"nor the last":                        {sieve{last: "c", slow: slow, now: now}, []string{"d"}},
		"all to be avoided":                   {sieve{slow: all, now: now}, []string{"a", "d"}},
		"all to be avoided, but not the last": {sieve{last: "a", slow: all, now: now}, []string{"d"}},
		"none can be reached":                 {sieve{last: "a", slow: none, now: now}, []string{"a", "b", "c", "d"}},
	} {
		t.Run(name, func(t *testing.T) {
			queues := queuesOf(2, "a", "b", "c", "d")
			r := &route{}
			for i, q := range queues {
				r.queues = append(r.queues, queueAddr{broker: q.Broker, host: q.Broker, id: q.ID, at: i})
			}
			var tr topicRoute
			got := map[MessageQueue]int{}
			for range 100 * len(tt.want) {
				q := tr.next(r, tt.v)
				got[queues[q.at]]++
			}
			shares(t, got, 2*len(tt.want), 100*len(tt.want), 0)
			var brokers []string
			for _, q := range (&send{}).sift(r, queues, tt.v) {
				if got[q] == 0 {
					t.Errorf("%v is sifted and not picked", q)
				}
				brokers = append(brokers, q.Broker)
			}
			if brokers = slices.Compact(brokers); !slices.Equal(brokers, tt.want) {
				t.Errorf("sifted %v, want %v", brokers, tt.want)
			}
		})
	}
	alone := queuesOf(2, "a")
	if got := (&send{}).sift(&route{queues: []queueAddr{{host: "a"}, {host: "a"}}}, alone, sieve{last: "a"}); len(got) != 2 {
		t.Errorf("with one broker there is no other: %v", got)
	}
}

// Faults are read while they change.
func TestFaultsChangeUnderReaders(t *testing.T) {
	a := newAvoider(Avoid54())
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 500 {
				broker := fmt.Sprint("b", (w+i)%5)
				switch i % 3 {
				case 0:
					a.note(broker, time.Second, blame{told: true, reachable: true}, int64(i)*ms)
				case 1:
					a.reached(broker, i%2 == 0, int64(i)*ms)
				default:
					if f := a.at(int64(i) * ms); f.available("b0", int64(i)*ms) && f == nil && !f.reachable("b0") {
						t.Error("nobody is avoided, and it is out of reach")
					}
				}
			}
		})
	}
	all.Wait()
	if f := a.now.Load(); len(f.of) > 5 {
		t.Errorf("%d faults of 5 brokers", len(f.of))
	}
}

// What sends say of two brokers, and when each was avoided. Times are in ms.
func TestAvoidSpells(t *testing.T) {
	slow, fine, failed := blame{told: true, reachable: true}, blame{told: true, reachable: true}, blame{told: true, failed: true}
	a := newAvoider(Avoid54())
	for _, s := range []struct {
		broker  string
		at      int64
		latency time.Duration
		blame   blame
	}{
		{"a", 1000, 720 * time.Millisecond, slow}, // until 3000
		{"a", 1500, 10 * time.Millisecond, fine},
		{"b", 2000, 5 * time.Millisecond, failed},  // until 12,000, and out of reach
		{"a", 2500, 1900 * time.Millisecond, slow}, // until 7500
		{"a", 2600, 600 * time.Millisecond, slow},  // not sooner than that
		{"a", 7500, 600 * time.Millisecond, slow},  // the next one
		{"b", 3000, 10 * time.Millisecond, fine},   // within reach again, and avoided still
		{"b", 20_000, time.Millisecond, blame{}},
	} {
		a.note(s.broker, s.latency, s.blame, s.at*ms)
	}
	a.reached("a", true, 8000*ms) // it has left every route
	a.reached("b", false, 8000*ms)
	want := []spell{
		{fault{1000 * ms, 7500 * ms, 720 * time.Millisecond, true}, "a", false, 3},
		{fault{2000 * ms, 12_000 * ms, 5 * time.Millisecond, false}, "b", true, 1},
		{fault{7500 * ms, 8000 * ms, 600 * time.Millisecond, true}, "a", false, 1},
	}
	if !slices.Equal(a.spells.list, want) || a.spells.more != 0 {
		t.Errorf("%+v and %d more, want %+v", a.spells.list, a.spells.more, want)
	}
}

// The first thousand are kept, and the rest is counted: one that lasts is no other one.
func TestAvoidSpellsAreBounded(t *testing.T) {
	p := New(Options{Group: "g", Avoid: Avoid54()})
	for i := range int64(mostSpells + 5) {
		at := i * 10_000 * ms
		p.avoid.note("a", time.Second, blame{told: true, reachable: true}, at)
		p.avoid.note("a", time.Second, blame{told: true, reachable: true}, at+ms)
	}
	list, more := p.AvoidSpells()
	if len(list) != mostSpells || more != 5 || list[0].Sends != 2 || list[mostSpells-1].Sends != 2 || list[1].Since.Sub(list[0].Since) != 10*time.Second ||
		list[0].Until.Sub(list[0].Since) != 2001*time.Millisecond {
		t.Errorf("%d and %d more, the first %+v", len(list), more, list[0])
	}
}

// A broker that refuses is avoided, and one can see that; without the option none is.
func TestAvoided(t *testing.T) {
	s := newStage(t, nil, refusing(remoting.SystemError), nil)
	p := s.producer(t, Options{Avoid: Avoid54()})
	if got := p.Avoided(); len(got) != 0 {
		t.Errorf("avoided before the first send: %+v", got)
	}
	began := time.Now()
	for range 20 {
		if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.brokers[1].sends.Load(); n != 1 {
		t.Errorf("%d sends went to the broker that refuses", n)
	}
	got := p.Avoided()
	if len(got) != 1 || got[0].Broker != "b1" || got[0].Reachable || got[0].Until.Sub(got[0].Since) != 10*time.Second || got[0].Latency <= 0 ||
		got[0].Since.Before(began) || got[0].Since.After(time.Now()) {
		t.Errorf("avoided: %+v", got)
	}
	spells, more := p.AvoidSpells()
	if len(spells) != 1 || more != 0 || spells[0] != (AvoidSpell{"b1", spells[0].Since, spells[0].Until, got[0].Latency, true, false, 1}) ||
		spells[0].Since.Sub(got[0].Since).Abs() > time.Second || spells[0].Until.Sub(spells[0].Since) != 10*time.Second {
		t.Errorf("avoided in %+v and %d more", spells, more)
	}
	for name, sel := range map[string]Selector{"hash": Hash(), "random": Random()} { // whatever picks
		p := s.producer(t, Options{Avoid: Avoid54(), Selector: sel, InstanceName: t.Name() + name})
		before := s.brokers[1].sends.Load()
		for i := range 30 {
			m := &Message{Topic: "T", Body: []byte("x"), Keys: []string{fmt.Sprint(i)}}
			if _, err := p.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.brokers[1].sends.Load() - before; n != 1 {
			t.Errorf("%s: %d sends went to the broker that refuses", name, n)
		}
	}
	off := s.producer(t, Options{InstanceName: t.Name() + "off"})
	before := s.brokers[1].sends.Load()
	for range 30 {
		if _, err := off.Send(t.Context(), text("T", "x")); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.brokers[1].sends.Load() - before; n < 5 || off.Avoided() != nil {
		t.Errorf("%d sends went to the broker that refuses, and %+v is avoided", n, off.Avoided())
	}
}

// What the caller calls off is not the broker's fault, nor is a oneway send a sign of its health.
func TestNotTheBrokersFault(t *testing.T) {
	s := newStage(t, silent)
	p := s.producer(t, Options{Avoid: Avoid54()})
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(errors.New("enough")) })
	if _, err := p.Send(ctx, text("T", "x")); err == nil {
		t.Error("answered by nobody")
	}
	if _, err := p.SendOneway(t.Context(), text("T", "x")); err != nil {
		t.Error(err)
	}
	if got := p.Avoided(); len(got) != 0 {
		t.Errorf("avoided: %+v", got)
	}
	if _, err := p.Send(t.Context(), text("T", "x"), Within(20*time.Millisecond)); err == nil {
		t.Error("answered by nobody")
	}
	if got := p.Avoided(); len(got) != 1 {
		t.Errorf("avoided: %+v", got)
	}
	if _, err := p.SendOneway(t.Context(), text("T", "x")); err != nil {
		t.Error(err)
	}
	if got := p.Avoided(); len(got) != 1 || got[0].Reachable {
		t.Errorf("avoided: %+v", got)
	}
}

// refused is a producer on two embedded brokers, the second of which has just refused a send and is out of reach.
func refused(t *testing.T, how *Avoidance) (*Producer, *broker.Broker) {
	t.Helper()
	c := embedded(t, broker.Options{Brokers: 2})
	p := started(t, Options{NameServers: []string{c.NameServer()}, Avoid: how, Retries: -1})
	if _, err := p.Prepare(t.Context(), "T"); err != nil {
		t.Fatal(err)
	}
	b := c.Brokers()[1]
	b.Busy(true)
	_, err := p.Send(t.Context(), text("T", "x"), By(SelectorFunc(func(queues []MessageQueue, _ *Message, _ any) (int, error) {
		return slices.IndexFunc(queues, func(q MessageQueue) bool { return q.Broker == b.Name() }), nil
	}), nil))
	if be, ok := errors.AsType[*remoting.BrokerError](err); !ok || be.Code != remoting.SystemBusy {
		t.Fatalf("got %v", err)
	}
	return p, b
}

// What one round of the detector finds: no answer, an answer, nobody to ask.
func TestDetect(t *testing.T) {
	p, b := refused(t, Avoid451()) // for ten minutes
	is := func(when string, want ...bool) {
		t.Helper()
		var got []bool
		for _, a := range p.Avoided() {
			got = append(got, a.Reachable)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %+v is avoided", when, p.Avoided())
		}
	}
	is("before", false)
	b.Delay(time.Hour)
	p.avoid.how.DetectTimeout = time.Millisecond
	p.avoid.detect(t.Context(), p.instance)
	is("no answer in time", false)
	b.Delay(0)
	p.avoid.how.DetectTimeout = 20 * time.Second
	p.avoid.detect(t.Context(), p.instance)
	is("an answer", true)

	p.avoid.note("left", time.Second, blame{told: true, failed: true}, remoting.Nanotime())
	is("one that no route knows", true, false)
	p.avoid.detect(t.Context(), p.instance)
	is("and it is forgotten", true)
}

// The detector looks again and again, until the producer is shut down.
func TestDetector(t *testing.T) {
	how := Avoid54()
	how.Detect, how.DetectTimeout = time.Millisecond, 20*time.Second
	p, _ := refused(t, how)
	soon(t, "it is reached", func() bool {
		got := p.Avoided()
		return len(got) == 0 || got[0].Reachable
	})
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
}
