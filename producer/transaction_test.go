package producer

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/internal/vectors"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// listener is functions as a TransactionListener.
type listener struct {
	execute func(m *Message, half SendResult, arg any) TransactionState
	check   func(m *Received) TransactionState
}

func (l *listener) Execute(m *Message, half SendResult, arg any) TransactionState {
	return l.execute(m, half, arg)
}
func (l *listener) Check(m *Received) TransactionState { return l.check(m) }

// ends notes what an EndTransactionHook sees.
type ends struct {
	mu   sync.Mutex
	seen []EndTransactionContext
}

func (e *ends) EndTransaction(c *EndTransactionContext) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, *c)
}

func (e *ends) last() EndTransactionContext {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen[len(e.seen)-1]
}

type panicHook struct{}

func (panicHook) EndTransaction(*EndTransactionContext) { panic("hook") }

func TestTransactionEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		execute func() TransactionState
		state   TransactionState
		flag    string
		remark  string
	}{
		"commit":      {func() TransactionState { return TransactionCommit }, TransactionCommit, "8", ""},
		"rollback":    {func() TransactionState { return TransactionRollback }, TransactionRollback, "12", ""},
		"unknown":     {func() TransactionState { return TransactionUnknown }, TransactionUnknown, "0", ""},
		"no state":    {func() TransactionState { return 77 }, TransactionUnknown, "0", ""},
		"a panic":     {func() TransactionState { panic("boom") }, TransactionUnknown, "0", "boom"},
		"a long text": {func() TransactionState { panic(strings.Repeat("x", 1<<20)) }, TransactionUnknown, "0", "xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalker(t)
			var half *told
			k.on(func() { k.script = func(_ int64, m *told) { half = m } })
			var seen ends
			var given any
			p := k.producer(t, Options{Group: "tx", EndTransactionHooks: []EndTransactionHook{panicHook{}, &seen},
				Listener: &listener{execute: func(_ *Message, _ SendResult, arg any) TransactionState { given = arg; return tt.execute() }}})
			m := &Message{Topic: "T", Body: []byte("x"), Tags: "tag", Keys: []string{"a", "b"}, DelayLevel: 3}
			res, err := p.SendTransaction(t.Context(), m, 42)
			if err != nil || res.State != tt.state || res.Untold != nil || given != 42 {
				t.Fatalf("%+v, %v, arg %v", res, err, given)
			}
			end := k.hear(t)
			if half.ext["f"] != "4" || half.property(message.PropertyTransactionPrepared) != "true" || half.property(message.PropertyProducerGroup) != "tx" || half.property(message.PropertyDelay) != "" {
				t.Errorf("the half message: %v", half.ext)
			}
			want := map[string]string{"producerGroup": "tx", "tranStateTableOffset": "0", "commitLogOffset": "100", "commitOrRollback": tt.flag, "fromTransactionCheck": "false",
				"msgId": res.ID.String(), "transactionId": res.ID.String(), "topic": "T", "bname": "b0"}
			if end.code != remoting.EndTransaction || !end.oneway || !maps.Equal(end.ext, want) {
				t.Errorf("%s, oneway %v: %v", end.code, end.oneway, end.ext)
			}
			if !strings.Contains(end.remark, tt.remark) || tt.remark == "" && end.remark != "" || len(end.remark) > 600 {
				t.Errorf("remark %.700q", end.remark)
			}
			c := seen.last()
			if c.Group != "tx" || c.Topic != "T" || c.Tags != "tag" || strings.Join(c.Keys, " ") != "a b" || c.ID != res.ID.String() || c.Addr != k.Addr().String() || c.State != tt.state || c.Checked {
				t.Errorf("the hook saw %+v", c)
			}
			panics := int64(1) // the first hook's
			if tt.remark != "" {
				panics++
			}
			if n := p.Stats().CallbackFails; n != panics {
				t.Errorf("%d panics counted", n)
			}
		})
	}
}

// The local transaction is made for what is stored with SEND_OK, and for nothing else.
func TestHalfMessageNotStored(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(int64, *remoting.Request)
		rolled bool
	}{
		"refused":        {refusing(remoting.MessageIllegal), false},
		"flushed late":   {stored(remoting.FlushDiskTimeout), true},
		"copied late":    {stored(remoting.FlushSlaveTimeout), true},
		"without copies": {stored(remoting.SlaveNotAvailable), true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalker(t)
			k.on(func() { k.answer = tt.answer })
			p := k.producer(t, Options{Listener: &listener{execute: func(*Message, SendResult, any) TransactionState {
				t.Error("executed")
				return TransactionCommit
			}}})
			res, err := p.SendTransaction(t.Context(), text("T", "x"), nil)
			if !tt.rolled {
				if be, ok := errors.AsType[*remoting.BrokerError](err); !ok || be.Code != remoting.MessageIllegal {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || res.State != TransactionRollback || k.hear(t).ext["commitOrRollback"] != "12" {
				t.Errorf("%+v %v", res, err)
			}
		})
	}
}

