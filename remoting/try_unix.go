//go:build unix

package remoting

import (
	"errors"
	"net"
	"syscall"
)

// tryWriter returns a function that writes what the socket takes at once and never waits, for one writer at a time;
// nil for what is no TCP socket (TLS, a pipe of a test). A full socket is 0 bytes and no error.
func tryWriter(nc net.Conn) func([]byte) (int, error) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	var ( // kept here so that a write allocates no closure
		buf []byte
		n   int
		wr  error
	)
	once := func(fd uintptr) bool {
		for {
			n, wr = syscall.Write(int(fd), buf)
			if !errors.Is(wr, syscall.EINTR) {
				break
			}
		}
		n = max(n, 0)
		if errors.Is(wr, syscall.EAGAIN) {
			wr = nil
		}
		return true // whatever the outcome: never wait here
	}
	return func(b []byte) (int, error) {
		buf = b
		err := raw.Write(once)
		buf = nil
		if err != nil {
			return 0, err
		}
		return n, wr
	}
}
