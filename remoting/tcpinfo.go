package remoting

import "net"

// TCPInfo is what the kernel knows of a connection: it tells the network from the peer that answers.
type TCPInfo struct {
	RTT         int64 // smoothed round trip, ns: where the peer acknowledges with its answer, the time that this took is in it
	MinRTT      int64 // the shortest one of the last minutes, ns; 0: none is known
	RTTVar      int64 // its mean deviation, ns
	Retransmits int64 // segments sent again since the connection began
	Unacked     int64 // segments under way
	Window      int64 // congestion window, segments
	Silent      int64 // since the peer's kernel last acknowledged anything, ns
	Unanswered  int64 // how often in a row it was asked since and said nothing: segments sent again, probes
}

// TCPInfo asks the kernel. false: this system doesn't say, the connection is no TCP socket, or it is closed.
func (c *Conn) TCPInfo() (TCPInfo, bool) {
	tcp := tcpOf(c.nc)
	if tcp == nil {
		return TCPInfo{}, false
	}
	return tcpInfo(tcp)
}

// TCPInfo is the kernel's view of all connections: the smoothed round trip and the shortest are of those with the longest, Silent is the
// longest, counts are sums.
// false: none of them says.
func (c *Client) TCPInfo() (all TCPInfo, ok bool) {
	for conn := range c.conns {
		info, known := conn.TCPInfo()
		if !known {
			continue
		}
		ok = true
		if info.RTT > all.RTT {
			all.RTT, all.RTTVar = info.RTT, info.RTTVar
		}
		all.MinRTT = max(all.MinRTT, info.MinRTT)
		all.Retransmits += info.Retransmits
		all.Unacked += info.Unacked
		all.Window += info.Window
		all.Silent = max(all.Silent, info.Silent)
		all.Unanswered += info.Unanswered
	}
	return all, ok
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
