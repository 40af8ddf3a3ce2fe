package broker

import (
	"time"

	"rmqbench/remoting"
)

// Stall makes the broker stand still from now on for d, as in a long garbage collection: nothing is answered; what
// comes meanwhile is answered at its end, in order, and what was being served goes on from there. A stall under way
// is made longer if it would end before, never shorter.
//
// Requests are taken and messages stored while it lasts: only the answers wait.
func (b *Broker) Stall(d time.Duration) { b.pacer.stall(remoting.Nanotime() + int64(min(d, forever))) }

// forever is long enough for any fault, and no time plus it overflows.
const forever = 100 * 365 * 24 * time.Hour

// Delay adds d to every reply from now on, until the next Delay; 0 ends it. Replies that wait already keep their time.
func (b *Broker) Delay(d time.Duration) { b.pacer.setDelay(min(d, forever)) }

// Busy makes the broker refuse every send with SYSTEM_BUSY, as one does whose send queue is too long, until it is
// called with false. Nothing of what is refused is stored.
func (b *Broker) Busy(on bool) { b.busy.Store(on) }