func TestTransactionErrors(t *testing.T) {
	k := newTalker(t)
	commit := &listener{execute: func(*Message, SendResult, any) TransactionState { return TransactionCommit }}
	plain := k.producer(t, Options{Group: "plain"})
	if _, err := plain.SendTransaction(t.Context(), text("T", "x"), nil); !errors.Is(err, ErrNoListener) {
		t.Errorf("without a listener: %v", err)
	}
	p := New(Options{NameServers: []string{k.names.addr()}, Group: "tx", InstanceName: t.Name(), Listener: commit})
	_, err := p.SendTransaction(t.Context(), text("T", "x"), nil)
	if se, ok := errors.AsType[*StateError](err); !ok || se.State != CreateJust {
		t.Errorf("before start: %v", err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Shutdown() }()
	if _, err := p.SendTransaction(t.Context(), text("no topic", "x"), nil); sendError(t, err).Attempts != 0 {
		t.Errorf("a bad name: %v", err)
	}
	// The end is told although the sender's time is up, as the local transaction took it.
	ctx, cancel := context.WithCancel(t.Context())
	commit.execute = func(*Message, SendResult, any) TransactionState { cancel(); return TransactionCommit }
	if res, err := p.SendTransaction(ctx, text("T", "x"), nil); err != nil || res.Untold != nil {
		t.Errorf("%+v %v", res, err)
	}
	k.hear(t)
	// A broker that is gone by then can't be told; it will ask.
	commit.execute = func(*Message, SendResult, any) TransactionState {
		k.names.set("T", readWrite, 1, "b1="+k.Addr().String())
		if err := p.instance.routes.refresh(t.Context(), "T"); err != nil {
			t.Error(err)
		}
		return TransactionCommit
	}
	if res, err := p.SendTransaction(t.Context(), text("T", "x"), nil); err != nil || res.Untold == nil || res.State != TransactionCommit {
		t.Errorf("%+v %v", res, err)
	}
}

// In a namespace the broker hears the whole names, the application its own.
func TestTransactionInANamespace(t *testing.T) {
	k := newTalker(t)
	k.names.set("ns%T", readWrite, 1, "b0="+k.Addr().String())
	var half *told
	k.on(func() { k.script = func(_ int64, m *told) { half = m } })
	p := k.producer(t, Options{Group: "tx", Namespace: "ns", Listener: &listener{
		execute: func(*Message, SendResult, any) TransactionState { return TransactionCommit },
		check: func(m *Received) TransactionState {
			if m.Topic != "T" {
				t.Errorf("asked about topic %s", m.Topic)
			}
			return TransactionCommit
		}}})
	if _, err := p.SendTransaction(t.Context(), text("T", "x"), nil); err != nil {
		t.Fatal(err)
	}
	end := k.hear(t)
	if half.property(message.PropertyProducerGroup) != "ns%tx" || end.ext["producerGroup"] != "ns%tx" || end.ext["topic"] != "ns%T" {
		t.Errorf("%v\n%v", half.ext, end.ext)
	}
	k.ask(t, checkRequest("ns%tx", []byte("x"), 0))
	if end := k.hear(t); end.ext["producerGroup"] != "ns%tx" {
		t.Errorf("%v", end.ext)
	}
}

// The first transaction waits until the broker knows whom to ask.
func TestHeartbeatBeforeTheFirstTransaction(t *testing.T) {
	k := newTalker(t)
	var before int64
	k.on(func() { k.script = func(int64, *told) { before = k.beats.Load() } })
	p := started(t, Options{NameServers: []string{k.names.addr()}, Listener: &listener{execute: func(*Message, SendResult, any) TransactionState { return TransactionCommit }}})
	if _, err := p.SendTransaction(t.Context(), text("T", "x"), nil); err != nil {
		t.Fatal(err)
	}
	k.hear(t)
	if before == 0 {
		t.Error("no heartbeat came before the half message")
	}
}

// checkRequest asks about a half message of the group, with offsets of its own.
func checkRequest(group string, body []byte, sysFlag message.SysFlag) *remoting.Command {
	topic := "T"
	if strings.HasPrefix(group, "ns%") {
		topic = "ns%T"
	}
	record, err := message.AppendRecord(nil, &message.Record{Topic: topic, Body: body, SysFlag: sysFlag, QueueOffset: 9, PhysicalOffset: 900,
		BornHost: netip.MustParseAddrPort("127.0.0.1:1"), StoreHost: netip.MustParseAddrPort("127.0.0.1:2"),
		EncodedProperties: message.AppendProperties(nil, message.Properties{{Key: message.PropertyUniqueKey, Value: "ID"}, {Key: message.PropertyProducerGroup, Value: group},
			{Key: message.PropertyTags, Value: "tag"}, {Key: message.PropertyKeys, Value: "a b"}, {Key: message.PropertyMessageRegion, Value: "north"}, {Key: "mine", Value: "1"}})})
	if err != nil {
		panic(err)
	}
	req := remoting.NewRequest(remoting.CheckTransactionState, remoting.Field{Key: "tranStateTableOffset", Value: "4"}, remoting.Field{Key: "commitLogOffset", Value: "7523"},
		remoting.Field{Key: "msgId", Value: "ID"}, remoting.Field{Key: "transactionId", Value: "ID"}, remoting.Field{Key: "offsetMsgId", Value: "OFFSET"},
		remoting.Field{Key: "topic", Value: message.HalfTopic}, remoting.Field{Key: "bname", Value: "b0"})
	req.Flag, req.Body = remoting.FlagOneway, record
	return req
}

func TestCheckBack(t *testing.T) {
	packed, err := message.AppendCompressed(nil, []byte("a body"), message.ZLIB, 5)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		check func() TransactionState
		flag  string
		fault string
	}{
		"committed":   {func() TransactionState { return TransactionCommit }, "8", ""},
		"rolled back": {func() TransactionState { return TransactionRollback }, "12", ""},
		"unknown":     {func() TransactionState { return TransactionUnknown }, "0", ""},
		"a panic":     {func() TransactionState { panic("boom") }, "0", "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalker(t)
			got := make(chan *Received, 1)
			var seen ends
			p := k.producer(t, Options{Group: "tx", EndTransactionHooks: []EndTransactionHook{&seen},
				Listener: &listener{check: func(m *Received) TransactionState { got <- m; return tt.check() }}})
			k.ask(t, checkRequest("other", []byte("x"), 0)) // nobody's
			broken := checkRequest("tx", []byte("x"), 0)
			broken.Body = broken.Body[:50]
			k.ask(t, broken)
			nowhere := checkRequest("tx", []byte("x"), 0)
			nowhere.Ext = nowhere.Ext[1:]
			k.ask(t, nowhere)
			k.ask(t, checkRequest("tx", packed, message.FlagCompressed))
			m := <-got
			mine, _ := m.Properties.Get("mine")
			if m.ID() != "ID" || m.Topic != "T" || string(m.Body) != "a body" || m.QueueOffset != 9 || mine != "1" || m.SysFlag.Compressed() {
				t.Errorf("asked about %+v", m)
			}
			end := k.hear(t)
			want := map[string]string{"producerGroup": "tx", "tranStateTableOffset": "4", "commitLogOffset": "7523", "commitOrRollback": tt.flag, "fromTransactionCheck": "true",
				"msgId": "ID", "transactionId": "ID", "topic": message.HalfTopic, "bname": "b0"}
			if end.code != remoting.EndTransaction || !end.oneway || !maps.Equal(end.ext, want) || !strings.Contains(end.remark, tt.fault) {
				t.Errorf("%s, oneway %v: %v %q", end.code, end.oneway, end.ext, end.remark)
			}
			if c := seen.last(); !c.Checked || c.Topic != "T" || c.Tags != "tag" || strings.Join(c.Keys, " ") != "a b" || c.ID != "ID" || c.Region != "north" {
				t.Errorf("the hook saw %+v", c)
			}
			if n := p.Stats().CallbackFails; (n == 1) != (tt.fault != "") {
				t.Errorf("%d panics counted", n)
			}
			if len(k.told) != 0 || len(got) != 0 {
				t.Error("a question that was none of ours was answered")
			}
		})
	}
}

