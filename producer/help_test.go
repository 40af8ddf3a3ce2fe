package producer

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/leaks"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// soon waits for what another goroutine is about to bring about.
func soon(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("not within 20 s: %s", what)
		}
	}
}

// embedded starts a cluster that ends with the test.
func embedded(tb testing.TB, o broker.Options) *broker.Cluster {
	tb.Helper()
	c, err := broker.Start(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// started is a running producer that is shut down with the test; its client id is the test's own unless o says so.
func started(tb testing.TB, o Options) *Producer {
	tb.Helper()
	if o.Group == "" {
		o.Group = "group"
	}
	if o.InstanceName == "" {
		o.InstanceName = tb.Name()
	}
	p := New(o)
	if err := p.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = p.Shutdown() }) // its error is of interest to those who test it
	return p
}

func answer(code remoting.Code, remark string) *remoting.Command {
	return &remoting.Command{Code: int32(code), Remark: remark, Language: remoting.Go, Version: remoting.Version451}
}

// names is a scripted name server.
type names struct {
	*remoting.Server
	asked atomic.Int64

	mu     sync.Mutex // protects following
	routes map[string]*message.Route
	hold   bool // keep questions until let go
	held   []func()
}

func nameServer(tb testing.TB) *names {
	n := &names{routes: map[string]*message.Route{}}
	n.Server = peer.Serve(tb, func(r *remoting.Request) {
		n.asked.Add(1)
		topic, _ := r.Head.Get("topic")
		n.mu.Lock()
		defer n.mu.Unlock()
		a := answer(remoting.TopicNotExist, "No topic route info")
		if route := n.routes[string(topic)]; route != nil {
			a = answer(remoting.Success, "")
			a.Body = route.AppendJSON(nil, false)
		}
		if n.hold {
			later := r.Later()
			a.Serialize, a.Flag = later.Serialize, remoting.FlagResponse
			n.held = append(n.held, func() { _ = later.Reply(a, a.Body) })
			return
		}
		_ = r.Answer(a)
	})
	return n
}

// set is what the name server knows of a topic from now on: brokers by name, "b0=127.0.0.1:1" with so many queues each.
func (n *names) set(topic string, perm message.Perm, queues int, brokers ...string) {
	r := &message.Route{}
	for _, b := range brokers {
		name, addr, _ := strings.Cut(b, "=")
		r.Queues = append(r.Queues, message.QueueData{Broker: name, ReadQueues: queues, WriteQueues: queues, Perm: perm})
		r.Brokers = append(r.Brokers, message.BrokerData{Cluster: "c", Name: name, Addrs: map[int64]string{0: addr}})
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.routes[topic] = r
}

// holding makes questions wait, or answers those that have.
func (n *names) holding(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hold = on
	if !on {
		for _, f := range n.held {
			f()
		}
		n.held = nil
	}
}

func (n *names) addr() string { return n.Addr().String() }

const readWrite = message.PermRead | message.PermWrite

// scripted is a broker that does with the n-th send, from 1, what its script says: nil answers SEND_OK.
type scripted struct {
	*remoting.Server
	sends  atomic.Int64
	others atomic.Int64 // heartbeats and the like
	script func(n int64, r *remoting.Request)
}

func scriptedBroker(tb testing.TB, script func(n int64, r *remoting.Request)) *scripted {
	s := &scripted{script: script}
	s.Server = peer.Serve(tb, func(r *remoting.Request) {
		switch remoting.RequestCode(r.Head.Code) {
		case remoting.SendMessageV2, remoting.SendBatchMessage, remoting.SendReplyMessageV2:
		default:
			s.others.Add(1)
			_ = r.Answer(answer(remoting.Success, ""))
			return
		}
		n := s.sends.Add(1)
		if s.script != nil {
			s.script(n, r)
			return
		}
		stored(remoting.Success)(n, r)
	})
	return s
}

func (s *scripted) named(name string) string { return name + "=" + s.Addr().String() }

// stored answers a send with one of the codes that mean it is stored.
func stored(code remoting.Code) func(int64, *remoting.Request) {
	return func(n int64, r *remoting.Request) {
		var v remoting.SendView
		if err := v.Parse(&r.Head); err != nil {
			_ = r.Answer(answer(remoting.SystemError, err.Error()))
			return
		}
		id := message.OffsetID{Addr: netip.MustParseAddrPort("127.0.0.1:10911"), Offset: n * 100}
		_ = r.Reply(&remoting.SendReply{Serialize: r.Head.Serialize, Code: code, Language: remoting.Go, Version: remoting.Version451,
			MsgID: id.AppendHex(nil), QueueID: v.QueueID, QueueOffset: n - 1, TraceOn: true, Region: "DefaultRegion"}, nil)
	}
}

// refusing answers every send with a code that means it is not stored.
func refusing(code remoting.Code) func(int64, *remoting.Request) {
	return func(_ int64, r *remoting.Request) { _ = r.Answer(answer(code, "no")) }
}

// silent takes sends and never answers.
func silent(int64, *remoting.Request) {}

// cut closes the connection once the request is there.
func cut(_ int64, r *remoting.Request) {
	conn := r.Conn
	go conn.Close() // it waits for this very goroutine
}

// stage is a name server that knows the topic "T" on some scripted brokers.
type stage struct {
	names   *names
	brokers []*scripted
}

// newStage makes one broker for each script, b0, b1, …, with two queues each.
func newStage(tb testing.TB, scripts ...func(int64, *remoting.Request)) *stage {
	s := &stage{names: nameServer(tb)}
	var at []string
	for i, script := range scripts {
		b := scriptedBroker(tb, script)
		s.brokers = append(s.brokers, b)
		at = append(at, b.named("b"+strconv.Itoa(i)))
	}
	s.names.set("T", readWrite, 2, at...)
	return s
}

// producer is one that knows the route and is connected, so that only sends are left to do.
func (s *stage) producer(tb testing.TB, o Options) *Producer {
	tb.Helper()
	o.NameServers = []string{s.names.addr()}
	p := started(tb, o)
	if _, err := p.Prepare(tb.Context(), "T"); err != nil {
		tb.Fatal(err)
	}
	return p
}

func (s *stage) sends() (n int64) {
	for _, b := range s.brokers {
		n += b.sends.Load()
	}
	return n
}

// outcome is what a callback was given.
type outcome struct {
	res SendResult
	err error
}

// sendAsync sends and waits for the callback.
func sendAsync(tb testing.TB, p *Producer, ctx context.Context, m *Message, opts ...SendOption) (SendResult, error) {
	tb.Helper()
	got := make(chan outcome, 1)
	if err := p.SendAsync(ctx, m, func(res SendResult, err error) { got <- outcome{res, err} }, opts...); err != nil {
		return SendResult{}, err
	}
	select {
	case o := <-got:
		return o.res, o.err
	case <-time.After(30 * time.Second):
		tb.Fatal("no callback")
	}
	return SendResult{}, nil
}

// sendError is err as a *SendError.
func sendError(tb testing.TB, err error) *SendError {
	tb.Helper()
	se, ok := errors.AsType[*SendError](err)
	if !ok {
		tb.Fatalf("%T is no *SendError: %v", err, err)
	}
	return se
}

func text(topic, body string) *Message { return &Message{Topic: topic, Body: []byte(body)} }
