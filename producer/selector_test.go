package producer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/internal/vectors"
)

// queuesOf are n queues of topic T on each broker, in canonical order.
func queuesOf(n int, brokers ...string) []MessageQueue {
	var list []MessageQueue
	for _, b := range brokers {
		for id := range n {
			list = append(list, MessageQueue{"T", b, int32(id)})
		}
	}
	return list
}

// pick is what sel picks, which must be one of the queues.
func pick(tb testing.TB, sel Selector, queues []MessageQueue, m *Message, arg any) MessageQueue {
	tb.Helper()
	at, err := sel.Select(queues, m, arg)
	if err != nil || at < 0 || at >= len(queues) {
		tb.Fatalf("%T picked %d of %d: %v", sel, at, len(queues), err)
	}
	return queues[at]
}

// picks is how often each queue is picked for messages of different keys.
func picks(tb testing.TB, sel Selector, queues []MessageQueue, n int) map[MessageQueue]int {
	tb.Helper()
	m := text("T", "x")
	got := map[MessageQueue]int{}
	for i := range n {
		got[pick(tb, sel, queues, m, "key-"+strconv.Itoa(i))]++
	}
	return got
}

// shares checks that each queue got its fair share of n, give or take so many standard deviations of a fair lot; 0 is exact.
func shares(tb testing.TB, got map[MessageQueue]int, queues, n int, sigmas float64) {
	tb.Helper()
	p := 1 / float64(queues)
	want, off := float64(n)*p, sigmas*math.Sqrt(float64(n)*p*(1-p))
	if len(got) != queues {
		tb.Errorf("%d of %d queues were picked", len(got), queues)
	}
	for q, k := range got {
		if math.Abs(float64(k)-want) > off {
			tb.Errorf("%v got %d of %d, want %.0f ± %.0f", q, k, n, want, off)
		}
	}
}

// seeded is a selector that draws by 1, if it draws.
func seeded(sel Selector) Selector {
	switch sel.(type) {
	case *random:
		return RandomSeeded(1)
	case *leastInFlight:
		return LeastInFlightSeeded(1)
	case *powerOfTwo:
		return PowerOfTwoSeeded(1)
	}
	return sel
}

// With nothing to tell queues apart each gets its share: exactly where picks go in turn.
func TestSelectorsAreEven(t *testing.T) {
	const n = 24_000
	queues := queuesOf(8, "a", "b", "c")
	for name, sigmas := range map[string]float64{
		"round_robin": 0, "machine_room": 0, "sticky": 0, "random": 4, "least_in_flight": 4, "power_of_two": 4, "consistent_hash": 4,
	} {
		t.Run(name, func(t *testing.T) {
			sel, err := SelectorNamed(name)
			if err != nil {
				t.Fatal(err)
			}
			if name == "sticky" {
				sel = Sticky(100, time.Hour) // ends by sends only
			}
			shares(t, picks(t, seeded(sel), queues, n), len(queues), n, sigmas)
		})
	}
}

func TestSelectorNames(t *testing.T) {
	for _, name := range SelectorNames() {
		sel, err := SelectorNamed(name)
		if err != nil || sel == nil {
			t.Errorf("%s: %v %v", name, sel, err)
		}
		pick(t, sel, queuesOf(1, "a"), text("T", "x"), "key") // one queue suits all
	}
	_, err := SelectorNamed("rounds_robin")
	if err == nil || !strings.Contains(err.Error(), `"rounds_robin" is none of round_robin, random, hash`) {
		t.Error(err)
	}
}

// Topics that take turns don't take each other's.
func TestRoundRobinOfEachTopic(t *testing.T) {
	one := queuesOf(2, "a")
	two := []MessageQueue{{"U", "a", 0}, {"U", "a", 1}}
	sel := RoundRobin()
	got := map[MessageQueue]int{}
	for range 10 {
		got[pick(t, sel, one, text("T", "x"), nil)]++
		got[pick(t, sel, two, text("U", "x"), nil)]++
	}
	shares(t, got, 4, 20, 0)
}

