package producer

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// instance is what all producers of one client id share: connections, routes, heartbeats (MQClientInstance.java). The
// registry makes it for the first of them and closes it with the last.
type instance struct {
	id          string
	given       []string // name servers
	endpoint    string   // that knows them, where none are given
	client      *remoting.Client
	tls         *tls.Config
	credentials *remoting.Credentials
	admin       *Admin
	routes      routes
	async       *executor // of sends that would make their caller wait
	replies     *executor // of callbacks of requests; bounded by the requests that wait
	ids         *message.IDSource
	clock       clock
	asks        asks
	panics      atomic.Int64 // of callbacks, hooks, selectors and listeners
	firstPanic  atomic.Pointer[PanicError]
	nudge       chan struct{} // keeper: some broker doesn't know us yet; capacity 1

	checksDropped atomic.Int64 // brokers' questions that found no room
	lateReplies   atomic.Int64 // replies that nobody waited for any more

	stop context.CancelFunc
	work sync.WaitGroup // keeper

	mu     sync.Mutex // protects following
	groups map[string]*Producer
	joined int                // counts groups that came
	beaten map[string]beat    // by broker name: the last heartbeat that it answered
	met    map[string]meeting // by topic
}

// meeting is a route whose masters have been told of the groups that had come by then.
type meeting struct {
	route  *route
	joined int
}

// beat is where a heartbeat went and how many groups had come by then; 0: the broker has forgotten it.
type beat struct {
	addr   string
	joined int
}

// registry holds the instances of this process by client id (MQClientManager.java).
var registry = struct {
	mu    sync.Mutex // protects all
	byID  map[string]*instance
	users map[*instance]int
}{byID: map[string]*instance{}, users: map[*instance]int{}}

// acquire returns the instance of o's client id, made if it is the first, and counts the caller. names is the endpoint that
// knows the name servers, list what it has said; nil: they are given.
func acquire(o *Options, names *addressing, list []string) (*instance, error) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	id := o.clientID()
	in := registry.byID[id]
	if in == nil {
		in = newInstance(id, o, names, list)
		registry.byID[id] = in
	} else if !slices.Equal(in.given, o.NameServers) || in.endpoint != o.endpoint() {
		return nil, &InstanceError{id, "name servers " + strings.Join(in.admin.NameServers(), ",")}
	}
	if in.tls != o.TLS || !sameCredentials(in.credentials, o.Credentials) {
		return nil, &InstanceError{id, "other TLS settings or credentials"}
	}
	registry.users[in]++
	return in, nil
}

func sameCredentials(a, b *remoting.Credentials) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// release ends the caller's use; the last one closes the instance.
func (in *instance) release() {
	registry.mu.Lock()
	registry.users[in]--
	last := registry.users[in] == 0
	if last {
		delete(registry.users, in)
		delete(registry.byID, in.id)
	}
	registry.mu.Unlock()
	if last {
		in.stop()
		in.async.close()
		in.client.Close()
		in.work.Wait()
	}
}

// innerGroup is the client instance's own producer (MixAll.CLIENT_INNER_PRODUCER_GROUP). Consumers send back through it;
// brokers count it among the producers of every client.
const innerGroup = "CLIENT_INNER_PRODUCER"

// newInstance starts a client instance in the order of MQClientInstance.start. Nothing of it fails or asks a server.
func newInstance(id string, o *Options, names *addressing, list []string) *instance {
	in := &instance{id: id, given: slices.Clone(o.NameServers), endpoint: o.endpoint(), tls: o.TLS, credentials: o.Credentials, ids: newIDs(o.ClientIP), nudge: make(chan struct{}, 1),
		groups: map[string]*Producer{}, beaten: map[string]beat{}, met: map[string]meeting{}, asks: asks{byID: map[string]*ask{}}}

	// The API channel, on which servers may ask as well.
	in.client = remoting.NewClient(remoting.ClientOptions{Dial: in.dialer(o.Dial), ConnectTimeout: o.ConnectTimeout, TLS: o.TLS, Hooks: o.hooks(in), Limits: o.Limits,
		Connections: o.Connections, Handler: remoting.HandlerFunc(in.inbound)})
	in.admin = NewAdmin(in.client, append(list, o.NameServers...))
	in.admin.Serialize = o.serialize()
	in.routes.admin, in.routes.vip, in.routes.stale = in.admin, o.VIPChannel, make(chan struct{}, 1)
	in.routes.only = slices.Clone(o.Brokers)

	// Scheduled tasks: route refresh, at intervals and when sends say so, name servers' addresses where an endpoint knows them,
	// heartbeats to all brokers, the clean-up of those that are gone.
	var ctx context.Context
	ctx, in.stop = context.WithCancel(context.Background())
	in.work.Go(func() { in.keep(ctx, o.RouteEvery, o.HeartbeatEvery) })
	in.work.Go(func() { in.mend(ctx) })
	if names != nil {
		in.work.Go(func() { in.readdress(ctx, names, o.NameServersEvery) })
	}

	// Services: they have goroutines while there is work.
	in.async, in.replies = newExecutor(asyncRoom), newExecutor(math.MaxInt)

	// The inner producer. The producer that is starting registers next, and one heartbeat to all brokers follows.
	_ = in.register(innerGroup, nil) // the first of all is never taken
	return in
}

// keep refreshes routes and sends heartbeats until ctx ends.
func (in *instance) keep(ctx context.Context, routeEvery, beatEvery time.Duration) {
	route, beat := time.NewTicker(routeEvery), time.NewTicker(beatEvery)
	defer route.Stop()
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-route.C:
			for _, name := range in.routes.names() {
				err := in.routes.refresh(ctx, name) // without an answer the old route stays
				if _, nobody := errors.AsType[*NameServerError](err); nobody {
					break // nor would they answer for the others, and heartbeats must go on
				}
			}
			in.beat(ctx, false)
		case <-beat.C:
			in.dropOffline()
			in.beat(ctx, true)
		case <-in.nudge:
			in.beat(ctx, false)
		}
	}
}

