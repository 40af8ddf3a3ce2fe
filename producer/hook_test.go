package producer

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"rmqbench/remoting"
)

// witness is a send hook that keeps what it saw.
type witness struct {
	mu     sync.Mutex // protects following
	began  []SendContext
	ended  []SendContext
	strays int // After without its Before
}

func (w *witness) Before(c *SendContext) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Values = len(w.began)
	w.began = append(w.began, *c)
}

func (w *witness) After(c *SendContext) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n, ok := c.Values.(int); !ok || n >= len(w.began) || w.began[n].ID != c.ID {
		w.strays++
	}
	seen := *c
	if c.Result != nil {
		res := *c.Result
		seen.Result = &res
	}
	w.ended = append(w.ended, seen)
}

// Hooks see each attempt of each kind of send, once.
func TestSendHooks(t *testing.T) {
	s := newStage(t, refusing(remoting.SystemError), nil)
	for _, kind := range []string{"sync", "async", "oneway"} {
		w := &witness{}
		p := s.producer(t, Options{SendHooks: []SendHook{w}, InstanceName: t.Name() + kind, ClientIP: "10.0.0.1"})
		m := text("T", "body")
		for range 8 {
			began := time.Now()
			w.began, w.ended = nil, nil
			res, err := kinds(t, p)[kind](t.Context(), m)
			if w.strays != 0 || len(w.began) != res.Attempts || len(w.ended) != res.Attempts {
				t.Fatalf("%s: %d began, %d ended, %d strays, %d attempts", kind, len(w.began), len(w.ended), w.strays, res.Attempts)
			}
			for i, c := range w.ended {
				last := i == res.Attempts-1
				broker, _ := strconv.Atoi(c.Queue.Broker[1:])
				if c.Attempt != i+1 || c.Group != "group" || c.Message != m || c.ID != res.ID || c.Queue.Topic != "T" || c.Addr != s.brokers[broker].Addr().String() ||
					c.BornHost != "10.0.0.1" || c.BodyBytes != 4 || c.MsgType != NormalMsg {
					t.Errorf("%s: %+v", kind, c)
				}
				if want := map[string]Mode{"sync": Sync, "async": Async, "oneway": Oneway}[kind]; c.Mode != want {
					t.Errorf("%s: mode %s", kind, c.Mode)
				}
				if (c.Err == nil) != (c.Result != nil) || last && (c.Err == nil) != (err == nil) {
					t.Errorf("%s: attempt %d ended with %v, %+v", kind, i, c.Err, c.Result)
				}
				if c.Began.Before(began) || c.Ended.Before(c.Began) {
					t.Errorf("%s: from %v to %v", kind, c.Began, c.Ended)
				}
			}
		}
	}
}

// panicking is a send hook that always does.
type panicking struct{}

func (panicking) Before(*SendContext) { panic("before") }
func (panicking) After(*SendContext)  { panic("after") }

// checkFunc is a function as a CheckForbiddenHook.
type checkFunc func(*SendContext) error

func (f checkFunc) CheckForbidden(c *SendContext) error { return f(c) }

