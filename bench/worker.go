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

// load is one case under way.
type load struct {
	plan     *plan
	sender   Sender
	recorder *recorder
	start    int64        // remoting.Nanotime of the case's beginning
	slots    chan slot    // open loop
	idle     atomic.Int64 // open loop: see pacer
	batches  BatchSender  // mode batch: the sender
	throttle *throttle    // closed loop with a cap; else nil
	claimed  atomic.Int64 // closed loop with a count: measured sends begun

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
	l := &load{plan: p, sender: sender, recorder: newRecorder(p), stopCtx: ctx}
	l.sendCtx, l.cut = context.WithCancelCause(context.WithoutCancel(ctx))
	if p.mode == scenarios.Async {
		l.asyncs = make([]asyncSend, p.inFlight)
		l.free = make(chan *asyncSend, p.inFlight)
		for i := range l.asyncs {
			l.asyncs[i].init(l, i)
			l.free <- &l.asyncs[i]
		}
	}
	if p.open {
		l.slots = make(chan slot, cmp.Or(p.backlog, backlog))
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
			w.parcel = newParcel(l.batches, l.plan.mould, l.plan.batch)
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
	sends   int64            // that it has begun
	message producer.Message // sync and oneway: used again for each send
	parcel  *parcel          // batch
	next    *asyncSend       // async: the permit in hand
	held    int64            // how long it had a send in flight
}

// open takes slots as they fall due until there are no more. A slot that it takes when the load is over is dropped.
func (w *worker) open() {
	for s := range w.slots {
		waited, ok := w.admit()
		if !ok {
			return
		}
		w.send(s.index, s.size, s.due, int(s.stage), s.free && !waited)
		w.idle.Add(1)
	}
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
		w.send(w.first+w.sends*int64(w.plan.batch), n, -1, stage, false)
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
	if w.plan.mode != scenarios.Async {
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

// send sends n messages, the first of which is number i and which have been admitted; due below 0 means when it is called.
func (w *worker) send(i, n, due int64, stage int, free bool) {
	stamped := w.sends%anatomyEvery == 0
	w.sends++
	if w.parcel != nil {
		w.sendBatch(sample{due: due, stage: int16(stage), free: free}, i, n)
		return
	}
	m := &w.message
	if w.plan.mode == scenarios.Async {
		m = &w.next.message
	}
	w.plan.mould.fill(m, i)
	m.Stamped = stamped
	called := w.now()
	if due < 0 {
		due = called
	}
	s := sample{due: due, called: called, stage: int16(stage), size: int32(len(m.Body)), free: free}
	if w.plan.mode == scenarios.Async {
		w.next.begin(s)
		w.next = nil
		return
	}
	var res producer.SendResult
	var err error
	if w.plan.mode == scenarios.Oneway {
		res, err = w.sender.SendOneway(w.sendCtx, &w.message)
	} else {
		res, err = w.sender.Send(w.sendCtx, &w.message)
	}
	s.done = w.now()
	w.held += s.done - s.called
	w.recorder.record(w.buffer, s, &res, err)
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

// begin makes the send.
func (a *asyncSend) begin(s sample) {
	l := a.load
	a.sample = s
	l.ended.Add(1)
	a.live.Store(true)
	if err := l.sender.SendAsync(l.sendCtx, &a.message, a.callback); err != nil {
		a.end(producer.SendResult{}, err)
	}
}

// end is the callback. Of a send that was abandoned nothing is recorded any more.
func (a *asyncSend) end(res producer.SendResult, err error) {
	l := a.load
	if !a.live.CompareAndSwap(true, false) {
		return
	}
	a.sample.done = l.now()
	a.held += a.sample.done - a.sample.called
	l.recorder.recordShared(a.buffer, a.sample, &res, err)
	l.free <- a
	l.ended.Done()
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

// abandon ends every async send that has no answer when the drain's time is up: what became of it is not known. It runs
// when no worker does.
func (l *load) abandon() {
	err := &producer.SendError{Topic: l.plan.mould.topic, Ambiguous: true, Err: errDrained}
	for i := range l.asyncs {
		if a := &l.asyncs[i]; a.live.CompareAndSwap(true, false) {
			a.sample.done = l.now()
			a.held += a.sample.done - a.sample.called
			l.recorder.recordShared(a.buffer, a.sample, &producer.SendResult{}, err)
			l.ended.Done()
		}
	}
}
