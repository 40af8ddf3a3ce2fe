package remoting

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// userTimeout is how long bytes may stay unacknowledged, or a keep-alive unanswered, before the kernel ends the
// connection (TCP_USER_TIMEOUT, tcp(7)); without it a peer that vanished would be noticed after a quarter of an hour if bytes
// are under way. Where it is set it also replaces the count of keep-alive probes, whose timer looks once a second.
//
// The kernel counts a peer whose window stays shut for all that time as vanished too, though it answers probes: such is a broker
// that stands still, in a long garbage collection, with more under way to it than it has room for. So this is longer than the ten
// seconds that a broker may stand still without losing its connection, and what is in flight on it. Who has really vanished is
// noticed before, see [TCPInfo.vanished].
const userTimeout = 12 * time.Second

func setUserTimeout(tcp *net.TCPConn) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // a socket that refuses its options works all the same
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
}
