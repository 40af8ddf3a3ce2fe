package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

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
	oneway   bool
	start    int64          // remoting.Nanotime of the case's beginning
	slots    chan slot      // open loop
	idle     atomic.Int64   // open loop: workers that wait for a slot
	permits  chan struct{}  // async: one a send without an answer
	claimed  atomic.Int64   // closed loop with a count: measured sends begun
	bodyAt   atomic.Int64   // which body of the pool comes next
	sends    sync.Pool      // *asyncSend
	ended    sync.WaitGroup // async sends under way

	sendCtx context.Context // of each send; ends when the drain's time is up
	stopCtx context.Context // no new send once it has ended
	workers sync.WaitGroup
	spawned atomic.Int64
}

// now is the case's time in nanoseconds.
func (l *load) now() int64 { return remoting.Nanotime() - l.start }

// spawn starts one more worker.
func (l *load) spawn() {
	l.spawned.Add(1)
	l.workers.Go(func() {
		w := worker{load: l, buffer: l.recorder.buffer()}
		w.message.Topic = l.plan.topic
		if l.plan.open {
			w.open()
		} else {
			w.closed()
		}
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
	message producer.Message // sync and oneway: used again for each send
}

// open takes slots as they fall due until there are no more.
func (w *worker) open() {
	for {
		w.idle.Add(1)
		s, ok := <-w.slots
		w.idle.Add(-1)
		if !ok || w.stopCtx.Err() != nil {
			return
		}
		due, stage := w.plan.slot(s.index)
		if !w.send(due, stage, s.free) {
			return
		}
	}
}

// closed sends as fast as replies come until the last stage is over or the count is reached.
func (w *worker) closed() {
	for w.stopCtx.Err() == nil {
		stage := w.plan.stageAt(w.now())
		if stage < 0 {
			return
		}
		if w.plan.count > 0 && !w.plan.stages[stage].warmup && w.claimed.Add(1) > w.plan.count {
			return
		}
		if !w.send(-1, stage, false) {
			return
		}
	}
}

// send makes one send; due below 0 means when it is called. false: the load is over.
func (w *worker) send(due int64, stage int, free bool) bool {
	body := w.plan.bodies[int(w.bodyAt.Add(1)-1)%len(w.plan.bodies)]
	if w.plan.mode == scenarios.Async {
		return w.async(due, stage, free, body)
	}
	w.message.Body = body
	called := w.now()
	if due < 0 {
		due = called
	}
	var res producer.SendResult
	var err error
	if w.oneway {
		res, err = w.sender.SendOneway(w.sendCtx, &w.message)
	} else {
		res, err = w.sender.Send(w.sendCtx, &w.message)
	}
	s := sample{due: due, called: called, done: w.now(), stage: int16(stage), free: free}
	w.record(w.buffer, s, &res, err)
	return true
}

// record files a send by its outcome.
func (l *load) record(b *sampleBuffer, s sample, res *producer.SendResult, err error) {
	l.recorder.attempts(int(s.stage), max(res.Attempts-1, 0), res.Ambiguous)
	o, cause := classify(res, err, l.oneway)
	switch o {
	case acknowledged, written:
		l.recorder.success(b, s)
	case weak:
		l.recorder.other(s, o, res.Status.String())
	default:
		l.recorder.other(s, o, cause)
	}
}

// asyncSend is a send without an answer yet; used again and again so that a send allocates nothing here.
type asyncSend struct {
	load     *load
	message  producer.Message
	sample   sample
	callback func(producer.SendResult, error) // done, bound once
}

func (l *load) newAsyncSend() any {
	a := &asyncSend{load: l}
	a.message.Topic = l.plan.topic
	a.callback = a.done
	return a
}

// async waits for a permit and sends; the callback records.
func (w *worker) async(due int64, stage int, free bool, body []byte) bool {
	select {
	case w.permits <- struct{}{}:
	default:
		free = false // the in-flight cap holds it up, not the generator
		select {
		case w.permits <- struct{}{}:
		case <-w.stopCtx.Done():
			return false
		}
	}
	a := w.sends.Get().(*asyncSend)
	a.message.Body = body
	called := w.now()
	if due < 0 {
		due = called
	}
	a.sample = sample{due: due, called: called, stage: int16(stage), free: free}
	w.ended.Add(1)
	if err := w.sender.SendAsync(w.sendCtx, &a.message, a.callback); err != nil {
		a.done(producer.SendResult{}, err)
	}
	return true
}

// done is the callback of an async send.
func (a *asyncSend) done(res producer.SendResult, err error) {
	l := a.load
	a.sample.done = l.now()
	b := l.recorder.free.Get().(*sampleBuffer)
	l.record(b, a.sample, &res, err)
	l.recorder.free.Put(b)
	l.sends.Put(a)
	<-l.permits
	l.ended.Done()
}
