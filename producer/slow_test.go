package producer

import (
	"math"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/wires"
)

// trial is a producer on three embedded brokers, all of it in memory and in virtual time, and what became of its sends.
type trial struct {
	p    *Producer
	slow *broker.Broker

	mu   sync.Mutex // protects following
	sent []sent
}

type sent struct {
	began, ended time.Time
	broker       string
}

func newTrial(t *testing.T, o Options) *trial {
	t.Helper()
	net := wires.New()
	c := embedded(t, broker.Options{Brokers: 3, Listen: net.Listen})
	o.NameServers, o.Dial = []string{c.NameServer()}, net.Dial
	p := started(t, o)
	if _, err := p.Prepare(t.Context(), "T"); err != nil {
		t.Fatal(err)
	}
	return &trial{p: p, slow: c.Brokers()[1]}
}

// run sends a message each 20 ms for d, and waits for their ends. It says what share of them went to the slow broker.
func (r *trial) run(t *testing.T, d time.Duration) float64 {
	t.Helper()
	from := time.Now()
	for end := from.Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		began := time.Now()
		m := &Message{Topic: "T", Body: []byte("x"), Keys: []string{strconv.FormatInt(began.UnixNano(), 36)}} // for selectors that hash
		err := r.p.SendAsync(t.Context(), m, func(res SendResult, err error) {
			if err != nil {
				t.Error(err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.sent = append(r.sent, sent{began, time.Now(), res.Broker})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
	return r.share(from, time.Now())
}

// share is the slow broker's of the sends that began in that time.
func (r *trial) share(from, to time.Time) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, there := 0, 0
	for _, s := range r.sent {
		if !s.began.Before(from) && s.began.Before(to) {
			n++
			if s.broker == r.slow.Name() {
				there++
			}
		}
	}
	return float64(there) / float64(n)
}

// first is the earliest time of sends to the slow broker that began at from or later.
func (r *trial) first(from time.Time, of func(sent) time.Time) (first time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sent {
		if s.broker == r.slow.Name() && !s.began.Before(from) && (first.IsZero() || of(s).Before(first)) {
			first = of(s)
		}
	}
	return first
}

func began(s sent) time.Time { return s.began }
func ended(s sent) time.Time { return s.ended }

const third = 1 / 3.0

// One broker of three answers 700 ms late. With 4.5.1's table its share of the sends is below 5 % from its first slow answer
// on, whatever the selector, and it is back within 30 s after it has healed; with 5.4.0's it is back within 2 s, but tried
// that often while it is slow.
func TestSlowBrokerIsAvoided(t *testing.T) {
	for table, tt := range map[string]struct {
		how       *Avoidance
		selectors []string
		most      float64 // share of the slow broker
		back      time.Duration
	}{
		"4.5.1": {Avoid451(), SelectorNames(), 0.05, 30 * time.Second},
		"5.4.0": {Avoid54(), []string{"round_robin"}, 0.15, 2 * time.Second},
	} {
		for _, name := range tt.selectors {
			t.Run(table+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sel, err := SelectorNamed(name)
					if err != nil {
						t.Fatal(err)
					}
					r := newTrial(t, Options{Avoid: tt.how, Selector: seeded(sel)})
					if got := r.run(t, 6*time.Second); math.Abs(got-third) > 0.15 { // 300 sends, some of them by lot
						t.Errorf("before, its share is %.3f", got)
					}
					slow := time.Now()
					r.slow.Delay(700 * time.Millisecond)
					r.run(t, 40*time.Second)
					noticed := r.first(slow, ended)
					if got := r.share(noticed, time.Now()); got >= tt.most {
						t.Errorf("while it is slow, its share is %.3f", got)
					}
					if a := r.p.Avoided(); len(a) > 1 {
						t.Errorf("avoided: %+v", a)
					}

					healed := time.Now()
					r.slow.Delay(0)
					r.run(t, tt.back+time.Second)
					back := r.first(healed, began)
					if back.IsZero() || back.Sub(healed) > tt.back {
						t.Errorf("it healed at %v, and is back at %v", healed, back)
					}
					if got := r.run(t, 10*time.Second); name != "sticky" && math.Abs(got-third) > 0.1 {
						t.Errorf("afterwards its share is %.3f", got)
					}
				})
			})
		}
	}
}

// Off, it stays a third; and at 200 ms it stays a third in any case.
func TestSlowBrokerIsNotAvoided(t *testing.T) {
	for name, tt := range map[string]struct {
		how   *Avoidance
		delay time.Duration
	}{
		"off, 700 ms": {nil, 700 * time.Millisecond}, "off, 200 ms": {nil, 200 * time.Millisecond},
		"4.5.1, 200 ms": {Avoid451(), 200 * time.Millisecond}, "5.4.0, 200 ms": {Avoid54(), 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newTrial(t, Options{Avoid: tt.how})
				r.slow.Delay(tt.delay)
				if got := r.run(t, 40*time.Second); math.Abs(got-third) > 0.005 { // the last lap is not whole
					t.Errorf("its share is %.3f", got)
				}
				if a := r.p.Avoided(); len(a) > 0 {
					t.Errorf("avoided: %+v", a)
				}
			})
		})
	}
}

// What one sees of it: since its first slow answer, until 30 s after its last one.
func TestSlowBrokerIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrial(t, Options{Avoid: Avoid451()})
		start := time.Now()
		r.slow.Delay(700 * time.Millisecond)
		r.run(t, 5*time.Second)
		first := r.first(start, ended)
		last := first
		for _, s := range r.sent {
			if s.broker == r.slow.Name() && s.ended.After(last) {
				last = s.ended
			}
		}
		want := Avoided{Broker: r.slow.Name(), Since: first, Until: last.Add(30 * time.Second), Latency: 700 * time.Millisecond, Reachable: true}
		if got := r.p.Avoided(); len(got) != 1 || got[0] != want {
			t.Errorf("avoided: %+v, want %+v", got, want)
		}
	})
}

// Selectors that look at what is under way leave a slow broker alone without any table, at latencies that the tables pass over.
func TestLoadSelectorsAvoidASlowBroker(t *testing.T) {
	for _, name := range []string{"least_in_flight", "power_of_two"} {
		for _, delay := range []time.Duration{200 * time.Millisecond, 700 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				sel, err := SelectorNamed(name)
				if err != nil {
					t.Fatal(err)
				}
				r := newTrial(t, Options{Selector: seeded(sel)})
				r.slow.Delay(delay)
				if got := r.run(t, 40*time.Second); got > 0.11 {
					t.Errorf("%s, %v: its share is %.3f", name, delay, got)
				}
			})
		}
	}
}
