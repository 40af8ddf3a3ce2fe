//go:build unix

package remoting

import (
	"errors"
	"net"
	"syscall"
)

// tryWriter returns a function that writes what the socket takes at once and never waits, for one writer at a time;
// nil for what is no TCP socket (TLS, a pipe of a test). It may take less than it could: a full socket is 0 bytes and
// no error. The pieces are not changed.
func tryWriter(nc net.Conn) func(pieces net.Buffers) (int, error) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	var ( // kept here so that a write allocates no closure
		all  net.Buffers
		v    vector
		n    int
		fail error
	)
	once := func(fd uintptr) bool {
		for {
			if len(all) == 1 {
				n, fail = syscall.Write(int(fd), all[0])
			} else {
				n, fail = v.write(fd, all)
			}
			if !errors.Is(fail, syscall.EINTR) {
				break
			}
		}
		n = max(n, 0)
		if errors.Is(fail, syscall.EAGAIN) {
			fail = nil
		}
		return true // whatever the outcome: never wait here
	}
	return func(pieces net.Buffers) (int, error) {
		all = pieces
		err := raw.Write(once)
		all = nil
		if err != nil {
			return 0, err
		}
		return n, fail
	}
}
