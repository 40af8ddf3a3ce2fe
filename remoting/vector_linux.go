package remoting

import (
	"net"
	"syscall"
	"unsafe"
)

// vector is the kernel's list of the pieces of one write, kept so that a write allocates nothing.
type vector struct{ list []syscall.Iovec }

// maxVector is the kernel's limit (UIO_MAXIOV).
const maxVector = 1024

// write gives the kernel as many pieces as it takes in one system call.
func (v *vector) write(fd uintptr, pieces net.Buffers) (int, error) {
	v.list = v.list[:0]
	for _, p := range pieces[:min(len(pieces), maxVector)] {
		if len(p) > 0 {
			e := syscall.Iovec{Base: &p[0]}
			e.SetLen(len(p))
			v.list = append(v.list, e)
		}
	}
	n, _, errno := syscall.Syscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(unsafe.SliceData(v.list))), uintptr(len(v.list)))
	clear(v.list) // the bodies are not ours to keep alive
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
