package producer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// batchFunc is a way to send a batch.
type batchFunc = func(context.Context, []*Message, ...SendOption) (BatchResult, error)

// batchKinds are the three ways to send a batch, as one.
func batchKinds(tb testing.TB, p *Producer) map[string]batchFunc {
	return map[string]batchFunc{
		"sync": p.SendBatch,
		"async": func(ctx context.Context, list []*Message, opts ...SendOption) (BatchResult, error) {
			tb.Helper()
			var got BatchResult
			ended := make(chan error, 1)
			if err := p.SendBatchAsync(ctx, list, func(res BatchResult, err error) { got = res; ended <- err }, opts...); err != nil {
				return BatchResult{}, err
			}
			select {
			case err := <-ended:
				return got, err
			case <-time.After(30 * time.Second):
				tb.Fatal("no callback")
			}
			return got, nil
		},
		"oneway": p.SendBatchOneway,
	}
}

// batchOf is n messages, each with properties and a flag of its own.
func batchOf(topic string, n int) []*Message {
	var list []*Message
	for i := range n {
		list = append(list, &Message{Topic: topic, Body: fmt.Appendf(nil, "body %d", i), Tags: fmt.Sprint("tag", i), Flag: int32(i),
			Keys: []string{fmt.Sprint("key", i)}, Properties: message.Properties{{Key: "a", Value: fmt.Sprint(i)}}})
	}
	return list
}

func TestBatch(t *testing.T) {
	c := embedded(t, broker.Options{})
	addr := c.Brokers()[0].Addr()
	for _, json := range []bool{false, true} {
		p := started(t, Options{NameServers: []string{c.NameServer()}, JSON: json, InstanceName: fmt.Sprint(t.Name(), json)})
		for kind, send := range batchKinds(t, p) {
			if _, err := p.Send(t.Context(), text("T", "between")); err != nil { // its head is another
				t.Fatal(err)
			}
			list := batchOf("T", 5)
			res, err := send(t.Context(), list)
			if err != nil {
				t.Fatal(err)
			}
			if len(res.IDs) != 5 || res.Attempts != 1 || res.WireBytes == 0 {
				t.Errorf("%s: %+v", kind, res)
			}
			if kind == "oneway" {
				continue // it says no more
			}
			if len(res.OffsetIDs) != 5 || res.Status != SendOK || slices.Contains(res.IDs, res.ID) {
				t.Errorf("%s: %+v", kind, res)
			}
			for i, m := range list {
				r := read(t, p, addr, &SendResult{OffsetID: res.OffsetIDs[i]})
				props := message.DecodeProperties(r.EncodedProperties).Map()
				if r.Topic != "T" || r.QueueID != res.QueueID || r.QueueOffset != res.QueueOffset+int64(i) || r.Flag != int32(i) || !bytes.Equal(r.Body, m.Body) ||
					props["UNIQ_KEY"] != res.IDs[i].String() || props["TAGS"] != m.Tags || props["KEYS"] != m.Keys[0] || props["a"] != fmt.Sprint(i) || props["WAIT"] != "true" {
					t.Errorf("%s: message %d is stored as %+v, %v", kind, i, r, props)
				}
			}
		}
	}
}

// A batch goes where it is told to.
func TestBatchTo(t *testing.T) {
	s := newStage(t, nil, nil)
	p := s.producer(t, Options{})
	where := map[string]SendOption{
		"to": To(MessageQueue{"T", "b1", 1}),
		"by": By(SelectorFunc(func(_ []MessageQueue, m *Message, _ any) (int, error) { return 3, nil }), nil),
	}
	for kind, send := range batchKinds(t, p) {
		for name, opt := range where {
			for range 2 {
				if res, err := send(t.Context(), batchOf("T", 3), opt); err != nil || res.Broker != "b1" || res.QueueID != 1 {
					t.Errorf("%s, %s: %+v %v", kind, name, res, err)
				}
			}
		}
		if _, err := send(t.Context(), batchOf("T", 3), To(MessageQueue{"U", "b1", 1})); !is[*QueueError](err) {
			t.Errorf("%s to another topic: %v", kind, err)
		}
	}
}

