package producer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
)

// Avoidance is how long a broker is avoided after a send to it that was slow or failed: others take its sends while there
// are any (MQFaultStrategy.java, LatencyFaultToleranceImpl.java).
//
// A send goes to a broker that is not avoided, nor the one its attempt before went to; else to one that can be reached;
// else to any, as RocketMQ 5.4.0 picks. Note: 4.5.1's own picking is not copied: it sends a retry only to the broker that
// has just failed, and renames the queues of a broker that it falls back to.
type Avoidance struct {
	Steps         []AvoidStep   // by From, ascending
	Failed        time.Duration // the latency that a failed send counts as
	Detect        time.Duration // how often a broker that could not be reached is asked whether it can be; 0: the next send tells
	DetectTimeout time.Duration // of one such question
}

// AvoidStep is for how long a send of this latency, or of more up to the next step, keeps others away.
type AvoidStep struct{ From, For time.Duration }

// Avoid451 is RocketMQ 4.5.1's table of sendLatencyFaultEnable, unchanged up to 5.1.3.
func Avoid451() *Avoidance {
	return &Avoidance{Failed: 30 * time.Second, Steps: []AvoidStep{
		{550 * time.Millisecond, 30 * time.Second}, {time.Second, time.Minute}, {2 * time.Second, 2 * time.Minute},
		{3 * time.Second, 3 * time.Minute}, {15 * time.Second, 10 * time.Minute},
	}}
}

// Avoid54 is the table of RocketMQ 5.1.4 to 5.4.0, with their detector (startDetectorEnable).
func Avoid54() *Avoidance {
	return &Avoidance{Failed: 10 * time.Second, Detect: 3 * time.Second, DetectTimeout: 200 * time.Millisecond, Steps: []AvoidStep{
		{550 * time.Millisecond, 2 * time.Second}, {1800 * time.Millisecond, 5 * time.Second}, {3 * time.Second, 6 * time.Second},
		{5 * time.Second, 10 * time.Second}, {15 * time.Second, 30 * time.Second},
	}}
}

// AvoidanceNamed is what scenarios call so: "java-4.5.1" or "java-5.4".
func AvoidanceNamed(name string) (*Avoidance, error) {
	switch name {
	case "java-4.5.1":
		return Avoid451(), nil
	case "java-5.4":
		return Avoid54(), nil
	}
	return nil, fmt.Errorf("avoidance %q is none of java-4.5.1, java-5.4", name)
}

// after is how long a send of this latency, or one that failed, keeps others away (MQFaultStrategy.computeNotAvailableDuration).
func (a *Avoidance) after(latency time.Duration, failed bool) time.Duration {
	if failed {
		latency = a.Failed
	}
	for i := len(a.Steps) - 1; i >= 0; i-- {
		if latency >= a.Steps[i].From {
			return a.Steps[i].For
		}
	}
	return 0
}

// Avoided is a broker that sends avoid.
type Avoided struct {
	Broker    string
	Since     time.Time     // the send that it began with ended then
	Until     time.Time     // in the past for a broker that only can't be reached
	Latency   time.Duration // of the last send that was slow or failed
	Reachable bool          // false: not even when all are avoided, if others can be reached
}

// Avoided are the brokers that this producer avoids now, by name. None without Options.Avoid.
func (p *Producer) Avoided() []Avoided {
	if p.avoid == nil {
		return nil
	}
	var list []Avoided
	now, wall := remoting.Nanotime(), wallClock()
	for broker, x := range p.avoid.now.Load().of {
		if !x.over(now) {
			list = append(list, Avoided{Broker: broker, Since: wall(x.since), Until: wall(x.until), Latency: x.latency, Reachable: x.reachable})
		}
	}
	slices.SortFunc(list, func(a, b Avoided) int { return strings.Compare(a.Broker, b.Broker) })
	return list
}

// fault is what is held against a broker. Times are remoting.Nanotime.
type fault struct {
	since, until int64
	latency      time.Duration
	reachable    bool
}

func (x *fault) over(now int64) bool { return x.reachable && x.until <= now }

// faults is what is held against brokers at one moment; it never changes.
type faults struct {
	of    map[string]fault
	until int64 // the latest of theirs; only if there are any
}

// available says that sends need not avoid the broker. Nil has no faults.
func (f *faults) available(broker string, now int64) bool {
	if f == nil {
		return true
	}
	x, known := f.of[broker]
	return !known || x.until <= now
}

