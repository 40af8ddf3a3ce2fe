//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/ab"
	"rmqbench/bench"
	"rmqbench/broker"
	"rmqbench/internal/peer"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
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
	vanish = sync.OnceFunc(func() { ip("addr del " + vanishing + "/32 dev lo") })
	t.Cleanup(vanish)
	return hole, vanishing, vanish
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

// beside sends to one queue, whatever else the topic's route has.
type beside struct {
	*producer.Producer
	queue producer.MessageQueue
}

func (b beside) Send(ctx context.Context, m *producer.Message, opts ...producer.SendOption) (producer.SendResult, error) {
	return b.Producer.Send(ctx, m, append(opts, producer.To(b.queue))...)
}

// ab finds no difference between a healthy broker alone and one beside a broker that swallows everything, while sends of the same client
// to that one wait for its connection.
func TestR04_AbFindsNoDifference(t *testing.T) {
	hole, _, _ := blackholed(t)
	const topic, rounds, rate = "BESIDE", 10, 500
	const dialling = 3 * time.Second // until it is given up
	c, err := broker.Start(broker.Options{MemoryBudget: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	healthy := producer.MessageQueue{Topic: topic, Broker: c.Brokers()[0].Name()}
	swallowed := producer.MessageQueue{Topic: topic, Broker: "hole"}
	names := func(brokers map[string]string) string {
		r := message.Route{}
		for name, addr := range brokers {
			r.Brokers = append(r.Brokers, message.BrokerData{Cluster: c.Name(), Name: name, Addrs: map[int64]string{0: addr}})
			r.Queues = append(r.Queues, message.QueueData{Broker: name, ReadQueues: 1, WriteQueues: 1, Perm: 6})
		}
		return peer.Serve(t, func(req *remoting.Request) {
			_ = req.Answer(&remoting.Command{Body: r.AppendJSON(nil, true)})
		}).Addr().String()
	}
	at := c.Brokers()[0].Addr()
	var clients, refused atomic.Int64
	var slowest [2]atomic.Int64 // ns, of what went to the healthy one: alone, beside the hole
	arm := func(name, nameServer string, others int) ab.Arm {
		return ab.Arm{Name: name, Measure: func(ctx context.Context) (*results.Side, error) {
			p := producer.New(producer.Options{NameServers: []string{nameServer}, Group: "beside", InstanceName: fmt.Sprint(name, clients.Add(1)), Profile: producer.Measure})
			if err := p.Start(); err != nil {
				return nil, err
			}
			defer func() { _ = p.Shutdown() }() // what it says of a broker that swallows all is no news
			ctx, stop := context.WithCancel(ctx)
			var all sync.WaitGroup
			defer all.Wait()
			defer stop()
			for range others {
				all.Go(func() {
					for ctx.Err() == nil {
						if _, err := p.Send(ctx, &producer.Message{Topic: topic, Body: []byte("x")}, producer.To(swallowed)); err == nil {
							t.Error("a hole answered")
						}
						refused.Add(1)
						time.Sleep(20 * time.Millisecond) // between dials a send is refused at once
					}
				})
			}
			s, err := scenarios.FromFlags(scenarios.Override{Path: "topic.name", Value: topic}, scenarios.Override{Path: "load.rate", Value: fmt.Sprintf("%d/s", rate)},
				scenarios.Override{Path: "load.duration", Value: "2s"}, scenarios.Override{Path: "load.workers", Value: "16"})
			if err != nil {
				return nil, err
			}
			report, err := bench.Run(ctx, s, bench.Options{Sender: func(*scenarios.Case) (bench.Sender, error) { return beside{p, healthy}, nil }})
			if err != nil {
				return nil, err
			}
			r := &report.Run.Cases[0]
			if r.Acknowledged != 2*rate {
				t.Errorf("%s: %+v", name, r.Counts)
			}
			worst := &slowest[min(others, 1)]
			worst.Store(max(worst.Load(), r.Service.Max)) // one arm at a time
			return results.SideOf(name, report.Run, report.Histograms), nil
		}}
	}
	alone := arm("alone", names(map[string]string{healthy.Broker: at}), 0)
	besideHole := arm("beside a hole", names(map[string]string{healthy.Broker: at, swallowed.Broker: net.JoinHostPort(hole, "10911")}), 16)
	sides, err := ab.Measure(t.Context(), ab.Plan{Base: alone, New: besideHole, Rounds: rounds, Again: true, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	// To wait for a dial would be thousands of times the median; what the others cost that try again is a few percent of a CPU.
	found, err := results.Compare(sides.Base, sides.New, results.CompareOptions{Paired: true, ByDesign: true, Gate: true, MaxRegression: 0.25, Again: sides.Again, Metrics: []string{"p50"}})
	if err != nil {
		t.Fatal(err)
	}
	without, with := time.Duration(slowest[0].Load()), time.Duration(slowest[1].Load())
	t.Logf("%s; the slowest send took %v alone, %v beside the hole; %d sends to the hole ended meanwhile", found.Sentence(), without, with, refused.Load())
	for i := range found.Rows {
		r := &found.Rows[i]
		t.Logf("%s: %.0f alone, %.0f beside a hole: %s %s", r.Metric.Name, r.Base, r.New, r.Outcome, r.Why)
		if r.Outcome == results.Worse {
			t.Errorf("%s is worse beside a hole", r.Metric.Name)
		}
	}
	if len(found.Rows) != 1 || refused.Load() < rounds || with > dialling/2+without { // a busy machine is slow alone too
		t.Errorf("%d rows of 1, %d sends to the hole, the slowest %v, %v alone", len(found.Rows), refused.Load(), with, without)
	}
}
