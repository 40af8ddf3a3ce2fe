package producer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Admin asks name servers and brokers what a producer and its operator need to know (MQAdminImpl.java, MQClientAPIImpl.java).
// Brokers are named by their masters' host:port. Each request waits at most Timeout and the context's deadline. A server's
// refusal is a *remoting.BrokerError, an answer that can't be understood an *AnswerError, no answer a *remoting.CallError,
// and no answer from any name server a *NameServerError.
type Admin struct {
	Client    *remoting.Client
	Timeout   time.Duration // one request; 0 means 3s
	Serialize remoting.Serialize

	names atomic.Pointer[[]string] // name servers
	next  atomic.Uint32            // index of the one to ask first
}

// NewAdmin uses client's connections; closing them is the caller's. It begins with any of the name servers, so that
// many clients spread over them.
func NewAdmin(client *remoting.Client, nameServers []string) *Admin {
	a := &Admin{Client: client, Serialize: remoting.RocketMQ}
	a.SetNameServers(nameServers)
	return a
}

// NameServers are those that are asked, which is not to be changed.
func (a *Admin) NameServers() []string { return *a.names.Load() }

// SetNameServers has others asked from now on, beginning with any of them. What is asked at this moment goes on.
func (a *Admin) SetNameServers(list []string) {
	list = slices.Clone(list)
	a.names.Store(&list)
	if n := len(list); n > 0 {
		a.next.Store(rand.Uint32N(uint32(n)))
	}
}

func (a *Admin) timeout() time.Duration {
	if a.Timeout == 0 {
		return 3 * time.Second
	}
	return a.Timeout
}

// ask sends one request to addr; any code but SUCCESS is a *remoting.BrokerError.
func (a *Admin) ask(ctx context.Context, addr string, req *remoting.Command) (*remoting.Command, error) {
	own := *req // one request may go to several servers at one time
	own.Serialize = a.Serialize
	reply, err := a.Client.Invoke(ctx, addr, &own, a.timeout())
	if err != nil {
		return nil, err
	}
	if reply.Response() != remoting.Success {
		return nil, remoting.NewBrokerError(addr, reply.Response(), reply.Remark)
	}
	return reply, nil
}

// askBody is ask for an answer whose body parse reads.
func askBody[T any](ctx context.Context, a *Admin, addr string, req *remoting.Command, parse func([]byte) (T, error)) (body T, err error) {
	reply, err := a.ask(ctx, addr, req)
	if err != nil {
		return body, err
	}
	if body, err = parse(reply.Body); err != nil {
		return body, &AnswerError{Addr: addr, Request: req.Request(), Err: err}
	}
	return body, nil
}

// namePatience is how long a name server may take before the next one is asked as well: of three, two of them dead, the
// third is asked within a second. The first answer counts, so a slow one is still heard.
const namePatience = 400 * time.Millisecond

// askNames asks the name server that answered last, and the others in turn where one does not answer soon, or not so
// that parse can read it. A refusal is an answer.
func askNames[T any](ctx context.Context, a *Admin, req *remoting.Command, parse func([]byte) (T, error)) (body T, err error) {
	type answer struct {
		at   uint32
		body T
		err  error
	}
	names := a.NameServers()
	n, asked, waiting := uint32(len(names)), uint32(0), 0
	answers := make(chan answer, n)
	failed := &NameServerError{}
	ours, cancel := context.WithCancel(ctx)
	defer cancel() // those that are asked no longer for anything
	patience := time.NewTimer(namePatience)
	defer patience.Stop()
	first := a.next.Load()
	askNext := func() {
		if asked == n || ctx.Err() != nil {
			return
		}
		at := (first + asked) % n
		asked++
		waiting++
		failed.Addrs = append(failed.Addrs, names[at])
		patience.Reset(namePatience)
		go func() {
			body, err := askBody(ours, a, names[at], req, parse)
			answers <- answer{at, body, err}
		}()
	}
	passOver := func(at uint32) { a.next.CompareAndSwap(at, (at+1)%n) } // also for those who come when our time is up
	if n > 0 {
		askNext()
	}
	for waiting > 0 {
		select {
		case got := <-answers:
			waiting--
			if _, refused := errors.AsType[*remoting.BrokerError](got.err); got.err == nil || refused {
				return got.body, got.err
			}
			failed.Err = got.err
			if !errors.Is(ctx.Err(), context.Canceled) { // the caller's doing, not the server's
				passOver(got.at)
			}
			askNext()
		case <-patience.C:
			passOver((first + asked - 1) % n)
			askNext()
		}
	}
	if failed.Err == nil && n > 0 {
		failed.Err = context.Cause(ctx)
	}
	return body, failed
}