// On the wire: request 320 with the batch flag, never compressed, with properties of its own; a message between two
// batches is none, whichever queue they go to and whoever says so.
func TestBatchHeader(t *testing.T) {
	type seen struct {
		code  remoting.RequestCode
		view  remoting.SendView
		props map[string]string
		body  []byte
	}
	got := make(chan seen, 4)
	s := newStage(t, func(n int64, r *remoting.Request) {
		var v remoting.SendView
		if err := v.Parse(&r.Head); err != nil {
			t.Error(err)
		}
		got <- seen{remoting.RequestCode(r.Head.Code), v, message.DecodeProperties(v.Properties).Map(), bytes.Clone(r.Body)}
		stored(remoting.Success)(n, r)
	})
	p := s.producer(t, Options{CompressOver: 1})
	big := &Message{Topic: "T", Body: bytes.Repeat([]byte("a"), 5000), NoWaitStore: true}
	const sends = 24
	for i := range 2 * sends {
		batched := i%3 == 0 // each queue gets both
		var opts []SendOption
		if i < sends {
			opts = []SendOption{To(MessageQueue{"T", "b0", 0})}
		}
		var res BatchResult
		var err error
		if batched {
			res, err = p.SendBatch(t.Context(), []*Message{big, big}, opts...)
		} else {
			res.SendResult, err = p.Send(t.Context(), big, opts...)
		}
		if err != nil {
			t.Fatal(err)
		}
		r := <-got
		want := map[bool]remoting.RequestCode{true: remoting.SendBatchMessage, false: remoting.SendMessageV2}[batched]
		if r.code != want || r.view.Batch != batched || (r.view.SysFlag == 0) != batched {
			t.Errorf("batch=%v: request %s, batch flag %v, sysFlag %#x", batched, r.code, r.view.Batch, r.view.SysFlag)
		}
		if r.props["WAIT"] != "false" || r.props["UNIQ_KEY"] != res.ID.String() || len(r.props) != 2 {
			t.Errorf("batch=%v: properties %v", batched, r.props)
		}
		if batched && len(r.body) < 10_000 {
			t.Errorf("a batch of %d bytes", len(r.body))
		}
	}
}

func TestBatchErrors(t *testing.T) {
	s := newStage(t, nil)
	p := s.producer(t, Options{MaxBody: 1000})
	ok := text("T", "x")
	for name, tt := range map[string]struct {
		list []*Message
		at   int
		err  error // nil: of another type
	}{
		"none":           {nil, -1, ErrBatchEmpty},
		"another topic":  {[]*Message{ok, text("U", "x")}, 1, ErrBatchTopic},
		"another wait":   {[]*Message{ok, {Topic: "T", Body: ok.Body, NoWaitStore: true}}, 1, ErrBatchWait},
		"a delay":        {[]*Message{ok, ok, {Topic: "T", Body: ok.Body, DelayLevel: 1}}, 2, ErrBatchDelayed},
		"a timer":        {[]*Message{ok, {Topic: "T", Body: ok.Body, DelayFor: time.Second}}, 1, ErrBatchDelayed},
		"a retry topic":  {[]*Message{text("%RETRY%g", "x")}, 0, ErrBatchRetry},
		"no body":        {[]*Message{ok, {Topic: "T"}}, 1, nil},
		"a bad property": {[]*Message{{Topic: "T", Body: ok.Body, Tags: "\x01"}}, 0, nil},
		"too large":      {[]*Message{text("T", strings.Repeat("x", 500)), text("T", strings.Repeat("x", 500))}, -1, nil},
	} {
		for kind, send := range batchKinds(t, p) {
			_, err := send(t.Context(), tt.list)
			be, isBatch := errors.AsType[*BatchError](err)
			if se := sendError(t, err); !isBatch || be.Index != tt.at || tt.err != nil && !errors.Is(err, tt.err) || se.Attempts != 0 || Retryable(err) {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
		}
	}
	if err := p.SendBatchAsync(t.Context(), []*Message{ok}, nil); !errors.Is(err, ErrNoCallback) {
		t.Errorf("without a callback: %v", err)
	}
	if _, err := p.SendBatch(t.Context(), []*Message{text("a topic", "x")}); !is[*message.NameError](err) {
		t.Errorf("bad topic: %v", err)
	}
	if s.sends() != 0 {
		t.Error("something was sent")
	}
}

// A batch is tried elsewhere like any message, and what the next broker says of it counts.
func TestBatchRetry(t *testing.T) {
	s := newStage(t, refusing(remoting.SystemError), nil)
	p := s.producer(t, Options{})
	for range 4 {
		if res, err := p.SendBatch(t.Context(), batchOf("T", 3)); err != nil || res.Broker != "b1" || len(res.IDs) != 3 {
			t.Errorf("%+v %v", res, err)
		}
	}
}

func TestSplitBatch(t *testing.T) {
	list := batchOf("T", 100)
	list[40] = text("T", strings.Repeat("x", 5000))
	for _, most := range []int{1, 300, 1000, 6000, 0} {
		var all []*Message
		parts := 0
		for part := range SplitBatch(list, most) {
			parts++
			all = append(all, part...)
			b, err := newBatch(part)
			if err != nil {
				t.Fatal(err)
			}
			o := &outlet{p: New(Options{Group: "g"}), in: &instance{ids: newIDs("fe80::1")}}
			s := &send{hot: hot{out: o}, rare: rare{batch: b}}
			if err := s.encodeBatch(0); err != nil {
				t.Fatal(err)
			}
			if most > 0 && len(s.body) > most && len(part) > 1 {
				t.Errorf("at most %d bytes: %d messages of %d", most, len(part), len(s.body))
			}
		}
		if !slices.Equal(all, list) {
			t.Errorf("at most %d bytes: %d messages come out", most, len(all))
		}
		if most == 1 && parts != len(list) || most == 0 && parts != 1 {
			t.Errorf("at most %d bytes: %d parts", most, parts)
		}
	}
	for range SplitBatch(list, 300) {
		break // who has enough gets no more
	}
	for range SplitBatch(nil, 0) {
		t.Error("a part of nothing")
	}
}
