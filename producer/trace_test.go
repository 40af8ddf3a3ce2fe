package producer

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// traced is a talker's memory of trace messages.
type traced struct {
	k    *talker
	sent []told
}

// newTraced is a talker that has the trace topic too, and remembers what is sent there.
func newTraced(t *testing.T) *traced {
	m := &traced{k: newTalker(t)}
	m.k.names.set(message.TraceTopic, readWrite, 1, "b0="+m.k.Addr().String())
	m.k.on(func() {
		m.k.script = func(_ int64, s *told) {
			if s.ext["b"] == message.TraceTopic {
				m.sent = append(m.sent, *s)
			}
		}
	})
	return m
}

// records are the fields of all records so far.
func (m *traced) records() (all [][]string) {
	m.k.mu.Lock()
	defer m.k.mu.Unlock()
	for _, s := range m.sent {
		for r := range bytes.SplitSeq(bytes.TrimSuffix(s.body, []byte{2}), []byte{2}) {
			all = append(all, strings.Split(string(r), "\x01"))
		}
	}
	return all
}

func TestTrace(t *testing.T) {
	m := newTraced(t)
	p := m.k.producer(t, Options{Group: "g", Trace: true, CompressOver: 100, Listener: &listener{
		execute: func(*Message, SendResult, any) TransactionState { return TransactionCommit },
		check:   func(*Received) TransactionState { return TransactionRollback }}})
	addr := m.k.Addr().String()
	var results []SendResult
	send := func(msg *Message) {
		t.Helper()
		res, err := p.Send(t.Context(), msg)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, res)
	}
	send(&Message{Topic: "T", Body: []byte("four"), Tags: "tag", Keys: []string{"k1", "k2"}})
	send(&Message{Topic: "T", Body: bytes.Repeat([]byte("x"), 1000), DelayLevel: 1})
	tx, err := p.SendTransaction(t.Context(), text("T", "half"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.k.hear(t)
	m.k.ask(t, checkRequest("g", []byte("x"), 0))
	m.k.hear(t)
	handle := message.RecallHandle{Topic: "T", Broker: "b0", Time: "1", UniqueID: "ID"}
	if _, err := p.Recall(t.Context(), "T", handle.String()); err != nil {
		t.Fatal(err)
	}
	m.k.hear(t)

	// What is not recorded: a oneway send, one that failed, one to the trace topic, one whose broker wants no trace.
	if _, err := p.SendOneway(t.Context(), text("T", "x")); err != nil {
		t.Fatal(err)
	}
	m.k.on(func() { m.k.answer = refusing(remoting.MessageIllegal) })
	if _, err := p.Send(t.Context(), text("T", "x")); err == nil {
		t.Error("not refused")
	}
	m.k.on(func() {
		m.k.answer = func(_ int64, r *remoting.Request) {
			_ = r.Reply(&remoting.SendReply{Serialize: r.Head.Serialize, Language: remoting.Go, Version: remoting.Version451, MsgID: []byte("0"), Region: "south", TraceOn: false}, nil)
		}
	})
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Error(err)
	}
	m.k.on(func() { m.k.answer = nil })
	if _, err := p.Send(t.Context(), text(message.TraceTopic, "x")); err != nil {
		t.Error(err)
	}
	m.k.on(func() { m.sent = nil }) // that one

	if err := p.Shutdown(); err != nil { // sends what is queued
		t.Error(err)
	}
	got := m.records()
	for _, r := range got {
		if len(r) < 2 || r[1] == "" {
			t.Fatalf("record %q", r)
		}
		r[1] = "time"
		if r[0] == "Pub" {
			r[10] = "cost"
		}
	}
	half, first, second := tx.ID.String(), results[0], results[1]
	want := [][]string{
		{"Pub", "time", "DefaultRegion", "g", "T", first.ID.String(), "tag", "k1 k2", addr, "4", "cost", "0", first.OffsetID.String(), "true"},
		{"Pub", "time", "DefaultRegion", "g", "T", second.ID.String(), "null", "null", addr, strconv.Itoa(second.WireBytes), "cost", "3", second.OffsetID.String(), "true"},
		{"Pub", "time", "DefaultRegion", "g", "T", half, "null", "null", addr, "4", "cost", "1", tx.OffsetID.String(), "true"},
		{"EndTransaction", "time", "DefaultRegion", "g", "T", half, "null", "null", addr, "2", half, "COMMIT_MESSAGE", "false"},
		{"EndTransaction", "time", "north", "g", "T", "ID", "tag", "a b", addr, "2", "ID", "ROLLBACK_MESSAGE", "true"},
		{"Recall", "time", "DefaultRegion", "g", "T", "ID", "true"},
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	keys := m.sent[0].property(message.PropertyKeys)
	for _, k := range []string{first.ID.String(), "k1", "k2", half, "ID", "a", "b"} {
		if n := strings.Count(" "+keys+" ", " "+k+" "); n != 1 {
			t.Errorf("key %s is there %d times: %s", k, n, keys)
		}
	}
	if g := m.sent[0].ext["a"]; !strings.HasPrefix(g, "_INNER_TRACE_PRODUCER-g-PRODUCE-") {
		t.Errorf("sent by group %s", g)
	}
	if n := p.Stats().TraceDropped; n != 0 {
		t.Errorf("%d dropped", n)
	}
}

// A full batch goes out at once, long before the interval is over.
func TestTraceBatches(t *testing.T) {
	m := newTraced(t)
	p := m.k.producer(t, Options{Trace: true})
	for range 2*traceBatch + 3 {
		if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "two batches", func() bool { return len(m.records()) == 2*traceBatch })
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
	if n := len(m.records()); n != 2*traceBatch+3 {
		t.Errorf("%d records", n)
	}
	if len(m.sent) != 3 {
		t.Errorf("%d trace messages", len(m.sent))
	}
}

// A trace topic that takes nothing never slows a send: what finds no room is dropped and counted.
func TestTraceDrops(t *testing.T) {
	t.Parallel()
	m := newTraced(t)
	m.k.on(func() {
		m.k.answer = func(n int64, r *remoting.Request) {
			if topic, _ := r.Head.Get("b"); string(topic) != message.TraceTopic {
				stored(remoting.Success)(n, r)
			}
		}
	})
	p := m.k.producer(t, Options{Trace: true})
	p.trace.inner.opts.SendTimeout = 50 * time.Millisecond
	most := traceRoom + (traceSends+1)*traceBatch // more can't be on the way
	const more = 100
	for range most + more {
		if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.Stats().TraceDropped; n < more {
		t.Errorf("%d dropped, at least %d had no room", n, more)
	}
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
	if n := p.Stats().TraceDropped; n != int64(most+more) {
		t.Errorf("%d of %d counted as dropped", n, most+more)
	}
	p.trace.put(message.TraceRecord{Kind: message.TracePub})
	if n := p.Stats().TraceDropped; n != int64(most+more+1) {
		t.Error("what comes too late isn't counted")
	}
}

// A message of the trace topic holds what fits: body and keys.
func TestTraceMessage(t *testing.T) {
	for name, r := range map[string]message.TraceRecord{
		"long records": {Kind: message.TracePub, StoreHost: strings.Repeat("x", 50_000), Keys: message.TraceNull},
		"long keys":    {Kind: message.TracePub, Keys: strings.Repeat("k", 6000)},
	} {
		var m traceMessage
		n := 0
		for ; n < 100; n++ {
			r.MessageID = strconv.Itoa(n)
			if name == "long keys" {
				r.Keys = strconv.Itoa(n) + r.Keys[len(strconv.Itoa(n)):]
			}
			if !m.add(&r) {
				break
			}
		}
		if n != 2 || m.records != 2 || len(m.body) > traceBody {
			t.Errorf("%s: %d records in %d bytes", name, m.records, len(m.body))
		}
	}
	var m traceMessage
	if !m.add(&message.TraceRecord{Kind: message.TracePub, StoreHost: strings.Repeat("x", 2*traceBody)}) {
		t.Error("the first record is refused") // the send says why it is too large
	}
}

func TestTraceGroup(t *testing.T) {
	if g := traceGroup("g", 7); g != "_INNER_TRACE_PRODUCER-g-PRODUCE-7" {
		t.Error(g)
	}
	if err := message.CheckProducerGroup(traceGroup(strings.Repeat("g", message.MaxGroupLen), 1234)); err != nil {
		t.Error(err)
	}
}

// A tracer that can't start is a start that fails, and the producer's name is free again.
func TestTraceThatCannotStart(t *testing.T) {
	o := Options{NameServers: []string{"127.0.0.1:1"}, Group: "other", InstanceName: traceInstance + t.Name()}
	started(t, o)
	p := New(Options{NameServers: []string{"127.0.0.1:2"}, Group: "group", InstanceName: t.Name(), Trace: true})
	if err := p.Start(); err == nil || !strings.Contains(err.Error(), "trace") || p.State() != StartFailed {
		t.Errorf("%v, %s", err, p.State())
	}
	err := p.Start()
	if se, ok := errors.AsType[*StateError](err); !ok || se.State != StartFailed {
		t.Errorf("a second start: %v", err)
	}
	started(t, Options{NameServers: []string{"127.0.0.1:3"}}) // the instance of that client id is gone
}

// Two traced producers of one client id share the tracers' instance as well.
func TestTwoTracers(t *testing.T) {
	m := newTraced(t)
	a := m.k.producer(t, Options{Group: "a", Trace: true})
	b := m.k.producer(t, Options{Group: "b", Trace: true})
	if a.instance != b.instance || a.trace.inner.instance != b.trace.inner.instance || a.instance == a.trace.inner.instance {
		t.Error("not two instances")
	}
}
