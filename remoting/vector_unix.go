//go:build unix && !linux

package remoting

import (
	"net"
	"syscall"
)

// vector writes one piece only: the rest is the writer's that may wait.
type vector struct{}

func (*vector) write(fd uintptr, pieces net.Buffers) (int, error) {
	return syscall.Write(int(fd), pieces[0])
}
