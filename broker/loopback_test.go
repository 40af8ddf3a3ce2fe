package broker

import (
	"net/netip"
	"testing"
)

// a cluster for which nobody says where it listens is reached from this machine alone.
func TestR47_LoopbackOnly(t *testing.T) {
	c, err := Start(Options{Brokers: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addrs := []string{c.NameServer()}
	for _, b := range c.Brokers() {
		addrs = append(addrs, b.Addr())
	}
	for _, addr := range addrs {
		if at, err := netip.ParseAddrPort(addr); err != nil || !at.Addr().IsLoopback() {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