func TestMachineRoom(t *testing.T) {
	queues := queuesOf(4, "a@broker-0", "a@broker-1", "b@broker-0", "broker-a", "c@broker-0")
	for name, tt := range map[string]struct {
		rooms []string
		want  []string
	}{
		"one room":        {[]string{"b"}, []string{"b@broker-0"}},
		"two rooms":       {[]string{"c", "a"}, []string{"a@broker-0", "a@broker-1", "c@broker-0"}},
		"one has nothing": {[]string{"d", "b"}, []string{"b@broker-0"}},
		"all rooms":       {nil, []string{"a@broker-0", "a@broker-1", "b@broker-0", "broker-a", "c@broker-0"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := 10 * 4 * len(tt.want)
			got := picks(t, MachineRoom(tt.rooms...), queues, n)
			shares(t, got, 4*len(tt.want), n, 0)
			for q := range got {
				if !slices.Contains(tt.want, q.Broker) {
					t.Errorf("picked %v", q)
				}
			}
		})
	}
	for _, rooms := range [][]string{{"d"}, {"broker-a"}, {""}} {
		if _, err := MachineRoom(rooms...).Select(queues, text("T", "x"), nil); err == nil {
			t.Errorf("%q has queues", rooms)
		}
	}
}

// What Java's hash selectors pick, both of them, for arguments of each type.
func TestVectorHashSelectors(t *testing.T) {
	type hashCase struct {
		Name, ArgType string
		Arg           any
		Picks         map[string]int
		Picks451      map[string]json.RawMessage // a number, or "throws"
	}
	compared := 0
	for _, tt := range vectors.Load[hashCase](t, "hash.json") {
		if tt.ArgType == "" { // no selector's
			continue
		}
		t.Run(tt.Name, func(t *testing.T) {
			arg := javaArg(t, tt.ArgType, tt.Arg)
			for count, want := range tt.Picks {
				n, err := strconv.Atoi(count)
				if err != nil {
					t.Fatal(err)
				}
				queues := queuesOf(n, "a")
				if at, err := Hash().Select(queues, text("T", "x"), arg); err != nil || at != want {
					t.Errorf("Hash of %d queues: %d %v, want %d", n, at, err, want)
				}
				at, err := Hash451().Select(queues, text("T", "x"), arg)
				if want := string(tt.Picks451[count]); want == `"throws"` {
					if !errors.Is(err, ErrHash451) {
						t.Errorf("Hash451 of %d queues: %d %v, want an error", n, at, err)
					}
				} else if err != nil || strconv.Itoa(at) != want {
					t.Errorf("Hash451 of %d queues: %d %v, want %s", n, at, err, want)
				}
				compared++
			}
		})
	}
	if compared == 0 {
		t.Error("nothing compared")
	}
}

// javaArg is an argument of that Java type.
func javaArg(t *testing.T, argType string, arg any) any {
	t.Helper()
	if argType == "String" {
		return arg
	}
	text := fmt.Sprint(arg)
	switch argType {
	case "Integer":
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return int32(n)
	case "Long":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	case "Boolean":
		return text == "true"
	}
	t.Fatalf("unknown type %q", argType)
	return nil
}

type orderID struct{ number int32 }

func (o orderID) HashCode() int32 { return o.number }

// What is hashed, and what can't be.
func TestHashArguments(t *testing.T) {
	queues := queuesOf(1000, "a")
	for name, tt := range map[string]struct {
		m    Message
		arg  any
		want int32 // id of the queue
		err  error
	}{
		"int8":             {arg: int8(-3), want: 3},
		"int16":            {arg: int16(300), want: 300},
		"int is a Long":    {arg: -1, want: 0},
		"own hash code":    {arg: orderID{-1234}, want: 234},
		"argument first":   {m: Message{ShardingKey: "b", Keys: []string{"c"}}, arg: "a", want: 97},
		"sharding key":     {m: Message{ShardingKey: "b", Keys: []string{"c"}}, want: 98},
		"first key":        {m: Message{Keys: []string{"c", "d"}}, want: 99},
		"nothing":          {err: ErrNoKey},
		"bytes":            {arg: []byte("a"), err: ErrNotHashable},
		"a float":          {arg: 1.0, err: ErrNotHashable},
		"unsigned, unsure": {arg: uint32(1), err: ErrNotHashable},
	} {
		for _, sel := range []Selector{Hash(), Hash451(), ConsistentHash()} {
			at, err := sel.Select(queues, &tt.m, tt.arg)
			if !errors.Is(err, tt.err) {
				t.Errorf("%s: %T: %v", name, sel, err)
			}
			if sel != ConsistentHash() && err == nil && queues[at].ID != tt.want {
				t.Errorf("%s: %T picked %d, want %d", name, sel, queues[at].ID, tt.want)
			}
		}
	}
}