// A listener that takes its time holds up nothing but questions, of which so many wait.
func TestSlowListener(t *testing.T) {
	k := newTalker(t)
	free := make(chan struct{})
	var asked atomic.Int64
	p := k.producer(t, Options{Group: "tx", Listener: &listener{check: func(*Received) TransactionState {
		asked.Add(1)
		<-free
		return TransactionCommit
	}}})
	const room, dropped = 3, 5
	busy := p.checks.limit
	for range busy {
		k.ask(t, checkRequest("tx", []byte("x"), 0))
	}
	soon(t, "every goroutine is at work", func() bool { return asked.Load() == int64(busy) })
	p.checks.mu.Lock()
	p.checks.room = room
	p.checks.mu.Unlock()
	for range room + dropped {
		k.ask(t, checkRequest("tx", []byte("x"), 0))
	}
	soon(t, "the rest is dropped", func() bool { return p.Stats().ChecksDropped == dropped })
	if open := p.Stats().ChecksOpen; open != int64(busy+room) {
		t.Errorf("%d questions are open, want %d", open, busy+room)
	}
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Errorf("beside it: %v", err)
	}
	close(free)
	for range busy + room {
		if end := k.hear(t); end.ext["commitOrRollback"] != "8" {
			t.Errorf("%v", end.ext)
		}
	}
	soon(t, "none is open", func() bool { return p.Stats().ChecksOpen == 0 })
}

