package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// Level is how a check came out.
type Level uint8

// The levels, best first.
const (
	OK   Level = iota
	Warn       // a run would work, and may not measure what was meant
	Fail       // a run would not work
)

var levelNames = [...]string{"ok", "warn", "fail"}

// String is ok, warn or fail.
func (l Level) String() string { return levelNames[l] }

// Check is one line of the doctor's list. What and Detail may hold names from outside: show them through results.Printable.
type Check struct {
	Level  Level
	What   string // what was looked at: "name server 10.0.0.1:9876"
	Detail string // what was found
	Next   string // the command to run or the thing to do next; never empty
}

// String is the line for a terminal, and the next step on one of its own.
func (c Check) String() string {
	return fmt.Sprintf("%-5s %s: %s\n      → %s", c.Level, results.Printable(c.What), results.Printable(c.Detail), results.Printable(c.Next))
}

// DoctorOptions says what the doctor looks at.
type DoctorOptions struct {
	NameServers []string // host:port, or the URL alone that tells them; none: only this machine
	Cluster     string   // "" means all that the name servers know
	Topic       string   // "" leaves the topic out
	Security    Security
}

const (
	doctorFor   = 9 * time.Second // the whole of it, even if nobody answers
	askFor      = 3 * time.Second // one question
	askAtOnce   = 64              // brokers looked at side by side
	fewFiles    = 1024
	clockSlack  = time.Second // clocks that differ by less agree: brokers tell their uptime in whole seconds
	defaultPort = "9876"
)

// Doctor looks at this machine and at a cluster before a real run, stores no message and changes nothing. It takes at most
// about ten seconds. The checks come in the order in which they are best read: this machine, name servers, clusters,
// brokers, topic.
func Doctor(ctx context.Context, o DoctorOptions) []Check {
	checks := []Check{checkFiles(openFilesLimit()), checkCPU(runtime.GOMAXPROCS(0), governor())}
	if len(o.NameServers) == 0 {
		return checks
	}
	ctx, cancel := context.WithTimeoutCause(ctx, doctorFor, remoting.ErrTimeout)
	defer cancel()
	if endpoint := o.NameServers[0]; scenarios.IsEndpoint(endpoint) {
		c, names := checkEndpoint(ctx, endpoint)
		if checks = append(checks, c); c.Level == Fail {
			return checks
		}
		o.NameServers = names
	}
	client := o.Security.client(remoting.ClientOptions{ConnectTimeout: askFor})
	defer client.Close()
	d := &doctor{DoctorOptions: o, client: client}

	answers := sideBySide(o.NameServers, func(addr string) nameServerAnswer { return d.askNameServer(ctx, addr) })
	var alive []nameServerAnswer
	for i := range answers {
		checks = append(checks, d.advised(answers[i].check(), answers[i].err))
		if answers[i].err == nil {
			alive = append(alive, answers[i])
		}
	}
	if proxies := slices.DeleteFunc(slices.Clone(answers), func(a nameServerAnswer) bool { return !a.proxy }); len(alive) == 0 && len(proxies) > 0 {
		return append(checks[:len(checks)-len(answers)], d.checkProxies(ctx, proxies, checks[len(checks)-len(answers):])...)
	}
	if len(alive) > 0 { // a run goes on with those that answer
		for i := range checks {
			checks[i].Level = min(checks[i].Level, Warn)
		}
	}
	if len(alive) == 0 {
		return checks
	}
	if len(alive) > 1 {
		checks = append(checks, checkAgreement(alive))
	}
	info := alive[0].info
	clusters, brokers := d.clusters(info)
	checks = append(checks, clusters...)

	d.admin = producer.NewAdmin(client, []string{alive[0].addr})
	d.admin.Timeout = askFor
	var topic []Check
	var topicDone sync.WaitGroup
	if o.Topic != "" {
		topicDone.Go(func() { topic = d.checkTopic(ctx, info, brokers) })
	}
	for _, c := range sideBySide(brokers, func(b message.BrokerData) []Check { return d.checkBroker(ctx, b) }) {
		checks = append(checks, c...)
	}
	topicDone.Wait()
	if o.Topic != "" && len(alive) > 1 {
		topic = append(topic, d.checkRoutes(ctx, alive))
	}
	return append(checks, topic...)
}

