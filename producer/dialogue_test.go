package producer

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// talker is a scripted broker that keeps what clients tell it beside sends and heartbeats, and asks them.
type talker struct {
	*remoting.Server
	names *names
	sends atomic.Int64
	beats atomic.Int64
	told  chan told

	mu     sync.Mutex                                  // protects following
	script func(n int64, m *told)                      // sees a send before it is answered
	answer func(n int64, r *remoting.Request)          // nil: stored
	other  func(r *remoting.Request) *remoting.Command // answers the rest; nil: success
	client *remoting.Conn                              // whose heartbeat came last
}

// told is a request's copy.
type told struct {
	code   remoting.RequestCode
	oneway bool
	remark string
	ext    map[string]string
	body   []byte
	conn   *remoting.Conn
}

func copyOf(r *remoting.Request) *told {
	m := &told{code: remoting.RequestCode(r.Head.Code), oneway: r.Head.IsOneway(), remark: r.Head.Remark(), ext: map[string]string{}, body: bytes.Clone(r.Body), conn: r.Conn}
	for it := r.Head.Ext(); it.Next(); {
		m.ext[string(it.Key())] = string(it.Value())
	}
	return m
}

// properties are those of a send.
func (m *told) properties() message.Properties { return message.DecodeProperties(m.ext["i"]) }

// property is a send's.
func (m *told) property(key string) string {
	v, _ := m.properties().Get(key)
	return v
}

// newTalker is the only master of the topic "T", which has one queue.
func newTalker(tb testing.TB) *talker {
	k := &talker{told: make(chan told, 1000), names: nameServer(tb)}
	k.Server = peer.Serve(tb, k.serve)
	k.names.set("T", readWrite, 1, "b0="+k.Addr().String())
	return k
}

func (k *talker) serve(r *remoting.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch remoting.RequestCode(r.Head.Code) {
	case remoting.HeartBeat:
		k.beats.Add(1)
		k.client = r.Conn
		_ = r.Answer(answer(remoting.Success, ""))
	case remoting.SendMessageV2, remoting.SendReplyMessageV2:
		n := k.sends.Add(1)
		if k.script != nil {
			k.script(n, copyOf(r))
		}
		if k.answer != nil {
			k.answer(n, r)
			return
		}
		stored(remoting.Success)(n, r)
	case remoting.UnregisterClient:
		_ = r.Answer(answer(remoting.Success, ""))
	default:
		k.told <- *copyOf(r)
		a := answer(remoting.Success, "")
		if k.other != nil {
			a = k.other(r)
		}
		_ = r.Answer(a)
	}
}

// on changes the script.
func (k *talker) on(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

// producer is one that the talker has had a heartbeat of.
func (k *talker) producer(tb testing.TB, o Options) *Producer {
	tb.Helper()
	o.NameServers = []string{k.names.addr()}
	p := started(tb, o)
	if _, err := p.Prepare(tb.Context(), "T"); err != nil {
		tb.Fatal(err)
	}
	return p
}

// hear is the next thing that a client tells.
func (k *talker) hear(tb testing.TB) told {
	tb.Helper()
	select {
	case m := <-k.told:
		return m
	case <-time.After(20 * time.Second):
		tb.Fatal("nothing was told")
		return told{}
	}
}

// asked is a request of ours to a client.
type asked struct {
	remoting.Call
	code remoting.Code
	done chan error
}

func (a *asked) Receive(h *remoting.Head, _ []byte) { a.code = remoting.Code(h.Code) }
func (a *asked) Done(err error)                     { a.done <- err }

// ask asks the client, and returns its answer's code.
func (k *talker) ask(tb testing.TB, req *remoting.Command) remoting.Code {
	tb.Helper()
	var conn *remoting.Conn
	k.on(func() { conn = k.client })
	a := &asked{done: make(chan error, 1)}
	a.Receiver, a.Oneway = a, req.Flag&remoting.FlagOneway != 0
	if err := conn.Start(&a.Call, req, req.Body, remoting.Nanotime()+int64(20*time.Second)); err != nil {
		tb.Fatal(err)
	}
	if err := <-a.done; err != nil {
		tb.Fatal(err)
	}
	return a.code
}

// A client that consumes nothing says nothing to consumers' news, and refuses what it doesn't know.
func TestInbound(t *testing.T) {
	k := newTalker(t)
	p := k.producer(t, Options{})
	note := remoting.NewRequest(remoting.NotifyConsumerIDsChanged, remoting.Field{Key: "consumerGroup", Value: "c"})
	note.Flag = remoting.FlagOneway
	k.ask(t, note)
	if code := k.ask(t, remoting.NewRequest(remoting.GetBrokerConfig)); code != remoting.RequestNotSupported {
		t.Errorf("answered %s", code)
	}
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Error(err)
	}
}
