package bench

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/scenarios"
)

// errDrained is the cause of sends that the bounded drain cut off.
var errDrained = errors.New("the drain's time was up")

// errHurried is the cause of sends that were cut off because the run was to end at once.
var errHurried = errors.New("the run was to end at once")

// load is one case under way.
type load struct {
	plan     *plan
	senders  []Sender // who share the load; see senderOf
	recorder *recorder
	start    int64         // remoting.Nanotime of the case's beginning
	slots    chan slot     // open loop
	idle     atomic.Int64  // open loop: see pacer
	throttle *throttle     // closed loop with a cap; else nil
	claimed  atomic.Int64  // closed loop with a count: measured sends begun
	lanes    *lanes        // ordered; else nil
	taking   chan struct{} // ordered, open loop: full while somebody takes a slot, who gives it its place in its key's lane before the next is taken
	bytes    *budget       // async with a bound on bytes; else nil

	asyncs []asyncSend     // async: one for each that may be in flight
	free   chan *asyncSend // those without a send under way: taking one is the permit to send
	ended  sync.WaitGroup  // async sends under way

	collectErr error // of the goroutine that watches

	mark    func() // notes what has been used when measuring begins; nil: that has been noted
	marking sync.Once

	stopCtx context.Context // no new send once it has ended
	sendCtx context.Context // of each send; ends when the drain's time is up
	cut     context.CancelCauseFunc
	workers sync.WaitGroup
	spawned atomic.Int64
	held    atomic.Int64 // how long workers that have ended had a send in flight, together

	mu      sync.Mutex  // protects following
	limit   *time.Timer // calls cut; nil: no end is set yet
	limitAt int64       // when, remoting.Nanotime
}

// newLoad prepares a case; ctx's end stops new sends.
func newLoad(ctx context.Context, p *plan, sender Sender) *load {
	l := &load{plan: p, senders: membersOf(sender), recorder: newRecorder(p), stopCtx: ctx}
	l.sendCtx, l.cut = context.WithCancelCause(context.WithoutCancel(ctx))
	if p.mode == scenarios.Async {
		l.asyncs = make([]asyncSend, p.inFlight)
		l.free = make(chan *asyncSend, p.inFlight)
		for i := range l.asyncs {
			l.asyncs[i].init(l, i)
			l.free <- &l.asyncs[i]
		}
	}
	if p.inFlightBytes > 0 {
		l.bytes = newBudget(p.inFlightBytes)
	}
	if p.open {
		l.slots = make(chan slot, cmp.Or(p.backlog, backlog))
	}
	if p.ordered { // in a closed loop a worker that waits for an answer waits for its key too
		l.taking = make(chan struct{}, 1)
		l.lanes = newLanes(p.mould.keys.distinct(), cmp.Or(cap(l.slots), p.inFlight), p.backlog > 0)
	}
	return l
}

// now is the case's time in nanoseconds.
func (l *load) now() int64 { return remoting.Nanotime() - l.start }

// measuring is called before each measured send of a closed loop, and by the pacer; the first call counts.
func (l *load) measuring() {
	if l.mark != nil {
		l.marking.Do(l.mark)
	}
}

// over reports whether no send may begin any more.
func (l *load) over() bool { return l.stopCtx.Err() != nil || l.sendCtx.Err() != nil }

// endWithin cuts off what is still under way after d, or earlier if that was asked for before.
func (l *load) endWithin(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := remoting.Nanotime() + int64(d)
	switch {
	case l.limit == nil:
		l.limit = time.AfterFunc(d, func() { l.cut(errDrained) })
	case at < l.limitAt:
		l.limit.Reset(d)
	default:
		return
	}
	l.limitAt = at
}

// spawn starts one more worker.
func (l *load) spawn() {
	n := l.spawned.Add(1)
	l.idle.Add(1)
	l.workers.Go(func() {
		w := worker{load: l, buffer: l.recorder.buffer(), first: n << 32}
		l.plan.mould.begin(&w.message)
		if l.plan.mode == scenarios.Batch {
			w.parcel = newParcel(l.plan.mould, l.plan.batch)
		}
		if l.plan.open {
			w.open()
		} else {
			w.closed()
		}
		l.held.Add(w.held)
	})
}

// grow is the pacer's wish for one more worker.
func (l *load) grow() {
	if l.spawned.Load() < maxAutoWorkers {
		l.spawn()
	}
}

// worker is one goroutine's state.
type worker struct {
	*load
	buffer  *sampleBuffer
	first   int64            // closed loop: number of its first send, far from those of other workers
	taken   int64            // closed loop: sends that it has undertaken
	sends   int64            // that it has begun
	message producer.Message // sync and oneway: used again for each send
	parcel  *parcel          // batch
	next    *asyncSend       // async: the permit in hand
	held    int64            // how long it had a send in flight
}