// Every process picks alike: these are for good.
func TestConsistentHashIsFixed(t *testing.T) {
	queues := queuesOf(4, "broker-a", "broker-b")
	var got []string
	for _, arg := range []any{"order-1", "order-2", "", int64(7), int32(7), true} {
		got = append(got, pick(t, ConsistentHash(), queues, text("T", "x"), arg).String())
	}
	want := []string{"T@broker-b:2", "T@broker-a:3", "T@broker-b:1", "T@broker-b:1", "T@broker-b:1", "T@broker-a:0"}
	if !slices.Equal(got, want) {
		t.Errorf("picked %q, want %q", got, want)
	}
}

// The keys that move are those of queues that go, or those that new queues take: their fair share, and no other key.
func TestConsistentHashMovesFewKeys(t *testing.T) {
	const keys = 20_000
	full := queuesOf(8, "a", "b", "c", "d")
	for name, tt := range map[string]struct {
		queues []MessageQueue
	}{
		"a broker less": {queuesOf(8, "a", "b", "d")},
		"a queue less":  {full[:31]},
		"half of them":  {queuesOf(4, "a", "b", "c", "d")},
	} {
		moved := 0
		for i := range keys {
			key := "order-" + strconv.Itoa(i)
			few, many := pick(t, ConsistentHash(), tt.queues, text("T", "x"), key), pick(t, ConsistentHash(), full, text("T", "x"), key)
			if few == many {
				continue
			}
			moved++
			if slices.Contains(tt.queues, many) {
				t.Fatalf("%s: %s moves between %v and %v, which are in both", name, key, few, many)
			}
		}
		p := 1 - float64(len(tt.queues))/float64(len(full))
		if want, off := keys*p, 4*math.Sqrt(keys*p*(1-p)); math.Abs(float64(moved)-want) > off {
			t.Errorf("%s: %d of %d keys move, want %.0f ± %.0f", name, moved, keys, want, off)
		}
	}
	moved := 0 // for comparison: nearly all of them
	for i := range keys {
		key := "order-" + strconv.Itoa(i)
		if pick(t, Hash(), full, text("T", "x"), key) != pick(t, Hash(), full[:31], text("T", "x"), key) {
			moved++
		}
	}
	if moved < keys*9/10 {
		t.Errorf("of Hash's keys %d of %d move", moved, keys)
	}
}

// busy gives brokers so many sends under way.
func busy(w Watcher, loads map[string]int) {
	for broker, n := range loads {
		for range n {
			w.Began(MessageQueue{Topic: "T", Broker: broker})
		}
	}
}

func TestLeastInFlight(t *testing.T) {
	queues := queuesOf(8, "a", "b", "c")
	for name, tt := range map[string]struct {
		loads map[string]int
		want  []string
	}{
		"one is least":         {map[string]int{"a": 3, "b": 1, "c": 2}, []string{"b"}},
		"the last is":          {map[string]int{"a": 3, "b": 2, "c": 0}, []string{"c"}},
		"two are alike":        {map[string]int{"a": 1, "b": 5, "c": 1}, []string{"a", "c"}},
		"of another topic too": {map[string]int{"a": 1, "b": 1}, []string{"c"}},
	} {
		t.Run(name, func(t *testing.T) {
			sel := seeded(LeastInFlight())
			busy(sel.(Watcher), tt.loads)
			const n = 8000
			got := picks(t, sel, queues, n)
			shares(t, got, 8*len(tt.want), n, 4)
			for q := range got {
				if !slices.Contains(tt.want, q.Broker) {
					t.Errorf("picked %v", q)
				}
			}
			sel.(Watcher).Ended(MessageQueue{Topic: "U", Broker: "b"}, 0, nil)
			if load := sel.(*leastInFlight).of("b").Load(); load != int64(tt.loads["b"]-1) {
				t.Errorf("b has %d", load)
			}
		})
	}
	scattered := []MessageQueue{{"T", "a", 0}, {"T", "b", 0}, {"T", "a", 1}, {"T", "b", 1}} // as an order configuration may have it
	sel := seeded(LeastInFlight())
	busy(sel.(Watcher), map[string]int{"a": 1})
	got := picks(t, sel, scattered, 1000)
	shares(t, got, 2, 1000, 4)
	if got[scattered[0]]+got[scattered[2]] != 0 {
		t.Errorf("picked %v", got)
	}
}

