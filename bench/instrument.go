package bench

import (
	"context"
	"fmt"
	"net"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// instrumentWarmup is left out of what the instrument costs: connections and pools get warm.
const instrumentWarmup = 100 * time.Millisecond

// instrumentBacklog are slots that may wait: fewer than what a pause of a few milliseconds makes wait at any rate that can be sent.
const instrumentBacklog = 1_000

// InstrumentCost measures for d what the harness itself takes with the first case of s, as a run does before it: for whoever measures many
// runs and asks once. nil: it couldn't be measured, or s's mode needs a broker that does something.
func InstrumentCost(ctx context.Context, s *scenarios.Scenario, d time.Duration) *results.InstrumentCost {
	cases := s.Cases()
	return instrumentCost(ctx, &cases[0], d)
}

// instrumentCost measures for a time what the harness itself takes with the load of c, in its mode, size and rate, against
// a broker in this process that does nothing. nil: c's mode needs a broker that does something, or it couldn't be measured.
func instrumentCost(ctx context.Context, c *scenarios.Case, d time.Duration) *results.InstrumentCost {
	for _, mode := range c.Load.Modes() {
		if mode != scenarios.Sync && mode != scenarios.Async && mode != scenarios.Oneway {
			return nil
		}
	}
	null, err := startNull()
	if err != nil {
		return nil
	}
	defer null.close()
	like := *c
	like.Target, like.Events, like.SLO = scenarios.Target{}, nil, nil
	like.Load.Count, like.Load.Stages = 0, []scenarios.Stage{
		{For: scenarios.Duration(instrumentWarmup), Rate: measuredRate(c), Warmup: true},
		{For: scenarios.Duration(d), Rate: measuredRate(c)},
	}
	if like.Load.OpenLoop() && like.Load.Backlog == 0 { // of a rate that is too high nothing is to be caught up with
		like.Load.Backlog = instrumentBacklog
	}
	st, err := newStand(ctx, &like, &target{nameServers: []string{null.addr}}, -1, lotOf(&like, 0, 0))
	if err != nil {
		return nil
	}
	defer st.close()
	plan, err := newPlan(&like)
	if err != nil {
		return nil
	}
	m, err := drive(ctx, plan, st.sender, &threadWaiter{}, watcher{})
	if err != nil || m.interrupted {
		return nil
	}
	out, _, err := m.record(&like)
	if err != nil {
		return nil
	}
	cost := &results.InstrumentCost{Mode: out.Mode, DurationNS: int64(d), MessagesPerSecond: out.MessagesPerSecond}
	if n := out.Successes(); n > 0 && out.BodyBytes != nil {
		cost.BodyBytes = *out.BodyBytes / n
	}
	if out.Service != nil {
		cost.P50NS = out.Service.P50
	}
	if out.Process != nil {
		cost.CPUNSPerMessage = out.Process.CPUNSPerMessage
	}
	return cost
}

// measuredRate is that with which the first measured stage begins; zero in a closed loop.
func measuredRate(c *scenarios.Case) scenarios.Rate {
	for _, s := range c.Load.Stages {
		if !s.Warmup {
			return s.Rate
		}
	}
	return scenarios.Rate{}
}

// null is a name server and broker on loopback that parses what it must to answer, stores nothing, and answers at once.
type null struct {
	addr   string
	server *remoting.Server
	route  []byte
}

// nullBroker is its name, and its cluster's.
const nullBroker = "null"

// nullQueues are those of the topic.
const nullQueues = 8

func startNull() (*null, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("null broker: %w", err)
	}
	n := &null{addr: l.Addr().String()}
	route := message.Route{
		Queues:  []message.QueueData{{Broker: nullBroker, ReadQueues: nullQueues, WriteQueues: nullQueues, Perm: message.PermRead | message.PermWrite}},
		Brokers: []message.BrokerData{{Cluster: nullBroker, Name: nullBroker, Addrs: map[int64]string{0: n.addr}}},
	}
	n.route = route.AppendJSON(nil, true)
	n.server = remoting.NewServer(l, remoting.HandlerFunc(n.answer), remoting.ServerOptions{}, nil)
	return n, nil
}

func (n *null) close() { _ = n.server.Close() } // its listener was ours alone

// answer runs on a connection's reader, and its reply is encoded before it returns. A connection that dies ends by itself.
func (n *null) answer(req *remoting.Request) {
	switch remoting.RequestCode(req.Head.Code) {
	case remoting.GetRouteInfoByTopic:
		_ = req.Answer(&remoting.Command{Body: n.route})
	case remoting.HeartBeat, remoting.UnregisterClient:
		_ = req.Answer(&remoting.Command{})
	default:
		var view remoting.SendView
		if view.Parse(&req.Head) != nil {
			req.Refuse()
			return
		}
		_ = req.Reply(&remoting.SendReply{Serialize: req.Head.Serialize, Language: remoting.Go, Version: remoting.Version451, QueueID: view.QueueID,
			MsgID: []byte("7F00000100002A9F0000000000000000"), TraceOn: true, Region: "DefaultRegion"}, nil)
	}
}
