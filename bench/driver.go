package bench

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// drainFor bounds how long sends that are under way, or that fell due and wait, may take after the last stage.
const drainFor = 5 * time.Second

// measurement is what driving a case gave.
type measurement struct {
	plan         *plan
	warmup       *measurement // that ended by itself and went before; nil: there was none
	tallies      []tally      // by stage
	anatomy      *anatomy     // of the measured stages
	ledger       *ledger
	queues       []producer.MessageQueue // of the topics, when the case began; nil: unknown
	offered      []int64                 // by stage
	ofKinds      [][]int64               // the same, by stage and kind
	wire         *remoting.Stats         // what went over the connections since the measured stages began; nil: unknown
	network      *remoting.TCPInfo       // of the connections at the end; nil: unknown
	began        time.Time
	start        int64                 // the same as remoting.Nanotime
	offset       int64                 // the same, since the run's beginning
	late         *int64                // ns after the time at which all shares were to begin it; nil: it is nobody's share
	transactions *results.Transactions // mode transaction; nil: not known yet
	replier      *results.Replier      // mode request; nil: not known yet
	interrupted  bool
	stopped      *stopped // why the case ended before its load was over; nil: it didn't, or was interrupted
	workers      int      // how many there were in the end
	process      usage    // of the measured stages, drain included
	stood        stood    // still, of the whole case
	timerP99     int64    // nanoseconds
	spun         int64    // nanoseconds that the pacer passed on a processor, waiting

	routes   *routeWatch           // nil: nobody looked
	others   []results.OtherTopics // nil: nobody asked
	series   series
	events   []results.Event
	avoided  *avoided              // nil: no broker was to be avoided
	verified *results.Verification // nil: nobody asked

	warm   bool  // it was a warm-up, and ended because its windows agreed
	lasted int64 // ns until no send began any more, its last stage at the most

	inFlightIntegral *int64 // sends in flight over time, nanoseconds, warm-up included; nil: they are still under way
}

// watcher is who looks on while a case runs. Any of its functions may be nil.
type watcher struct {
	gate  func(context.Context) int64 // waits until the case may begin, and says how many ns after its time that is
	began func()                      // the case's time begins
	wire  func() remoting.Stats       // what went over the connections so far
	tick  func(Progress)              // now and then
	wall  func() time.Time            // the time of day; nil: time.Now

	hurry <-chan struct{} // closed: sends under way are cut off, and not drained; nil: never

	untilWarm bool // it is a warm-up, and ends when its windows agree

	stops  *stops                      // nil: nothing ends the case early
	review func(*measurement) *stopped // stops', at an interval's end

	brokers    func() []results.BrokerPoint            // what they said of themselves last
	interval   func(results.Point, *results.Histogram) // each, when it ends; nil: nobody wants them
	checkpoint func(*measurement)                      // at least every checkpointEvery: what there is so far, its own
}