// checkEndpoint asks an HTTP endpoint where the name servers are.
func checkEndpoint(ctx context.Context, endpoint string) (Check, []string) {
	shown := scenarios.WithoutSecrets(endpoint)
	c := Check{What: "name servers of " + shown, Next: "see that these are all of them: what it doesn't name, producers never ask"}
	names, err := producer.AskNameServers(ctx, endpoint)
	if ae, ok := errors.AsType[*producer.AddressError](err); ok {
		c.Level, c.Detail, c.Next = Fail, ae.Err.Error(), "is that the endpoint? "+endpointAdvice
		return c, nil
	}
	c.Detail = "it tells " + strings.Join(names, ", ")
	return c, names
}

// checkRoutes compares the topic's routes of all name servers that answer.
func (d *doctor) checkRoutes(ctx context.Context, alive []nameServerAnswer) Check {
	c := Check{What: "routes of topic " + d.Topic, Detail: fmt.Sprintf("the same at all %d name servers", len(alive)), Next: "mqadmin topicRoute -n " + alive[0].addr + " -t " + d.Topic}
	routes := sideBySide(alive, func(a nameServerAnswer) string {
		admin := producer.NewAdmin(d.client, []string{a.addr})
		admin.Timeout = askFor
		r, err := admin.Route(ctx, d.Topic)
		switch {
		case producer.UnknownTopic(err):
			return "no route"
		case err != nil:
			return err.Error()
		}
		return strings.Join(placesOf(r), "; ")
	})
	for i, route := range routes[1:] {
		if route != routes[0] {
			c.Level = Warn
			c.Detail = fmt.Sprintf("%s has %s; %s has %s", alive[0].addr, routes[0], alive[i+1].addr, route)
			c.Next = "list every name server in each broker's namesrvAddr; a broker registers anew within 30 s"
			break
		}
	}
	return c
}

// placesOf are a route's queues, a text a broker, in order.
func placesOf(r *message.Route) []string {
	var places []string
	for i := range r.Queues {
		q := &r.Queues[i]
		places = append(places, fmt.Sprintf("%s: %d to write, %d to read, perm %d", q.Broker, q.WriteQueues, q.ReadQueues, q.Perm))
	}
	slices.Sort(places)
	return places
}

// doctor is one call of Doctor.
type doctor struct {
	DoctorOptions
	client *remoting.Client
	admin  *producer.Admin // of a name server that answers
}

// advised is c with the next step of a connection that TLS or credentials kept from being of use.
func (d *doctor) advised(c Check, err error) Check {
	if advice := d.Security.advice(err); advice != "" {
		c.Next = advice
	}
	if te, ok := errors.AsType[*remoting.TLSError](err); ok {
		c.Next = te.Next()
	}
	return c
}

// sideBySide does f for every item, many at a time, and keeps their order.
func sideBySide[T, R any](items []T, f func(T) R) []R {
	out := make([]R, len(items))
	places := make(chan struct{}, askAtOnce)
	var all sync.WaitGroup
	for i := range items {
		all.Go(func() {
			places <- struct{}{}
			out[i] = f(items[i])
			<-places
		})
	}
	all.Wait()
	return out
}

// checkFiles judges how many files may be open; 0 is unknown.
func checkFiles(limit uint64) Check {
	c := Check{What: "open files", Detail: fmt.Sprintf("at most %d", limit), Next: "rmqbench run"}
	switch {
	case limit == 0:
		c.Detail = "no limit that this system tells of"
	case limit < fewFiles:
		c.Level, c.Next = Warn, "ulimit -n 65536: each broker takes a connection, and a report its files"
	}
	return c
}

