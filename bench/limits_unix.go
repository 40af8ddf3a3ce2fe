//go:build unix

package bench

import "syscall"

// openFilesLimit is how many files and sockets this process may have open; 0 where the system doesn't say. Go's runtime
// has raised it to the hard limit by then.
func openFilesLimit() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return uint64(l.Cur)
}