// beatSoon lets keep tell the brokers that don't know of some group yet. No send waits for that: one broker that
// doesn't answer must not hold what goes to others.
func (in *instance) beatSoon() {
	select {
	case in.nudge <- struct{}{}:
	default: // keep is about to
	}
}

// beat sends a heartbeat to every master, to all at one time, and waits for the answers; all = false: only to those that
// have not answered one with every group at their address.
func (in *instance) beat(ctx context.Context, all bool) {
	in.mu.Lock()
	joined := in.joined
	h := message.Heartbeat{ClientID: in.id, Producers: slices.Sorted(maps.Keys(in.groups))}
	in.mu.Unlock()
	var wg sync.WaitGroup
	for name, addr := range in.routes.masters() {
		now := beat{addr, joined}
		in.mu.Lock()
		known := in.beaten[name] == now
		in.mu.Unlock()
		if all || !known {
			wg.Go(func() { in.beatOne(ctx, name, now, &h) })
		}
	}
	wg.Wait()
}

// beatOne tells one broker; what it can't be told now, the next heartbeat tells it.
func (in *instance) beatOne(ctx context.Context, name string, now beat, h *message.Heartbeat) {
	if _, err := in.admin.Heartbeat(ctx, now.addr, h); err != nil {
		return
	}
	var gone []string // while the heartbeat was under way: it may have overtaken unregister's word
	in.mu.Lock()
	in.beaten[name] = now
	for _, group := range h.Producers {
		if _, here := in.groups[group]; !here {
			gone = append(gone, group)
		}
	}
	in.mu.Unlock()
	for _, group := range gone {
		_ = in.admin.Unregister(ctx, now.addr, in.id, group) // untold, the broker forgets it in two minutes
	}
}

// dialer is dial, or TCP, for a broker that has to be told again who is behind a new connection. Java leaves that to the next
// heartbeat: until then nobody gets replies, or is asked about transactions.
func (in *instance) dialer(dial func(context.Context, string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (conn net.Conn, err error) {
		if dial != nil {
			conn, err = dial(ctx, addr)
		} else {
			conn, err = new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
		if err == nil {
			in.forgotten(addr)
		}
		return conn, err
	}
}

// forgotten has the broker at addr, if it was told before, told again.
func (in *instance) forgotten(addr string) {
	in.mu.Lock()
	again := false
	for name, was := range in.beaten {
		if was.addr == addr {
			in.beaten[name] = beat{addr: addr}
			again = true
		}
	}
	if again {
		clear(in.met)
	}
	in.mu.Unlock()
	if again {
		in.beatSoon()
	}
}

// dropOffline closes connections to brokers that have left every route (MQClientInstance.cleanOfflineBroker).
func (in *instance) dropOffline() {
	masters := in.routes.masters()
	var gone []string
	in.mu.Lock()
	for name, was := range in.beaten {
		if masters[name] != was.addr {
			delete(in.beaten, name)
			gone = append(gone, was.addr)
		}
	}
	in.mu.Unlock()
	for _, addr := range gone {
		in.client.Drop(addr)
	}
}

// meetTime bounds how long a message waits for brokers to hear of its producer: one that doesn't answer must not hold
// what goes to others.
const meetTime = 500 * time.Millisecond

// meet waits until the masters of the topic's route have had a heartbeat, for what needs a broker that knows this client:
// a reply, or a question about a transaction. Once a route and group; what fails here, the send finds out.
func (p *Producer) meet(ctx context.Context, in *instance, topic string) {
	topic = message.WrapNamespace(p.opts.Namespace, topic)
	if in.hasMet(topic) || message.CheckSendTopic(topic) != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, p.opts.SendTimeout)
	defer cancel()
	now, err := in.routes.find(ctx, topic, p.borrowed(), p.opts.DefaultTopicQueues)
	if err != nil {
		return
	}
	in.mu.Lock()
	in.met[topic] = meeting{now, in.joined}
	in.mu.Unlock()
	ctx, cancel = context.WithTimeout(ctx, meetTime)
	defer cancel()
	in.beat(ctx, false)
	if ctx.Err() != nil {
		in.beatSoon()
	}
}

// hasMet says that meet has nothing to wait for.
func (in *instance) hasMet(topic string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	met, ever := in.met[topic]
	return ever && met == meeting{in.routes.topic(topic).now.Load(), in.joined}
}

// register takes a group name, which must be free in this instance.
func (in *instance) register(group string, p *Producer) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.groups[group] != nil {
		return &GroupError{group, in.id}
	}
	in.groups[group] = p
	in.joined++
	return nil
}

// producer is the group's, nil if there is none.
func (in *instance) producer(group string) *Producer {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.groups[group]
}

// unregisterTime is how long brokers may take to hear that a producer is gone. They find out by themselves too.
const unregisterTime = time.Second

// unregister gives a group name back and tells the brokers that have heard of it, all at one time.
func (in *instance) unregister(group string) error {
	in.mu.Lock()
	delete(in.groups, group)
	var addrs []string
	for _, was := range in.beaten {
		addrs = append(addrs, was.addr)
	}
	in.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), unregisterTime)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(addrs))
	for i, addr := range addrs {
		if in.client.Endpoint(addr).Ready() {
			wg.Go(func() { errs[i] = in.admin.Unregister(ctx, addr, in.id, group) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// loaderHash tells the id sources of this process apart, as Java's class loader does.
var loaderHash atomic.Uint32
