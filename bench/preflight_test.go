package bench

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/peer"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/scenarios"
)

// cluster is an embedded one that a test treats as somebody's.
func cluster(t testing.TB, o broker.Options) *broker.Cluster {
	t.Helper()
	c, err := broker.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// on is the target block of a cluster behind its name server.
func on(namesrv string) string { return fmt.Sprintf("target: {namesrv: [%q]}\n", namesrv) }

// route asks for a topic's route.
func route(t testing.TB, namesrv, topic string) (*message.Route, error) {
	t.Helper()
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	return producer.NewAdmin(client, []string{namesrv}).Route(t.Context(), topic)
}

// scripted is a name server that answers as a test wants.
func scripted(t testing.TB, answer func(code remoting.RequestCode, topic string) *remoting.Command) string {
	t.Helper()
	return peer.Serve(t, func(req *remoting.Request) {
		topic, _ := req.Head.Get("topic")
		a := answer(remoting.RequestCode(req.Head.Code), string(topic))
		_ = req.Answer(a) // a client that is gone misses nothing
	}).Addr().String()
}

func answerBody(body []byte) *remoting.Command {
	return &remoting.Command{Body: body}
}

func answerCode(code remoting.Code, remark string) *remoting.Command {
	return &remoting.Command{Code: int32(code), Remark: remark}
}

// twoClusters is a name server that knows clusters a and b, of one broker each at addr; topic lives on both.
func twoClusters(t testing.TB, addr string) string {
	data := func(cluster, name string) message.BrokerData {
		return message.BrokerData{Cluster: cluster, Name: name, Addrs: map[int64]string{0: addr}}
	}
	return scripted(t, func(code remoting.RequestCode, topic string) *remoting.Command {
		if code == remoting.GetBrokerClusterInfo {
			info := message.ClusterInfo{Brokers: map[string]message.BrokerData{"broker-a": data("a", "broker-a"), "broker-b": data("b", "broker-b")},
				Clusters: map[string][]string{"a": {"broker-a"}, "b": {"broker-b"}}}
			return answerBody(info.AppendJSON(nil))
		}
		if topic != "BOTH" {
			return answerCode(remoting.TopicNotExist, "No topic route info in name server for the topic: "+topic)
		}
		r := message.Route{Brokers: []message.BrokerData{data("a", "broker-a"), data("b", "broker-b")},
			Queues: []message.QueueData{{Broker: "broker-a", ReadQueues: 1, WriteQueues: 1, Perm: 6}, {Broker: "broker-b", ReadQueues: 1, WriteQueues: 1, Perm: 6}}}
		return answerBody(r.AppendJSON(nil, true))
	})
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2, Cluster: "mine", NoAutoCreate: true})
	ns := c.NameServer()
	if _, err := preflight(t.Context(), parse(t, on(ns)+"topic: {name: THERE}"), Options{}); err != nil {
		t.Fatal(err)
	}
	nobody := peer.Dead(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() }) // after the parallel tests
	two := twoClusters(t, c.Brokers()[0].Addr())
	empty := scripted(t, func(remoting.RequestCode, string) *remoting.Command {
		return answerBody((&message.ClusterInfo{}).AppendJSON(nil))
	})
	const load = "load: {stages: [{for: 1s, rate: 1k/s}]}\n"
	for name, tt := range map[string]struct {
		text   string
		danger bool
		want   []string // of the error; none: no error
	}{
		"topic is made":           {on(ns) + load + "topic: {name: MADE}", false, nil},
		"topic is there":          {on(ns) + load + "topic: {name: THERE, create: never}", false, nil},
		"never":                   {on(ns) + load + "topic: {name: ABSENT, queues_per_broker: 3, create: never}", false, []string{"topic.create is never", "mqadmin updateTopic -n '" + ns + "' -c mine -t ABSENT -r 3 -w 3"}},
		"closed loop on loopback": {on(ns) + "topic: {name: MADE}", false, nil},
		"cluster by name":         {fmt.Sprintf("target: {namesrv: [%q], cluster: mine}\n", ns) + load + "topic: {name: MADE}", false, nil},
		"unknown cluster":         {fmt.Sprintf("target: {namesrv: [%q], cluster: yours}\n", ns) + load, true, []string{`no cluster "yours"`, "mine"}},
		"which cluster":           {on(two) + load, true, []string{"2 clusters", "--cluster", "a, b"}},
		"topic of two clusters":   {fmt.Sprintf("target: {namesrv: [%q], cluster: a}\n", two) + load + "topic: {name: BOTH}", true, []string{"BOTH", "broker-b", "cluster a"}},
		"no broker":               {on(empty) + load, false, []string{"knows no broker"}},
		"nobody there":            {on(nobody) + load, false, []string{nobody, "rmqbench doctor -n " + nobody}},
		"no answer":               {on(silent.Addr().String()) + load, false, []string{silent.Addr().String(), "no answer in time"}},
		"second name server":      {fmt.Sprintf("target: {namesrv: [%q, %q]}\n", nobody, ns) + load + "topic: {name: MADE}", false, nil},
		"embedded":                {load, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := preflight(t.Context(), parse(t, tt.text), Options{})
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if (err == nil) != (tt.want == nil) || isDanger(err) != tt.danger {
				t.Fatalf("error %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q doesn't say %q", err, want)
				}
			}
		})
	}
	t.Run("what was made", func(t *testing.T) {
		targets, err := preflight(t.Context(), parse(t, on(ns)+"topic: {name: FRESH, queues_per_broker: 3}"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := route(t, ns, "FRESH"); err != nil || len(r.Queues) != 2 || r.Queues[0].WriteQueues != 3 {
			t.Errorf("route %+v, %v", r, err)
		}
		rec := targets[0].record
		if rec.Cluster != "mine" || len(rec.Brokers) != 2 || rec.Brokers[0].Version == "" || rec.Brokers[1].Settings["flushDiskType"] != "ASYNC_FLUSH" {
			t.Errorf("target %+v", rec)
		}
		if _, err := preflight(t.Context(), parse(t, on(ns)+"topic: {name: FRESH, queues_per_broker: 5}"), Options{}); !isDanger(err) || !strings.Contains(err.Error(), "topic FRESH has 3 queues on ") || !strings.Contains(err.Error(), "and topic.queues_per_broker is 5") || !strings.Contains(err.Error(), "--set topic.queues_per_broker=3") {
			t.Error(err)
		}
		for _, more := range []string{"", ", queues_per_broker: 3"} { // what nobody named is as it is
			if _, err := preflight(t.Context(), parse(t, on(ns)+"topic: {name: FRESH"+more+"}"), Options{}); err != nil {
				t.Errorf("%q: %v", more, err)
			}
		}
		for axis, want := range map[string]string{
			"topic.queues_per_broker: [2, 6]": "with 2 queues a broker, of type normal, for one case, and is to have 6 queues",
			"topic.type: [normal, fifo]":      "of type normal, for one case, and is to have 8 queues a broker, of type fifo",
		} {
			if _, err := preflight(t.Context(), parse(t, on(ns)+"topic: {name: TWICE}\nmatrix: {"+axis+"}\n"), Options{}); !isDanger(err) || !strings.Contains(err.Error(), want) {
				t.Error(err)
			}
		}
		if _, err := route(t, ns, "TWICE"); !producer.UnknownTopic(err) {
			t.Errorf("it was made all the same: %v", err)
		}
		if r, _ := route(t, ns, "FRESH"); r == nil || r.Queues[0].WriteQueues != 3 {
			t.Errorf("a topic that was there has been altered: %+v", r)
		}
	})
	t.Run("interrupt", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := preflight(ctx, parse(t, on(silent.Addr().String())), Options{}); err == nil || time.Since(began) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// a run on a name server that lies ends soon, in an error that says what can't be.
func TestR20_LyingNameServers(t *testing.T) {
	t.Parallel()
	b := message.BrokerData{Cluster: "c", Name: "b", Addrs: map[int64]string{0: "localhost:0"}}
	for name, tt := range map[string]struct {
		queues  []message.QueueData
		brokers map[string]message.BrokerData
		want    string
	}{
		"a broker at port 0": {[]message.QueueData{{Broker: "b", ReadQueues: 1, WriteQueues: 1, Perm: 6}}, map[string]message.BrokerData{"b": b}, "localhost:0"},
		"an empty route":     {nil, map[string]message.BrokerData{"b": b}, "no route for topic T: no broker offers a queue that can be written"},
		"a million queues":   {[]message.QueueData{{Broker: "b", WriteQueues: 1_000_000}}, map[string]message.BrokerData{"b": b}, "more than 65536 queues"},
		"an unknown broker":  {nil, nil, "cluster c has no master"},
	} {
		ns := scripted(t, func(code remoting.RequestCode, _ string) *remoting.Command {
			if code == remoting.GetBrokerClusterInfo {
				return answerBody((&message.ClusterInfo{Brokers: tt.brokers, Clusters: map[string][]string{"c": {"b"}}}).AppendJSON(nil))
			}
			return answerBody((&message.Route{Queues: tt.queues, Brokers: []message.BrokerData{b}}).AppendJSON(nil, true))
		})
		began := time.Now()
		report, err := Run(t.Context(), scenario(t, on(ns)+"topic: {name: T}\nload: {stages: [{for: 1s, rate: 1k/s}]}\n"), Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || isDanger(err) || report != nil {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if took := time.Since(began); took > 50*time.Second { // a tenth of it on a machine that has time
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// TestR46_NothingIsSentAfterDanger: what is wrong with the second case is found before the first one sends or a topic is made.
func TestR46_NothingIsSentAfterDanger(t *testing.T) {
	c := cluster(t, broker.Options{NoAutoCreate: true})
	s, err := scenarios.Parse("test.yaml", []byte("version: 1\nname: test\n"+on(c.NameServer())+`topic: {name: FRESH}
load: {stages: [{for: 50ms, rate: 1k/s}]}
cases:
  - name: fine
  - name: elsewhere
    target: {cluster: nowhere}
`))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), s, Options{})
	if !isDanger(err) || report != nil {
		t.Errorf("report %v, error %v", report, err)
	}
	if stored := c.Brokers()[0].Stored(); len(stored) > 0 {
		t.Errorf("something was sent: %+v", stored)
	}
	if _, err := route(t, c.NameServer(), "FRESH"); !producer.UnknownTopic(err) {
		t.Errorf("a topic was made: %v", err)
	}
}

func TestR46_Safe(t *testing.T) {
	for name, tt := range map[string]struct {
		load             string
		local, unlimited bool
		want             string // of the error; "": none
	}{
		"loopback":                 {"mode: sync", true, false, ""},
		"loopback oneway":          {"mode: oneway", true, false, ""},
		"a rate":                   {"stages: [{for: 1s, rate: 1k/s}]", false, false, ""},
		"oneway with a rate":       {"mode: oneway, stages: [{for: 1s, rate: 1k/s}]", false, false, ""},
		"no rate":                  {"mode: sync", false, false, "no rate: this would drive prod (12 masters) as hard as it can; give -r 1k/s, or --unlimited"},
		"async without a rate":     {"mode: async", false, false, "--unlimited"},
		"unlimited":                {"mode: sync", false, true, ""},
		"unlimited async":          {"mode: async", false, true, ""},
		"oneway always needs one":  {"mode: oneway", false, true, "no rate: oneway sends to prod (12 masters)"},
		"a count is no rate":       {"count: 10", false, false, "no rate"},
		"an unlimited rate as ask": {"stages: [{for: 1s, rate: 1G/s}]", false, false, ""},
	} {
		err := safe(&loadOf(t, tt.load).Load, &Options{Unlimited: tt.unlimited}, "prod (12 masters)", tt.local)
		if tt.want == "" && err == nil {
			continue
		}
		if err == nil || tt.want == "" || !isDanger(err) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// A search for a capacity off loopback needs a ceiling.
func TestR46_SafeSearch(t *testing.T) {
	load := &loadOf(t, "stages: [{for: 1s, rate: 1k/s}]").Load
	if err := safe(load, &Options{uncapped: true}, "prod (12 masters)", true); err != nil {
		t.Errorf("loopback: %v", err)
	}
	if err := safe(load, &Options{uncapped: true, Unlimited: true}, "prod (12 masters)", false); !isDanger(err) || !strings.Contains(err.Error(), "load prod (12 masters) until it breaks; give --max-rate") {
		t.Errorf("off loopback: %v", err)
	}
}

func TestR46_OnLoopback(t *testing.T) {
	for _, tt := range []struct {
		addrs []string
		want  bool
	}{
		{[]string{"127.0.0.1:9876"}, true}, {[]string{"127.3.2.1:1", "[::1]:9876"}, true}, {nil, true},
		{[]string{"10.0.0.1:9876"}, false}, {[]string{"127.0.0.1:9876", "192.0.2.1:9876"}, false}, {[]string{"0.0.0.0:9876"}, false},
		{[]string{"[::]:9876"}, false}, {[]string{"127.0.0.1"}, false}, {[]string{""}, false}, {[]string{"no-such-host.invalid:1"}, false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if got := onLoopback(ctx, tt.addrs); got != tt.want {
			t.Errorf("%q on loopback: %v", tt.addrs, got)
		}
		cancel()
	}
}

// TestWaitForCluster: a run may begin before its cluster is up; without patience it is told at once.
func TestWaitForCluster(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	s, err := scenarios.FromFlags(scenarios.Override{Path: "target.namesrv", Value: addr}, scenarios.Override{Path: "load.count", Value: "10"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), s, Options{}); err == nil || !strings.Contains(err.Error(), "no name server answers") {
		t.Fatalf("nobody is there: %v", err)
	}
	var told []string
	started := make(chan struct{})
	o := Options{Wait: 30 * time.Second, Warn: func(text string) {
		if told = append(told, text); len(told) == 1 {
			close(started)
		}
	}}
	go func() {
		<-started
		c, err := broker.Start(broker.Options{NameServerListen: addr})
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(c.Close)
	}()
	report, err := Run(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if n := report.Run.Cases[0].Acknowledged; n != 10 || !strings.Contains(told[0], "waiting for up to 30s: name server "+addr) {
		t.Errorf("%d acknowledged, told %q", n, told)
	}
}

// A proxy's remoting port is told from a name server's, and a broker's from both.
func TestPreflightOfProxy(t *testing.T) {
	refuse := func(route remoting.Code) string {
		return scripted(t, func(code remoting.RequestCode, _ string) *remoting.Command {
			if code == remoting.GetRouteInfoByTopic {
				return answerCode(route, "no")
			}
			return answerCode(remoting.RequestNotSupported, "request type 106 not supported")
		})
	}
	for addr, want := range map[string]string{
		refuse(remoting.TopicNotExist):       `answered REQUEST_CODE_NOT_SUPPORTED (3): "request type 106 not supported"; give the name server behind it, usually -n 127.0.0.1:9876`, // no heartbeats
		refuse(remoting.RequestNotSupported): "is it up, and is that its port (usually 9876)?",
	} {
		_, err := Run(t.Context(), scenario(t, on(addr)+"topic: {name: ANY}\nload: {stages: [{for: 1s, rate: 1/s}]}\n"), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
