package producer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/internal/peer"
	"rmqbench/internal/vectors"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// push is a broker's PUSH_REPLY_MESSAGE_TO_CLIENT of a reply to the request m.
func push(m *told, body []byte, sysFlag message.SysFlag) *remoting.Command {
	return pushOf(m.property(message.PropertyCorrelationID), body, sysFlag)
}

func pushOf(correlation string, body []byte, sysFlag message.SysFlag) *remoting.Command {
	props := message.AppendProperties(nil, message.Properties{{Key: message.PropertyMessageType, Value: "reply"}, {Key: message.PropertyCorrelationID, Value: correlation}, {Key: "mine", Value: "1"}})
	req := remoting.NewRequest(remoting.PushReplyMessageToClient)
	for _, f := range [][2]string{{"producerGroup", "replier"}, {"topic", "c_REPLY_TOPIC"}, {"defaultTopic", "TBW102"}, {"defaultTopicQueueNums", "4"}, {"queueId", "2"},
		{"sysFlag", strconv.Itoa(int(sysFlag))}, {"bornTimestamp", "1"}, {"flag", "7"}, {"properties", string(props)}, {"reconsumeTimes", "0"}, {"unitMode", "false"},
		{"bornHost", "127.0.0.1:1"}, {"storeHost", "127.0.0.1:2"}, {"storeTimestamp", "3"}} {
		req.Ext = append(req.Ext, remoting.Field{Key: f[0], Value: f[1]})
	}
	req.Body = body
	return req
}

// echo makes the talker's clients answer each other: every request is replied to with its own body.
func (k *talker) echo(tb testing.TB) {
	k.on(func() {
		k.script = func(_ int64, m *told) {
			go k.ask(tb, push(m, m.body, 0)) // not within serve: the push's acknowledgement comes over this connection
		}
	})
}

func TestRequest(t *testing.T) {
	k := newTalker(t)
	packed, err := message.AppendCompressed(nil, []byte("an answer"), message.ZLIB, 5)
	if err != nil {
		t.Fatal(err)
	}
	var question *told
	var before int64
	codes := make(chan remoting.Code, 2)
	k.on(func() {
		k.script = func(_ int64, m *told) {
			question, before = m, k.beats.Load()
			go func() {
				codes <- k.ask(t, push(m, packed, message.FlagCompressed))
				codes <- k.ask(t, push(m, packed, message.FlagCompressed)) // once more: it is late
			}()
		}
	})
	p := started(t, Options{NameServers: []string{k.names.addr()}})
	reply, err := p.Request(t.Context(), text("T", "a question"), Within(20*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	mine, _ := reply.Properties.Get("mine")
	at, _ := reply.Properties.Get(message.PropertyArriveTime)
	if string(reply.Body) != "an answer" || reply.Topic != "c_REPLY_TOPIC" || reply.QueueID != 2 || reply.Flag != 7 || mine != "1" || at == "" ||
		reply.BornHost.String() != "127.0.0.1:1" || reply.StoreHost.String() != "127.0.0.1:2" || reply.StoreTime != 3 || reply.SysFlag.Compressed() {
		t.Errorf("%+v", reply)
	}
	for range 2 {
		if code := <-codes; code != remoting.Success {
			t.Errorf("the broker was told %s", code)
		}
	}
	if n := p.Stats().LateReplies; n != 1 {
		t.Errorf("%d late replies", n)
	}
	id := question.property(message.PropertyCorrelationID)
	if len(id) != 36 || id[14] != '4' || question.property(message.PropertyReplyToClient) != p.instance.id || question.property(message.PropertyTTL) != "20000" || string(question.body) != "a question" {
		t.Errorf("the question: %v", question.properties())
	}
	if before == 0 {
		t.Error("no heartbeat came before the question")
	}
	if len(p.instance.asks.byID) != 0 {
		t.Error("something still waits")
	}
}

// Everybody gets the reply to their own question, sync or async.
func TestManyRequests(t *testing.T) {
	k := newTalker(t)
	k.echo(t)
	p := k.producer(t, Options{})
	var wg sync.WaitGroup
	check := func(want string, m *Received, err error) {
		if err != nil || string(m.Body) != want {
			t.Errorf("%s: %+v %v", want, m, err)
		}
	}
	for i := range 100 {
		wg.Go(func() {
			want := fmt.Sprint("sync ", i)
			m, err := p.Request(t.Context(), text("T", want), Within(20*time.Second))
			check(want, m, err)
		})
		wg.Add(1)
		want := fmt.Sprint("async ", i)
		err := p.RequestAsync(t.Context(), text("T", want), func(m *Received, err error) {
			defer wg.Done()
			check(want, m, err)
		}, Within(20*time.Second))
		if err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
}

func TestRequestsThatFail(t *testing.T) {
	noReply := func(stored bool) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*NoReplyError](err)
			return ok && e.Stored == stored && e.Timeout() && e.Topic == "T" && len(e.CorrelationID) == 36 && strings.Contains(e.Error(), "100ms")
		}
	}
	for name, tt := range map[string]struct {
		answer func(int64, *remoting.Request)
		m      *Message
		want   func(error) bool
	}{
		"nobody replies":      {nil, text("T", "x"), noReply(true)},
		"the broker is mute":  {silent, text("T", "x"), noReply(false)},
		"the broker refuses":  {refusing(remoting.NoPermission), text("T", "x"), func(err error) bool { _, ok := errors.AsType[*remoting.BrokerError](err); return ok }},
		"nothing to send":     {nil, text("T", ""), func(err error) bool { _, ok := errors.AsType[*message.BodySizeError](err); return ok }},
		"a name that is none": {nil, text("a b", "x"), func(err error) bool { _, ok := errors.AsType[*message.NameError](err); return ok }},
		"its own answer": {nil, &Message{Topic: "T", Body: []byte("x"), Properties: message.Properties{{Key: message.PropertyCorrelationID, Value: "x"}}},
			func(err error) bool { _, ok := errors.AsType[*PropertyError](err); return ok }},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalker(t)
			k.on(func() { k.answer = tt.answer })
			p := k.producer(t, Options{})
			within := Within(100 * time.Millisecond)
			if _, err := p.Request(t.Context(), tt.m, within); !tt.want(err) {
				// The send's time and the request's are up together: who is first says so.
				if se, ok := errors.AsType[*SendError](err); name != "the broker is mute" || !ok || !se.Ambiguous {
					t.Errorf("sync: %v", err)
				}
			}
			back := make(chan error, 1)
			err := p.RequestAsync(t.Context(), tt.m, func(_ *Received, err error) { back <- err }, within)
			if err == nil {
				err = <-back
			}
			if !tt.want(err) {
				if se, ok := errors.AsType[*SendError](err); name != "the broker is mute" || !ok || !se.Ambiguous {
					t.Errorf("async: %v", err)
				}
			}
			if len(back) != 0 || len(p.instance.asks.byID) != 0 {
				t.Error("it did not end once")
			}
		})
	}
}

