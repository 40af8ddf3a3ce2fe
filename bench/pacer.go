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
	idle  *atomic.Int64 // workers that wait, less the slots that wait; a worker adds itself, the pacer takes it out
	grow  func()        // asks for one more worker; nil where their number is fixed
	wait  waiter

	measuring func() // called before the first measured slot; nil: nobody wants to know

	due int64 // slots that had fallen due when run returned
}

// run hands out every slot, or those that are due when ctx ends, and closes the channel.
func (p *pacer) run(ctx context.Context) {
	defer close(p.slots)
	p.wait.attach()
	first := p.plan.firstMeasured()
	for n := p.plan.slots(); p.due < n; {
		if p.due >= first && p.measuring != nil {
			p.measuring()
		}
		due, stage := p.plan.slot(p.due)
		s := &p.plan.stages[stage]
		gap := dueAfter(1, s.rate)
		at := due
		if gap < batchGap {
			at += batchGap - gap // the first of a batch waits for the others: at most 100 µs
		}
		at = p.start + min(at, s.to)
		behind := at < remoting.Nanotime()
		p.wait.until(ctx, at, gap)
		before := p.plan.dueBy(remoting.Nanotime() - p.start)
		if p.due < first {
			before = min(before, first)
		}
		ended := ctx.Err() != nil
		if !ended && p.handOut(ctx, before) {
			continue
		}
		if !ended || behind { // slots that are due waited for somebody to take them
			p.due = p.plan.dueBy(remoting.Nanotime() - p.start)
		}
		return
	}
}

// handOut hands out the slots before that one; false: ctx has ended while nobody took them.
func (p *pacer) handOut(ctx context.Context, before int64) bool {
	for ; p.due < before; p.due++ {
		free := p.idle.Add(-1) >= 0
		if !free && p.grow != nil {
			p.grow()
		}
		select {
		case p.slots <- slot{index: p.due, free: free}:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
