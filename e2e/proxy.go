//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// proxyVersion is the RocketMQ whose proxy is tested.
const proxyVersion = "5.4.0"

// StartProxy starts a RocketMQ proxy of the cluster's version before it, in cluster mode, and returns its remoting port's host:port. It is
// killed when the test ends; a test that has failed by then gets the end of its log. The cluster is of proxyVersion.
func (c *Cluster) StartProxy(tb testing.TB) string {
	tb.Helper()
	s, err := newProxy(c, filepath.Join(tb.TempDir(), "proxy"))
	if err != nil {
		tb.Fatalf("RocketMQ %s: %v", c.Version(), err)
	}
	tb.Cleanup(func() {
		if err := s.stop(0); err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Logf("%s of RocketMQ %s wrote at last:\n%s", s.name, c.Version(), s.logTail(16<<10))
		}
	})
	began := time.Now()
	if err := s.start(); err != nil {
		tb.Fatalf("RocketMQ %s: %v", c.Version(), err)
	}
	tb.Logf("RocketMQ %s: proxy %s ready in %.1f s", c.Version(), s.addr, time.Since(began).Seconds())
	return s.addr
}

func newProxy(c *Cluster, dir string) (*server, error) {
	lib, err := proxies.of(c.Version())
	if err != nil {
		return nil, err
	}
	h, err := newHome(dir, "", nil)
	if err != nil {
		return nil, err
	}
	port, err := freePorts()
	if err != nil {
		return nil, err
	}
	// Its ports listen on every interface; the address that it gives is loopback's.
	config, err := json.Marshal(map[string]any{
		"rocketMQClusterName": "DefaultCluster",
		"proxyMode":           "CLUSTER",
		"namesrvAddr":         c.NameServer(),
		"remotingListenPort":  port,
		"grpcServerPort":      port + 1,
		"remotingAccessAddr":  "127.0.0.1",
		"localServeAddr":      "127.0.0.1",
	})
	if err != nil {
		return nil, err
	}
	path := h.path("conf", "rmq-proxy.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return nil, fmt.Errorf("proxy's configuration: %w", err)
	}
	s := &server{name: "proxy", addr: loopback(port), home: h, java: c.tools.java, says: "rocketmq-proxy startup successfully"}
	s.ready = func() error { return nil }
	s.args = append(h.jvmFlags(lib), "-Xms128m", "-Xmx512m", "-XX:MaxDirectMemorySize=512m", "org.apache.rocketmq.proxy.ProxyStartup", "-pc", path)
	return s, nil
}
