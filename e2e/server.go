//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// server is a name server, a broker or a proxy that can be started again and again on the same port and files.
type server struct {
	name  string
	addr  string // host:port
	home  home
	java  string
	args  []string           // the JVM's
	says  string             // once it is up
	ready func() (err error) // nil once the others can use it; called while it runs

	mu      sync.Mutex // protects following; held while it starts or stops
	current *process   // the last one started; may have ended
	starts  int
}

// booted is what a name server and a broker say once they are up.
const booted = "boot success"

func newNameServer(c *Cluster, dir string, o options) (*server, error) {
	h, err := newHome(dir, "", o.files)
	if err != nil {
		return nil, err
	}
	port, err := freePorts()
	if err != nil {
		return nil, err
	}
	settings := map[string]string{
		"bindAddress":     "127.0.0.1",
		"listenPort":      strconv.Itoa(port),
		"kvConfigPath":    h.path("kvConfig.json"),
		"configStorePath": h.path("stored.properties"),
	}
	maps.Copy(settings, o.nameServer)
	s := &server{name: "name server", addr: loopback(port), home: h, java: c.tools.java, says: booted}
	s.ready = func() error {
		_, err := ask(s.addr, getBrokerClusterInfo, time.Second)
		return err
	}
	return s, s.setArgs(c.tools.lib, "org.apache.rocketmq.namesrv.NamesrvStartup", []string{"-Xms64m", "-Xmx256m"}, o.jvm, settings)
}

func newBroker(c *Cluster, dir string, i int, o options) (*server, error) {
	name := "broker-" + brokerLetters(i)
	h, err := newHome(filepath.Join(dir, name), "", o.files)
	if err != nil {
		return nil, err
	}
	port, err := freePorts()
	if err != nil {
		return nil, err
	}
	// Small mapped files: RocketMQ's own sizes are 1 GiB for a commit log file and 420 MB for an index file. The older versions
	// spell it "maped"; each ignores what it doesn't know.
	settings := map[string]string{
		"brokerClusterName":          "DefaultCluster",
		"brokerName":                 name,
		"brokerId":                   "0",
		"brokerIP1":                  "127.0.0.1",
		"brokerIP2":                  "127.0.0.1",
		"bindAddress":                "127.0.0.1",
		"listenPort":                 strconv.Itoa(port),
		"haListenPort":               strconv.Itoa(port + 1),
		"namesrvAddr":                c.nameServer.addr,
		"storePathRootDir":           h.path("store"),
		"storePathCommitLog":         h.path("store", "commitlog"),
		"mappedFileSizeCommitLog":    "67108864",
		"mappedFileSizeConsumeQueue": "600000",
		"mapedFileSizeCommitLog":     "67108864",
		"mapedFileSizeConsumeQueue":  "600000",
		"maxHashSlotNum":             "50000",
		"maxIndexNum":                "200000",
	}
	maps.Copy(settings, o.brokerSettings(i))
	s := &server{name: settings["brokerName"], addr: loopback(port), home: h, java: c.tools.java, says: booted}
	s.ready = func() error {
		info, err := ask(c.nameServer.addr, getBrokerClusterInfo, time.Second)
		if err != nil {
			return err
		}
		if !bytes.Contains(info, []byte(`"`+s.addr+`"`)) {
			return errors.New("not registered at the name server")
		}
		// 4.5.1 fails at this one for its first second, until its statistics have a first sample.
		if _, err := ask(s.addr, getBrokerRuntimeInfo, time.Second); err != nil && !errors.Is(err, errUnsigned) {
			return err
		}
		return nil
	}
	return s, s.setArgs(c.tools.lib, "org.apache.rocketmq.broker.BrokerStartup",
		[]string{"-Xms128m", "-Xmx512m", "-XX:MaxDirectMemorySize=512m"}, o.jvm, settings)
}

// setArgs fixes the command line and writes the settings file that it names. Later JVM flags win over earlier ones.
func (s *server) setArgs(lib, class string, heap, jvm []string, settings map[string]string) error {
	path, err := s.home.writeSettings("server.properties", settings)
	if err != nil {
		return err
	}
	s.args = append(s.home.jvmFlags(lib), heap...)
	s.args = append(s.args, jvm...)
	s.args = append(s.args, class, "-c", path)
	return nil
}

// start starts it and returns when it said that it is up and answers requests, and, for a broker, the name server lists it.
// What keeps it from that within startTimeout is in the error, with the log's end; the process is then gone.
func (s *server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.running() {
		return fmt.Errorf("%s runs already: kill it first", s.name)
	}
	s.starts++
	cmd := exec.Command(s.java, s.args...)
	cmd.Dir = string(s.home)
	cmd.Env = s.home.env()
	p, err := startProcess(cmd, s.home.path(fmt.Sprintf("out-%d.log", s.starts)))
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.current = p
	if err := s.awaitReady(p); err != nil {
		return errors.Join(fmt.Errorf("%s at %s: %w\n%s", s.name, s.addr, err, p.logTail(8<<10)), p.stop(0))
	}
	return nil
}

// awaitReady polls until p can be used. Only start calls it.
func (s *server) awaitReady(p *process) error {
	deadline := time.After(startTimeout)
	last := fmt.Errorf("it has not said %q", s.says)
	for up, pause := false, 50*time.Millisecond; ; {
		if !up {
			out, err := os.ReadFile(p.log)
			if err != nil {
				return err
			}
			up = bytes.Contains(out, []byte(s.says))
		}
		if up {
			if last = s.ready(); last == nil {
				return nil
			}
			pause = 250 * time.Millisecond // a request that fails costs 16 lines in the log
		}
		select {
		case <-p.done:
			return fmt.Errorf("ended before it was ready: %w; its log", p.err)
		case <-deadline:
			return fmt.Errorf("not ready after %v: %w; its log", startTimeout, last)
		case <-time.After(pause):
		}
	}
}

// stop ends it as [process.stop] does; one that never started or has ended is no error.
func (s *server) stop(grace time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return nil
	}
	if err := s.current.stop(grace); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

func (s *server) signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return fmt.Errorf("%s was never started", s.name)
	}
	if err := s.current.signal(sig); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

func (s *server) logTail(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return "(never started)"
	}
	return s.current.logTail(n)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// brokerLetters counts a, b, …, z, aa, ab, ….
func brokerLetters(i int) string {
	letter := string(rune('a' + i%26))
	if i < 26 {
		return letter
	}
	return brokerLetters(i/26-1) + letter
}
