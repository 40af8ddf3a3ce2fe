// Package peer holds servers for tests that answer as a test wants. Only for tests. What has to be torn or delayed on its way is
// internal/chaos's; a whole cluster is the embedded broker's.
package peer

import (
	"net"
	"testing"

	"rmqbench/remoting"
)

// Serve answers RocketMQ's requests by h, on a port of loopback's until the test ends.
func Serve(tb testing.TB, h remoting.HandlerFunc) *remoting.Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := remoting.NewServer(l, h, remoting.ServerOptions{}, nil)
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// Dead is an address of loopback's that refuses connections.
func Dead(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nobody has come
	return l.Addr().String()
}