// checkCPU judges what this process may compute with.
func checkCPU(procs int, governor string) Check {
	c := Check{What: "CPU", Detail: fmt.Sprintf("%d usable, %s/%s", procs, runtime.GOOS, runtime.GOARCH), Next: "rmqbench run"}
	if governor != "" {
		c.Detail += ", governor " + governor
	}
	switch {
	case procs < 2:
		c.Level, c.Next = Warn, "give it 2 CPUs or more (a container's CPU limit counts): on one, the pacer and the client wait for each other"
	case governor == "powersave":
		c.Level, c.Next = Warn, "cpupower frequency-set -g performance: a clock that changes its speed colours every latency"
	}
	return c
}

// nameServerAnswer is what one name server said.
type nameServerAnswer struct {
	addr    string
	info    *message.ClusterInfo
	version string
	took    time.Duration // connecting included
	proxy   bool          // it is a proxy's remoting port; err says so
	err     error
}

func (d *doctor) askNameServer(ctx context.Context, addr string) nameServerAnswer {
	a := nameServerAnswer{addr: addr}
	began := time.Now()
	reply, err := d.client.Invoke(ctx, addr, remoting.NewRequest(remoting.GetBrokerClusterInfo), askFor)
	a.took = time.Since(began)
	switch {
	case errors.Is(err, remoting.ErrTimeout) && speaksHTTP(ctx, addr): // it waits for the end of a line that never comes
		a.err = fmt.Errorf("%w: it speaks HTTP", remoting.ErrNotRocketMQ)
	case err != nil:
		a.err = err
	case reply.Response() == remoting.RequestNotSupported && d.tellsRoutes(ctx, addr):
		a.proxy, a.version, a.err = true, remoting.VersionName(reply.Version), errors.New("a proxy's remoting port: it tells routes, and no brokers")
	case reply.Response() != remoting.Success:
		a.err = remoting.NewBrokerError(addr, reply.Response(), reply.Remark)
	default:
		a.version = remoting.VersionName(reply.Version)
		a.info, a.err = message.ParseClusterInfo(reply.Body)
	}
	return a
}

// tellsRoutes says whether a server knows what a route is: name servers and proxies do, brokers don't.
func (d *doctor) tellsRoutes(ctx context.Context, addr string) bool {
	reply, err := d.client.Invoke(ctx, addr, remoting.NewRequest(remoting.GetRouteInfoByTopic, remoting.Field{Key: "topic", Value: cmp.Or(d.Topic, message.DefaultTopic)}), askFor)
	return err == nil && reply.Response() != remoting.RequestNotSupported
}

// speaksHTTP asks a server that did not answer RocketMQ's way for a page, in HTTP.
func speaksHTTP(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, askFor/3)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	until, _ := ctx.Deadline()
	if c.SetDeadline(until) != nil {
		return false
	}
	answer := make([]byte, len("HTTP"))
	if _, err := io.WriteString(c, "HEAD / HTTP/1.0\r\n\r\n"); err != nil {
		return false
	}
	_, err = io.ReadFull(c, answer)
	return err == nil && string(answer) == "HTTP"
}

