package broker

import (
	"fmt"
	"slices"
	"sync"
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

// Serve makes a server take d for each send that comes from now on, until the next Serve: a broker that has become slow, whose
// queue grows once more comes than it can serve. What has come already keeps its time.
func (b *Broker) Serve(d time.Duration) { b.pacer.setService(min(d, forever)) }

// Busy makes the broker refuse every send with SYSTEM_BUSY, as one does whose send queue is too long, until it is
// called with false. Nothing of what is refused is stored.
func (b *Broker) Busy(on bool) {
	share := 0.0
	if on {
		share = 1
	}
	b.Answer(share, remoting.SystemBusy, BusyTimeout)
}

// What brokers say when they refuse a send with SYSTEM_BUSY (NettyRemotingAbstract, BrokerFastFailure and
// SendMessageProcessor, 4.5.1 to 5.4.0). Clients know the reason by what is in the brackets.
const (
	BusyReject    = "[REJECTREQUEST]system busy, start flow control for a while"
	BusyPageCache = "[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 1001ms, size of queue: 3"
	BusyTimeout   = "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 201ms, size of queue: 3"
	BusyOverload  = "[OVERLOAD]system busy, start flow control for a while"
	BusyStore     = "[PC_SYNCHRONIZED]broker busy, start flow control for a while"
)

// Answer makes the broker answer a share of the sends, 0 to 1, with that code and remark, evenly spread over them,
// from now on. FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE and FLUSH_SLAVE_TIMEOUT are said of messages that are stored, and
// have no remark; with any other code nothing is. Answers of several codes or remarks are given side by side, the one
// ordered first going first; the same one again changes its share, and a share of 0 ends it. Oneway sends are
// stored, or not, as well.
func (b *Broker) Answer(share float64, code remoting.Code, remark string) {
	b.life.Lock()
	defer b.life.Unlock()
	var sc script
	found := false
	if old := b.script.Load(); old != nil {
		for i := range old.answers { // what is owed of them goes on to change; the rest doesn't
			a := scripted{share: old.answers[i].share, code: old.answers[i].code, remark: old.answers[i].remark}
			if a.code == code && a.remark == remark {
				a.share, found = share, true
			}
			sc.answers = append(sc.answers, a)
		}
	}
	if !found {
		sc.answers = append(sc.answers, scripted{share: share, code: code, remark: remark})
	}
	sc.answers = slices.DeleteFunc(sc.answers, func(a scripted) bool { return !(a.share > 0) })
	if len(sc.answers) == 0 {
		b.script.Store(nil)
		return
	}
	b.script.Store(&sc)
}

// disk is what a broker says of its commit log's disk.
type disk struct {
	ratio    float64
	capacity int64
}

// Disk makes the broker say, from now on, that so much of its commit log's disk is used, a share from 0 to 1, and how many bytes
// it has. Nothing is on a disk, and nothing else changes.
func (b *Broker) Disk(ratio float64, capacity int64) { b.disk.Store(&disk{ratio, capacity}) }

// String is the capacity as brokers write it (AdminBrokerProcessor.prepareRuntimeInfo, MixAll.humanReadableByteCount).
func (d disk) String() string {
	binary := func(n float64) string {
		unit := -1
		for ; n >= 1024; n /= 1024 {
			unit++
		}
		if unit < 0 {
			return fmt.Sprintf("%.0f B", n)
		}
		return fmt.Sprintf("%.1f %ciB", n, "KMGTPE"[unit])
	}
	return fmt.Sprintf("Total : %s, Free : %s.", binary(float64(d.capacity)), binary(float64(d.capacity)*(1-d.ratio)))
}

// stored says that a send answered with that code lies in its queue.
func stored(code remoting.Code) bool {
	switch code {
	case remoting.Success, remoting.FlushDiskTimeout, remoting.SlaveNotAvailable, remoting.FlushSlaveTimeout:
		return true
	}
	return false
}

// script is how sends are answered by order.
type script struct {
	mu      sync.Mutex // protects following
	answers []scripted
}

// scripted is one answer, and how much of it is owed.
type scripted struct {
	share  float64
	code   remoting.Code
	remark string
	owed   float64 // below 1 between sends, unless others go first
}

// next is what the next send is answered; nil as it deserves.
func (sc *script) next() *scripted {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	var due *scripted
	for i := range sc.answers {
		a := &sc.answers[i]
		a.owed += a.share
		if due == nil && a.owed >= 1-rounding {
			due = a
			a.owed--
		}
	}
	return due
}

// rounding keeps a share such as 0.1 from being late by a send once it is added up.
const rounding = 1e-9
