package nap

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sharpen lets this thread's naps end when they should: by default Linux may add 50 µs to gather wake-ups. The caller has locked its
// goroutine to the thread.
func Sharpen() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // refused: sleeps are a little later, and measured
}

// Keep is [Apart] without giving the processor of Go's scheduler away: others get it only once the scheduler's monitor sees that
// this thread sleeps, up to 10 ms later. For naps so short that nobody misses it.
func Keep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}

// Apart sleeps for d, or less long if a signal comes: the caller looks at the clock again. Meanwhile other goroutines have its
// processor.
func Apart(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	apart(&ts)
}

//go:norace
//go:nosplit
func apart(ts *unix.Timespec) {
	entersyscallblock()
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(ts)), 0, 0)
	exitsyscall()
}

// These are the runtime's, which keeps their names and types for those who link to them (go.dev/issue/67401). Nothing between them
// may grow the stack.

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()
