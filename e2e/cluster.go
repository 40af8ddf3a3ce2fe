//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 2 * time.Minute  // one server, until it is ready; 4 to 15 s when it has a core to itself
	stopGrace    = 40 * time.Second // between SIGTERM and SIGKILL, in Shutdown
)

// Cluster is one name server and its brokers, real ones. Its methods may be called from several goroutines.
type Cluster struct {
	tools      *Tools
	nameServer *server
	brokers    []*server
}

// Broker says where a broker is.
type Broker struct {
	Name string // brokerName
	Addr string // host:port that it listens on and advertises
}

// Start starts a name server and brokers of a RocketMQ version, returns when every broker is in the name server's table,
// and kills them when the test ends. A test that has failed by then gets the end of every server's log. What keeps
// it from starting fails the test at once, with the log's end.
func Start(tb testing.TB, version string, opts ...Option) *Cluster {
	tb.Helper()
	c, err := newCluster(tb.TempDir(), version, newOptions(opts))
	if err != nil {
		tb.Fatalf("RocketMQ %s: %v", version, err)
	}
	tb.Cleanup(func() {
		if err := c.kill(); err != nil {
			tb.Errorf("RocketMQ %s: %v", version, err)
		}
		if tb.Failed() {
			for _, s := range c.servers() {
				tb.Logf("%s of RocketMQ %s wrote at last:\n%s", s.name, version, s.logTail(16<<10))
			}
		}
	})
	began := time.Now()
	if err := c.start(); err != nil {
		tb.Fatalf("RocketMQ %s: %v", version, err)
	}
	tb.Logf("RocketMQ %s: name server %s and %d broker(s) ready in %.1f s", version, c.NameServer(), len(c.brokers), time.Since(began).Seconds())
	return c
}

// newCluster prepares folders, files and ports, and starts nothing.
func newCluster(dir, version string, o options) (*Cluster, error) {
	if o.brokers < 1 {
		return nil, fmt.Errorf("%d brokers: want at least 1", o.brokers)
	}
	for i := range o.brokerOf {
		if i < 0 || i >= o.brokers {
			return nil, fmt.Errorf("a setting for broker %d of %d: count from 0, and give WithBrokers", i, o.brokers)
		}
	}
	tools, err := newTools(dir, version, o)
	if err != nil {
		return nil, err
	}
	c := &Cluster{tools: tools}
	if c.nameServer, err = newNameServer(c, filepath.Join(dir, "namesrv"), o); err != nil {
		return nil, err
	}
	for i := range o.brokers {
		b, err := newBroker(c, dir, i, o)
		if err != nil {
			return nil, err
		}
		c.brokers = append(c.brokers, b)
	}
	return c, nil
}

// start starts the name server and, when it answers, all brokers at once: a broker that finds no name server
// tries again only after ten seconds.
func (c *Cluster) start() error {
	if err := c.nameServer.start(); err != nil {
		return err
	}
	return each(c.brokers, (*server).start)
}

// kill ends all servers at once and returns when they are gone. Not SIGTERM: an orderly end takes a 5.4.0 broker 15 s and more,
// and whatever it would save goes with the temporary directory.
func (c *Cluster) kill() error {
	return each(c.servers(), func(s *server) error { return s.stop(0) })
}

// NameServer returns the name server's host:port.
func (c *Cluster) NameServer() string { return c.nameServer.addr }

// Version returns the RocketMQ version that it runs.
func (c *Cluster) Version() string { return c.tools.version }

// Tools returns the tools of the cluster's version.
func (c *Cluster) Tools() *Tools { return c.tools }

// Admin runs mqadmin of the cluster's version against its name server; see [Tools.Admin].
func (c *Cluster) Admin(args ...string) (string, error) {
	return c.tools.Admin(c.NameServer(), args...)
}

// Brokers lists the brokers in the order in which Kill, Stop and the like count them.
func (c *Cluster) Brokers() []Broker {
	brokers := make([]Broker, len(c.brokers))
	for i, s := range c.brokers {
		brokers[i] = Broker{Name: s.name, Addr: s.addr}
	}
	return brokers
}

// Kill ends broker i without warning (SIGKILL) and returns when it is gone.
func (c *Cluster) Kill(i int) error { return c.brokers[i].stop(0) }

// Shutdown has broker i end in order (SIGTERM), so that it takes itself off the name server's table, and
// returns when it is gone: 5 s for 4.5.1, 15 s and more for 5.4.0. One that takes longer than 40 s is killed.
func (c *Cluster) Shutdown(i int) error { return c.brokers[i].stop(stopGrace) }

// Restart starts broker i again on its old port and files and returns when the name server lists it. It must have been killed or
// shut down.
func (c *Cluster) Restart(i int) error { return c.brokers[i].start() }

// Stop freezes broker i (SIGSTOP): its connections stay open and nothing answers, until [Cluster.Cont].
func (c *Cluster) Stop(i int) error { return c.brokers[i].signal(syscall.SIGSTOP) }

// Cont has a frozen broker i go on (SIGCONT).
func (c *Cluster) Cont(i int) error { return c.brokers[i].signal(syscall.SIGCONT) }

func (c *Cluster) servers() []*server { return append([]*server{c.nameServer}, c.brokers...) }

// each calls f on all servers at once and joins their errors.
func each(servers []*server, f func(*server) error) error {
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { errs[i] = f(s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