// open takes slots as they fall due until there are no more. A slot that it takes when the load is over is dropped.
func (w *worker) open() {
	for {
		s, mine, ok := w.take()
		if !ok {
			return
		}
		if mine {
			w.carry(s)
		}
		w.idle.Add(1)
	}
}

// take waits for a slot, and for what it takes to send it; ok is false if there are no more. It is not the caller's where its
// key is taken: whoever has that sends it.
func (w *worker) take() (s slot, mine, ok bool) {
	if w.lanes != nil {
		w.taking <- struct{}{} // no mutex: in virtual time one who waits for a mutex stops the clock
		defer func() { <-w.taking }()
	}
	if s, ok = <-w.slots; !ok {
		return s, false, false
	}
	waited, ok := w.admit()
	if !ok {
		return s, false, false
	}
	s.free = s.free && !waited
	mine = w.lanes == nil || w.lanes.enter(w.plan.mould.keyOf(s.index), s, w.stopCtx, w.sendCtx)
	if !mine && w.next != nil { // the next to take a slot may be another worker, which must not wait for this one's permit
		w.free <- w.next
		w.next = nil
	}
	return s, mine, true
}

// closed sends as fast as replies come until the last stage is over or the count is reached.
func (w *worker) closed() {
	for {
		if !w.throttle.pass() {
			return
		}
		if _, ok := w.admit(); !ok {
			return
		}
		stage := w.plan.stageAt(w.now())
		n := int64(0)
		if stage >= 0 {
			n = w.claim(stage)
		}
		if n == 0 {
			if w.next != nil {
				w.free <- w.next
			}
			return
		}
		if !w.plan.stages[stage].warmup {
			w.measuring()
		}
		s := slot{index: w.first + w.taken*int64(w.plan.batch), size: n, due: -1, stage: int16(stage)}
		w.taken++
		w.deliver(s)
	}
}

// deliver sends a closed loop's slot that has been admitted. If the sends of a key are kept apart, and another one has this
// one's, that one's end sends it.
func (w *worker) deliver(s slot) {
	if w.lanes != nil {
		s.due = w.now() // from here on it waits for its key
		if !w.lanes.enter(w.plan.mould.keyOf(s.index), s, w.stopCtx, w.sendCtx) {
			return
		}
	}
	w.carry(s)
}

// carry sends a slot whose key is the caller's, and then those that wait for the key.
func (w *worker) carry(s slot) {
	if w.lanes == nil || w.plan.mode == scenarios.Async { // its end leaves the key
		w.send(s)
		return
	}
	key := w.plan.mould.keyOf(s.index)
	for more := true; more; {
		w.send(s)
		if w.over() {
			return
		}
		s, more = w.lanes.leave(key)
		s.free = false // it waited for its key, and not for a worker
	}
}

// claim takes a send's messages of the count and gives how many are left for it; 0: all of them have been taken. With the
// last ones the drain begins.
func (w *worker) claim(stage int) int64 {
	batch := int64(w.plan.batch)
	if w.plan.count == 0 || w.plan.stages[stage].warmup {
		return batch
	}
	before := w.claimed.Add(batch) - batch
	if before < w.plan.count && before+batch >= w.plan.count {
		w.throttle.close()
		w.endWithin(drainFor)
	}
	return max(min(batch, w.plan.count-before), 0)
}

// admit waits, if the mode is async, until one more send may be in flight; false: the load is over.
func (w *worker) admit() (waited, ok bool) {
	if w.over() {
		return false, false
	}
	if w.plan.mode != scenarios.Async || w.next != nil { // or the last one's key was taken
		return false, true
	}
	select {
	case w.next = <-w.free:
		return false, true
	default:
	}
	select {
	case w.next = <-w.free:
		return true, true
	case <-w.stopCtx.Done():
	case <-w.sendCtx.Done():
	}
	w.next = nil
	return true, false
}

// send sends a slot's messages.
func (w *worker) send(s slot) {
	stamped := w.sends%anatomyEvery == 0
	w.sends++
	switch {
	case w.parcel != nil:
		w.sendBatch(s)
		return
	case w.plan.mode == scenarios.Async:
		w.sendAsync(s, stamped)
		return
	}
	x := w.sampleOf(&w.message, s, stamped)
	var res producer.SendResult
	var err error
	sender, mode := w.senderOf(s.index), w.plan.mould.kinds[x.kind].mode
	if t, ok := sender.(*transactions); ok && mode == scenarios.Sync { // goes beside transactions
		sender = t.Producer
	}
	if mode == scenarios.Oneway {
		res, err = sender.SendOneway(w.sendCtx, &w.message)
	} else {
		res, err = sender.Send(w.sendCtx, &w.message)
	}
	x.done = w.now()
	w.held += x.done - x.called
	w.recorder.record(w.buffer, x, &res, err)
}