func (a *nameServerAnswer) check() Check {
	c := Check{What: "name server " + a.addr}
	if a.err == nil {
		c.Detail = fmt.Sprintf("answers in %s; speaks as %s; knows %s", results.FormatDuration(int64(a.took)), a.version, results.FormatCount(len(a.info.Brokers), "broker"))
		c.Next = "mqadmin clusterList -n " + a.addr
		return c
	}
	c.Level, c.Detail, c.Next = Fail, a.err.Error(), "is a name server up there? Start one: mqnamesrv; or, for a try, both it and a broker: rmqbench broker"
	host, port, err := net.SplitHostPort(a.addr)
	_, badName := errors.AsType[*net.DNSError](a.err)
	_, answered := errors.AsType[*remoting.BrokerError](a.err)
	switch {
	case err != nil:
		c.Next = fmt.Sprintf("an address is HOST:PORT: try -n %s", net.JoinHostPort(strings.Trim(a.addr, "[]"), defaultPort))
	case badName:
		c.Next = "getent hosts " + host
	case a.proxy:
		c.Next = "leave it out, or give proxies alone: which address a client asks is chance, and a run through a proxy is another one"
	case errors.Is(a.err, remoting.ErrNotRocketMQ) && strings.Contains(a.err.Error(), "gRPC"): // a proxy's 8081
		c.Next = fmt.Sprintf("rmqbench speaks remoting: name server 9876 or proxy remoting 8080: try -n %s", net.JoinHostPort(host, defaultPort))
	case errors.Is(a.err, remoting.ErrNotRocketMQ), errors.Is(a.err, remoting.ErrBadFrame):
		c.Next = fmt.Sprintf("another service listens there; name servers usually use %s: try -n %s", defaultPort, net.JoinHostPort(host, defaultPort))
		if port == defaultPort {
			c.Next = "another service listens there: ask for the name server's address and port (listenPort in its namesrv.conf)"
		}
	case answered:
		c.Next = "it speaks RocketMQ, but as no name server does: is it a broker's address? Give the name server's, usually port " + defaultPort
	}
	return c
}

// checkAgreement compares what the name servers know.
func checkAgreement(alive []nameServerAnswer) Check {
	c := Check{What: "name servers agree", Detail: fmt.Sprintf("all %d know the same brokers", len(alive)), Next: "mqadmin clusterList -n " + alive[0].addr}
	var differ []string
	first := masters(alive[0].info)
	for _, a := range alive[1:] {
		other := masters(a.info)
		for _, line := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(first), other...)))) {
			switch {
			case !slices.Contains(other, line):
				differ = append(differ, fmt.Sprintf("%s lacks %s", a.addr, line))
			case !slices.Contains(first, line):
				differ = append(differ, fmt.Sprintf("%s lacks %s", alive[0].addr, line))
			}
		}
	}
	if len(differ) > 0 {
		const shown = 4
		c.Level, c.Detail = Warn, strings.Join(differ[:min(len(differ), shown)], "; ")
		if more := len(differ) - shown; more > 0 {
			c.Detail += fmt.Sprintf("; and %d more", more)
		}
		c.Next = "list every name server in each broker's namesrvAddr; a broker registers anew within 30 s"
	}
	return c
}

// masters are the brokers that info knows, one text each, in order.
func masters(info *message.ClusterInfo) []string {
	var all []string
	for name, b := range info.Brokers {
		for id, addr := range b.Addrs {
			all = append(all, fmt.Sprintf("%s (id %d) at %s", name, id, addr))
		}
	}
	slices.Sort(all)
	return all
}

// clusters lists the clusters, and gives the brokers of those that are meant.
func (d *doctor) clusters(info *message.ClusterInfo) ([]Check, []message.BrokerData) {
	known := sortedKeys(info.Clusters)
	if len(known) == 0 {
		return []Check{{Level: Fail, What: "clusters", Detail: "the name server knows no broker", Next: "mqbroker -n " + strings.Join(d.NameServers, ";")}}, nil
	}
	if d.Cluster != "" && !slices.Contains(known, d.Cluster) {
		return []Check{{Level: Fail, What: "cluster " + d.Cluster, Detail: "not here; the name server knows: " + strings.Join(known, ", "), Next: "choose one of these with -c"}}, nil
	}
	var checks []Check
	var brokers []message.BrokerData
	for _, name := range known {
		if d.Cluster != "" && name != d.Cluster {
			continue
		}
		c := Check{What: "cluster " + name, Next: d.nextRun(name, len(known))}
		members, slaves := 0, 0
		for _, b := range slices.Compact(slices.Sorted(slices.Values(info.Clusters[name]))) {
			data, ok := info.Brokers[b]
			if !ok {
				continue
			}
			brokers = append(brokers, data)
			if data.Master() != "" {
				members++
			}
			for id := range data.Addrs {
				if id != 0 {
					slaves++
				}
			}
		}
		c.Detail = fmt.Sprintf("%s, %s", results.FormatCount(members, "master"), results.FormatCount(slaves, "slave"))
		if members == 0 {
			c.Level, c.Next = Fail, "start a master (brokerId=0): slaves take no messages"
		}
		checks = append(checks, c)
	}
	return checks, brokers
}

