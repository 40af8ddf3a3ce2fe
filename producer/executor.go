package producer

import (
	"runtime"
	"sync"
)

// executor runs async sends that would block their caller: no route yet, no connection. Few goroutines, a bounded
// queue; a full one is the caller's error at once. Limits as DefaultMQProducerImpl's async sender pool.
type executor struct {
	limit int

	mu      sync.Mutex // protects following
	queue   []func()
	running int
	closed  bool
	work    sync.WaitGroup
}

// asyncQueue is how many async sends may wait.
const asyncQueue = 50_000

func newExecutor() *executor { return &executor{limit: max(runtime.GOMAXPROCS(0), 2)} }

func (e *executor) submit(f func()) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || len(e.queue) >= asyncQueue {
		return ErrExecutorFull
	}
	e.queue = append(e.queue, f)
	if e.running < e.limit {
		e.running++
		e.work.Go(e.run)
	}
	return nil
}

func (e *executor) run() {
	for {
		e.mu.Lock()
		if len(e.queue) == 0 {
			e.running--
			e.mu.Unlock()
			return
		}
		f := e.queue[0]
		e.queue[0] = nil
		e.queue = e.queue[1:]
		e.mu.Unlock()
		f()
	}
}

// close refuses newcomers; what is queued still runs, and fails on the closed client.
func (e *executor) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
}