// After Shutdown nobody is asked, whatever still waits.
func TestNoCheckAfterShutdown(t *testing.T) {
	k := newTalker(t)
	free := make(chan struct{})
	var asked atomic.Int64
	p := k.producer(t, Options{Group: "tx", Listener: &listener{check: func(*Received) TransactionState {
		asked.Add(1)
		<-free
		return TransactionCommit
	}}})
	busy := int64(p.checks.limit)
	for range busy + 10 {
		k.ask(t, checkRequest("tx", []byte("x"), 0))
	}
	soon(t, "every goroutine is at work, and ten wait", func() bool {
		p.checks.mu.Lock()
		defer p.checks.mu.Unlock()
		return asked.Load() == busy && p.checks.waiting == 10
	})
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
	close(free)
	soon(t, "the goroutines are gone", func() bool { return p.checks.open() == 0 })
	if n := asked.Load(); n != busy {
		t.Errorf("%d more were asked", n-busy)
	}
}

// What a 5.4.0 broker asked is understood, and answered with the fields that its kind of request has.
func TestCheckVectors(t *testing.T) {
	type live struct {
		Name, Kind string
		RequestHex vectors.Hex
	}
	n := 0
	for _, e := range vectors.Load[live](t, "live.json") {
		if e.Kind != "push" {
			continue
		}
		head, body, err := remoting.ParseFrame(e.RequestHex)
		if err != nil || remoting.RequestCode(head.Code) != remoting.CheckTransactionState {
			continue
		}
		n++
		t.Run(e.Name, func(t *testing.T) {
			k := newTalker(t)
			p := k.producer(t, Options{Group: "vec_tx", Listener: &listener{check: func(m *Received) TransactionState {
				if m.Topic != "VecT8" || !strings.HasPrefix(string(m.Body), "tx-") || m.ID() == "" {
					t.Errorf("%+v", m)
				}
				return TransactionRollback
			}}})
			p.instance.checkTransaction(&remoting.Request{Head: head, Body: body, Conn: connTo(t, p, k)})
			end := k.hear(t)
			for _, key := range []string{"tranStateTableOffset", "commitLogOffset", "msgId", "transactionId", "topic", "bname"} {
				if want, _ := head.Get(key); end.ext[key] != string(want) || len(want) == 0 {
					t.Errorf("%s is %q, asked was %q", key, end.ext[key], want)
				}
			}
			if end.ext["producerGroup"] != "vec_tx" || end.ext["commitOrRollback"] != strconv.Itoa(int(message.FlagRollback)) {
				t.Errorf("%v", end.ext)
			}
		})
	}
	if n == 0 {
		t.Error("no vector")
	}
}

// connTo is the producer's connection to the talker.
func connTo(t *testing.T, p *Producer, k *talker) *remoting.Conn {
	t.Helper()
	conn, err := p.instance.client.Endpoint(k.Addr().String()).Connect(t.Context(), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestTransactionStates(t *testing.T) {
	for state, want := range map[TransactionState]string{TransactionUnknown: "UNKNOW", TransactionCommit: "COMMIT_MESSAGE", TransactionRollback: "ROLLBACK_MESSAGE", 9: "UNKNOW"} {
		if state.String() != want {
			t.Errorf("%d is %s", uint8(state), state)
		}
	}
}