// clusterFor is the cluster to name in a command about the topic.
func (d *doctor) clusterFor(info *message.ClusterInfo) string {
	if known := sortedKeys(info.Clusters); d.Cluster == "" && len(known) == 1 {
		return known[0]
	}
	return cmp.Or(d.Cluster, "CLUSTER")
}

// nextRun is the command that a healthy cluster invites to.
func (d *doctor) nextRun(cluster string, clusters int) string {
	verb, topic, rate := "doctor", "TOPIC", ""
	if d.Topic != "" {
		verb, topic, rate = "run", d.Topic, " -r 1k/s"
	}
	next := fmt.Sprintf("rmqbench %s -n %s -t %s%s", verb, strings.Join(d.NameServers, ","), topic, rate)
	if clusters > 1 {
		next += " -c " + cluster
	}
	return next
}

// checkBroker dials a broker's master and asks what it says of itself.
func (d *doctor) checkBroker(ctx context.Context, b message.BrokerData) []Check {
	addr := b.Master()
	c := Check{What: fmt.Sprintf("broker %s at %s", b.Name, cmp.Or(addr, "no master"))}
	if addr == "" {
		c.Level, c.Detail, c.Next = Warn, "slaves only: it takes no message", "start its master (brokerId=0)"
		return []Check{c}
	}
	began := time.Now()
	if _, err := d.client.Endpoint(addr).Connect(ctx, askFor); err != nil {
		c.Level, c.Detail = Fail, err.Error()
		c.Next = fmt.Sprintf("if it is up: set brokerIP1 in its broker.conf to an address that can be reached from here, or say which one can: --resolve %s=HOST:PORT", addr)
		return []Check{d.advised(c, err)}
	}
	c.Detail = "connects in " + results.FormatDuration(int64(time.Since(began)))
	if err := letIn(ctx, d.admin, &b); d.Security.advice(err) != "" {
		c.Level, c.Detail = Fail, c.Detail+", and does not let us in: "+err.Error()
		return []Check{d.advised(c, err)}
	}
	c.Next = fmt.Sprintf("mqadmin brokerStatus -n %s -b %s", d.NameServers[0], addr)
	asked := time.Now()
	info, err := d.admin.RuntimeInfo(ctx, addr)
	answered := time.Now()
	if err != nil {
		if _, refused := errors.AsType[*remoting.BrokerError](err); !refused {
			c.Level, c.Detail, c.Next = Fail, c.Detail+", and doesn't answer: "+err.Error(), "what listens there? ss -ltnp on that host"
			return []Check{c}
		}
		c.Detail += "; may not be asked about itself: " + err.Error()
		return []Check{c}
	}
	if v := info["brokerVersionDesc"]; v != "" {
		c.Detail += ", " + v
	}
	shown := []string{"brokerRole", "flushDiskType"}
	if settings, err := d.admin.BrokerSettings(ctx, addr, shown...); err == nil {
		for _, key := range shown {
			if v := settings[key]; v != "" {
				c.Detail += ", " + v
			}
		}
	}
	checks := []Check{c}
	if ratio, err := strconv.ParseFloat(info["commitLogDiskRatio"], 64); err == nil {
		checks = append(checks, checkDisk(b.Name, ratio))
	}
	if from, to, ok := clockOff(info, asked, answered); ok {
		checks = append(checks, checkClock(b.Name, from, to))
	}
	return checks
}

// fullFrom is the share of a commit log's disk beyond which a run off loopback is refused.
const fullFrom = 0.7

