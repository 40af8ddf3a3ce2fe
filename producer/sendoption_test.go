package producer

import (
	"errors"
	"testing"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// A given queue is the one that gets the message, whoever's turn it is.
func TestTo(t *testing.T) {
	s := newStage(t, nil, nil)
	p := s.producer(t, Options{})
	for kind, send := range kinds(t, p) {
		for range 4 {
			res, err := send(t.Context(), text("T", "x"), To(MessageQueue{"T", "b1", 1}))
			if err != nil || res.Broker != "b1" || res.QueueID != 1 {
				t.Errorf("%s: %+v %v", kind, res, err)
			}
		}
	}
	soon(t, "all are there", func() bool { return s.brokers[1].sends.Load() == 12 })
	for name, q := range map[string]MessageQueue{
		"another topic's": {"U", "b1", 1}, "no topic's": {"", "b1", 1}, "no such broker": {"T", "b2", 0}, "no such id": {"T", "b0", 2}, "below 0": {"T", "b0", -1},
	} {
		for kind, send := range kinds(t, p) {
			_, err := send(t.Context(), text("T", "x"), To(q))
			qe, ok := errors.AsType[*QueueError](err)
			if se := sendError(t, err); !ok || qe.Queue != q || se.Attempts != 0 {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
		}
	}
	if n := s.sends(); n != 12 {
		t.Errorf("%d sends", n)
	}
}

// a selector sees the topic's queues in their order; one that picks none fails its own send.
func TestBy(t *testing.T) {
	s := newStage(t, nil, nil)
	p := s.producer(t, Options{})
	m := text("T", "x")
	mine := errors.New("mine")
	for kind, send := range kinds(t, p) {
		var got []MessageQueue
		res, err := send(t.Context(), m, By(SelectorFunc(func(queues []MessageQueue, of *Message, arg any) (int, error) {
			got = append(got, queues...)
			if of != m || arg != 3 {
				t.Errorf("%s: asked for %p with %v", kind, of, arg)
			}
			return arg.(int), nil
		}), 3))
		if err != nil || res.Broker != "b1" || res.QueueID != 1 {
			t.Errorf("%s: %+v %v", kind, res, err)
		}
		if want := []MessageQueue{{"T", "b0", 0}, {"T", "b0", 1}, {"T", "b1", 0}, {"T", "b1", 1}}; !equal(got, want) {
			t.Errorf("%s: picked from %v", kind, got)
		}
		for name, bad := range map[string]SelectorFunc{
			"too high": func([]MessageQueue, *Message, any) (int, error) { return 4, nil },
			"too low":  func([]MessageQueue, *Message, any) (int, error) { return -1, nil },
			"error":    func([]MessageQueue, *Message, any) (int, error) { return 0, mine },
			"panic":    func([]MessageQueue, *Message, any) (int, error) { panic(mine) },
		} {
			_, err := send(t.Context(), m, By(bad, nil))
			sel, ok := errors.AsType[*SelectorError](err)
			if se := sendError(t, err); !ok || se.Attempts != 0 || sel.Queues != 4 || (name == "error") != errors.Is(err, mine) {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
			if pe, ok := errors.AsType[*PanicError](err); ok != (name == "panic") || ok && pe.Value != any(mine) {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
		}
	}
	if n := p.Stats().CallbackFails; n != 3 {
		t.Errorf("%d panics counted", n)
	}
	if first := p.FirstPanic(); first == nil || first.Where != "selector" || len(first.Stack) == 0 {
		t.Errorf("%+v", first)
	}
}

func equal(a, b []MessageQueue) bool {
	for i := range a {
		if len(a) != len(b) || a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// a selector that takes its time takes the send's.
func TestR50_SlowSelector(t *testing.T) {
	s := newStage(t, nil)
	p := s.producer(t, Options{SendTimeout: 20 * time.Millisecond})
	slow := SelectorFunc(func([]MessageQueue, *Message, any) (int, error) {
		began := time.Now()
		soon(t, "the send's time is up", func() bool { return time.Since(began) > 20*time.Millisecond })
		return 0, nil
	})
	for kind, send := range kinds(t, p) {
		if _, err := send(t.Context(), text("T", "x"), By(slow, nil)); !errors.Is(err, ErrCallTimeout) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if s.sends() != 0 {
		t.Error("it was sent")
	}
}

// Where the sender says which queue, a sync send is tried once and an async one again at the same broker.
func TestPlacedSendsAreNotMovedElsewhere(t *testing.T) {
	s := newStage(t, cut, nil)
	p := s.producer(t, Options{SendTimeout: time.Minute})
	for name, where := range map[string]SendOption{
		"to": To(MessageQueue{"T", "b0", 1}),
		"by": By(SelectorFunc(func([]MessageQueue, *Message, any) (int, error) { return 1, nil }), nil),
	} {
		for _, kind := range []string{"sync", "async"} {
			soon(t, "it is connected", func() bool { _, err := p.Prepare(t.Context(), "T"); return err == nil })
			res, err := kinds(t, p)[kind](t.Context(), text("T", "x"), where)
			se := sendError(t, err)
			if want := map[string]int{"sync": 1, "async": 3}[kind]; se.Attempts != want || se.Broker != "b0" || res.QueueID != 1 {
				t.Errorf("%s, %s: %+v", name, kind, se)
			}
		}
	}
	if n := s.brokers[1].sends.Load(); n != 0 {
		t.Errorf("%d went elsewhere", n)
	}
}

func TestWithin(t *testing.T) {
	s := newStage(t, silent)
	p := s.producer(t, Options{SendTimeout: time.Hour})
	for _, kind := range []string{"sync", "async"} {
		if _, err := kinds(t, p)[kind](t.Context(), text("T", "x"), Within(20*time.Millisecond)); !errors.Is(err, remoting.ErrTimeout) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for kind, send := range kinds(t, p) {
		for _, d := range []time.Duration{0, -1} {
			if _, err := send(t.Context(), text("T", "x"), Within(d)); !errors.Is(err, ErrCallTimeout) {
				t.Errorf("%s within %v: %v", kind, d, err)
			}
		}
	}
}

// What the client itself adds goes out with the message's own.
func TestExtra(t *testing.T) {
	got := make(chan remoting.SendView, 10)
	codes := make(chan remoting.RequestCode, 10)
	s := newStage(t, nil)
	s.brokers[0].script = func(n int64, r *remoting.Request) {
		var v remoting.SendView
		if err := v.Parse(&r.Head); err != nil {
			t.Error(err)
		}
		v.Properties = append([]byte(nil), v.Properties...)
		got <- v
		codes <- remoting.RequestCode(r.Head.Code)
		stored(remoting.Success)(n, r)
	}
	p := s.producer(t, Options{CompressOver: 4})
	half := &extra{properties: message.Properties{{Key: "TRAN_MSG", Value: "true"}, {Key: "PGROUP", Value: "g"}}, sysFlag: message.FlagPrepared, msgType: HalfMsg, undelayed: true}
	m := &Message{Topic: "T", Body: make([]byte, 100), DelayLevel: 3, Properties: message.Properties{{Key: "a", Value: "b"}}}
	if _, err := p.Send(t.Context(), m, with(half)); err != nil {
		t.Fatal(err)
	}
	v := <-got
	props := message.DecodeProperties(v.Properties).Map()
	if props["TRAN_MSG"] != "true" || props["PGROUP"] != "g" || props["a"] != "b" || props["DELAY"] != "" || v.SysFlag&int32(message.FlagPrepared) == 0 || v.SysFlag&1 == 0 {
		t.Errorf("%v, flag %#x", props, v.SysFlag)
	}
	if code := <-codes; code != remoting.SendMessageV2 {
		t.Error(code)
	}
	if _, err := p.Send(t.Context(), m, with(&extra{code: remoting.SendReplyMessageV2})); err != nil {
		t.Fatal(err)
	}
	<-got
	if code := <-codes; code != remoting.SendReplyMessageV2 {
		t.Error(code)
	}
}
