package bench

import (
	"context"
	"sync"
	"time"

	"rmqbench/remoting"
	"rmqbench/scenarios"
)

// drainFor bounds how long sends that are under way, or that fell due and wait, may take after the last stage.
const drainFor = 5 * time.Second

// Progress is a case under way, for whoever watches.
type Progress struct {
	Case      string
	Index, Of int           // of the run's cases, from 0
	Elapsed   time.Duration // of the case, warm-up included
	Total     time.Duration // 0: only a count ends it
	Ended     int64         // sends that have ended
	Failed    int64         // of those, neither acknowledged nor written
}

// measurement is what driving a case gave.
type measurement struct {
	plan        *plan
	tallies     []tally // by stage
	offered     []int64 // by stage
	wireBytes   int64   // written to sockets since the measured stages began; -1: unknown
	began       time.Time
	interrupted bool
	workers     int   // how many there were in the end
	spunNS      int64 // the pacer's spinning
	process     usage // of the measured stages, drain included
	timerP99    int64 // nanoseconds
}

// drive puts a case's load on sender and returns when the last send has ended. ctx's end stops new sends; what is under
// way is drained for at most drainFor. The plan is made ready; wait is how the pacer waits; wire counts bytes written.
func drive(ctx context.Context, p *plan, sender Sender, wait waiter, wire func() int64, tick func(elapsed time.Duration, ended, well int64)) (*measurement, error) {
	oneway := p.mode == scenarios.Oneway
	l := &load{plan: p, sender: sender, recorder: newRecorder(p, oneway), oneway: oneway, stopCtx: ctx}
	l.sends.New = l.newAsyncSend
	l.permits = make(chan struct{}, max(p.inFlight, 1))
	var cut context.CancelCauseFunc
	l.sendCtx, cut = context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)

	m := &measurement{plan: p, wireBytes: -1, began: time.Now()}
	l.start = remoting.Nanotime()
	before := currentUsage()
	stopWatch := l.watch(wire, m, &before, tick)

	// What waits when the last stage is over is drained; what is not done by then is cut off.
	limit := time.AfterFunc(time.Duration(min(p.length(), int64(scenarios.MaxDuration)))+drainFor, func() { cut(errDrained) })
	stopLimit := context.AfterFunc(ctx, func() { limit.Reset(drainFor) })

	var pace *pacer
	if p.open {
		l.slots = make(chan slot, backlog)
		pace = &pacer{plan: p, start: l.start, slots: l.slots, idle: &l.idle, wait: wait}
		if p.auto {
			pace.grow = l.grow
		}
	}
	for range p.workers {
		l.spawn()
	}
	if pace != nil {
		// Not a worker's goroutine: it owns its thread. It also ends when the drain's time is up.
		paceCtx, stopPace := mergeDone(ctx, l.sendCtx)
		var paced sync.WaitGroup
		paced.Go(func() { pace.run(paceCtx) })
		paced.Wait()
		stopPace()
		if t, ok := wait.(*threadWaiter); ok {
			m.spunNS = t.spun
		}
	}
	l.workers.Wait()
	l.ended.Wait()
	stopLimit()
	limit.Stop()
	m.interrupted = ctx.Err() != nil
	stopWatch()

	var err error
	if m.tallies, err = l.recorder.finish(); err != nil {
		return nil, err
	}
	m.workers = int(l.spawned.Load())
	m.offered = l.offered(pace, m.tallies)
	return m, nil
}

// mergeDone is a context that ends with either.
func mergeDone(a, b context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(a)
	stop := context.AfterFunc(b, cancel)
	return ctx, func() { stop(); cancel() }
}

// offered is how many sends fell due, by stage: on a closed loop those that were made; on an open loop those whose time
// had come when the pacer stopped.
func (l *load) offered(pace *pacer, tallies []tally) []int64 {
	offered := make([]int64, len(l.plan.stages))
	for i := range offered {
		offered[i] = tallies[i].counts.Attempted
		if pace == nil {
			continue
		}
		s := &l.plan.stages[i]
		due := min(max(l.now()-s.from, 0), s.to-s.from)
		if l.stopCtx.Err() != nil { // cut short: what was handed out is what fell due before that
			offered[i] = min(max(pace.handed-s.first, 0), s.slots)
			continue
		}
		offered[i] = min(slotsIn(due, s.rate), s.slots)
	}
	return offered
}

// watchEvery is how often progress is told.
const watchEvery = 250 * time.Millisecond

// watch notes what the process had used when the measured stages began, and tells progress. The function that it
// returns ends it and completes m.
func (l *load) watch(wire func() int64, m *measurement, before *usage, tick func(time.Duration, int64, int64)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wireBefore int64
	var done sync.WaitGroup
	done.Go(func() {
		measured := time.NewTimer(time.Duration(l.plan.measuredFrom()))
		defer measured.Stop()
		every := time.NewTicker(watchEvery)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-measured.C:
				*before = currentUsage()
				wireBefore = wire()
			case <-every.C:
				if tick != nil {
					ended, well := l.recorder.progress()
					tick(time.Duration(l.now()), ended, well)
				}
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
		m.process = currentUsage().since(before)
		m.wireBytes = wire() - wireBefore
	}
}
