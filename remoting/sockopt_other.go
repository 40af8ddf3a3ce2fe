//go:build !linux

package remoting

import "net"

// setUserTimeout: other systems have no such option, or none that Go knows by name; keep-alive must do.
func setUserTimeout(*net.TCPConn) {}
