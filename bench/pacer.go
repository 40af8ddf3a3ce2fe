package bench

import (
	"context"
	"sync/atomic"

	"rmqbench/remoting"
)

// slot is a send that has fallen due.
type slot struct {
	index int64 // of its first message
	size  int64 // how many messages it has
	due   int64 // nanoseconds since the case began
	stage int16
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

	at      cursor
	more    bool      // there is a slot at the cursor
	spun    int64     // nanoseconds that run passed on a processor, waiting
	offered []int64   // messages that had fallen due when run returned, by stage
	ofKinds [][]int64 // the same, by stage and kind
}

// run hands out every slot, or those that are due when ctx ends, and closes the channel.
func (p *pacer) run(ctx context.Context) {
	defer close(p.slots)
	p.wait.attach()
	before := p.wait.spinning() // a warm-up of its own had the same waiter
	defer func() { p.spun = p.wait.spinning() - before }()
	p.offered, p.ofKinds = make([]int64, len(p.plan.stages)), p.plan.byKind()
	for p.at, p.more = walk(p.plan); p.more; {
		s := &p.plan.stages[p.at.stage]
		if !s.warmup && p.measuring != nil {
			p.measuring()
		}
		at, gap := p.at.due, p.at.gap()
		if gap < batchGap {
			at += batchGap - gap // the first of a batch waits for the others: at most 100 µs
		}
		at = p.start + min(at, s.to)
		behind := at < remoting.Nanotime()
		p.wait.until(ctx, at, gap)
		ended := ctx.Err() != nil
		if !ended && p.handOut(ctx, remoting.Nanotime()-p.start) {
			continue
		}
		if !ended || behind { // slots that are due waited for somebody to take them
			for now := remoting.Nanotime() - p.start; p.more && p.at.due <= now; {
				p.pass()
			}
		}
		return
	}
}

// handOut hands out the slots that are due at that time, warm-up and measured ones apart; false: ctx has ended while nobody
// took them.
func (p *pacer) handOut(ctx context.Context, now int64) bool {
	warmup := p.plan.stages[p.at.stage].warmup
	for p.more && p.at.due <= now && p.plan.stages[p.at.stage].warmup == warmup {
		free := p.idle.Add(-1) >= 0
		if !free && p.grow != nil {
			p.grow()
		}
		s := slot{index: p.at.index, size: p.at.size, due: p.at.due, stage: int16(p.at.stage), free: free}
		if p.plan.backlog > 0 {
			select {
			case p.slots <- s:
			default: // dropped: it counts as offered, and nobody attempts it
				p.idle.Add(1)
			}
		} else {
			select {
			case p.slots <- s:
			case <-ctx.Done():
				return false
			}
		}
		p.pass()
	}
	return true
}

// pass counts the slot at the cursor and goes on to the next.
func (p *pacer) pass() {
	p.offered[p.at.stage] += p.at.size
	p.ofKinds[p.at.stage][p.plan.mould.kindOf(p.at.index)] += p.at.size
	p.more = p.at.next()
}
