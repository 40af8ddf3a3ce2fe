package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// sharpenSleep lets this thread's sleeps end when they should: by default Linux may add 50 µs to gather wake-ups.
func sharpenSleep() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // refused: sleeps are a little later, and measured
}

// sleepThread sleeps in the kernel, without Go's timers.
func sleepThread(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil) // a signal ends it early; the caller looks at the clock again
}
