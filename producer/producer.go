package producer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Producer sends messages to topics of one cluster (DefaultMQProducer.java). Any number of goroutines may use one.
type Producer struct {
	opts     Options
	hooked   bool      // there are hooks that see sends
	unusual  bool      // sends need what is rare: hooks, a selector or brokers to avoid
	binary   bool      // heads are, not JSON
	bare     bool      // and messages without properties of their own have none of the producer's either
	checks   *executor // of brokers' questions to the listener; nil: there is none
	half     extra     // of half messages
	trace    *tracer   // nil: none
	avoid    *avoider  // nil: no broker is avoided
	state    stateVar
	instance *instance              // set by Start; read it when the state is Running or later
	outlets  sync.Map               // topic to *outlet
	last     atomic.Pointer[outlet] // of the last send: most producers send to one topic
	down     sync.Once              // Shutdown's work
	downErr  error
}

// New makes a producer in state CreateJust. It does nothing until Start.
func New(o Options) *Producer {
	p := &Producer{opts: o.withDefaults(), avoid: newAvoider(o.Avoid)}
	if o.Listener != nil {
		p.checks, p.half = newExecutor(checkRoom), halfExtra(p.opts.Group)
	}
	if o.Trace {
		p.trace = newTracer(p)
		p.opts.SendHooks = append(slices.Clip(o.SendHooks), p.trace)
		p.opts.EndTransactionHooks = append(slices.Clip(o.EndTransactionHooks), p.trace)
	}
	p.hooked = len(p.opts.SendHooks) > 0 || len(o.ForbiddenHooks) > 0
	p.unusual = p.hooked || p.avoid != nil || p.opts.Selector != nil
	p.binary = p.opts.serialize() == remoting.RocketMQ
	p.bare = p.binary && p.opts.Namespace == ""
	return p
}

// State is where the producer is in its life.
func (p *Producer) State() ServiceState { return p.state.load() }

// Start takes the group name in the client instance of this client id. It asks no server, but Options.NameServerURL if that
// is to say where they are, for 3 s at the most: the first send, or [Producer.Prepare], finds the route. Only the first Start
// of all succeeds.
func (p *Producer) Start() error {
	if !p.state.move(CreateJust, StartFailed) {
		return &StateError{Op: "start", State: p.state.load()}
	}
	if err := message.CheckProducerGroup(p.opts.Group); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	names, list, err := p.opts.askEndpoint()
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	in, err := acquire(&p.opts, names, list)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if err := in.register(p.opts.Group, p); err != nil {
		in.release()
		p.state.move(StartFailed, CreateJust) // as Java: the other may let go of it
		return fmt.Errorf("start: %w", err)
	}
	if p.trace != nil {
		if err := p.trace.start(); err != nil {
			_ = in.unregister(p.opts.Group) // this error is not the one to report
			in.release()
			return fmt.Errorf("start: %w", err)
		}
	}
	p.instance = in
	p.avoid.start(in)
	p.state.move(StartFailed, Running)
	in.beatSoon() // where another producer has found the brokers already
	return nil
}

// Shutdown tells the brokers that the group's producer is gone and lets go of the client instance; with the instance's
// last producer every send still in flight ends with remoting.ErrClosed, its callback perhaps after Shutdown's return, and
// so do the producer's requests in any case. What it has traced is sent, for 5 s at the most. A second call returns what
// the first did. A producer that does not run stays as it is. The error says which brokers could not be told; the
// producer is down all the same.
func (p *Producer) Shutdown() error {
	if !p.state.move(Running, ShutdownAlready) && p.State() != ShutdownAlready {
		return nil // never ran: nothing to let go of
	}
	p.down.Do(func() {
		p.avoid.close()
		p.instance.asks.endAll(p, remoting.ErrClosed)
		if p.checks != nil {
			p.checks.close()
		}
		p.downErr = p.instance.unregister(p.opts.Group)
		p.instance.release()
		if p.trace != nil {
			p.trace.stop()
		}
	})
	return p.downErr
}

// Prepare finds the topic's route, connects to all its masters and sends them a heartbeat, so that the first send
// costs what every other does. It returns the route, which is not to be changed.
func (p *Producer) Prepare(ctx context.Context, topic string) (*message.Route, error) {
	in, err := p.running("prepare")
	if err != nil {
		return nil, err
	}
	r, err := in.routes.find(ctx, p.wire(topic), p.borrowed(), p.opts.DefaultTopicQueues)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range r.queues {
		addr := r.queues[i].addr
		if seen[addr] {
			continue
		}
		seen[addr] = true
		if _, err := r.queues[i].endpoint.Connect(ctx, p.opts.SendTimeout); err != nil {
			return nil, fmt.Errorf("broker %s at %s: %w", r.queues[i].broker, addr, err)
		}
	}
	in.beat(ctx, false)
	return r.source, nil
}

// Admin asks the servers over this producer's connections. Nil before Start.
func (p *Producer) Admin() *Admin {
	if in := p.started(); in != nil {
		return in.admin
	}
	return nil
}

// TCPInfo is what the kernel knows of the client instance's connections, see [remoting.Client.TCPInfo].
func (p *Producer) TCPInfo() (remoting.TCPInfo, bool) {
	in := p.started()
	if in == nil {
		return remoting.TCPInfo{}, false
	}
	return in.client.TCPInfo()
}

// started is the instance, nil before Start. It must not be read earlier: Start writes it, then moves the state.
func (p *Producer) started() *instance {
	if s := p.state.load(); s == Running || s == ShutdownAlready {
		return p.instance
	}
	return nil
}

func (p *Producer) running(op string) (*instance, error) {
	if s := p.state.load(); s != Running {
		return nil, &StateError{Op: op, State: s}
	}
	return p.instance, nil
}

// borrowed is whose route an unknown topic takes, "" for none.
func (p *Producer) borrowed() string {
	if p.opts.NoAutoCreate {
		return ""
	}
	return p.opts.DefaultTopic
}
