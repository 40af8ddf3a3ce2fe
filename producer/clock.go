package producer

import (
	"sync/atomic"
	"time"

	"rmqbench/remoting"
)

// clock tells both times of a send from one reading of the monotonic clock, which costs half of what time.Now does. How
// far the wall clock is from it is looked up once a second, so a wall clock that is set is followed within one.
type clock struct {
	offset  atomic.Int64 // ns since the epoch less remoting.Nanotime
	checked atomic.Int64 // remoting.Nanotime of the last look; 0: never
}

// now is remoting.Nanotime and the wall clock in milliseconds since the epoch.
func (c *clock) now() (nano, wallMS int64) {
	nano = remoting.Nanotime()
	if at := c.checked.Load(); at == 0 || nano-at > int64(time.Second) {
		c.offset.Store(time.Now().UnixNano() - nano)
		c.checked.Store(nano)
	}
	return nano, (nano + c.offset.Load()) / int64(time.Millisecond)
}