// A hook that panics changes nothing for sends or for the other hooks.
func TestSendHooksPanic(t *testing.T) {
	s := newStage(t, nil)
	w := &witness{}
	p := s.producer(t, Options{SendHooks: []SendHook{panicking{}, w}})
	for kind, send := range kinds(t, p) {
		if _, err := send(t.Context(), text("T", "x")); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if len(w.began) != 3 || len(w.ended) != 3 || p.Stats().CallbackFails != 6 || p.FirstPanic().Where != "send hook" {
		t.Errorf("%d began, %d ended, %d panics, first %v", len(w.began), len(w.ended), p.Stats().CallbackFails, p.FirstPanic())
	}
}

// requestPanics is an RPC hook that panics before requests of a code, and after all answers.
type requestPanics struct{ before remoting.RequestCode }

func (h requestPanics) BeforeRequest(_ string, req *remoting.Command) error {
	if req.Request() == h.before {
		panic("before")
	}
	return nil
}

func (requestPanics) AfterResponse(string, *remoting.Command, *remoting.Head, error) { panic("after") }

// An RPC hook that panics before a request keeps that from being sent; after an answer it changes nothing. It runs on goroutines of
// heartbeats and of connections too.
func TestRequestHooksPanic(t *testing.T) {
	for before, refused := range map[remoting.RequestCode]bool{remoting.HeartBeat: false, remoting.SendMessageV2: true} {
		s := newStage(t, nil)
		p := s.producer(t, Options{Hooks: []remoting.RPCHook{requestPanics{before}}, InstanceName: before.String(), HeartbeatEvery: 10 * time.Millisecond})
		for kind, send := range kinds(t, p) {
			_, err := send(t.Context(), text("T", "x"))
			if pe, panicked := errors.AsType[*PanicError](err); panicked != refused || !refused && err != nil || refused && (pe.Where != "request hook" || sendError(t, err).Ambiguous || sendError(t, err).Attempts != 1) {
				t.Errorf("%s, %s panics: %v", kind, before, err)
			}
		}
		had := p.Stats().CallbackFails
		soon(t, "those of heartbeats are counted", func() bool { return p.Stats().CallbackFails > had+2 })
		if refused && s.sends() != 0 || p.FirstPanic() == nil {
			t.Errorf("%s: %d sent, first panic %v", before, s.sends(), p.FirstPanic())
		}
	}
}

// A hook that forbids a send ends it before send hooks see it or anything is sent.
func TestForbidden(t *testing.T) {
	s := newStage(t, nil)
	w := &witness{}
	mine := errors.New("mine")
	p := s.producer(t, Options{SendHooks: []SendHook{w}, ForbiddenHooks: []CheckForbiddenHook{checkFunc(func(c *SendContext) error {
		switch string(c.Message.Body) {
		case "no":
			return mine
		case "panic":
			panic(mine)
		}
		return nil
	})}})
	for kind, send := range kinds(t, p) {
		for _, body := range []string{"no", "panic"} {
			_, err := send(t.Context(), text("T", body))
			_, forbidden := errors.AsType[*ForbiddenError](err)
			_, panicked := errors.AsType[*PanicError](err)
			if se := sendError(t, err); !forbidden || panicked != (body == "panic") || se.Attempts != 0 {
				t.Errorf("%s, %s: %v", kind, body, err)
			}
		}
	}
	if len(w.began) != 0 || s.sends() != 0 {
		t.Errorf("%d began, %d sent", len(w.began), s.sends())
	}
	if _, err := p.Send(t.Context(), text("T", "yes")); err != nil || len(w.ended) != 1 {
		t.Errorf("%v, %d", err, len(w.ended))
	}
}

// An async attempt that was put off until there was a connection is one attempt to hooks, and a send that the executor
// refused has ended for them too.
func TestSendHooksSeeWhatIsPutOff(t *testing.T) {
	s := newStage(t, nil)
	w := &witness{}
	p := started(t, Options{NameServers: []string{s.names.addr()}, SendHooks: []SendHook{w}})
	if _, err := p.instance.routes.find(t.Context(), "T", "", 0); err != nil {
		t.Fatal(err)
	}
	if res, err := sendAsync(t, p, t.Context(), text("T", "x")); err != nil || res.Attempts != 1 || len(w.began) != 1 || len(w.ended) != 1 {
		t.Errorf("%+v %v: %d, %d", res, err, len(w.began), len(w.ended))
	}

	idle := started(t, Options{NameServers: []string{s.names.addr()}, SendHooks: []SendHook{w}, InstanceName: "idle"})
	if _, err := idle.instance.routes.find(t.Context(), "T", "", 0); err != nil {
		t.Fatal(err)
	}
	idle.instance.async.room = 0
	if _, err := sendAsync(t, idle, t.Context(), text("T", "x")); !errors.Is(err, ErrExecutorFull) {
		t.Error(err)
	}
	if n := len(w.ended); n != len(w.began) || n > 0 && !slices.ContainsFunc(w.ended, func(c SendContext) bool { return errors.Is(c.Err, ErrExecutorFull) }) {
		t.Errorf("%d began, %d ended", len(w.began), n)
	}
}
