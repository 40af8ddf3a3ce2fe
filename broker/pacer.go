package broker

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/internal/nap"
	"rmqbench/remoting"
)

// pacer decides when replies go out: at once, or when a simulated server is done, a delay is over, a stall has ended.
// Each reply's time is computed when its request comes, so a timer that fires late delays replies and no server.
type pacer struct {
	service atomic.Int64 // ns of one send
	active  atomic.Bool  // a reply may have to wait; set under mu, cleared only by run
	loop    sync.WaitGroup
	wake    chan struct{} // capacity 1: something is due earlier than run thinks

	mu      sync.Mutex // protects following
	servers []int64    // when each has served what came so far, nanotime
	delay   int64      // ns added to every reply
	stalled int64      // nanotime at which the stall ends or has ended
	waiting waiting
	seq     uint64
	closed  bool
}

// due is a reply that waits.
type due struct {
	at    int64 // nanotime
	seq   uint64
	later remoting.Later
	head  remoting.HeadEncoder
	body  []byte
	from  *sending // whose reply it is; nil if it isn't a send's
}

// before orders by time, then by arrival.
func (d *due) before(o *due) bool { return d.at < o.at || d.at == o.at && d.seq < o.seq }

// waiting is a binary heap of replies: container/heap would allocate for each.
type waiting []due

func (w *waiting) push(d due) {
	*w = append(*w, d)
	h := *w
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].before(&h[parent]) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (w *waiting) pop() due {
	h := *w
	top, n := h[0], len(h)-1
	h[0], h[n] = h[n], due{}
	h = h[:n]
	*w = h
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < n; child++ {
			if h[child].before(&h[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

func newPacer(service time.Duration, servers int) *pacer {
	now := remoting.Nanotime()
	p := &pacer{servers: slices.Repeat([]int64{now}, servers), stalled: now, wake: make(chan struct{}, 1)}
	p.service.Store(int64(service))
	p.active.Store(service > 0)
	p.loop.Go(p.run)
	return p
}

// reply answers a request that takes a server service to serve, on the connection's reader. from is released once
// head is written.
func (p *pacer) reply(req *remoting.Request, service time.Duration, head remoting.HeadEncoder, body []byte, from *sending) {
	if !p.active.Load() {
		_ = req.Reply(head, body) // a connection that can't be answered has failed, and ends by itself
		if from != nil {
			from.release()
		}
		return
	}
	p.wait(due{later: req.Later(), head: head, body: body, from: from}, service)
}

// answer is reply after the handler's return, for what takes no server.
func (p *pacer) answer(to remoting.Later, head remoting.HeadEncoder, body []byte) {
	if !p.active.Load() {
		_ = to.Reply(head, body) // as in reply
		return
	}
	p.wait(due{later: to, head: head, body: body}, 0)
}

// wait makes run send a reply once it is served. One to a oneway request isn't sent, but takes its server all the same.
func (p *pacer) wait(d due, service time.Duration) {
	now := remoting.Nanotime()
	p.mu.Lock()
	d.at, d.seq = p.serve(now, service)+p.delay, p.seq
	if p.closed || d.later.IsOneway() {
		p.mu.Unlock()
		if d.from != nil {
			d.from.release()
		}
		return
	}
	p.seq++
	p.waiting.push(d)
	first := p.waiting[0].seq == d.seq
	p.mu.Unlock()
	if first {
		p.rouse()
	}
}

// serve is when what came now and takes service is served: f = max(f of the one before, arrival) + service on the
// server that is free first, and no server works through a stall. Under mu.
func (p *pacer) serve(now int64, service time.Duration) int64 {
	at := max(now, p.stalled)
	if service <= 0 {
		return at
	}
	first := 0
	for i, free := range p.servers {
		if free < p.servers[first] {
			first = i
		}
	}
	at = max(p.servers[first], at) + int64(service)
	p.servers[first] = at
	return at
}

func (p *pacer) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// stall lets the broker's time stand still until a moment: what waits, waits that much longer.
func (p *pacer) stall(until int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := remoting.Nanotime()
	from := max(now, p.stalled)
	if until <= from {
		return
	}
	for i := range p.waiting {
		p.waiting[i].at = max(p.waiting[i].at+until-from, until) // keeps the order
	}
	for i, free := range p.servers {
		if free > now {
			p.servers[i] = free + until - from
		}
	}
	p.stalled = until
	p.active.Store(true)
	p.rouse()
}

// stalledFor is how much longer nothing happens.
func (p *pacer) stalledFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Duration(max(p.stalled-remoting.Nanotime(), 0))
}

func (p *pacer) setService(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.service.Store(int64(max(d, 0)))
	p.active.Store(true)
	p.rouse()
}

func (p *pacer) setDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = int64(max(d, 0))
	p.active.Store(true)
	p.rouse()
}

func (p *pacer) close() {
	p.mu.Lock()
	p.closed = true
	p.waiting = nil
	p.mu.Unlock()
	p.rouse()
	p.loop.Wait()
}

// queued is how many replies wait.
func (p *pacer) queued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// shortWait is what run sleeps through without listening for wake: so late can a reply be that became due earlier.
const shortWait = 1500 * time.Microsecond

// napLate is how late the kernel wakes us: 50 µs of timer slack and the way back to us.
const napLate = 60 * time.Microsecond

// napFor waits about d. Several brokers of one process nap at one time, more than there are processors: none of them keeps one.
func napFor(d time.Duration) { nap.Apart(max(d-napLate, time.Microsecond)) }

// run sends what is due.
func (p *pacer) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var ready []due
	sleep := napFor
	for {
		p.mu.Lock()
		now := remoting.Nanotime()
		for len(p.waiting) > 0 && p.waiting[0].at <= now {
			ready = append(ready, p.waiting.pop())
		}
		wait := time.Hour
		if len(p.waiting) > 0 {
			wait = time.Duration(p.waiting[0].at - now)
		} else if p.stalled > now {
			wait = time.Duration(p.stalled - now)
		} else if len(ready) == 0 {
			p.active.Store(p.service.Load() > 0 || p.delay > 0)
		}
		closed := p.closed
		p.mu.Unlock()
		if closed {
			return
		}
		if len(ready) > 0 {
			for i := range ready {
				d := &ready[i]
				_ = d.later.Reply(d.head, d.body) // as in reply
				if d.from != nil {
					d.from.release()
				}
				*d = due{}
			}
			ready = ready[:0]
			continue
		}
		if wait <= shortWait {
			if sleep(wait); remoting.Nanotime() == now { // a bubble of testing/synctest: time passes only while all wait there
				sleep = time.Sleep
			}
			continue
		}
		timer.Reset(wait - shortWait/2)
		select {
		case <-timer.C:
		case <-p.wake:
		}
	}
}
