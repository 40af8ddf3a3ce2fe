package remoting

import (
	"math"
	"net"

	"golang.org/x/sys/unix"
)

func tcpInfo(tcp *net.TCPConn) (info TCPInfo, ok bool) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return TCPInfo{}, false
	}
	err = raw.Control(func(fd uintptr) {
		k, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		const microsecond, millisecond = 1000, 1_000_000
		info = TCPInfo{
			RTT: int64(k.Rtt) * microsecond, RTTVar: int64(k.Rttvar) * microsecond,
			Retransmits: int64(k.Total_retrans), Unacked: int64(k.Unacked), Window: int64(k.Snd_cwnd),
			Silent: int64(k.Last_ack_recv) * millisecond, Unanswered: int64(k.Retransmits) + int64(k.Probes),
		}
		if k.Min_rtt != math.MaxUint32 { // the kernel's word for none
			info.MinRTT = int64(k.Min_rtt) * microsecond
		}
		ok = true
	})
	return info, ok && err == nil
}