// checkDisk judges how full the disk of a commit log is.
func checkDisk(broker string, ratio float64) Check {
	c := Check{What: "disk of " + broker, Detail: fmt.Sprintf("%.0f %% of the commit log's is used", 100*ratio), Next: "df -h of storePathCommitLog there"}
	if ratio >= fullFrom {
		c.Level = Warn
		c.Next = "make room first: a run is refused from 70 % on (--disk-limit), and brokers delete or refuse near 90 %"
	}
	return c
}

// clockOff is how far a broker's clock is ahead of ours: between from and to. Brokers don't tell the time, but when they
// began by their clock, to the millisecond, and for how many whole seconds that clock has run since
// (StoreStatsService.getRuntimeInfo). false: the broker doesn't say.
func clockOff(info message.KVTable, asked, answered time.Time) (from, to time.Duration, ok bool) {
	boot, err := strconv.ParseInt(info["bootTimestamp"], 10, 64)
	if err != nil {
		return 0, 0, false
	}
	var days, hours, minutes, seconds int64
	if n, err := fmt.Sscanf(info["runtime"], "[ %d days, %d hours, %d minutes, %d seconds ]", &days, &hours, &minutes, &seconds); n != 4 || err != nil || days > 1<<20 {
		return 0, 0, false
	}
	its := time.UnixMilli(boot).Add(time.Duration(((days*24+hours)*60+minutes)*60+seconds) * time.Second)
	return its.Sub(answered.Round(0)), its.Add(time.Second).Sub(asked.Round(0)), true
}

// checkClock judges a clock that is between from and to ahead of ours.
func checkClock(broker string, from, to time.Duration) Check {
	c := Check{What: "clock of " + broker, Detail: "within 2 s of ours; brokers don't tell it more exactly", Next: "chronyc tracking"}
	off, word := max(from, -to), "ahead of"
	if to < 0 {
		word = "behind"
	}
	if off >= clockSlack {
		c.Level = Warn
		c.Detail = fmt.Sprintf("%v to %v %s ours", off.Round(time.Second), (off + to - from).Round(time.Second), word)
		c.Next = "chronyc tracking, there and here: store times, delays and signatures go by the clock (latencies here don't)"
	}
	return c
}

// checkTopic looks where the topic lives.
func (d *doctor) checkTopic(ctx context.Context, info *message.ClusterInfo, brokers []message.BrokerData) []Check {
	c := Check{What: "topic " + d.Topic}
	names := strings.Join(d.NameServers, ";")
	r, err := d.admin.Route(ctx, d.Topic)
	if producer.UnknownTopic(err) {
		c.Level, c.Detail = Fail, "not there"
		c.Next = topicLine(names, producer.Topic{Name: d.Topic, Cluster: d.clusterFor(info), Queues: 8})
		return []Check{c, d.rightToCreate(ctx, brokers, true)}
	}
	if err != nil {
		c.Level, c.Detail, c.Next = Fail, err.Error(), fmt.Sprintf("mqadmin topicRoute -n %s -t %s", names, d.Topic)
		return []Check{c}
	}
	queues, _ := r.PublishQueues()
	c.Detail = fmt.Sprintf("%s to write (%s)", results.FormatCount(len(queues), "queue"), strings.Join(placesOf(r), "; "))
	c.Next = fmt.Sprintf("rmqbench run -n %s -t %s -r 1k/s", strings.Join(d.NameServers, ","), d.Topic)
	if len(queues) == 0 {
		c.Level = Fail
		c.Next = fmt.Sprintf("mqadmin updateTopicPerm -n %s -c %s -t %s -p 6", names, d.clusterFor(info), d.Topic)
	}
	return append(append([]Check{c}, d.aboutTopic(ctx, info, r)...), d.rightToCreate(ctx, brokers, false))
}

// topicLine is the command that makes a topic.
func topicLine(names string, t producer.Topic) string {
	line := fmt.Sprintf("mqadmin updateTopic -n '%s' -c %s -t %s -r %d -w %[4]d", names, t.Cluster, t.Name, t.Queues)
	if t.Type != "" && t.Type != producer.NormalTopic {
		line += fmt.Sprintf(" -a +message.type=%s", t.Type)
	}
	return line
}
