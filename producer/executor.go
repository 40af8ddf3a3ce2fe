package producer

import (
	"runtime"
	"sync"

	"rmqbench/remoting"
)

// task is work for an executor; it survives its own panics.
type task interface{ run() }

// executor runs tasks on a few goroutines that exist while there is work; what waits for them is bounded. Tasks stand in a line
// for each thing that they may have to wait for, so that one broker's dial holds no other broker's sends up.
type executor struct {
	limit int // goroutines of a line at the most
	room  int // tasks that may wait, in all lines

	mu      sync.Mutex // protects following
	lines   map[string]*line
	waiting int // tasks
	closed  bool
}

// line is there while tasks wait in it, or run.
type line struct {
	queue   []task
	running int
}

// Room of the executors: for async sends that need a route or a connection first (DefaultMQProducerImpl's async sender
// pool), and for a producer's check-backs (TransactionMQProducer.checkRequestHoldMax).
const (
	asyncRoom = 50_000
	checkRoom = 2000
)

func newExecutor(room int) *executor {
	return &executor{limit: max(runtime.GOMAXPROCS(0), 2), room: room, lines: map[string]*line{}}
}

// submit takes a task over, unless it returns an error: [ErrExecutorFull], or remoting.ErrClosed.
func (e *executor) submit(t task) error { return e.enter(t, "", false) }

// enter is submit to the line of that name. moved: the task runs in another one, and has had its room there.
func (e *executor) enter(t task, name string, moved bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return remoting.ErrClosed
	}
	if e.waiting >= e.room && !moved {
		return ErrExecutorFull
	}
	l := e.lines[name]
	if l == nil {
		l = &line{}
		e.lines[name] = l
	}
	l.queue = append(l.queue, t)
	e.waiting++
	if l.running < e.limit {
		l.running++
		go e.run(name, l)
	}
	return nil
}

func (e *executor) run(name string, l *line) {
	idle := false
	defer func() {
		if !idle { // a task ended its goroutine (runtime.Goexit, as a failing test does): the others go on
			go e.run(name, l)
		}
	}()
	for {
		e.mu.Lock()
		if len(l.queue) == 0 {
			if l.running--; l.running == 0 {
				delete(e.lines, name)
			}
			idle = true
			e.mu.Unlock()
			return
		}
		t := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		e.waiting--
		e.mu.Unlock()
		t.run()
	}
}

// open is how many tasks wait or run.
func (e *executor) open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.waiting
	for _, l := range e.lines {
		n += l.running
	}
	return n
}

// close refuses newcomers; what is queued still runs, and finds the client closed. It waits for nobody: a callback that
// runs here may be who closes.
func (e *executor) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
}

// run goes on with a send that had to wait: for a route in the first line, then for a connection or a permit in its broker's.
func (s *send) run() {
	wait := forRoute
	if s.queue != nil {
		wait = forAll
	}
	if !s.launchAsync(wait) {
		s.finish()
	}
}
