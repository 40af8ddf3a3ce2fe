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

// proxyError is a remoting port of a RocketMQ 5 proxy where a name server was asked. The proxy tells routes with its own address for every
// broker, takes what producers and consumers send, and no question about brokers (RemotingProtocolServer.registerRemotingServer, 5.4.0).
type proxyError struct{ addr string }

func (e *proxyError) Error() string {
	return fmt.Sprintf("%s is a proxy's remoting port: it tells routes, and no brokers; %s", e.addr, behind(e.addr))
}

// behind is what to do where a proxy is of no use.
func behind(addr string) string {
	return "give the name server behind it, usually -n " + serverBehind(addr)
}

// serverBehind is where the name server behind a proxy usually is.
func serverBehind(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = "HOST"
	}
	return net.JoinHostPort(host, defaultPort)
}

// asProxy is err as a *proxyError if a proxy gave it to who asked for brokers; nil: it's something else.
func asProxy(ctx context.Context, admin *producer.Admin, err error) *proxyError {
	be, ok := errors.AsType[*remoting.BrokerError](err)
	if !ok || be.Code != remoting.RequestNotSupported {
		return nil
	}
	if _, err := admin.Route(ctx, message.DefaultTopic); err != nil && !producer.UnknownTopic(err) {
		return nil
	}
	return &proxyError{be.Addr}
}

// surveyProxy looks at what a proxy tells of itself. All of the addresses must be proxies': which of several is asked is chance.
func (s *somebodys) surveyProxy(ctx context.Context) error {
	for _, addr := range s.nameServers {
		version, err := s.admin.Version(ctx, addr)
		if advice := s.security.advice(err); advice != "" {
			return fmt.Errorf("proxy %s: %w; %s", addr, err, advice)
		}
		if _, answered := errors.AsType[*remoting.BrokerError](err); answered && addr == s.proxy {
			return fmt.Errorf("proxy %s: %w; %s", addr, err, behind(addr))
		} else if answered {
			return s.bothKinds(s.proxy)
		}
		if err == nil && addr == s.proxy {
			s.record.Speaks = remoting.VersionName(version)
		}
	}
	s.local, s.record.Proxy = false, true // where the brokers are, nobody knows
	return nil
}

// askedForProxy bounds how long it is waited for what each of several name servers is: a dead one delays no run for longer.
const askedForProxy = time.Second

// noProxy refuses a proxy among name servers: a client that asks it would send through it.
func (s *somebodys) noProxy(ctx context.Context) error {
	if len(s.nameServers) < 2 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askedForProxy)
	defer cancel()
	for _, proxy := range sideBySide(s.nameServers, func(addr string) *proxyError {
		admin := producer.NewAdmin(s.admin.Client, []string{addr})
		_, err := admin.ClusterInfo(ctx)
		return asProxy(ctx, admin, err)
	}) {
		if proxy != nil {
			return s.bothKinds(proxy.addr)
		}
	}
	return nil
}

func (s *somebodys) bothKinds(proxy string) error {
	return &DangerError{fmt.Sprintf("%s is a proxy, and not all of %s are: which of them a client asks is chance; give proxies, or name servers", proxy, strings.Join(s.nameServers, ","))}
}

// throughProxy refuses what a case asks of a cluster that a proxy doesn't pass on.
func throughProxy(c *scenarios.Case, proxy string) error {
	refuse := func(what, why string) error {
		return &DangerError{fmt.Sprintf("%s: through the proxy %s %s; %s", what, proxy, why, behind(proxy))}
	}
	switch {
	case c.Target.Brokers != nil:
		return refuse("--brokers "+strings.Join(c.Target.Brokers, ","), "nothing is said of single brokers")
	case c.Load.Uses(scenarios.Transactional):
		return refuse("mode transaction", "ends of transactions get lost: RocketMQ's (5.4.0) knows those alone that a broker has asked about")
	case c.Load.Uses(scenarios.Request):
		return refuse("mode request", "no reply comes back: it takes none (SEND_REPLY_MESSAGE)")
	case c.Verify == scenarios.VerifyBodies:
		return refuse("verify: bodies", "nothing is read back; verify: offsets goes through it")
	case changesTopic(c):
		return refuse("an event that changes the topic", "no topic is changed")
	case c.Topic.Type != "":
		return refuse("topic.type", "a topic doesn't tell its type")
	}
	return nil
}

