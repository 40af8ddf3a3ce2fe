package remoting

import (
	"sync/atomic"
	"time"
)

// Receiver is told what becomes of a call.
type Receiver interface {
	// Receive reads the reply in place, on the connection's reader: head and body are valid until it returns, and
	// while it runs no other reply is read, so it copies what it needs and never blocks.
	Receive(head *Head, body []byte)

	// Done ends the call, exactly once. err is nil after Receive (for a oneway call: after its bytes are in the
	// socket), else a *CallError. From then on call and body are the caller's again. An asynchronous call's Done runs
	// on a callback goroutine; any other must not block.
	Done(err error)
}

// Call is one request in flight. The caller fills in the exported fields, starts it, and leaves it alone until Done.
// It may be used again after that.
type Call struct {
	Receiver Receiver
	Async    bool // Done runs on a callback goroutine
	Oneway   bool // no answer comes: Done follows the write
	Stamped  bool // note when it was encoded: a clock's reading more

	conn     *Conn
	deadline int64 // nanotime
	opaque   int32
	frame    int32        // index in batch
	batch    uint64       // number of the batch that holds the frame
	parts    atomic.Int32 // what must end before Done: the call itself, and the write where it borrows the body
	err      error        // written by whoever took the call out of the table
	limiter  *limiter     // whose permits it holds; nil: none
	permit   int64        // bytes of those
	stamps   Stamps
}

// Stamps are when things happened to a call, in nanoseconds of [Nanotime]; 0 is unknown. Encoded is of stamped calls only. A reply can overtake the
// return of its own write: WriteEnded is then the reply's time.
type Stamps struct {
	Encoded, WriteBegan, WriteEnded, ReplyRead int64
}

// Stamps are valid from Receive on.
func (c *Call) Stamps() Stamps { return c.stamps }

// Cancel ends the call with cause unless it has ended or is about to: Done comes in any case, at once or when the
// write that borrows the body has returned. Only who knows that the call is still its own, not yet given to another
// after Done, may cancel it.
func (c *Call) Cancel(cause error) { c.conn.cancel(c, cause) }

// partDone ends one part of the call; the last one ends the call itself.
func (c *Call) partDone(done *doneList) {
	if c.parts.Add(-1) > 0 {
		return
	}
	if c.limiter != nil {
		c.limiter.giveBack(c)
	}
	if c.Async {
		done.async = append(done.async, c)
		return
	}
	c.Receiver.Done(c.err)
}

// doneList gathers asynchronous calls so that those of one read go to the callback goroutines together.
type doneList struct{ async []*Call }

var start = time.Now()

// Nanotime is a monotonic clock in nanoseconds, the one that stamps are taken from.
func Nanotime() int64 { return int64(time.Since(start)) }

// callTable holds a connection's calls by opaque; guarded by its connection's mu. An opaque's low bits are its slot,
// so a lookup is one access; a number whose slot is taken is passed over (Java leaves gaps too).
type callTable struct {
	slots []*Call // length is a power of two
	n     int
	next  int32 // opaque to try next; wraps as Java's int does
}

func (t *callTable) put(c *Call) {
	if 2*t.n >= len(t.slots) {
		t.grow()
	}
	mask := uint32(len(t.slots) - 1)
	for t.slots[uint32(t.next)&mask] != nil {
		t.next++
	}
	c.opaque = t.next
	t.slots[uint32(t.next)&mask] = c
	t.next++
	t.n++
}

// grow doubles the table. Numbers that differed in the low bits still do, so none collide.
func (t *callTable) grow() {
	bigger := make([]*Call, max(64, 2*len(t.slots)))
	for _, c := range t.slots {
		if c != nil {
			bigger[uint32(c.opaque)&uint32(len(bigger)-1)] = c
		}
	}
	t.slots = bigger
}

// take removes the call of that opaque; nil if there is none.
func (t *callTable) take(opaque int32) *Call {
	if t.n == 0 {
		return nil
	}
	slot := &t.slots[uint32(opaque)&uint32(len(t.slots)-1)]
	c := *slot
	if c == nil || c.opaque != opaque {
		return nil
	}
	*slot = nil
	t.n--
	return c
}

// takeDue removes the calls whose deadline is not after now and returns them with the earliest one left (0: none).
func (t *callTable) takeDue(now int64) (due []*Call, next int64) {
	for i, c := range t.slots {
		switch {
		case c == nil:
		case c.deadline <= now:
			due = append(due, c)
			t.slots[i] = nil
			t.n--
		case next == 0 || c.deadline < next:
			next = c.deadline
		}
	}
	return due, next
}

// takeAll empties the table.
func (t *callTable) takeAll() []*Call {
	all, _ := t.takeDue(int64(^uint64(0) >> 1))
	return all
}

// takeReply removes the call that a reply ends. None ends a oneway call, nor one whose frame is in the open batch: what
// was not asked yet can't be answered, whatever the peer says.
func (t *callTable) takeReply(opaque int32, open uint64) *Call {
	if t.n == 0 {
		return nil
	}
	c := t.slots[uint32(opaque)&uint32(len(t.slots)-1)]
	if c == nil || c.opaque != opaque || c.Oneway || c.batch == open {
		return nil
	}
	return t.take(opaque)
}

// takeIf removes c if it still is the call of that opaque.
func (t *callTable) takeIf(opaque int32, c *Call) bool {
	if t.n == 0 || t.slots[uint32(opaque)&uint32(len(t.slots)-1)] != c || c.opaque != opaque {
		return false
	}
	t.take(opaque)
	return true
}
