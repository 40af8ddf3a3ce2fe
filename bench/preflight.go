package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// preflightFor bounds the look at somebody's cluster: an address that nobody answers at is told within 5 s.
const preflightFor = 4500 * time.Millisecond

// againAfter is how long after a look at a cluster that isn't up it is looked at again.
const againAfter = 500 * time.Millisecond

// preflightWhenUp is preflight, again and again while nobody is there to be looked at, for o.Wait.
func preflightWhenUp(ctx context.Context, cases []scenarios.Case, o Options) ([]*target, error) {
	until := time.Now().Add(o.Wait)
	told := false
	for {
		targets, err := preflight(ctx, cases, o)
		if err == nil || !notUp(err) || time.Now().After(until) || slices.ContainsFunc(targets, (*target).madeAny) {
			return targets, err
		}
		if !told && o.Warn != nil {
			o.Warn(fmt.Sprintf("waiting for up to %v: %v", o.Wait, err))
		}
		told = true
		waitUntil(ctx, time.Now().Add(againAfter))
		if ctx.Err() != nil {
			return targets, err
		}
	}
}

// notUp reports whether an error may be that a cluster is only just starting: no name server answers, none knows a broker, or nobody says where
// the name servers are.
func notUp(err error) bool {
	if _, nobody := errors.AsType[*producer.NameServerError](err); nobody {
		return true
	}
	if _, untold := errors.AsType[*producer.AddressError](err); untold {
		return true
	}
	c, ok := errors.AsType[*producer.ClusterError](err)
	return ok && len(c.Known) == 0
}

// preflight looks at the clusters of all cases before anything is sent to one: who is there, is it ours to load as
// asked, are the topics there. It sends no message, and makes a topic only where that was asked for or everything is on
// loopback. The targets are those of the cases, nil for embedded ones; with an error those that it may have made topics on.
func preflight(ctx context.Context, cases []scenarios.Case, o Options) ([]*target, error) {
	seen := map[string]*somebodys{}
	warned := map[string]bool{}
	all := make([]*somebodys, len(cases))
	for i := range cases {
		c := &cases[i]
		if c.Target.Embedded != nil {
			continue
		}
		key := fmt.Sprint(c.Target.Namesrv, c.Target.Cluster, c.Target.Credentials, c.Target.TLS != nil, deref(c.Target.TLS), c.Target.Resolve)
		if seen[key] == nil {
			security, err := SecurityOf(&c.Target)
			if err != nil {
				return nil, err
			}
			for _, w := range security.Warnings {
				if o.Warn != nil && !warned[w] {
					o.Warn(w)
				}
				warned[w] = true
			}
			client := security.client(remoting.ClientOptions{})
			defer client.Close()
			s, err := survey(ctx, client, security, c)
			if err != nil {
				return nil, err
			}
			s.local = s.local && !o.abroad
			seen[key] = s
		}
		all[i] = seen[key]
		if all[i].proxy != "" {
			if err := throughProxy(c, all[i].proxy); err != nil {
				return nil, err
			}
		}
		if err := safe(&c.Load, &o, all[i].whom(), all[i].local); err != nil {
			return nil, err
		}
		if err := mayChange(c, all[i].cluster, o.AllowChange); err != nil {
			return nil, err
		}
		all[i].willChange(c)
	}
	made := newTopics{}
	for i, s := range all {
		if s == nil {
			continue
		}
		if err := knows(s.record.Brokers, cases[i].Target.Brokers); err != nil {
			return nil, err
		}
		warning, err := takes(s.record.Brokers, &cases[i])
		if err != nil {
			return nil, err
		}
		if warning != "" && o.Warn != nil {
			o.Warn(warning)
		}
		var routes []*message.Route
		for _, topic := range topicNames(&cases[i]) {
			route, err := s.checkTopic(ctx, &cases[i], topic)
			if err != nil {
				return nil, err
			}
			if route == nil {
				if err := made.add(s, &cases[i], topic); err != nil {
					return nil, err
				}
			}
			routes = append(routes, route)
		}
		if err := s.expect(&cases[i], routes, o.rounds); err != nil {
			return nil, err
		}
	}
	for _, key := range sortedKeys(seen) {
		s := seen[key]
		if s.proxy != "" && o.Tell != nil {
			o.Tell(noBrokers(s.proxy))
		}
		if err := s.weighDisks(o.diskLimit(s.local), o.Tell); err != nil {
			return nil, err
		}
	}
	if o.dry {
		return nil, nil
	}
	var targets []*target
	for i, s := range all {
		if s == nil {
			targets = append(targets, nil)
			continue
		}
		targets = append(targets, &s.target)
		for _, topic := range topicNames(&cases[i]) {
			if err := s.ensureTopic(ctx, &cases[i], topic); err != nil {
				return targets, err
			}
		}
	}
	return targets, nil
}