func TestRequestStates(t *testing.T) {
	k := newTalker(t)
	p := New(Options{NameServers: []string{k.names.addr()}, Group: "group", InstanceName: t.Name()})
	_, err := p.Request(t.Context(), text("T", "x"))
	if se, ok := errors.AsType[*StateError](err); !ok || se.State != CreateJust {
		t.Errorf("before start: %v", err)
	}
	if err := p.RequestAsync(t.Context(), text("T", "x"), nil); !errors.Is(err, ErrNoCallback) {
		t.Errorf("without a callback: %v", err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	// One that is cancelled ends at once, and those that wait at Shutdown do.
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	back := make(chan error, 3)
	ask := func(ctx context.Context) {
		_, err := p.Request(ctx, text("T", "x"), Within(time.Minute))
		back <- err
	}
	go ask(ctx)
	soon(t, "the request is stored", func() bool { return k.sends.Load() == 1 })
	cancel(enough)
	if err := <-back; !errors.Is(err, enough) {
		t.Errorf("cancelled: %v", err)
	}
	go ask(t.Context())
	if err := p.RequestAsync(t.Context(), text("T", "x"), func(_ *Received, err error) { back <- err }, Within(time.Minute)); err != nil {
		t.Fatal(err)
	}
	soon(t, "both requests are stored", func() bool { return k.sends.Load() == 3 })
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-back; !errors.Is(err, remoting.ErrClosed) {
			t.Errorf("at Shutdown: %v", err)
		}
	}
	err = p.RequestAsync(t.Context(), text("T", "x"), func(*Received, error) { t.Error("called back") })
	if se, ok := errors.AsType[*StateError](err); !ok || se.State != ShutdownAlready {
		t.Errorf("after shutdown: %v", err)
	}
}

// a callback that panics is counted; one that asks again, or shuts down, deadlocks nothing.
func TestR51_RequestCallbacks(t *testing.T) {
	k := newTalker(t)
	k.echo(t)
	p := k.producer(t, Options{})
	ask := func(callback func(*Received, error)) {
		t.Helper()
		if err := p.RequestAsync(t.Context(), text("T", "x"), callback, Within(20*time.Second)); err != nil {
			t.Error(err)
		}
	}
	ask(func(*Received, error) { panic("boom") })
	soon(t, "the panic is counted", func() bool { return p.Stats().CallbackFails == 1 })
	if e := p.FirstPanic(); e == nil || e.Value != "boom" {
		t.Errorf("%+v", e)
	}
	done := make(chan error, 1)
	ask(func(*Received, error) {
		ask(func(*Received, error) { done <- p.Shutdown() })
	})
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A first request without a route goes its way on the executor: the caller of RequestAsync never waits.
func TestRequestAsyncWithoutARoute(t *testing.T) {
	k := newTalker(t)
	k.echo(t)
	k.names.holding(true)
	p := started(t, Options{NameServers: []string{k.names.addr()}})
	back := make(chan error, 1)
	if err := p.RequestAsync(t.Context(), text("T", "x"), func(_ *Received, err error) { back <- err }, Within(20*time.Second)); err != nil {
		t.Fatal(err)
	}
	k.names.holding(false)
	if err := <-back; err != nil {
		t.Error(err)
	}
}

// a master that doesn't answer heartbeats holds up the first request a moment only.
func TestR04_RequestBesideABlackhole(t *testing.T) {
	k := newTalker(t)
	k.echo(t)
	hole := peer.Serve(t, func(*remoting.Request) {})
	k.names.mu.Lock()
	r := k.names.routes["T"]
	r.Brokers = append(r.Brokers, message.BrokerData{Cluster: "c", Name: "hole", Addrs: map[int64]string{0: hole.Addr().String()}})
	k.names.mu.Unlock()
	p := started(t, Options{NameServers: []string{k.names.addr()}})
	for range 3 {
		if _, err := p.Request(t.Context(), text("T", "x"), Within(20*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
}

// What is no reply is refused, and what a 5.4.0 broker pushed is understood.
func TestPushes(t *testing.T) {
	k := newTalker(t)
	p := k.producer(t, Options{})
	bad := pushOf("x", nil, 0)
	bad.Ext = bad.Ext[1:]
	if code := k.ask(t, bad); code != remoting.SystemError {
		t.Errorf("without a group: %s", code)
	}
	n := 0
	for _, e := range vectors.Load[struct {
		Kind       string
		RequestHex vectors.Hex
	}](t, "live.json") {
		if e.Kind != "push" {
			continue
		}
		head, body, err := remoting.ParseFrame(e.RequestHex)
		if err != nil {
			t.Fatal(err)
		}
		if remoting.RequestCode(head.Code) != remoting.PushReplyMessageToClient {
			continue
		}
		n++
		r, err := readReply(&remoting.Request{Head: head, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.received()
		if err != nil {
			t.Fatal(err)
		}
		if id, _ := m.Properties.Get(message.PropertyCorrelationID); !strings.HasPrefix(id, "corr-") || !strings.HasPrefix(string(m.Body), "reply-body-") || !strings.HasSuffix(m.Topic, replyTopicSuffix) {
			t.Errorf("%+v", m)
		}
	}
	if n == 0 {
		t.Error("no vector")
	}
	if n := p.Stats().LateReplies; n != 0 {
		t.Errorf("%d late replies", n)
	}
}

func TestReply(t *testing.T) {
	k := newTalker(t)
	var sent *told
	k.on(func() { k.script = func(_ int64, m *told) { sent = m } })
	k.names.set("c_REPLY_TOPIC", readWrite, 1, "b0="+k.Addr().String())
	p := k.producer(t, Options{})
	whole := message.Properties{{Key: message.PropertyCorrelationID, Value: "id"}, {Key: message.PropertyReplyToClient, Value: "client"},
		{Key: message.PropertyTTL, Value: "3000"}, {Key: message.PropertyCluster, Value: "c"}}
	if _, err := p.Reply(t.Context(), &Received{Properties: whole}, []byte("yes")); err != nil {
		t.Fatal(err)
	}
	if sent.code != remoting.SendReplyMessageV2 || sent.ext["b"] != "c_REPLY_TOPIC" || string(sent.body) != "yes" || sent.property(message.PropertyMessageType) != "reply" ||
		sent.property(message.PropertyCorrelationID) != "id" || sent.property(message.PropertyReplyToClient) != "client" || sent.property(message.PropertyTTL) != "3000" {
		t.Errorf("%s %v", sent.code, sent.ext)
	}
	for _, key := range []string{message.PropertyCorrelationID, message.PropertyReplyToClient, message.PropertyCluster} {
		var part message.Properties
		for _, f := range whole {
			if f.Key != key {
				part = append(part, f)
			}
		}
		_, err := p.Reply(t.Context(), &Received{Record: message.Record{Topic: "T"}, Properties: part}, []byte("yes"))
		if pe, ok := errors.AsType[*PropertyError](err); !ok || pe.Key != key {
			t.Errorf("without %s: %v", key, err)
		}
	}
}

func TestReceived(t *testing.T) {
	if _, err := NewReceived(message.Record{SysFlag: message.FlagCompressed, Body: []byte("not zlib")}); err == nil {
		t.Error("a body that can't be inflated")
	}
	m, err := NewReceived(message.Record{Body: []byte("x")})
	if err != nil || m.ID() != "" || string(m.Body) != "x" {
		t.Errorf("%+v %v", m, err)
	}
}
