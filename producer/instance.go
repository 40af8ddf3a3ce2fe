package producer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
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
	client      *remoting.Client
	tls         *tls.Config
	credentials *remoting.Credentials
	admin       *Admin
	routes      routes
	async       *executor
	ids         *message.IDSource
	clock       clock
	panics      atomic.Int64 // of callbacks, hooks and selectors
	firstPanic  atomic.Pointer[PanicError]
	nudge       chan struct{} // keeper: some broker doesn't know us yet; capacity 1

	stop context.CancelFunc
	work sync.WaitGroup // keeper

	mu     sync.Mutex // protects following
	groups map[string]bool
	joined int             // counts groups that came
	beaten map[string]beat // by broker name: the last heartbeat that it answered
}

// beat is where a heartbeat went and how many groups had come by then.
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

// acquire returns the instance of o's client id, made if it is the first, and counts the caller.
func acquire(o *Options) (*instance, error) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	id := o.clientID()
	in := registry.byID[id]
	if in == nil {
		in = newInstance(id, o)
		registry.byID[id] = in
	} else if !slices.Equal(in.admin.NameServers, o.NameServers) {
		return nil, fmt.Errorf("client id %s is in use with name servers %s; give this producer an InstanceName of its own", id, strings.Join(in.admin.NameServers, ","))
	}
	if in.tls != o.TLS || !sameCredentials(in.credentials, o.Credentials) {
		return nil, fmt.Errorf("client id %s is in use with other TLS settings or credentials; give this producer an InstanceName of its own", id)
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

func newInstance(id string, o *Options) *instance {
	client := remoting.NewClient(remoting.ClientOptions{Dial: o.Dial, ConnectTimeout: o.ConnectTimeout, TLS: o.TLS, Hooks: o.hooks(), Limits: o.Limits, Connections: o.Connections})
	admin := NewAdmin(client, slices.Clone(o.NameServers))
	admin.Serialize = o.serialize()
	in := &instance{id: id, client: client, tls: o.TLS, credentials: o.Credentials, admin: admin, routes: routes{admin: admin, vip: o.VIPChannel, stale: make(chan struct{}, 1)}, async: newExecutor(), ids: newIDs(o.ClientIP),
		nudge: make(chan struct{}, 1), groups: map[string]bool{}, beaten: map[string]beat{}}
	var ctx context.Context
	ctx, in.stop = context.WithCancel(context.Background())
	in.work.Go(func() { in.keep(ctx, o.RouteEvery, o.HeartbeatEvery) })
	in.work.Go(func() { in.mend(ctx) })
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
	if len(h.Producers) == 0 {
		return
	}
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
		if !in.groups[group] {
			gone = append(gone, group)
		}
	}
	in.mu.Unlock()
	for _, group := range gone {
		_ = in.admin.Unregister(ctx, now.addr, in.id, group) // untold, the broker forgets it in two minutes
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

// register takes a group name, which must be free in this instance.
func (in *instance) register(group string) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.groups[group] {
		return fmt.Errorf("producer group %s has been started before in client %s; use another group or instance name", group, in.id)
	}
	in.groups[group] = true
	in.joined++
	return nil
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
