package broker

import (
	"syscall"
	"time"
)

// sleepLate is how late the kernel wakes us: 50 µs of timer slack and the way back to us.
const sleepLate = 60 * time.Microsecond

// shortSleep waits about d. A Go timer below a millisecond is up to one late when nothing else runs (netpoll counts in
// milliseconds); the kernel's own sleep is not. A signal may end it early.
func shortSleep(d time.Duration) {
	ts := syscall.NsecToTimespec(int64(max(d-sleepLate, time.Microsecond)))
	_ = syscall.Nanosleep(&ts, nil) // interrupted: the caller looks at the clock anyway
}
