package bench

import (
	"context"
	"sync/atomic"

	"rmqbench/remoting"
)

// slot is a send that has fallen due.
type slot struct {
	index int64
	free  bool // a worker was free when it was handed out: lateness from here on is the generator's
}

// backlog is how many slots may wait for a worker before the pacer waits too. Their due times don't move by that.
const backlog = 1 << 16

// batchGap: slots closer than this are handed out together, so that the pacer wakes at most so often.
const batchGap = 100_000

// pacer hands out slots as they fall due. One goroutine runs it, on a thread of its own.
type pacer struct {
	plan  *plan
	start int64 // remoting.Nanotime of the case's beginning
	slots chan slot
	idle  *atomic.Int64 // workers that wait for a slot
	grow  func()        // asks for one more worker; nil where their number is fixed
	wait  waiter

	handed int64 // slots handed out; read after run has returned
}

// run hands out every slot, or those that are due when ctx ends, and closes the channel.
func (p *pacer) run(ctx context.Context) {
	defer close(p.slots)
	p.wait.attach()
	defer p.wait.detach()
	n := p.plan.slots()
	for i := int64(0); i < n; {
		due, stage := p.plan.slot(i)
		gap := dueAfter(1, p.plan.stages[stage].rate)
		at := due
		if gap < batchGap {
			at += batchGap - gap // the first of a batch waits for the others: at most 100 µs
		}
		p.wait.until(ctx, p.start+min(at, p.plan.stages[stage].to), gap)
		if ctx.Err() != nil {
			return
		}
		now := remoting.Nanotime() - p.start
		for ; i < n; i++ {
			if due, _ := p.plan.slot(i); due > now {
				break
			}
			free := p.idle.Load() > int64(len(p.slots))
			if !free && p.grow != nil {
				p.grow()
			}
			select {
			case p.slots <- slot{index: i, free: free}:
				p.handed = i + 1
			case <-ctx.Done():
				return
			}
		}
	}
}