// Route is where a topic lives. An unknown topic is a *remoting.BrokerError of code TopicNotExist.
func (a *Admin) Route(ctx context.Context, topic string) (*message.Route, error) {
	return askNames(ctx, a, routeRequest(topic), message.ParseRoute)
}

func routeRequest(topic string) *remoting.Command {
	return remoting.NewRequest(remoting.GetRouteInfoByTopic, field("topic", topic))
}

// UnknownTopic reports whether err is a server's word that it knows no such topic.
func UnknownTopic(err error) bool { return isCode(err, remoting.TopicNotExist) }

// isCode reports whether err is a server's refusal with that code.
func isCode(err error, code remoting.Code) bool {
	be, ok := errors.AsType[*remoting.BrokerError](err)
	return ok && be.Code == code
}

// PublishQueues are the queues of a topic that a producer picks from, in the order that its selectors count in. None at
// all is a *RouteError.
func (a *Admin) PublishQueues(ctx context.Context, topic string) ([]MessageQueue, error) {
	r, err := a.Route(ctx, topic)
	if err != nil {
		return nil, &RouteError{Topic: topic, Err: err}
	}
	list, _ := r.PublishQueues()
	if len(list) == 0 {
		return nil, &RouteError{Topic: topic}
	}
	queues := make([]MessageQueue, len(list))
	for i, q := range list {
		queues[i] = MessageQueue{Topic: topic, Broker: q.Broker, ID: int32(q.ID)}
	}
	return queues, nil
}

// ClusterInfo is every broker that the name server knows.
func (a *Admin) ClusterInfo(ctx context.Context) (*message.ClusterInfo, error) {
	return askNames(ctx, a, remoting.NewRequest(remoting.GetBrokerClusterInfo), message.ParseClusterInfo)
}

// Masters are the brokers of a cluster that have a master, in the order of their names, and the cluster's name; "" means
// the only cluster that the name server knows. The error is ClusterInfo's, or a *ClusterError.
func (a *Admin) Masters(ctx context.Context, cluster string) (brokers []message.BrokerData, name string, err error) {
	info, err := a.ClusterInfo(ctx)
	if err != nil {
		return nil, "", err
	}
	return mastersOf(info, cluster)
}

func mastersOf(info *message.ClusterInfo, cluster string) ([]message.BrokerData, string, error) {
	known := make([]string, 0, len(info.Clusters))
	for name := range info.Clusters {
		known = append(known, name)
	}
	slices.SortFunc(known, message.CompareJava)
	if cluster == "" && len(known) == 1 {
		cluster = known[0]
	}
	if !slices.Contains(known, cluster) {
		return nil, "", &ClusterError{Cluster: cluster, Known: known}
	}
	var brokers []message.BrokerData
	for _, name := range slices.Compact(slices.Sorted(slices.Values(info.Clusters[cluster]))) {
		if b, ok := info.Brokers[name]; ok && b.Master() != "" {
			brokers = append(brokers, b)
		}
	}
	if len(brokers) == 0 {
		return nil, "", &ClusterError{Cluster: cluster, Known: known}
	}
	return brokers, cluster, nil
}

// Heartbeat tells a broker which groups live behind this connection, and returns the version that it answers with.
func (a *Admin) Heartbeat(ctx context.Context, broker string, beat *message.Heartbeat) (version int32, err error) {
	req := remoting.NewRequest(remoting.HeartBeat)
	req.Body = beat.AppendJSON(nil)
	reply, err := a.ask(ctx, broker, req)
	if err != nil {
		return 0, err
	}
	return reply.Version, nil
}

// Version is the release that a broker speaks as (MQVersion.java; see remoting.VersionName). It is asked by a heartbeat of
// nobody, so it also tells whether the broker lets this client in.
func (a *Admin) Version(ctx context.Context, broker string) (int32, error) {
	return a.Heartbeat(ctx, broker, &message.Heartbeat{ClientID: "rmqbench-admin"})
}

// Unregister tells a broker that a group's producer on this connection is gone.
func (a *Admin) Unregister(ctx context.Context, broker, clientID, group string) error {
	_, err := a.ask(ctx, broker, remoting.NewRequest(remoting.UnregisterClient, field("clientID", clientID), field("producerGroup", group)))
	return err
}

func field(key, value string) remoting.Field { return remoting.Field{Key: key, Value: value} }