// Of two brokers drawn the busier is left alone: it gets nothing, the next one a third, the least busy one two thirds.
func TestPowerOfTwo(t *testing.T) {
	sel := seeded(PowerOfTwo())
	busy(sel.(Watcher), map[string]int{"a": 9, "b": 2})
	const n = 9000
	got := map[string]int{}
	for q, k := range picks(t, sel, queuesOf(8, "a", "b", "c"), n) {
		got[q.Broker] += k
	}
	off := int(4 * math.Sqrt(n*2/9.0))
	if got["a"] > n/1000 || got["b"] < n/3-off || got["b"] > n/3+off { // a only when eight draws found no other broker
		t.Errorf("picked %v", got)
	}
}

func TestSticky(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := queuesOf(2, "a", "b", "c")
		m := text("T", "x")
		sel := Sticky(10, time.Second)
		runs := func(n int) []int { // lengths of n stays
			var lengths []int
			last := MessageQueue{}
			for len(lengths) <= n {
				q := pick(t, sel, queues, m, nil)
				if q != last {
					lengths = append(lengths, 0)
				}
				lengths[len(lengths)-1]++
				last = q
			}
			return lengths[:n]
		}
		if got := runs(6); !slices.Equal(got, []int{10, 10, 10, 10, 10, 10}) {
			t.Errorf("runs of %v", got)
		}

		here := pick(t, sel, queues, m, nil)
		time.Sleep(time.Second - time.Nanosecond)
		if q := pick(t, sel, queues, m, nil); q != here {
			t.Errorf("left %v for %v too early", here, q)
		}
		time.Sleep(time.Nanosecond)
		if q := pick(t, sel, queues, m, nil); q == here {
			t.Errorf("its time is up, and it stays on %v", q)
		}

		here = pick(t, sel, queues, m, nil)
		other := queues[(slices.Index(queues, here)+1)%len(queues)]
		sel.(Watcher).Ended(other, 0, errors.New("failed"))
		sel.(Watcher).Ended(here, 0, nil)
		if q := pick(t, sel, queues, m, nil); q != here {
			t.Errorf("left %v for %v though nothing failed there", here, q)
		}
		sel.(Watcher).Ended(here, 0, errors.New("failed"))
		after := pick(t, sel, queues, m, nil)
		if after.Broker == here.Broker {
			t.Errorf("went from %v, where a send failed, to %v", here, after)
		}

		// A list without some queues, as for a retry: it stays if it can.
		rest := slices.DeleteFunc(slices.Clone(queues), func(q MessageQueue) bool { return q.Broker == here.Broker })
		if q := pick(t, sel, rest, m, nil); q != after {
			t.Errorf("left %v for %v", after, q)
		}
		if q := pick(t, sel, queues[:1], m, nil); q != queues[0] {
			t.Errorf("picked %v of one", q)
		}
		sel.(Watcher).Ended(queues[0], 0, errors.New("failed"))
		if q := pick(t, sel, queues[:1], m, nil); q != queues[0] {
			t.Errorf("picked %v of one", q)
		}
	})
}

// No selector of ours allocates.
func TestSelectorsDoNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	queues, m := queuesOf(8, "a@broker-0", "a@broker-1", "b@broker-0"), text("T", "x")
	for _, name := range SelectorNames() {
		sel, err := SelectorNamed(name, "a")
		if err != nil {
			t.Fatal(err)
		}
		var arg any = "order-17"
		if n := testing.AllocsPerRun(1000, func() { choice(t, sel, queues, m, arg) }); n > 0 {
			t.Errorf("%s: %v objects a pick", name, n)
		}
	}
}

// choice is a pick as the send path makes it.
func choice(tb testing.TB, sel Selector, queues []MessageQueue, m *Message, arg any) {
	at, err := sel.Select(queues, m, arg)
	if err != nil {
		tb.Fatal(err)
	}
	if w, ok := sel.(Watcher); ok {
		w.Began(queues[at])
		w.Ended(queues[at], time.Millisecond, nil)
	}
}

func BenchmarkSelector(b *testing.B) {
	queues, m := queuesOf(8, "a@broker-0", "a@broker-1", "b@broker-0"), text("T", "x")
	for _, name := range SelectorNames() {
		b.Run(name, func(b *testing.B) {
			sel, err := SelectorNamed(name, "a")
			if err != nil {
				b.Fatal(err)
			}
			var arg any = "order-17"
			b.ReportAllocs()
			for b.Loop() {
				choice(b, sel, queues, m, arg)
			}
		})
	}
}
