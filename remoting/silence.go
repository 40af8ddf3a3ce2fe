package remoting

import (
	"fmt"
	"syscall"
	"time"
)

// maxSilence is how long the peer's kernel may say nothing though it was asked again and again. It is longer than the seven seconds
// after which keep-alive would end an idle connection, so that one bound holds for all, and leaves a second of the ten in which a
// peer that vanished has to be noticed.
const maxSilence = 9 * time.Second

// lookAgain is how soon a connection is looked at again that has been silent for too long, but wasn't asked often enough.
const lookAgain = 500 * time.Millisecond

// vanished says that nobody is there any more: not a process that stands still, for its kernel goes on acknowledging what is sent
// again and answers the probes of a shut window. Those grow rare, a gap of 13 s follows one of 6 s, but while the next is awaited
// none is unanswered; so silence alone says nothing, and neither does one question that has only just left.
func (i TCPInfo) vanished(limit time.Duration) bool {
	return i.Silent >= int64(limit) && i.Unanswered >= 2
}

// nextLook is when there may next be something to see.
func (i TCPInfo) nextLook(limit time.Duration) time.Duration {
	return max(limit-time.Duration(i.Silent), lookAgain)
}

// look ends the connection if the peer has vanished. It runs on a timer, when the connection could have been silent for
// too long and no sooner: a busy one costs a system call every nine seconds. Where the kernel doesn't say, it runs once.
func (c *Conn) look() {
	info, ok := c.TCPInfo()
	if !ok {
		return
	}
	limit := c.opts.silence
	if info.vanished(limit) {
		c.fail(fmt.Errorf("the peer has vanished: not a sign of it for %v, though it was asked %d times: %w",
			time.Duration(info.Silent).Round(100*time.Millisecond), info.Unanswered, syscall.ETIMEDOUT))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.looker.Reset(info.nextLook(limit))
	}
}
