package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Kind is what goes wrong.
type Kind uint8

// The kinds. The first ones happen to connections, those from Slow on to brokers.
const (
	Cut        Kind = iota // connections end (FIN) after some more bytes, of requests or of answers
	Reset                  // they end with RST
	Blackhole              // nothing passes, in either direction
	Mute                   // a share of the answers never comes
	Late                   // a share of them comes when the fault ends
	Twice                  // a share of them comes twice
	Slices                 // answers come a few bytes at a time
	Slow                   // every answer comes later
	Stall                  // nothing is answered until the fault ends
	Busy                   // a share of the sends is refused with SYSTEM_BUSY
	PageCache              // the same, with the words of a busy page cache
	Refuse                 // a share is refused with TOPIC_NOT_EXIST
	FlushDisk              // a share is stored with FLUSH_DISK_TIMEOUT
	FlushSlave             // with FLUSH_SLAVE_TIMEOUT
	NoSlave                // with SLAVE_NOT_AVAILABLE
	Queues                 // the topic has another number of queues to write
	Down                   // the broker is gone
	Freeze                 // real brokers: SIGSTOP
	Kill                   // real brokers: SIGKILL
	kinds
)

var kindNames = [kinds]string{"cut", "reset", "blackhole", "mute", "late", "twice", "slices", "slow", "stall", "busy", "page cache",
	"refuse", "flush disk", "flush slave", "no slave", "queues", "down", "freeze", "kill"}

func (k Kind) String() string { return kindNames[k] }

// onWire says that a relay makes the fault.
func (k Kind) onWire() bool { return k < Slow }

// Embedded are the faults of the embedded broker, Real those that real ones can be made to have.
var (
	Embedded = []Kind{Cut, Reset, Blackhole, Mute, Late, Twice, Slices, Slow, Stall, Busy, PageCache, Refuse, FlushDisk, FlushSlave, NoSlave, Queues, Down}
	Real     = []Kind{Cut, Reset, Blackhole, Mute, Late, Twice, Slices, Freeze, Kill}
)

// Fault is one thing that goes wrong, for a while.
type Fault struct {
	Kind    Kind
	Broker  int           // by number
	At      time.Duration // since the load began
	For     time.Duration
	Share   float64 // of the answers or the sends, where the kind has a share
	Bytes   int     // that still pass before a connection ends
	Forward bool    // of requests; else of answers
	Queues  int     // that the topic has then
}

func (f Fault) String() string {
	s := fmt.Sprintf("%6d ms  +%4d ms  broker %d  %s", f.At.Milliseconds(), f.For.Milliseconds(), f.Broker, f.Kind)
	switch f.Kind {
	case Cut, Reset:
		s += fmt.Sprintf(" after %d bytes of %s", f.Bytes, map[bool]string{true: "requests", false: "answers"}[f.Forward])
	case Mute, Late, Twice, Busy, PageCache, Refuse, FlushDisk, FlushSlave, NoSlave:
		s += fmt.Sprintf(" %g %%", f.Share*100)
	case Queues:
		s += fmt.Sprintf(" %d", f.Queues)
	}
	return s
}

// Schedule is what goes wrong in a run of that length: a pure function of its arguments. Every kind comes up in turn before one
// comes up again, and no fault meets another of its kind on its broker.
func Schedule(seed uint64, length time.Duration, brokers int, of []Kind) []Fault {
	dice := rand.New(rand.NewPCG(seed, 0x6e656d65736973))
	order := slices.Clone(of)
	dice.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var all []Fault
	for i := range 6 + dice.IntN(8) {
		f := Fault{
			Kind:    order[i%len(order)],
			Broker:  dice.IntN(brokers),
			At:      portion(dice, length, 0.02, 0.75),
			For:     portion(dice, length, 0.01, 0.25),
			Share:   []float64{0.01, 0.1, 0.5, 1}[dice.IntN(4)],
			Bytes:   dice.IntN(2000),
			Forward: dice.IntN(2) == 0,
			Queues:  []int{1, 2, 8}[dice.IntN(3)],
		}
		if !slices.ContainsFunc(all, f.meets) {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b Fault) int { return int(a.At - b.At) })
	return all
}

// portion is a part of a time, in whole milliseconds.
func portion(dice *rand.Rand, of time.Duration, from, to float64) time.Duration {
	return time.Duration((from + dice.Float64()*(to-from)) * float64(of)).Truncate(time.Millisecond)
}

// meets says that two faults can't be told apart for a while: of brokers that go away and come back there is one at a time on each.
func (f Fault) meets(o Fault) bool {
	gone := func(k Kind) bool { return k == Down || k == Freeze || k == Kill }
	same := f.Kind == o.Kind || gone(f.Kind) && gone(o.Kind)
	return same && f.Broker == o.Broker && f.At <= o.At+o.For && o.At <= f.At+f.For
}

// Text is a schedule, a fault a line.
func Text(schedule []Fault) string {
	var b strings.Builder
	for _, f := range schedule {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}
