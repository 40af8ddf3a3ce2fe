package bench

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
)

// keyed is a fake that knows when each key was called, and how many sends and bytes were under way at one time.
type keyed struct {
	*fake
	mu        sync.Mutex // protects following
	under     map[string]int
	most      int // of one key
	called    map[string][]time.Duration
	bytes     int64
	mostBytes int64
}

func newKeyed(service time.Duration) *keyed {
	k := &keyed{fake: newFake(), under: map[string]int{}, called: map[string][]time.Duration{}}
	k.service = service
	return k
}

func (k *keyed) begin(m *producer.Message) (key string, size int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(m.Keys) > 0 {
		key = m.Keys[0]
	}
	k.under[key]++
	k.most = max(k.most, k.under[key])
	k.called[key] = append(k.called[key], time.Since(k.began))
	size = int64(len(m.Body))
	k.bytes += size
	k.mostBytes = max(k.mostBytes, k.bytes)
	return key, size
}

func (k *keyed) end(key string, size int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.under[key]--
	k.bytes -= size
}

func (k *keyed) Send(ctx context.Context, m *producer.Message, _ ...producer.SendOption) (producer.SendResult, error) {
	defer k.end(k.begin(m))
	return k.send(ctx, m)
}

func (k *keyed) SendAsync(ctx context.Context, m *producer.Message, callback func(producer.SendResult, error), _ ...producer.SendOption) error {
	key, size := k.begin(m)
	return k.fake.SendAsync(ctx, m, func(res producer.SendResult, err error) {
		k.end(key, size)
		callback(res, err)
	})
}

// TestOrdered: of a key one send is under way at a time, in the order in which they fall due. A hot key's sends wait and are
// all made; the other keys' don't wait for it.
func TestOrdered(t *testing.T) {
	for _, mode := range []string{"workers: 8", "workers: 2, mode: async, in_flight: 16"} {
		synctest.Test(t, func(t *testing.T) {
			k := newKeyed(10 * time.Millisecond) // 100 a second of one key
			c := &parse(t, "message: {keys: {distinct: 200, skew: 'hot(0.7, 1)'}}\nload: {ordered: true, "+mode+", stages: [{for: 4s, rate: 200/s}]}")[0]
			m := measure(t.Context(), t, c, k)
			if k.most != 1 || m.Acknowledged != 800 || m.Dropped != 0 || !m.Ordered {
				t.Fatalf("%s: %d of one key at a time; %+v", mode, k.most, m.Counts)
			}
			p := planOf(t, c)
			due := map[string][]time.Duration{}
			hot := p.mould.keys.list(0)[0]
			for at, more := walk(p); more; more = at.next() {
				key := p.mould.keys.list(p.mould.keyOf(at.index))[0]
				due[key] = append(due[key], time.Duration(at.due))
			}
			for key, calls := range k.called {
				if len(calls) != len(due[key]) {
					t.Fatalf("%s: key %s: %d calls, %d were due", mode, key, len(calls), len(due[key]))
				}
				var longest time.Duration
				for i, at := range calls {
					longest = max(longest, at-due[key][i])
				}
				switch {
				case key == hot:
					near(t, mode+": the hot key's longest wait", longest, m.quantile("delay", 1), 0.01)
					near(t, mode+": the hot key's longest wait", longest, 1600*time.Millisecond, 0.2) // 40/s too many for 4 s are 160 sends
				case longest > 40*time.Millisecond: // a few of the same key at once
					t.Errorf("%s: key %s waited %v", mode, key, longest)
				}
			}
			if m.Generator.MissedSlots != 0 {
				t.Errorf("%s: %d slots missed: a key's wait is not the generator's", mode, m.Generator.MissedSlots)
			}
		})
	}
}

// TestOrderedClosed: in a closed loop too, and the wait for the key is delay.
func TestOrderedClosed(t *testing.T) {
	for _, mode := range []string{"workers: 16", "workers: 4, mode: async, in_flight: 16"} {
		synctest.Test(t, func(t *testing.T) {
			k := newKeyed(10 * time.Millisecond)
			m := measure(t.Context(), t, &parse(t, "message: {keys: {distinct: 4}}\nload: {ordered: true, count: 400, "+mode+"}")[0], k)
			if k.most != 1 || m.Acknowledged != 400 || m.Offered != 400 || m.Delay.Count != 400 {
				t.Errorf("%s: %d of one key at a time; %+v", mode, k.most, m.Counts)
			}
			near(t, mode+": messages a second", *m.MessagesPerSecond, 400, 0.2) // four keys
			if m.Delay.Mean < int64(20*time.Millisecond) {
				t.Errorf("%s: waited for the key %v on average", mode, time.Duration(m.Delay.Mean))
			}
		})
	}
}

