//go:build !unix

package remoting

import "net"

// tryWriter: sockets of this platform can't be tried without waiting, so writeLoop writes everything.
func tryWriter(net.Conn) func(net.Buffers) (int, error) { return nil }
