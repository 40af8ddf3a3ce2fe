package remoting

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// logHook writes down what it is told.
type logHook struct {
	name string
	log  *hookLog
	fail error
}

type hookLog struct {
	mu    sync.Mutex // protects following
	lines []string
}

func (l *hookLog) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *hookLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

func (h *logHook) BeforeRequest(_ string, req *Command) error {
	h.log.add("%s before %d, %d fields, body %s", h.name, req.Code, len(req.Ext), req.Body)
	req.Ext = append(req.Ext, Field{h.name, "was here"})
	return h.fail
}

func (h *logHook) AfterResponse(_ string, req *Command, reply *Head, err error) {
	h.log.add("%s after %d, reply %t, error %v", h.name, req.Code, reply != nil, errors.Is(err, ErrTimeout) || errors.Is(err, ErrFrameTooLarge) || errors.Is(err, errHook))
}

var errHook = errors.New("the hook says no")

func (l *hookLog) want(t *testing.T, what string, lines ...string) {
	t.Helper()
	if got := l.take(); !slices.Equal(got, lines) {
		t.Errorf("%s: hooks were told\n%q, want\n%q", what, got, lines)
	}
}

func TestHooksSeeEveryRequest(t *testing.T) {
	heard := make(chan []Field, 10)
	s := listen(t, HandlerFunc(func(r *Request) {
		var ext []Field
		for it := r.Head.Ext(); it.Next(); {
			ext = append(ext, Field{string(it.Key()), string(it.Value())})
		}
		heard <- ext
		if string(r.Body) != "silent" {
			echo(r)
		}
	}))
	log := &hookLog{}
	a, b := &logHook{name: "a", log: log}, &logHook{name: "b", log: log}
	c := dialClient(t, ClientOptions{Hooks: []RPCHook{a, b}})
	addr := s.Addr().String()

	req := request([]byte("x"))
	for range 2 { // a command that is sent again is the caller's, unchanged
		if _, err := c.Invoke(t.Context(), addr, req, time.Second); err != nil {
			t.Fatal(err)
		}
		log.want(t, "answered", "a before 34, 0 fields, body x", "b before 34, 1 fields, body x", "a after 34, reply true, error false", "b after 34, reply true, error false")
		if ext := <-heard; !slices.Equal(ext, []Field{{"a", "was here"}, {"b", "was here"}}) {
			t.Errorf("the server got %v", ext)
		}
	}

	if err := c.InvokeOneway(t.Context(), addr, req, time.Second); err != nil {
		t.Fatal(err)
	}
	log.want(t, "oneway", "a before 34, 0 fields, body x", "b before 34, 1 fields, body x", "a after 34, reply false, error false", "b after 34, reply false, error false")
	<-heard

	if _, err := c.Invoke(t.Context(), addr, request([]byte("silent")), 20*time.Millisecond); !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	log.want(t, "not answered", "a before 34, 0 fields, body silent", "b before 34, 1 fields, body silent", "a after 34, reply false, error true", "b after 34, reply false, error true")
	<-heard

	call := newAsync()
	if err := c.Endpoint(addr).Start(t.Context(), &call.Call, request(nil), make([]byte, MaxFrame), in(time.Second)); !errors.Is(err, ErrFrameTooLarge) {
		t.Fatal(err)
	}
	if got := log.take(); len(got) != 4 || got[3] != "b after 34, reply false, error true" {
		t.Errorf("too large: hooks were told %q", got)
	}
	if call.Receiver != Receiver(call) {
		t.Errorf("a call that did not start came back with receiver %T", call.Receiver)
	}

	b.fail = errHook
	_, err := c.Invoke(t.Context(), addr, req, time.Second)
	if ce, ok := errors.AsType[*CallError](err); !ok || ce.Sent || !errors.Is(err, errHook) {
		t.Errorf("a hook's refusal ended the request with %v", err)
	}
	log.want(t, "refused", "a before 34, 0 fields, body x", "b before 34, 1 fields, body x", "a after 34, reply false, error true")
	select {
	case <-heard:
		t.Error("a request that a hook refused was sent")
	case <-time.After(20 * time.Millisecond):
	}
}

// A request that takes another shape for the hooks is still the same frame.
func TestHookedFrameIsTheSame(t *testing.T) {
	send := &SendRequest{Serialize: RocketMQ, Code: SendMessageV2, Language: Go, Version: Version451, Oneway: true, SendHeader: SendHeader{
		ProducerGroup: "g", Topic: "T", DefaultTopic: "TBW102", QueueID: 3, SysFlag: 1, BornTimestamp: 1, Properties: []byte("a\x01b\x02"), BrokerName: "b"}}
	templated := *send
	templated.Template = send.NewTemplate()
	inJSON := *send
	inJSON.Serialize = JSON
	for name, head := range map[string]HeadEncoder{"binary": send, "template": &templated, "JSON": &inJSON, "command": NewRequest(HeartBeat, Field{"k", "v"})} {
		want, err := head.AppendHead(nil, 7, 3)
		if err != nil {
			t.Fatal(err)
		}
		var h hooked
		if err := h.read(head, []byte("abc")); err != nil {
			t.Fatal(err)
		}
		got, err := h.AppendHead(nil, 7, 3)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
}