// reachable is what is left to ask when all are to be avoided.
func (f *faults) reachable(broker string) bool {
	if f == nil {
		return true
	}
	x, known := f.of[broker]
	return !known || x.reachable
}

// with is the faults with another one, and without those that are over by now.
func (f *faults) with(broker string, x fault, now int64) *faults {
	next := &faults{of: maps.Clone(f.of), until: x.until}
	if next.of == nil {
		next.of = map[string]fault{}
	}
	next.of[broker] = x
	maps.DeleteFunc(next.of, func(_ string, x fault) bool { return x.over(now) })
	for _, x := range next.of {
		next.until = max(next.until, x.until)
	}
	return next
}

// blame is what the end of a send says of its broker.
type blame struct {
	told      bool // anything at all
	failed    bool
	reachable bool
}

// blameFor: what a broker refused and what never came back is its fault; what we ourselves gave up is not. Who counts as
// out of reach differs in RocketMQ between sync and async sends (DefaultMQProducerImpl.sendDefaultImpl,
// MQClientAPIImpl.sendMessageAsync, 5.4.0).
func blameFor(err error, async, detecting bool) blame {
	if err == nil {
		return blame{told: true, reachable: true}
	}
	if _, refused := errors.AsType[*remoting.BrokerError](err); refused {
		return blame{told: true, failed: true, reachable: async}
	}
	ce, ok := errors.AsType[*remoting.CallError](err)
	switch {
	case !ok || errors.Is(err, remoting.ErrInFlight) || errors.Is(err, remoting.ErrFrameTooLarge) || errors.Is(err, remoting.ErrHook) || errors.Is(err, remoting.ErrClosed):
		return blame{}
	case async:
		return blame{told: true, failed: true, reachable: ce.Sent}
	}
	return blame{told: true, failed: true, reachable: !detecting}
}

// after is the faults once a send to the broker has ended so; the same ones if that changes nothing.
func (f *faults) after(how *Avoidance, broker string, latency time.Duration, b blame, now int64) *faults {
	x, known := f.of[broker]
	away := how.after(latency, b.failed)
	if away == 0 && b.reachable && (!known || x.reachable) {
		return f
	}
	if !known || x.over(now) {
		x.since, x.until = now, now
	}
	x.until, x.latency, x.reachable = max(x.until, now+int64(away)), latency, b.reachable // never sooner than it was
	return f.with(broker, x, now)
}

// reached is the faults once the broker answers again, or when no route knows it any more.
func (f *faults) reached(broker string, gone bool, now int64) *faults {
	x, known := f.of[broker]
	if !known {
		return f
	}
	if x.reachable = true; gone {
		x.until = now
	}
	return f.with(broker, x, now)
}

// avoider keeps a producer's faults.
type avoider struct {
	how  Avoidance
	now  atomic.Pointer[faults] // never nil; sends read it without a lock
	stop context.CancelFunc     // ends the detector
	work sync.WaitGroup         // the detector

	mu     sync.Mutex // held by who changes now; protects spells
	spells spells
}

// newAvoider is nil for nil.
func newAvoider(how *Avoidance) *avoider {
	if how == nil {
		return nil
	}
	a := &avoider{how: *how, stop: func() {}}
	a.how.Steps = slices.Clone(how.Steps)
	a.now.Store(&faults{})
	return a
}

// at is the faults if some broker is to be avoided at that time, else nil.
func (a *avoider) at(now int64) *faults {
	if f := a.now.Load(); len(f.of) > 0 && f.until > now {
		return f
	}
	return nil
}

// note takes in how a send ended.
func (a *avoider) note(broker string, latency time.Duration, b blame, now int64) {
	after := func(f *faults) *faults { return f.after(&a.how, broker, latency, b, now) }
	if f := a.now.Load(); !b.told || after(f) == f { // most sends change nothing
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.now.Load()
	next := after(before)
	a.now.Store(next)
	if a.how.after(latency, b.failed) > 0 {
		a.spells.blamed(broker, before.of[broker].until, next.of[broker], b.failed, now)
	}
}

// reached takes in that the broker answers again, or is gone from every route.
func (a *avoider) reached(broker string, gone bool, now int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now.Store(a.now.Load().reached(broker, gone, now))
	if gone {
		a.spells.gone(broker, now)
	}
}