// sendAsync begins a send with the permit in hand, when there is room for its bytes.
func (w *worker) sendAsync(s slot, stamped bool) {
	waited, ok := w.bytes.take(int64(len(w.plan.mould.bodyOf(s.index))), w.stopCtx, w.sendCtx)
	if !ok { // dropped
		return
	}
	s.free = s.free && !waited
	w.ended.Add(1)
	w.next.begin(s, stamped)
	w.next = nil
}

// sampleOf makes m the slot's message, about to be sent. A slot without a time of its own is due when it is called.
func (l *load) sampleOf(m *producer.Message, s slot, stamped bool) sample {
	key, topic := l.plan.mould.fill(m, s.index), l.plan.mould.topicOf(s.index)
	m.Topic, m.Stamped = l.plan.mould.topics[topic], stamped
	x := sample{index: s.index, due: s.due, called: l.now(), stage: s.stage, size: int32(len(m.Body)), key: key, topic: int8(topic), kind: int8(l.plan.mould.kindOf(s.index)), free: s.free}
	if x.due < 0 {
		x.due = x.called
	}
	return x
}

// asyncSend is a permit for one send in flight, and that send; used again and again so that a send allocates nothing here.
//
//	free   begin            live
//	live   answer or error  free
//	live   abandon          never used again: the sender may still hold the message
type asyncSend struct {
	load     *load
	message  producer.Message
	sample   sample
	live     atomic.Bool
	held     int64 // how long the permit was taken; whose it is at the time, adds to it
	buffer   *sharedBuffer
	callback func(producer.SendResult, error) // end, bound once
}

func (a *asyncSend) init(l *load, i int) {
	a.load = l
	l.plan.mould.begin(&a.message)
	a.buffer = &l.recorder.shared[i%len(l.recorder.shared)]
	a.callback = a.end
}

// begin makes the send, and if that fails at once the one that waits for its key, until one is under way or none waits.
func (a *asyncSend) begin(s slot, stamped bool) {
	l := a.load
	for more := true; more; {
		a.sample = l.sampleOf(&a.message, s, stamped)
		a.live.Store(true)
		err := l.senderOf(s.index).SendAsync(l.sendCtx, &a.message, a.callback)
		if err == nil {
			break
		}
		s, more = a.finish(&producer.SendResult{}, err)
	}
	if l.lanes != nil && l.sendCtx.Err() != nil { // abandon may have been here before this send was live
		a.abandon()
	}
}

// end is the callback.
func (a *asyncSend) end(res producer.SendResult, err error) {
	if s, more := a.finish(&res, err); more {
		a.begin(s, false)
	}
}

// finish files the send that has ended, and gives the slot that waits for its key; of a send that was abandoned nothing is
// filed any more. With a next slot the permit stays taken, and the bytes are that one's from here on, be they more.
func (a *asyncSend) finish(res *producer.SendResult, err error) (next slot, more bool) {
	l := a.load
	if !a.live.CompareAndSwap(true, false) {
		return slot{}, false
	}
	a.sample.done = l.now()
	a.held += a.sample.done - a.sample.called
	l.recorder.recordShared(a.buffer, a.sample, res, err)
	if l.lanes != nil && !l.over() {
		if next, more = l.lanes.leave(a.sample.key); more {
			l.bytes.swap(int64(a.sample.size), int64(len(l.plan.mould.bodyOf(next.index))))
			next.free = false // it waited for its key, and not for a permit
			return next, true
		}
	}
	l.bytes.give(int64(a.sample.size))
	l.free <- a
	l.ended.Done()
	return slot{}, false
}

// inFlightIntegral is sends in flight over time, in nanoseconds: the sum over all permits to send, a worker's or an async
// send's, of the time for which each was taken. Nobody but a permit's holder keeps it, so that it takes no lock; the
// recorder's sum of the sends' times comes on another way and must be the same. It runs when nothing is in flight.
func (l *load) inFlightIntegral() int64 {
	sum := l.held.Load()
	for i := range l.asyncs {
		sum += l.asyncs[i].held
	}
	return sum
}

// abandon ends every async send that has no answer when sendCtx has ended: what became of it is not known. It runs
// when no worker does.
func (l *load) abandon() {
	for i := range l.asyncs {
		l.asyncs[i].abandon()
	}
}

func (a *asyncSend) abandon() {
	l := a.load
	if !a.live.CompareAndSwap(true, false) {
		return
	}
	a.sample.done = l.now()
	a.held += a.sample.done - a.sample.called
	l.recorder.recordShared(a.buffer, a.sample, &producer.SendResult{}, &producer.SendError{Topic: a.message.Topic, Ambiguous: true, Err: context.Cause(l.sendCtx)})
	l.ended.Done()
}
