package producer

import (
	"runtime"
	"sync"

	"rmqbench/remoting"
)

// executor goes on with async sends that would make their caller wait: no route yet, no connection. Few goroutines, a
// bounded queue; a full one is the caller's error at once. Limits as DefaultMQProducerImpl's async sender pool.
type executor struct {
	limit int // goroutines at the most
	room  int // sends that may wait

	mu      sync.Mutex // protects following
	queue   []*send
	running int
	closed  bool
}

func newExecutor() *executor { return &executor{limit: max(runtime.GOMAXPROCS(0), 2), room: 50_000} }

// submit takes a send over, unless it returns an error.
func (e *executor) submit(s *send) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return remoting.ErrClosed
	}
	if len(e.queue) >= e.room {
		return ErrExecutorFull
	}
	e.queue = append(e.queue, s)
	if e.running < e.limit {
		e.running++
		go e.run()
	}
	return nil
}

func (e *executor) run() {
	idle := false
	defer func() {
		if !idle { // a callback ended its goroutine (runtime.Goexit, as a failing test does): the others go on
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
		s := e.queue[0]
		e.queue[0] = nil
		e.queue = e.queue[1:]
		e.mu.Unlock()
		if !s.launch() {
			s.finish()
		}
	}
}

// close refuses newcomers; what is queued still runs, and fails on the closed client. It waits for nobody: a callback
// that runs here may be who closes.
func (e *executor) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
}
