package bench

import (
	"time"

	"rmqbench/results"
)

// delayLevels are how long brokers keep messages of a level back, from level 1 on, unless they are configured otherwise
// (MessageStoreConfig.messageDelayLevel).
var delayLevels = [...]time.Duration{1 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, 1 * time.Minute, 2 * time.Minute,
	3 * time.Minute, 4 * time.Minute, 5 * time.Minute, 6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute,
	20 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour}

// delayBook knows how many delayed messages brokers still keep back: those stored within the delay, by whole seconds. Its memory
// goes with the delay, not with the run.
type delayBook struct {
	delay time.Duration // 0: messages have none
	ring  []int64       // stored in a second of the case's time, modulo its length
	last  int64         // the newest of these seconds
}

func newDelayBook(level int) delayBook {
	if level == 0 {
		return delayBook{}
	}
	d := delayLevels[level-1]
	return delayBook{delay: d, ring: make([]int64, int64(d/time.Second)+1)}
}

// note takes in a message that was stored at a time of the case.
func (b *delayBook) note(done int64) {
	if b.delay == 0 {
		return
	}
	second := done / int64(time.Second)
	for b.last < second { // what is that old has been delivered
		b.last++
		b.ring[b.last%int64(len(b.ring))] = 0
	}
	if b.last-second < int64(len(b.ring)) {
		b.ring[second%int64(len(b.ring))]++
	}
}

// pending is what is still kept back when the last message was stored, and until when; nil: nothing.
func (b *delayBook) pending(began time.Time) *results.Delayed {
	var n int64
	for _, stored := range b.ring {
		n += stored
	}
	if n == 0 {
		return nil
	}
	until := began.Add(time.Duration(b.last+1)*time.Second + b.delay)
	return &results.Delayed{Messages: n, DelayNS: int64(b.delay), Until: until.UTC().Truncate(time.Second)}
}
