package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rmqbench/bench"
	"rmqbench/broker"
	"rmqbench/internal/golden"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// TestTopicVerbs is a topic's whole life, and what is refused in it, as it is printed.
func TestTopicVerbs(t *testing.T) {
	c, err := broker.Start(broker.Options{Brokers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	t.Setenv("NAMESRV_ADDR", c.NameServer())
	t.Setenv("RMQBENCH_YES_DELETE", "ORDERS") // counts for nothing
	names := []string{c.NameServer(), "HOST:9876"}
	for i, b := range c.Brokers() {
		names = append(names, b.Addr(), fmt.Sprintf("BROKER%d:10911", i))
	}
	anywhere := strings.NewReplacer(names...)
	var text strings.Builder
	for _, tt := range []struct {
		args   string
		status int
	}{
		{"topic create RMQBENCH_T --queues 4 --type delay", exitDone},
		{"topic create RMQBENCH_T --queues 4 --type delay -c DefaultCluster", exitDone},
		{"topic create RMQBENCH_T --queues 5 --type delay", exitUsage},
		{"topic create RMQBENCH_T --queues 4", exitUsage},
		{"topic create RMQBENCH_T -c Other", exitUsage},
		{"topic create ORDERS --queues 1", exitDone},
		{"topic route RMQBENCH_T", exitDone},
		{"topic route RMQBENCH_T --json", exitDone},
		{"topic route NONE", exitFailed},
		{"topic delete RMQBENCH_T", exitDone},
		{"topic delete RMQBENCH_T", exitFailed},
		{"topic delete ORDERS", exitUsage},
		{"topic delete ORDERS --yes-delete RMQBENCH_T", exitUsage},
		{"topic delete ORDERS --yes-delete ORDERS", exitDone},
		{"topic delete RMQ_SYS_TRACE_TOPIC --yes-delete RMQ_SYS_TRACE_TOPIC", exitUsage},
	} {
		out, errs, status := command(t, strings.Fields(tt.args)...)
		if status != tt.status || (status == exitDone) != (errs == "") || (status == exitDone) != (out != "") {
			t.Errorf("%s: status %d, want %d\n%s%s", tt.args, status, tt.status, out, errs)
		}
		fmt.Fprintf(&text, "$ rmqbench %s\n%s%sexit status %d\n\n", tt.args, out, errs, status)
		if strings.HasSuffix(tt.args, "--json") {
			var route bench.TopicRoute
			if err := json.Unmarshal([]byte(out), &route); err != nil || route.Queues != 8 || len(route.Brokers) != 2 || route.Brokers[1].Type != "DELAY" {
				t.Errorf("%v: %+v", err, route)
			}
		}
	}
	golden.Compare(t, "topic.golden", anywhere.Replace(text.String()))
}

// oneBroker is a name server that knows one cluster of one broker, itself, and a topic there; answer is what it says to
// everything else.
func oneBroker(t *testing.T, topic string, answer func(code remoting.RequestCode) *remoting.Command) string {
	t.Helper()
	return peer.Serve(t, func(r *remoting.Request) {
		data := message.BrokerData{Cluster: "prod", Name: "broker-a", Addrs: map[int64]string{0: r.Conn.LocalAddr().String()}}
		a := &remoting.Command{Version: remoting.Version451}
		switch code := remoting.RequestCode(r.Head.Code); code {
		case remoting.GetBrokerClusterInfo:
			a.Body = (&message.ClusterInfo{Brokers: map[string]message.BrokerData{"broker-a": data}, Clusters: map[string][]string{"prod": {"broker-a"}}}).AppendJSON(nil)
		case remoting.GetRouteInfoByTopic:
			if name, _ := r.Head.Get("topic"); string(name) == topic {
				a.Body = (&message.Route{Brokers: []message.BrokerData{data}, Queues: []message.QueueData{{Broker: "broker-a", ReadQueues: 1, WriteQueues: 1, Perm: 6}}}).AppendJSON(nil, true)
			} else {
				a.Code, a.Remark = int32(remoting.TopicNotExist), "No topic route info"
			}
		default:
			a = answer(code)
		}
		_ = r.Answer(a) // a client that is gone misses nothing
	}).Addr().String()
}

// Without permission the line to hand to an administrator is printed, and nothing was changed.
func TestTopicWithoutPermission(t *testing.T) {
	ns := oneBroker(t, "RMQBENCH_THERE", func(remoting.RequestCode) *remoting.Command {
		return &remoting.Command{Code: int32(remoting.NoPermission), Remark: "User:guest has no permission"}
	})
	for args, line := range map[string]string{
		"topic create RMQBENCH_T --queues 3":                "mqadmin updateTopic -n '" + ns + "' -c prod -t RMQBENCH_T -r 3 -w 3\n",
		"topic create RMQBENCH_T --queues 3 --type fifo":    "mqadmin updateTopic -n '" + ns + "' -c prod -t RMQBENCH_T -r 3 -w 3 -a +message.type=FIFO\n",
		"topic delete RMQBENCH_THERE":                       "mqadmin deleteTopic -n '" + ns + "' -c prod -t RMQBENCH_THERE\n",
		"topic delete RMQBENCH_THERE -n " + ns + ";" + ns:   "mqadmin deleteTopic -n '" + ns + ";" + ns + "' -c prod -t RMQBENCH_THERE\n",
		"topic create RMQBENCH_T --queues 3 --cluster prod": "hand this to an administrator: mqadmin updateTopic",
	} {
		if !strings.Contains(args, " -n ") {
			args += " -n " + ns
		}
		out, errs, status := command(t, strings.Fields(args)...)
		if status != exitFailed || out != "" || !strings.Contains(errs, line) || !strings.Contains(errs, "NO_PERMISSION") || !strings.Contains(errs, "--credentials FILE") || strings.Count(errs, "\n") != 2 {
			t.Errorf("%s: status %d\n%s%s, want %q", args, status, out, errs, line)
		}
	}
}

// whatever a name server tells, the verbs end soon and say what is wrong.
func TestR20_TopicVerbsAndOddServers(t *testing.T) {
	dead := peer.Dead(t)
	lies := func(route *message.Route, info *message.ClusterInfo) string {
		return peer.Serve(t, func(r *remoting.Request) {
			a := &remoting.Command{Body: route.AppendJSON(nil, true)}
			if remoting.RequestCode(r.Head.Code) == remoting.GetBrokerClusterInfo {
				a.Body = info.AppendJSON(nil)
			}
			_ = r.Answer(a)
		}).Addr().String()
	}
	nowhere := message.BrokerData{Cluster: "c", Name: "b", Addrs: map[int64]string{0: "localhost:0"}}
	atPort0 := lies(&message.Route{Queues: []message.QueueData{{Broker: "b", WriteQueues: 1, ReadQueues: 1, Perm: 6}}, Brokers: []message.BrokerData{nowhere}},
		&message.ClusterInfo{Brokers: map[string]message.BrokerData{"b": nowhere}, Clusters: map[string][]string{"c": {"b"}}})
	empty := lies(&message.Route{}, &message.ClusterInfo{})
	huge := lies(&message.Route{Queues: []message.QueueData{{Broker: "b\x1b[31m", WriteQueues: 1_000_000}}}, &message.ClusterInfo{})
	for _, tt := range []struct {
		args   string
		status int
		want   string // on stdout or stderr
	}{
		{"route T -n " + dead, exitFailed, dead},
		{"create RMQBENCH_T -n " + dead, exitFailed, "rmqbench doctor -n " + dead},
		{"delete RMQBENCH_T -n " + dead + ";" + dead, exitFailed, dead},
		{"route T -n " + atPort0, exitDone, "localhost:0"},
		{"create RMQBENCH_T -n " + atPort0, exitFailed, "localhost:0"},
		{"delete RMQBENCH_T -n " + atPort0, exitFailed, "localhost:0"},
		{"route T -n " + empty, exitDone, "topic T: 0 queues to write"},
		{"create RMQBENCH_T -n " + empty, exitFailed, "the name server knows no broker"},
		{"route T -n " + huge, exitFailed, huge + " answered GET_ROUTEINFO_BY_TOPIC with what can't be used: message: route body: more than 65536 queues"},
	} {
		began := time.Now()
		out, errs, status := command(t, append([]string{"topic"}, strings.Fields(tt.args)...)...)
		if status != tt.status || !strings.Contains(out+errs, tt.want) || strings.Contains(out+errs, "\x1b") {
			t.Errorf("%s: status %d\n%s%s, want %q", tt.args, status, out, errs, tt.want)
		}
		if took := time.Since(began); took > 50*time.Second {
			t.Errorf("%s took %v", tt.args, took)
		}
	}
}
