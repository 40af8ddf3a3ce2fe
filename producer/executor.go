package producer

import (
	"runtime"
	"sync"

	"rmqbench/remoting"
)

// task is work for an executor; it survives its own panics.
type task interface{ run() }

// executor runs tasks on a few goroutines that exist while there is work; what waits for them is bounded.
type executor struct {
	limit int // goroutines at the most
	room  int // tasks that may wait

	mu      sync.Mutex // protects following
	queue   []task
	running int
	closed  bool
}

// Room of the executors: for async sends that need a route or a connection first (DefaultMQProducerImpl's async sender
// pool), and for a producer's check-backs (TransactionMQProducer.checkRequestHoldMax).
const (
	asyncRoom = 50_000
	checkRoom = 2000
)

func newExecutor(room int) *executor {
	return &executor{limit: max(runtime.GOMAXPROCS(0), 2), room: room}
}

// submit takes a task over, unless it returns an error: [ErrExecutorFull], or remoting.ErrClosed.
func (e *executor) submit(t task) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return remoting.ErrClosed
	}
	if len(e.queue) >= e.room {
		return ErrExecutorFull
	}
	e.queue = append(e.queue, t)
	if e.running < e.limit {
		e.running++
		go e.run()
	}
	return nil
}

func (e *executor) run() {
	idle := false
	defer func() {
		if !idle { // a task ended its goroutine (runtime.Goexit, as a failing test does): the others go on
			go e.run()
		}
	}()
	for {
		e.mu.Lock()
		if len(e.queue) == 0 {
			e.running--
			idle = true
			e.mu.Unlock()
			return
		}
		t := e.queue[0]
		e.queue[0] = nil
		e.queue = e.queue[1:]
		e.mu.Unlock()
		t.run()
	}
}

// open is how many tasks wait or run.
func (e *executor) open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.queue) + e.running
}

// close refuses newcomers; what is queued still runs, and finds the client closed. It waits for nobody: a callback that
// runs here may be who closes.
func (e *executor) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
}

// run goes on with a send that had to wait.
func (s *send) run() {
	if !s.launch() {
		s.finish()
	}
}
