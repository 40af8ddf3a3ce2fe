//go:build !linux

package remoting

import "net"

func tcpInfo(*net.TCPConn) (TCPInfo, bool) { return TCPInfo{}, false }