// TestOrderedIsBounded: what finds no room to wait for its key is dropped where a backlog bounds that, and so is what waits when
// the drain is over, or no more may be sent.
func TestOrderedIsBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		load      string
		interrupt time.Duration
		sends     int64
	}{
		"backlog": {"workers: 4, backlog: 50, stages: [{for: 4s, rate: 1k/s}]", 0, 400 + 50}, "async backlog": {"mode: async, backlog: 50, stages: [{for: 4s, rate: 1k/s}]", 0, 400 + 50},
		"drain": {"workers: 4, stages: [{for: 2s, rate: 1k/s}]", 0, 700}, "async drain": {"mode: async, stages: [{for: 2s, rate: 1k/s}]", 0, 700},
		"closed async drain": {"mode: async, workers: 2, stages: [{for: 2s}]", 0, 700},
		"interrupt":          {"workers: 4, stages: [{for: 20s, rate: 1k/s}]", time.Second, 101}, "async interrupt": {"mode: async, stages: [{for: 20s, rate: 1k/s}]", time.Second, 101},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.interrupt > 0 {
				time.AfterFunc(tt.interrupt, cancel)
			}
			k := newKeyed(10 * time.Millisecond)
			m := measure(ctx, t, &parse(t, "message: {keys: {distinct: 1}}\nload: {ordered: true, "+tt.load+"}")[0], k)
			near(t, name+": attempted", m.Attempted, tt.sends, 0.02)
			if k.most != 1 || m.Dropped != m.Offered-m.Attempted || m.Dropped < 100 {
				t.Errorf("%s: %d of one key at a time; %+v", name, k.most, m.Counts)
			}
		})
	}
}

// TestOrderedDeafSender: sends whose callbacks never come are ambiguous when the drain's time is up, and nothing hangs.
func TestOrderedDeafSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service, f.hangAt, f.deaf = time.Millisecond, time.Second, true
		m := measure(t.Context(), t, &parse(t, "message: {keys: {distinct: 3}}\nload: {ordered: true, mode: async, stages: [{for: 2s, rate: 100/s}]}")[0], f)
		if m.Ambiguous != 3 || m.Acknowledged < 95 || m.Dropped < 90 {
			t.Errorf("%+v", m.Counts)
		}
	})
}

// TestInFlightBytes: async sends are bounded by their bytes too, and large messages get their turn.
func TestInFlightBytes(t *testing.T) {
	for name, tt := range map[string]struct {
		text   string
		most   int64
		answer int64 // acknowledged in 2 s
	}{
		"fixed":   {"message: {size: 1KiB}\nload: {mode: async, in_flight_bytes: 10KiB, ", 10 << 10, 2000},
		"both":    {"message: {size: 1KiB}\nload: {mode: async, in_flight: 5, in_flight_bytes: 10KiB, ", 5 << 10, 1000},
		"ordered": {"message: {size: 1KiB, keys: {}}\nload: {mode: async, ordered: true, in_flight_bytes: 10KiB, ", 10 << 10, 2000},
		"mixed":   {"message: {size: {weights: {100B: 9, 40KiB: 1}}}\nload: {mode: async, in_flight_bytes: 10KiB, ", 40 << 10, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := newKeyed(10 * time.Millisecond)
			m := measure(t.Context(), t, &parse(t, tt.text+"workers: 4, stages: [{for: 2s}]}")[0], k)
			if k.mostBytes != tt.most || m.Generator.InFlightCapBytes != 10<<10 {
				t.Errorf("%s: %d bytes at one time, want %d; %+v", name, k.mostBytes, tt.most, m.Generator)
			}
			if name == "mixed" { // a message that is larger than the bound goes alone
				if *m.BodyBytes < 2<<20 {
					t.Errorf("%s: %d bytes in all", name, *m.BodyBytes)
				}
				return
			}
			near(t, name+": acknowledged", m.Acknowledged, tt.answer, 0.02)
			near(t, name+": permits taken", *m.Generator.WorkersBusyShare, 1, 0.02)
		})
	}
}

// TestKeysInTwoQueues: round robin spreads a key over queues, a hash keeps it in one.
func TestKeysInTwoQueues(t *testing.T) {
	c := cluster(t, broker.Options{Brokers: 2})
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: KEYS, queues_per_broker: 4}\nmessage: {keys: {distinct: 50, skew: sequence}}\n"+
		"load: {mode: async, ordered: true, count: 2000, in_flight_bytes: 64KiB}\n"+
		"cases:\n  - {name: spread}\n  - {name: hashed, producer: {selector: hash}}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	for i, want := range []int64{50, 0} {
		r := &report.Run.Cases[i]
		if r.Acknowledged != 2000 || r.Keys == nil || r.Keys.Used != 50 || r.Keys.InTwoQueues != want || !r.Ordered {
			t.Errorf("%s: %+v, keys %+v", r.Name, r.Counts, r.Keys)
		}
	}
}
