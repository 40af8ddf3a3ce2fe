//go:build unix

package bench

import (
	"runtime"
	"syscall"
	"time"
)

// systemUsage is the CPU time and the peak memory of this process, as the kernel accounts for them.
func systemUsage() (cpu time.Duration, maxRSS int64) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	rss := int64(u.Maxrss)
	if runtime.GOOS != "darwin" { // which counts bytes; all others KiB
		rss <<= 10
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), rss
}
