package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// preflightFor bounds the look at somebody's cluster: an address that nobody answers at is told within 5 s.
const preflightFor = 4500 * time.Millisecond

// preflight looks at a cluster before anything is sent to it: who is there, is it ours to load as asked, is the topic
// there. It sends no message, and makes the topic only where that was asked for or everything is on loopback.
func preflight(ctx context.Context, c *scenarios.Case, o Options) (*target, error) {
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	names := c.Target.Namesrv
	admin := producer.NewAdmin(client, names)
	admin.Timeout = preflightFor / time.Duration(len(names))
	look, cancel := context.WithTimeout(ctx, preflightFor)
	defer cancel()
	info, err := admin.ClusterInfo(look)
	if err != nil {
		return nil, fmt.Errorf("name server %s: %w; is it up, and is that its port (usually 9876)? Try: rmqbench doctor -n %s", strings.Join(names, ","), err, names[0])
	}
	brokers, cluster, err := brokersOf(info, c.Target.Cluster)
	if err != nil {
		return nil, err
	}
	t := &target{nameServers: names, record: results.Target{Namesrv: names, Cluster: cluster}}
	var addrs []string
	for _, b := range brokers {
		addrs = append(addrs, b.Master())
		t.record.Brokers = append(t.record.Brokers, results.Broker{Name: b.Name, Addr: b.Master()})
	}
	local := onLoopback(look, names) && onLoopback(look, addrs)
	if err := safe(c, o, cluster, len(brokers), local); err != nil {
		return nil, err
	}
	for i := range t.record.Brokers {
		describe(look, admin, &t.record.Brokers[i])
	}
	return t, ensureTopic(ctx, admin, c, brokers, local)
}

// brokersOf are the brokers of the cluster that was named, or of the only one, that have a master.
func brokersOf(info *message.ClusterInfo, cluster string) ([]message.BrokerData, string, error) {
	known := sortedKeys(info.Clusters)
	switch {
	case len(known) == 0:
		return nil, "", errors.New("the name server knows no broker: is one running, with this name server in its namesrvAddr?")
	case cluster == "" && len(known) > 1:
		return nil, "", &DangerError{fmt.Sprintf("the name server knows %d clusters: choose one with --cluster: %s", len(known), strings.Join(known, ", "))}
	case cluster == "":
		cluster = known[0]
	case !slices.Contains(known, cluster):
		return nil, "", &DangerError{fmt.Sprintf("no cluster %q here; the name server knows: %s", cluster, strings.Join(known, ", "))}
	}
	var brokers []message.BrokerData
	names := slices.Sorted(slices.Values(info.Clusters[cluster]))
	for _, name := range slices.Compact(names) {
		if b, ok := info.Brokers[name]; ok && b.Master() != "" {
			brokers = append(brokers, b)
		}
	}
	if len(brokers) == 0 {
		return nil, "", fmt.Errorf("cluster %s has no master", cluster)
	}
	return brokers, cluster, nil
}

// safe refuses what would hurt somebody's production cluster.
func safe(c *scenarios.Case, o Options, cluster string, masters int, local bool) error {
	if local || c.Load.OpenLoop() {
		return nil
	}
	if c.Load.Mode == scenarios.Oneway {
		return &DangerError{fmt.Sprintf("no rate: oneway sends to %s (%d masters) would not even slow down when it can't keep up; give -r 1k/s", cluster, masters)}
	}
	if !o.Unlimited {
		return &DangerError{fmt.Sprintf("no rate: this would drive %s (%d masters) as hard as it can; give -r 1k/s, or --unlimited", cluster, masters)}
	}
	return nil
}

// onLoopback reports whether every address is on this machine's loopback.
func onLoopback(ctx context.Context, addrs []string) bool {
	for _, addr := range addrs {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return false
		}
		ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
		if err != nil || len(ips) == 0 {
			return false
		}
		for _, ip := range ips {
			if !ip.IP.IsLoopback() {
				return false
			}
		}
	}
	return true
}

// describe adds what the broker says of itself; where it may not be asked, nothing.
func describe(ctx context.Context, admin *producer.Admin, b *results.Broker) {
	if info, err := admin.RuntimeInfo(ctx, b.Addr); err == nil {
		b.Version = info["brokerVersionDesc"]
	}
	if text, err := admin.BrokerConfig(ctx, b.Addr); err == nil {
		b.Settings = results.AllowedSettings(parseProperties(text))
	}
}

// parseProperties reads the key=value lines of a broker's configuration.
func parseProperties(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			all[k] = v
		}
	}
	return all
}

// ensureTopic makes the topic on every master if it is missing and may be made. An existing topic is never altered.
func ensureTopic(ctx context.Context, admin *producer.Admin, c *scenarios.Case, brokers []message.BrokerData, local bool) error {
	topic := c.Topic.Name
	_, err := admin.Route(ctx, topic)
	be, refused := errors.AsType[*remoting.BrokerError](err)
	if err == nil || !refused || be.Code != remoting.TopicNotExist {
		return err
	}
	may := c.Topic.Create == scenarios.CreateIfAbsent || c.Topic.Create == scenarios.CreateByTarget && local
	if !may {
		return fmt.Errorf("topic %s is not on this cluster, and off loopback none is made unasked; name one with -t, allow it with --set topic.create=if_absent, or have it made: mqadmin updateTopic -n %s -c %s -t %s -r %d -w %d",
			topic, strings.Join(c.Target.Namesrv, ";"), brokers[0].Cluster, topic, c.Topic.QueuesPerBroker, c.Topic.QueuesPerBroker)
	}
	for _, b := range brokers {
		if err := admin.CreateTopic(ctx, b.Master(), topic, c.Topic.QueuesPerBroker); err != nil {
			return fmt.Errorf("create topic %s on %s: %w", topic, b.Name, err)
		}
	}
	return awaitTopic(ctx, admin, topic, len(brokers))
}

// awaitTopic waits until the name server has learnt of the topic on that many brokers.
func awaitTopic(ctx context.Context, admin *producer.Admin, topic string, brokers int) error {
	const patience, pause = 10 * time.Second, 20 * time.Millisecond
	for until := time.Now().Add(patience); ; {
		r, err := admin.Route(ctx, topic)
		if err == nil && len(r.Queues) >= brokers {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("topic %s was made, but the name server doesn't know it after %v: %w", topic, patience, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// createTopic makes the case's topic on the embedded cluster.
func (t *target) createTopic(ctx context.Context, c *scenarios.Case) error {
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	admin := producer.NewAdmin(client, t.nameServers)
	for _, b := range t.record.Brokers {
		if err := admin.CreateTopic(ctx, b.Addr, c.Topic.Name, c.Topic.QueuesPerBroker); err != nil {
			return fmt.Errorf("create topic %s: %w", c.Topic.Name, err)
		}
	}
	return awaitTopic(ctx, admin, c.Topic.Name, len(t.record.Brokers))
}