// somebodys is a cluster that isn't ours.
type somebodys struct {
	target
	admin   *producer.Admin
	cluster string
	brokers []message.BrokerData // with a master; nil: a proxy doesn't say
	proxy   string               // host:port of the proxy that was asked in place of a name server; "": none was
}

// whom are the words for what a load is put on.
func (s *somebodys) whom() string {
	if s.proxy != "" {
		return "what is behind the proxy " + s.proxy
	}
	return fmt.Sprintf("%s (%s)", s.cluster, results.FormatCount(len(s.brokers), "master"))
}

// deref is what p points at, or the zero value.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// survey asks the name servers who is there, and the brokers what they are and whether they let us in.
func survey(ctx context.Context, client *remoting.Client, security *Security, c *scenarios.Case) (*somebodys, error) {
	look, cancel := context.WithTimeoutCause(ctx, preflightFor, remoting.ErrTimeout)
	defer cancel()
	t := &c.Target
	names, err := NameServers(look, t.Namesrv)
	if err != nil {
		return nil, err
	}
	s := &somebodys{admin: producer.NewAdmin(client, names)}
	s.admin.Timeout = preflightFor / time.Duration(len(names))
	s.brokers, s.cluster, err = mastersOf(look, s.admin, security, t.Cluster)
	proxy, through := errors.AsType[*proxyError](err)
	if err != nil && !through {
		return nil, err
	}
	var addrs []string
	for _, b := range s.brokers {
		addrs = append(addrs, b.Master())
	}
	s.target = target{nameServers: names, local: onLoopback(look, names) && onLoopback(look, addrs), security: *security, record: results.Target{Namesrv: names, Cluster: s.cluster}}
	s.record.TLS, s.record.TLSInsecure = security.TLS != nil, security.TLS != nil && security.TLS.InsecureSkipVerify
	if through {
		s.proxy = proxy.addr
		return s, s.surveyProxy(look)
	}
	if err := s.noProxy(look); err != nil {
		return nil, err
	}
	for _, err := range sideBySide(s.brokers, func(b message.BrokerData) error { return letIn(look, s.admin, &b) }) {
		if advice := security.advice(err); advice != "" {
			return nil, fmt.Errorf("%w; %s", err, advice)
		}
		if _, told := errors.AsType[*remoting.TLSError](err); told {
			return nil, err
		}
	}
	s.record.Brokers = sideBySide(s.brokers, func(b message.BrokerData) results.Broker { return describe(look, s.admin, b) })
	return s, nil
}

// letIn asks a broker's master for what everybody who is let in may ask for, and returns its error.
func letIn(ctx context.Context, admin *producer.Admin, b *message.BrokerData) error {
	if _, err := admin.Version(ctx, b.Master()); err != nil {
		return fmt.Errorf("broker %s: %w", b.Name, err)
	}
	return nil
}

// mastersOf are the brokers of the cluster that was named, or of the only one, that have a master. Where it takes the user
// to choose, the error is a *DangerError, where a proxy was asked a *proxyError; otherwise it says what to do next.
func mastersOf(ctx context.Context, admin *producer.Admin, security *Security, cluster string) ([]message.BrokerData, string, error) {
	brokers, name, err := admin.Masters(ctx, cluster)
	if err == nil {
		return brokers, name, nil
	}
	if ce, ok := errors.AsType[*producer.ClusterError](err); ok {
		if len(ce.Known) > 0 && !slices.Contains(ce.Known, ce.Cluster) {
			return nil, "", &DangerError{ce.Error() + "; give --cluster NAME"}
		}
		return nil, "", err
	}
	if proxy := asProxy(ctx, admin, err); proxy != nil {
		return nil, "", proxy
	}
	names := strings.Join(admin.NameServers(), ",")
	if advice := security.advice(err); advice != "" {
		return nil, "", fmt.Errorf("name server %s: %w; %s", names, err, advice)
	}
	if _, told := errors.AsType[*remoting.TLSError](err); told { // it says what to do
		return nil, "", fmt.Errorf("name server %s: %w", names, err)
	}
	return nil, "", fmt.Errorf("name server %s: %w; is it up, and is that its port (usually 9876)? Try: rmqbench doctor -n %s", names, err, admin.NameServers()[0])
}

// knows refuses names that none of the brokers has.
func knows(brokers []results.Broker, names []string) error {
	var there []string
	for _, b := range brokers {
		there = append(there, b.Name)
	}
	for _, name := range names {
		if !slices.Contains(there, name) {
			return &DangerError{fmt.Sprintf("no broker %q with a master here: there are %s", name, strings.Join(there, ", "))}
		}
	}
	return nil
}

