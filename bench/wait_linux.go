package bench

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sharpenSleep lets this thread's sleeps end when they should: by default Linux may add 50 µs to gather wake-ups.
func sharpenSleep() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // refused: sleeps are a little later, and measured
}

// sleepThread sleeps in the kernel, without Go's timers; less long if a signal comes: the caller looks at the clock again.
// giveBack: the thread's processor is others' at once, not when the scheduler's monitor sees that it sleeps.
func sleepThread(d time.Duration, giveBack bool) {
	ts := unix.NsecToTimespec(int64(d))
	if giveBack {
		sleepApart(&ts)
		return
	}
	_ = unix.Nanosleep(&ts, nil)
}

//go:norace
//go:nosplit
func sleepApart(ts *unix.Timespec) {
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