// drive puts a case's load on sender and returns when the last send has ended. ctx's end stops new sends; what is under
// way is drained for at most drainFor, and so is what still waits or is under way when the last stage is over: what is
// not done by then is cut off, or dropped if it was not called. wait is how the pacer waits.
func drive(caller context.Context, p *plan, sender Sender, wait waiter, look watcher) (*measurement, error) {
	ctx, stop := context.WithCancelCause(caller)
	defer stop(nil)
	l := newLoad(ctx, p, sender)
	defer l.cut(nil)
	if p.mode == scenarios.Batch {
		for _, s := range l.senders {
			if _, ok := s.(BatchSender); !ok {
				return nil, errNoBatches
			}
		}
	}
	runtime.GC() // what making the load, and a case before, left behind isn't this one's
	m := &measurement{plan: p, anatomy: &l.recorder.anatomy, ledger: &l.recorder.ledger}
	if look.gate != nil {
		m.late = new(look.gate(ctx))
	}
	m.began = time.Now()
	l.start = remoting.Nanotime()
	l.recorder.start = l.start
	m.start = l.start
	if look.tick != nil {
		l.recorder.ledger.recent = &window{}
	}
	stopWatch := l.watch(m, look, stop)
	if look.began != nil {
		look.began()
	}
	l.endWithin(time.Duration(min(p.length(), int64(scenarios.MaxDuration))) + drainFor)
	stopHurry := context.AfterFunc(ctx, func() { l.endWithin(drainFor) })
	defer l.cutAt(look.hurry)()

	if !p.cap.IsZero() {
		l.throttle = newThrottle(ctx, p.cap, time.Duration(p.length()))
		defer l.throttle.close()
	}
	for range p.workers {
		l.spawn()
	}
	var pace *pacer
	if p.open {
		pace = l.pace(wait)
		if p.count > 0 { // its last slot has been handed out, whenever that was
			l.endWithin(drainFor)
		}
	}
	l.workers.Wait()
	lasted := min(l.now(), p.length())
	stopAbandon := context.AfterFunc(l.sendCtx, l.abandon)
	l.ended.Wait()
	stopAbandon()
	stopHurry()
	l.limit.Stop()
	stopWatch() // m is nobody else's from here on
	if pace != nil {
		m.spun = pace.spun
	}
	m.lasted = lasted
	m.interrupted = caller.Err() != nil
	m.warm = errors.Is(context.Cause(ctx), errWarm)
	if why, ok := errors.AsType[*stopped](context.Cause(ctx)); ok {
		m.stopped = why
	}

	last, err := l.recorder.finish()
	if err = errors.Join(l.collectErr, err); err != nil {
		return nil, err
	}
	m.series.add(l.now(), last, look.brokersNow())
	look.tell(&m.series, last)
	m.ledger.endInterval()
	m.tallies = l.recorder.snapshot()
	m.workers, m.inFlightIntegral = int(l.spawned.Load()), new(l.inFlightIntegral())
	m.offered, m.ofKinds = l.offered(pace, m.tallies)
	return m, nil
}

// cutAt cuts off what is under way when hurry is closed, until the function that it returns is called.
func (l *load) cutAt(hurry <-chan struct{}) (stop func()) {
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-hurry:
			l.cut(errHurried)
		case <-over:
		}
	})
	return func() { close(over); watching.Wait() }
}

// pace hands out the slots of an open loop, and returns when the last one is handed out or no send may begin any more.
func (l *load) pace(wait waiter) *pacer {
	p := &pacer{plan: l.plan, start: l.start, slots: l.slots, idle: &l.idle, wait: wait, measuring: l.measuring}
	if l.plan.auto && l.plan.mode != scenarios.Async { // async workers wait for permits only, and more of them wouldn't help
		p.grow = l.grow
	}
	ctx, stop := mergeDone(l.stopCtx, l.sendCtx)
	defer stop()
	var paced sync.WaitGroup
	paced.Go(func() { p.run(ctx) }) // a goroutine of its own: it owns its thread
	paced.Wait()
	return p
}

// mergeDone is a context that ends with either.
func mergeDone(a, b context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(a)
	stop := context.AfterFunc(b, cancel)
	return ctx, func() { stop(); cancel() }
}

// offered is how many sends fell due, by stage, and by stage and kind: on a closed loop those that were made and those that still
// waited for their key; on an open loop those whose time had come when the pacer stopped.
func (l *load) offered(pace *pacer, tallies []tally) (byStage []int64, ofKinds [][]int64) {
	if pace != nil {
		return pace.offered, pace.ofKinds
	}
	byStage, ofKinds = l.plan.attempted(tallies)
	if l.lanes != nil {
		l.lanes.left(func(s slot) {
			byStage[s.stage] += s.size
			ofKinds[s.stage][l.plan.mould.kindOf(s.index)] += s.size
		})
	}
	return byStage, ofKinds
}

// attempted is how many sends were made, by stage, and by stage and kind.
func (p *plan) attempted(tallies []tally) (byStage []int64, ofKinds [][]int64) {
	byStage, ofKinds = make([]int64, len(p.stages)), p.byKind()
	for i := range byStage {
		byStage[i] = tallies[i].counts.Attempted
		for k := range tallies[i].kinds {
			ofKinds[i][k] = tallies[i].kinds[k].counts.Attempted
		}
	}
	return byStage, ofKinds
}

// byKind is a zero for each kind of each stage.
func (p *plan) byKind() [][]int64 {
	counts := make([][]int64, len(p.stages))
	for i := range counts {
		counts[i] = make([]int64, len(p.mould.kinds))
	}
	return counts
}