// safe refuses what would hurt somebody's production cluster.
func safe(load *scenarios.Workload, o *Options, whom string, local bool) error {
	if o.uncapped && !local {
		return &DangerError{fmt.Sprintf("no ceiling: this would load %s until it breaks; give --max-rate 20k/s", whom)}
	}
	if local || load.OpenLoop() || !load.Cap.IsZero() {
		return nil
	}
	if load.Uses(scenarios.Oneway) {
		return &DangerError{fmt.Sprintf("no rate: oneway sends to %s would not even slow down when it can't keep up; give -r 1k/s", whom)}
	}
	if !o.Unlimited {
		return &DangerError{fmt.Sprintf("no rate: this would drive %s as hard as it can; give -r 1k/s, or --unlimited", whom)}
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

// describe is a broker and what it says of itself; where it may not be asked, nothing.
func describe(ctx context.Context, admin *producer.Admin, data message.BrokerData) results.Broker {
	b := results.Broker{Name: data.Name, Addr: data.Master()}
	info, err := admin.RuntimeInfo(ctx, b.Addr)
	if b.Disk = diskOf(info, len(data.Addrs)-1); err == nil {
		b.Version = info["brokerVersionDesc"]
		_, b.Embedded = info[broker.RuntimeMark]
	}
	if settings, err := admin.BrokerSettings(ctx, b.Addr, results.DisclosedSettings()...); err == nil {
		b.Settings = results.AllowedSettings(settings)
	}
	return b
}

// checkTopic says whether a topic of the case's is there, and gives its route, or may be made, changing nothing. A topic that also lives on brokers
// of another cluster is dangerous: its messages would go there too.
func (s *somebodys) checkTopic(ctx context.Context, c *scenarios.Case, topic string) (*message.Route, error) {
	if s.proxy != "" {
		return s.checkProxyTopic(ctx, c, topic)
	}
	r, err := s.admin.Route(ctx, topic)
	if producer.UnknownTopic(err) {
		if c.Topic.Create == scenarios.CreateIfAbsent || c.Topic.Create == scenarios.CreateByTarget && s.local {
			return nil, nil
		}
		why := "off loopback none is made unasked"
		if c.Topic.Create == scenarios.CreateNever {
			why = "topic.create is never"
		}
		return nil, fmt.Errorf("topic %s is not on cluster %s, and %s; name one with -t, allow it with --set topic.create=if_absent, or have it made: %s",
			topic, s.cluster, why, topicLine(strings.Join(s.nameServers, ";"), producer.Topic{Name: topic, Cluster: s.cluster, Queues: c.Topic.Queues(), Type: typeOf(c)}))
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	if err := producer.WithinCluster(r, topic, s.cluster, s.brokers); err != nil {
		return nil, &DangerError{err.Error() + ": its messages would go there too; name a topic of this cluster's own with -t"}
	}
	if err := s.asMany(c, topic, r); err != nil {
		return nil, err
	}
	return r, s.typed(ctx, c, topic, r)
}

// typed refuses a topic that is there and of another type than was asked for. Brokers of 4.x keep none.
func (s *somebodys) typed(ctx context.Context, c *scenarios.Case, topic string, r *message.Route) error {
	want := typeOf(c)
	if want == "" {
		return nil
	}
	for _, b := range r.Brokers {
		is, err := s.admin.TopicTypeAt(ctx, b.Master(), topic)
		if err != nil {
			return fmt.Errorf("type of topic %s on %s: %w", topic, b.Name, err)
		}
		if is != "" && is != want {
			return &DangerError{fmt.Sprintf("topic %s is of type %s on %s, and topic.type is %s: an existing topic is never altered; name another with -t",
				topic, is, b.Name, c.Topic.Type)}
		}
	}
	return nil
}

func typeOf(c *scenarios.Case) producer.TopicType {
	return producer.TopicType(strings.ToUpper(string(c.Topic.Type)))
}

// ensureTopic makes a topic on every master if it is missing, and notes that. An existing topic is never altered, and one that some
// masters had is nobody's to delete.
func (s *somebodys) ensureTopic(ctx context.Context, c *scenarios.Case, topic string) error {
	if _, err := s.admin.Route(ctx, topic); !producer.UnknownTopic(err) {
		return err
	}
	so, err := s.admin.CreateTopic(ctx, producer.Topic{Name: topic, Cluster: s.cluster, Queues: c.Topic.Queues(), Type: typeOf(c)})
	if len(so.Made) > 0 {
		s.made = append(s.made, madeTopic{topic, c.Topic.Keep || len(so.Found) > 0})
	}
	return err
}
