package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// replier answers the requests of one client: it reads the topics' queues, each on a goroutine of its own, and replies from
// its own client with its own connections. Requests of anybody else are left alone. It is no consumer: it commits no offset.
type replier struct {
	producer *producer.Producer
	asker    string          // instance name of the clients whose requests it answers
	ctx      context.Context // of reading; replies under way have their send timeout
	cancel   context.CancelFunc
	reading  sync.WaitGroup
	replying sync.WaitGroup
	room     chan struct{} // for replies under way

	mu    sync.Mutex // protects following
	count results.Replier
}

const (
	pullMost     = 32 // messages: what brokers give by default
	pullPatience = 5 * time.Second
	pullPause    = 5 * time.Millisecond // after a read that waited for nothing, or failed
	repliesMost  = 1024
)

// startReplier begins where the queues end now. o are the options of the replier's client. The error is of a broker that
// doesn't let us read.
func startReplier(ctx context.Context, o producer.Options, asker string, queues []producer.MessageQueue, brokers []results.Broker) (_ *replier, err error) {
	r := &replier{producer: producer.New(o), asker: asker, room: make(chan struct{}, repliesMost)}
	if err := r.producer.Start(); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			r.end()
		}
	}()
	addrs := map[string]string{}
	for _, b := range brokers {
		addrs[b.Name] = b.Addr
	}
	starts := sideBySide(queues, func(q producer.MessageQueue) (s readStart) {
		s.from, s.err = r.producer.Admin().MaxOffset(ctx, addrs[q.Broker], q.Topic, int(q.ID))
		if s.err == nil {
			_, s.err = r.pull(ctx, addrs[q.Broker], q, s.from, 0)
		}
		return s
	})
	for i, s := range starts {
		if s.err != nil {
			return nil, fmt.Errorf("read topic %s on broker %s: %w", queues[i].Topic, queues[i].Broker, s.err)
		}
	}
	for i, q := range queues {
		r.reading.Go(func() { r.read(addrs[q.Broker], q, starts[i].from) })
	}
	return r, nil
}

// readStart is where a queue is read from, or why it can't be.
type readStart struct {
	from int64
	err  error
}

func (r *replier) pull(ctx context.Context, addr string, q producer.MessageQueue, from int64, patience time.Duration) (*producer.Pulled, error) {
	return r.producer.Admin().Pull(ctx, addr, q, from, pullMost, patience)
}

// read replies to what comes into a queue from an offset on.
func (r *replier) read(addr string, q producer.MessageQueue, from int64) {
	for r.ctx.Err() == nil {
		began := time.Now()
		got, err := r.pull(r.ctx, addr, q, from, pullPatience)
		if err != nil {
			r.fault(err)
			r.pause()
			continue
		}
		from = got.Next
		for _, m := range got.Messages {
			if r.asks(m) {
				r.room <- struct{}{}
				r.replying.Go(func() { r.reply(m, q) })
			}
		}
		if len(got.Messages) == 0 && time.Since(began) < pullPause {
			r.pause()
		}
	}
}

func (r *replier) pause() {
	select {
	case <-time.After(pullPause):
	case <-r.ctx.Done():
	}
}

// asks reports whether a message is a request of the asker's.
func (r *replier) asks(m *producer.Received) bool {
	client, ok := m.Properties.Get(message.PropertyReplyToClient)
	_, instance, _ := strings.Cut(client, "@")
	return ok && (instance == r.asker || strings.HasPrefix(instance, r.asker+".")) // see memberName
}

func (r *replier) reply(m *producer.Received, q producer.MessageQueue) {
	defer func() { <-r.room }()
	_, err := r.producer.Reply(context.WithoutCancel(r.ctx), m, appendReply(nil, q, m.QueueOffset))
	r.fault(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.Pulled++
	if err == nil {
		r.count.Replied++
	} else {
		r.count.Unreplied++
	}
}

// fault keeps the first error, unless it is of our own end.
func (r *replier) fault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && r.count.Fault == "" && r.ctx.Err() == nil {
		r.count.Fault = results.Printable(err.Error())
	}
}

// end stops reading, waits for the replies under way and says what there was. It may be called again.
func (r *replier) end() *results.Replier {
	r.cancel()
	r.reading.Wait()
	r.replying.Wait()
	_ = r.producer.Shutdown() // a broker that can't be told any more drops us by itself
	r.mu.Lock()
	defer r.mu.Unlock()
	return new(r.count)
}
