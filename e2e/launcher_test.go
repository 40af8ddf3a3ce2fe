//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// testLauncher has the version's own mqadmin look at the cluster.
func (s *suite) testLauncher(t *testing.T) {
	out, err := s.Admin("clusterList")
	if err != nil { // 4.5.1's mqadmin loses a connection once in a while on a busy machine
		t.Logf("again, after %v\n%s", err, out)
		out, err = s.Admin("clusterList")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, b := range s.Brokers() {
		if !strings.Contains(out, b.Name) || !strings.Contains(out, b.Addr) {
			t.Errorf("clusterList shows no %s at %s:\n%s", b.Name, b.Addr, out)
		}
	}
}

// checkGone checks that nothing is left of a cluster, which may be nil: it did not start.
func checkGone(t *testing.T, c *Cluster) {
	if c == nil {
		return
	}
	for _, s := range c.servers() {
		if s.current == nil {
			continue
		}
		pid := s.current.cmd.Process.Pid
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
			t.Errorf("%s: pid %d still runs", s.name, pid)
		}
		if conn, err := net.DialTimeout("tcp", s.addr, time.Second); err == nil {
			conn.Close()
			t.Errorf("%s: %s is still open", s.name, s.addr)
		}
	}
}

// TestFaults has a broker die, end in order, freeze and come back, and looks at it through the name server, and at the order
// of messages that are sent meanwhile.
func TestFaults(t *testing.T) {
	c := Start(t, latest(), WithBrokers(2), WithBrokerSetting("defaultTopicQueueNums", "4"), WithNameServerSetting("orderMessageEnable", "true"), WithPatience())
	lists := func(name string) bool {
		info, err := ask(c.NameServer(), getBrokerClusterInfo, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(info), `"`+name+`"`)
	}
	a, b := c.Brokers()[0], c.Brokers()[1]
	if a.Name == b.Name || a.Addr == b.Addr || !lists(a.Name) || !lists(b.Name) {
		t.Fatalf("want two brokers with names and ports of their own, got %v", c.Brokers())
	}

	if err := c.Restart(0); err == nil {
		t.Error("Restart of a broker that runs succeeded")
	}
	ctx, cancel := context.WithCancel(t.Context())
	order := newSuiteOn(t, c).startOrders(ctx, t)
	defer func() { cancel(); order.fixed.work.Wait(); order.moving.work.Wait() }() // nothing of them outlives the test
	if err := c.Kill(0); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); lists(a.Name); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s is still listed 10 s after it was killed", a.Name)
		}
	}
	order.away(t)
	if err := c.Restart(0); err != nil {
		t.Fatal(err)
	}
	order.back(t)

	if err := c.Stop(1); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(b.Addr, getBrokerRuntimeInfo, 500*time.Millisecond); err == nil {
		t.Error("a frozen broker answered")
	}
	if err := c.Cont(1); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(b.Addr, getBrokerRuntimeInfo, 5*time.Second); err != nil {
		t.Errorf("after Cont: %v", err)
	}

	if err := c.Shutdown(1); err != nil {
		t.Fatal(err)
	}
	if lists(b.Name) {
		t.Errorf("%s is listed after an orderly end", b.Name)
	}
	if err := c.Stop(1); err == nil {
		t.Error("Stop of a broker that has ended succeeded")
	}
}
