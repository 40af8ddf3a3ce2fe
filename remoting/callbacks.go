package remoting

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// callbacks runs Done of asynchronous calls on a few goroutines that exist while there is work. Its queue is bounded
// by the calls in flight.
type callbacks struct {
	limit  int // goroutines at the most
	panics atomic.Int64

	mu      sync.Mutex // protects following
	queue   [][]*Call
	running int
}

func newCallbacks() *callbacks { return &callbacks{limit: runtime.GOMAXPROCS(0)} }

func (c *callbacks) submit(calls []*Call) {
	if len(calls) == 0 {
		return
	}
	c.mu.Lock()
	c.queue = append(c.queue, calls)
	start := c.running < c.limit
	if start {
		c.running++
	}
	c.mu.Unlock()
	if start {
		go c.run()
	}
}

func (c *callbacks) run() {
	var calls []*Call // of the batch in hand, those to come
	defer func() {
		if calls != nil { // a callback ended its goroutine (runtime.Goexit, as a failing test does): the others go on
			c.mu.Lock()
			c.queue = append([][]*Call{calls}, c.queue...)
			c.mu.Unlock()
			go c.run()
		}
	}()
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.running--
			c.mu.Unlock()
			return
		}
		calls = c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.mu.Unlock()
		for len(calls) > 0 {
			call := calls[0]
			calls = calls[1:]
			c.done(call)
		}
		calls = nil
	}
}

// done survives a callback that panics: the call has ended, others wait.
func (c *callbacks) done(call *Call) {
	defer func() {
		if recover() != nil {
			c.panics.Add(1)
		}
	}()
	call.Receiver.Done(call.err)
}
