//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// TestLauncher starts each version, has its own mqadmin look at it, and checks that nothing of it is left.
func TestLauncher(t *testing.T) {
	for _, version := range Versions() {
		t.Run(version, func(t *testing.T) {
			var pids []int
			var addrs []string
			t.Run("up", func(t *testing.T) {
				c := Start(t, version)
				for _, s := range c.servers() {
					pids = append(pids, s.current.cmd.Process.Pid)
					addrs = append(addrs, s.addr)
				}
				out, err := c.Admin("clusterList")
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				for _, b := range c.Brokers() {
					if !strings.Contains(out, b.Name) || !strings.Contains(out, b.Addr) {
						t.Errorf("clusterList shows no %s at %s:\n%s", b.Name, b.Addr, out)
					}
				}
			})
			for _, pid := range pids {
				if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
					t.Errorf("pid %d still runs", pid)
				}
			}
			for _, addr := range addrs {
				if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
					conn.Close()
					t.Errorf("%s is still open", addr)
				}
			}
		})
	}
}
