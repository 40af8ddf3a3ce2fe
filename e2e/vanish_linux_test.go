//go:build e2e

package e2e

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rmqbench/remoting"
)

// blackholed sets up, in the namespace that these tests have to themselves, a wire at whose other end nobody answers: hole is behind it,
// and vanishing is an address of this machine's until it is moved there.
func blackholed(t *testing.T) (hole, vanishing string, vanish func()) {
	t.Helper()
	if os.Getenv(confineEnv) != "inside" {
		t.Skip("needs a network namespace of its own")
	}
	ip := func(args string) {
		t.Helper()
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip, of iproute2")
	}
	hole, vanishing = "10.99.0.2", "10.99.0.3"
	ip("link add hole0 type veth peer name hole1")
	t.Cleanup(func() { ip("link del hole0") })
	ip("addr add 10.99.0.1/24 dev hole0")
	ip("link set hole0 up")
	ip("link set hole1 up")
	for _, addr := range []string{hole, vanishing} { // a MAC that nobody has
		ip("neigh add " + addr + " lladdr 02:00:00:00:00:99 dev hole0 nud permanent")
	}
	ip("addr add " + vanishing + "/32 dev lo")
	return hole, vanishing, func() { ip("addr del " + vanishing + "/32 dev lo") }
}

func echoServer(t *testing.T, host string) *remoting.Server {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := remoting.NewServer(l, remoting.HandlerFunc(func(r *remoting.Request) {
		_ = r.Answer(&remoting.Command{Language: remoting.Go, Version: remoting.Version451})
	}), remoting.ServerOptions{}, nil)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A peer vanishes without a word: its connections are given up within ten seconds, the idle one and the one with bytes under way, and not
// before it has been silent for long. A broker that stands still for ten seconds keeps its own, see TestR02_FrozenBroker.
func TestR03_PeerVanishes(t *testing.T) {
	_, vanishing, vanish := blackholed(t)
	addr := echoServer(t, vanishing).Addr().String()
	ends := map[string]chan time.Duration{}
	var began time.Time
	conns := map[string]*remoting.Conn{}
	for _, name := range []string{"idle", "bytes under way"} {
		c := remoting.NewClient(remoting.ClientOptions{})
		t.Cleanup(c.Close)
		conn, err := c.Endpoint(addr).Connect(t.Context(), patience)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Invoke(t.Context(), addr, remoting.NewRequest(remoting.HeartBeat), patience); err != nil {
			t.Fatal(err)
		}
		conns[name] = conn
		ends[name] = make(chan time.Duration, 1)
		if name == "idle" {
			continue
		}
		defer func() {
			if _, err := c.Invoke(t.Context(), addr, remoting.NewRequest(remoting.HeartBeat), time.Second); err == nil {
				t.Error("who has vanished answers")
			}
		}()
		vanish()
		began = time.Now()
		go func() { _, _ = c.Invoke(t.Context(), addr, remoting.NewRequest(remoting.HeartBeat), time.Minute) }()
	}
	for name, conn := range conns {
		go func() {
			for conn.Err() == nil && time.Since(began) < time.Minute {
				time.Sleep(10 * time.Millisecond)
			}
			ends[name] <- time.Since(began)
		}()
	}
	for name, end := range ends {
		took := <-end
		t.Logf("%s: given up after %v: %v", name, took, conns[name].Err())
		if took < 7*time.Second || took > 10*time.Second {
			t.Errorf("%s: given up after %v", name, took)
		}
		if err := conns[name].Err(); err == nil || !strings.Contains(err.Error(), "the peer has vanished: not a sign of it for 9") {
			t.Errorf("%s: given up for %v", name, err)
		}
	}
}

// Dials to a broker that swallows everything hold up nobody who speaks to another.
func TestR04_Blackhole(t *testing.T) {
	hole, _, _ := blackholed(t)
	c := remoting.NewClient(remoting.ClientOptions{})
	defer c.Close()
	healthy := echoServer(t, "127.0.0.1").Addr().String()
	slowest := func() (worst time.Duration) {
		for range 200 {
			began := time.Now()
			if _, err := c.Invoke(t.Context(), healthy, remoting.NewRequest(remoting.HeartBeat), patience); err != nil {
				t.Fatal(err)
			}
			worst = max(worst, time.Since(began))
		}
		return worst
	}
	alone := slowest()
	dials := make(chan error, 16)
	for range cap(dials) {
		go func() {
			_, err := c.Invoke(t.Context(), net.JoinHostPort(hole, "10911"), remoting.NewRequest(remoting.HeartBeat), 3*time.Second)
			dials <- err
		}()
	}
	time.Sleep(100 * time.Millisecond) // they are dialling
	beside := slowest()
	t.Logf("the slowest of 200: %v alone, %v beside %d dials into a hole", alone, beside, cap(dials))
	if beside > max(10*alone, time.Second) {
		t.Errorf("%v beside a hole, %v alone", beside, alone)
	}
	for range cap(dials) {
		if err := <-dials; err == nil {
			t.Error("a hole answered")
		}
	}
}