// watchEvery is how often progress is told.
const watchEvery = 250 * time.Millisecond

// checkpointEvery: no more than so much of a run is lost with its process, and a moment for writing it down.
const checkpointEvery = 5 * time.Second

// brokersNow is what brokers said of themselves last.
func (w *watcher) brokersNow() []results.BrokerPoint {
	if w.brokers == nil {
		return nil
	}
	return w.brokers()
}

// wireNow is what went over the connections so far.
func (w *watcher) wireNow() remoting.Stats {
	if w.wire == nil {
		return remoting.Stats{}
	}
	return w.wire()
}

// watch notes what the process had used when the measured stages began, and while the case runs it tells progress, cuts the
// series, makes checkpoints and stops the case where it must, all on a goroutine of its own. The function that it returns ends
// it and completes m.
func (l *load) watch(m *measurement, look watcher, stop context.CancelCauseFunc) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	used := &used{}
	used.begin(&look)
	still := &standstill{clock: look.wall}
	if l.plan.measuredFrom() > 0 {
		l.mark = func() { used.begin(&look) }
	}
	var done sync.WaitGroup
	done.Go(func() { still.watch(ctx) })
	done.Go(func() {
		every := time.NewTicker(watchEvery)
		defer every.Stop()
		var saved time.Time
		tells := &teller{tick: look.tick}
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			l.recorder.look()
			if look.tick != nil || look.stops != nil {
				l.tell(&look, tells, stop)
			}
			if now := l.now(); m.series.due(now) {
				l.endInterval(m, now, &look)
				if look.untilWarm && m.series.warm() {
					stop(errWarm)
				}
				if s := look.stops; s != nil && s.slo && now >= l.plan.measuredFrom()+s.grace {
					if why := look.review(l.soFar(m, used, still, &look)); why != nil {
						stop(why)
					}
				}
			}
			if look.checkpoint != nil && time.Since(saved) >= checkpointEvery-watchEvery {
				l.endInterval(m, l.now(), &look)
				look.checkpoint(l.soFar(m, used, still, &look))
				saved = time.Now()
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
		m.stood = still.so()
		used.end(m, &look)
	}
}

// tell says how far the case is to whoever wants to know, and stops it if that says so.
func (l *load) tell(look *watcher, tells *teller, stop context.CancelCauseFunc) {
	now := l.now()
	counts := l.recorder.progress()
	if look.tick != nil {
		tells.tell(l, now, &counts)
	}
	if look.stops == nil {
		return
	}
	if why := look.stops.look(now, counts.Attempted, counts.Successes()); why != nil {
		stop(why)
	}
}

// tell gives the interval that has just ended to whoever wants it.
func (w *watcher) tell(s *series, t *tally) {
	if w.interval == nil {
		return
	}
	times := t.service
	if t.response != nil {
		times = t.response
	}
	w.interval(s.points[len(s.points)-1], times)
}

// endInterval adds an interval to the series.
func (l *load) endInterval(m *measurement, now int64, look *watcher) {
	t, err := l.recorder.collect()
	if err != nil {
		l.collectErr = errors.Join(l.collectErr, err)
		return
	}
	m.series.add(now, t, look.brokersNow())
	look.tell(&m.series, t)
	m.ledger.endInterval()
}

// soFar is m with the sends that have ended; those that are due or under way aren't in it.
func (l *load) soFar(m *measurement, used *used, still *standstill, look *watcher) *measurement {
	so := *m
	so.tallies, so.workers = l.recorder.snapshot(), int(l.spawned.Load())
	so.offered, so.ofKinds = l.plan.attempted(so.tallies)
	so.stood = still.so()
	used.end(&so, look)
	return &so
}

// used is what the process, and the connections, had used when the measured stages began.
type used struct {
	mu      sync.Mutex // protects following
	process usage
	wire    remoting.Stats
}

func (u *used) begin(look *watcher) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.process, u.wire = currentUsage(), look.wireNow()
}

// end puts into m what has been used since.
func (u *used) end(m *measurement, look *watcher) {
	u.mu.Lock()
	defer u.mu.Unlock()
	m.process = currentUsage().since(&u.process)
	if look.wire != nil {
		m.wire = new(look.wire().Since(u.wire))
	}
}
