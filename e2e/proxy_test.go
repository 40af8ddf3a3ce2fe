//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rmqbench/bench"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestProxy puts load on a cluster through RocketMQ's proxy: all of it is in the brokers, and the record says nothing of one of them.
func TestProxy(t *testing.T) {
	c := startFor(t, proxyVersion, WithBrokers(2))
	proxy := c.StartProxy(t)
	client := remoting.NewClient(remoting.ClientOptions{ConnectTimeout: patience})
	t.Cleanup(client.Close)
	admin := producer.NewAdmin(client, []string{c.NameServer()})
	admin.Timeout = patience
	const topic, queues, sends = "RMQBENCH_E2E_PROXY", 4, 300
	if _, err := admin.CreateTopic(t.Context(), producer.Topic{Name: topic, Queues: queues}); err != nil {
		t.Fatal(err)
	}
	stored := func(topic string) (n int64) {
		for _, b := range c.Brokers() {
			stats, err := admin.TopicStats(t.Context(), b.Addr, topic)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range stats.Queues {
				n += q.MaxOffset
			}
		}
		return n
	}
	for _, mode := range []struct {
		name   string
		verify string
	}{{"sync", "offsets"}, {"async", "offsets"}, {"batch", "offsets"}, {"oneway", ""}} {
		t.Run(mode.name, func(t *testing.T) {
			load := []scenarios.Override{{Path: "target.namesrv", Value: proxy}, {Path: "topic.name", Value: topic}, {Path: "load.mode", Value: mode.name}, {Path: "load.rate", Value: "100/s"},
				{Path: "load.count", Value: fmt.Sprint(sends)}, {Path: "load.duration", Value: "30s"}, {Path: "message.size", Value: "128B"}, {Path: "producer.send_timeout", Value: patience.String()}}
			if mode.verify != "" {
				load = append(load, scenarios.Override{Path: "verify", Value: mode.verify})
			}
			scenario, err := scenarios.FromFlags(load...)
			if err != nil {
				t.Fatal(err)
			}
			before := stored(topic)
			var told []string
			report, err := bench.Run(t.Context(), scenario, bench.Options{Tell: func(text string) { told = append(told, text) }, NoGuard: true})
			if err != nil {
				t.Fatal(err)
			}
			run := report.Run
			m := &run.Cases[0]
			if m.Successes() != sends || m.Attempted != sends {
				t.Errorf("%+v, %v", m.Counts, m.Errors)
			}
			if v := m.Verify; mode.verify != "" && (v == nil || v.Unverified != "" || v.Stored != sends || v.Missing != 0) {
				t.Errorf("verified: %+v", v)
			}
			grew := int64(0)
			for until := time.Now().Add(patience); grew < sends && time.Now().Before(until); time.Sleep(100 * time.Millisecond) { // a broker counts in after it has answered
				grew = stored(topic) - before
			}
			if grew != sends {
				t.Errorf("the topic grew by %d, want %d", grew, sends)
			}
			target := &run.Target
			if !target.Proxy || target.Cluster != "DefaultCluster" || len(target.Brokers) != 0 || len(m.Brokers) != 0 || len(m.Queues) != 2*queues {
				t.Errorf("target %+v, brokers %+v, queues %+v", target, m.Brokers, m.Queues)
			}
			record, err := json.Marshal(run)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range c.Brokers() {
				if strings.Contains(string(record), b.Name) || strings.Contains(string(record), b.Addr) {
					t.Errorf("broker %s is named:\n%s", b.Name, record)
				}
			}
			t.Logf("%s\n%s: %d sent, the topic grew by %d; proxy speaks as %s; told %q", results.Title(run), run.Verdict, m.Successes(), grew, target.Speaks, told)
		})
	}
	for _, check := range bench.Doctor(t.Context(), bench.DoctorOptions{NameServers: []string{proxy}, Topic: topic}) {
		t.Log(check)
		if check.Level == bench.Fail {
			t.Errorf("%s failed", check.What)
		}
	}
	// Why mode transaction is refused: what the producer commits doesn't come about, until a broker asks, after 6 s or more.
	t.Run("ends of transactions get lost", func(t *testing.T) {
		const topic = "RMQBENCH_E2E_PROXY_TX"
		if _, err := admin.CreateTopic(t.Context(), producer.Topic{Name: topic, Queues: queues, Type: producer.TransactionTopic}); err != nil {
			t.Fatal(err)
		}
		commit := func(nameServer string) {
			p := producer.New(producer.Options{NameServers: []string{nameServer}, Group: "RMQBENCH_E2E_PROXY_" + fmt.Sprint(time.Now().UnixNano()), InstanceName: fmt.Sprint("e2e-", time.Now().UnixNano()),
				SendTimeout: patience, Listener: &bank{checked: map[string]*producer.Received{}}})
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Shutdown() }) // nothing depends on the goodbye
			res, err := p.SendTransaction(t.Context(), &producer.Message{Topic: topic, Body: []byte("commit")}, nil)
			if err != nil || res.State != producer.TransactionCommit {
				t.Fatalf("%+v, %v", res, err)
			}
		}
		commit(c.NameServer())
		for until := time.Now().Add(patience); stored(topic) == 0 && time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		}
		commit(proxy)
		time.Sleep(3 * time.Second)
		if n := stored(topic); n != 1 {
			t.Errorf("%d committed messages are there: want the one of 2 that didn't go through the proxy", n)
		}
	})
	t.Run("a topic that is missing", func(t *testing.T) {
		scenario, err := scenarios.FromFlags(scenarios.Override{Path: "target.namesrv", Value: proxy}, scenarios.Override{Path: "topic.name", Value: "RMQBENCH_E2E_NOT_THERE"}, scenarios.Override{Path: "load.rate", Value: "1/s"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bench.Run(t.Context(), scenario, bench.Options{}); err == nil || !strings.Contains(err.Error(), "is not there, and through the proxy "+proxy+" none is made") {
			t.Error(err)
		}
	})
}