// checkProxyTopic gives the route of a topic that is there, by way of a proxy: none is made through it.
func (s *somebodys) checkProxyTopic(ctx context.Context, c *scenarios.Case, topic string) (*message.Route, error) {
	r, err := s.admin.Route(ctx, topic)
	if producer.UnknownTopic(err) {
		return nil, &DangerError{fmt.Sprintf("topic %s is not there, and through the proxy %s none is made; name one with -t, or have it made: %s", topic, s.proxy,
			topicLine(serverBehind(s.proxy), producer.Topic{Name: topic, Cluster: "CLUSTER", Queues: c.Topic.Queues()}))}
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	if err := s.asMany(c, topic, r); err != nil {
		return nil, err
	}
	for _, cluster := range clustersOf(r) {
		if only := c.Target.Cluster; only != "" && cluster != only {
			return nil, &DangerError{fmt.Sprintf("topic %s lives on cluster %s, and not on %s alone: its messages would go there too", topic, cluster, only)}
		}
	}
	for _, addr := range mastersIn(r) {
		if _, err := s.admin.Client.Endpoint(addr).Connect(ctx, s.admin.Timeout); err != nil {
			return nil, fmt.Errorf("topic %s: the proxy %s says that it is at %s: %w; %s", topic, s.proxy, addr, err, proxyAt(addr))
		}
	}
	s.record.Cluster = strings.Join(clustersOf(r), ",")
	return r, nil
}

// proxyAt is what to do about a proxy that gives an address for itself that can't be reached.
func proxyAt(addr string) string {
	return fmt.Sprintf("set remotingAccessAddr in its rmq-proxy.json to one that can be reached from here, or say which one can: --resolve %s=HOST:PORT", addr)
}

// clustersOf are the clusters that a topic lives on, and mastersIn the addresses of its masters: through a proxy, the proxy's own.
func clustersOf(r *message.Route) []string {
	return distinct(r, func(b *message.BrokerData) string { return b.Cluster })
}

func mastersIn(r *message.Route) []string {
	return distinct(r, (*message.BrokerData).Master)
}

func distinct(r *message.Route, of func(*message.BrokerData) string) []string {
	var all []string
	for i := range r.Brokers {
		if text := of(&r.Brokers[i]); text != "" {
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// noBrokers is the line that a run through a proxy begins with.
func noBrokers(proxy string) string {
	return fmt.Sprintf("through the proxy %s: no claim about single brokers; their versions and settings, their disks, what else they store and who fails are not looked at", proxy)
}

// proxiedOffsets asks by way of a proxy for where queues end: it passes that question on to the brokers, though not the one for a whole topic's.
func proxiedOffsets(ctx context.Context, queues []producer.MessageQueue, routes routeOf, admin *producer.Admin) (offsets, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyWithin)
	defer cancel()
	known := map[string]*message.Route{}
	for _, q := range queues {
		if known[q.Topic] != nil {
			continue
		}
		r, err := routes(ctx, q.Topic)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", q.Topic, err)
		}
		known[q.Topic] = r
	}
	type answer struct {
		end int64
		err error
	}
	at := offsets{}
	for i, a := range sideBySide(queues, func(q producer.MessageQueue) (a answer) {
		a.end, a.err = admin.MaxOffsetOf(ctx, known[q.Topic].MasterAddr(q.Broker), q)
		return a
	}) {
		if a.err != nil {
			return nil, fmt.Errorf("topic %s: the end of a queue: %w", queues[i].Topic, a.err)
		}
		at[queues[i]] = a.end
	}
	return at, nil
}

// nameless gives queues that lack something the numbers that the record has for them, and takes the brokers' names away. all are the queues
// that a look at them found.
func nameless(lacking []results.LackingQueue, all offsets, topic string) {
	type name struct {
		topic, broker string
		queue         int
	}
	numbers, next := map[name]int{}, map[string]int{}
	for _, q := range sortedQueues(all) {
		numbers[name{q.Topic, q.Broker, int(q.ID)}] = next[q.Topic]
		next[q.Topic]++
	}
	for i := range lacking {
		l := &lacking[i]
		of := l.Topic
		if of == "" {
			of = topic
		}
		l.Broker, l.Queue = "", numbers[name{of, l.Broker, l.Queue}]
	}
}
