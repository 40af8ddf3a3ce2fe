package producer

import (
	"context"
	"errors"
	"fmt"
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
	id     string
	client *remoting.Client
	admin  *Admin
	routes routes
	async  *executor
	ids    *message.IDSource

	stop context.CancelFunc
	work sync.WaitGroup // keeper

	mu     sync.Mutex // protects following
	groups map[string]bool
	beaten map[string]string // broker name to the address that has had a heartbeat
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
	registry.users[in]++
	return in, nil
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
	client := remoting.NewClient(remoting.ClientOptions{Dial: o.Dial, ConnectTimeout: o.ConnectTimeout})
	admin := NewAdmin(client, o.NameServers)
	admin.Serialize = o.serialize()
	in := &instance{id: id, client: client, admin: admin, routes: routes{admin: admin}, async: newExecutor(), ids: newIDs(o.ClientIP),
		groups: map[string]bool{}, beaten: map[string]string{}}
	var ctx context.Context
	ctx, in.stop = context.WithCancel(context.Background())
	in.work.Go(func() { in.keep(ctx, o.RouteEvery, o.HeartbeatEvery) })
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
				_ = in.routes.refresh(ctx, name) // without an answer the old route stays
			}
			in.beat(ctx, false)
		case <-beat.C:
			in.dropOffline()
			in.beat(ctx, true)
		}
	}
}

// beat sends a heartbeat to every master; all = false: only to those that have had none at their address.
func (in *instance) beat(ctx context.Context, all bool) {
	in.mu.Lock()
	h := message.Heartbeat{ClientID: in.id}
	for g := range in.groups {
		h.Producers = append(h.Producers, g)
	}
	in.mu.Unlock()
	slices.Sort(h.Producers)
	for name, addr := range in.routes.masters() {
		in.mu.Lock()
		skip := !all && in.beaten[name] == addr
		in.mu.Unlock()
		if skip {
			continue
		}
		if _, err := in.admin.Heartbeat(ctx, addr, &h); err == nil {
			in.mu.Lock()
			in.beaten[name] = addr
			in.mu.Unlock()
		}
	}
}

// dropOffline closes connections to brokers that have left every route (MQClientInstance.cleanOfflineBroker).
func (in *instance) dropOffline() {
	masters := in.routes.masters()
	in.mu.Lock()
	defer in.mu.Unlock()
	for name, addr := range in.beaten {
		if masters[name] != addr {
			delete(in.beaten, name)
			in.client.Drop(addr)
		}
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
	return nil
}

// unregister gives a group name back and tells the brokers that have heard of it, all at once and not for long.
func (in *instance) unregister(group string) error {
	in.mu.Lock()
	delete(in.groups, group)
	var addrs []string
	for _, addr := range in.beaten {
		addrs = append(addrs, addr)
	}
	in.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(addrs))
	for i, addr := range addrs {
		if in.client.Ready(addr) {
			wg.Go(func() { errs[i] = in.admin.Unregister(ctx, addr, in.id, group) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// loaderHash tells the id sources of this process apart, as Java's class loader does.
var loaderHash atomic.Uint32
