package remoting

import "net"

// TCPInfo is what the kernel knows of a connection: it tells the network from the peer that answers.
type TCPInfo struct {
	RTT         int64 // smoothed round trip, ns
	RTTVar      int64 // its mean deviation, ns
	Retransmits int64 // segments sent again since the connection began
	Unacked     int64 // segments under way
	Window      int64 // congestion window, segments
}

// TCPInfo asks the kernel. false: this system doesn't say, the connection is no TCP socket, or it is closed.
func (c *Conn) TCPInfo() (TCPInfo, bool) {
	tcp := tcpOf(c.nc)
	if tcp == nil {
		return TCPInfo{}, false
	}
	return tcpInfo(tcp)
}

// tcpOf is the TCP socket that nc is or, as TLS does, wraps; nil if there is none.
func tcpOf(nc net.Conn) *net.TCPConn {
	for {
		switch c := nc.(type) {
		case *net.TCPConn:
			return c
		case interface{ NetConn() net.Conn }:
			nc = c.NetConn()
		default:
			return nil
		}
	}
}
