package producer

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/internal/peer"
)

// endpoint is a real HTTP server that says where the name servers are, as long as the test.
type endpoint struct {
	*httptest.Server
	asked atomic.Int64
	says  atomic.Pointer[http.HandlerFunc]
}

func newEndpoint(t *testing.T, text string) *endpoint {
	e := &endpoint{}
	e.say(text)
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.asked.Add(1)
		(*e.says.Load())(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) say(text string) {
	e.does(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}

func (e *endpoint) does(h http.HandlerFunc) { e.says.Store(&h) }

// asksMore returns when it has been asked n times more.
func (e *endpoint) asksMore(t *testing.T, n int64) {
	t.Helper()
	until := e.asked.Load() + n
	soon(t, "the endpoint is asked again", func() bool { return e.asked.Load() >= until })
}

// A producer without name servers asks an endpoint for them, at its start and from then on, and follows the list.
func TestNameServersOfAnEndpoint(t *testing.T) {
	one, two := newStage(t, nil), newStage(t, nil)
	e := newEndpoint(t, one.names.addr()+";\r\nnot this line")
	p := started(t, Options{NameServerURL: e.URL + "/rocketmq/nsaddr", NameServersEvery: 10 * time.Millisecond, RouteEvery: 20 * time.Millisecond})
	if got := p.Admin().NameServers(); !slices.Equal(got, []string{one.names.addr()}) {
		t.Fatalf("name servers %v", got)
	}
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil || one.sends() != 1 {
		t.Fatalf("%d sends came, %v", one.sends(), err)
	}

	// What is no list leaves the one that is known.
	garbage := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>not found</html>") }
	for name, h := range map[string]http.HandlerFunc{
		"an error":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, two.names.addr(), http.StatusBadGateway) },
		"garbage":     garbage,
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"one is none": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, two.names.addr()+";nonsense") },
		"too much": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat("127.0.0.1:1;", addressBody))
		},
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, two.names.addr())
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
	} {
		e.does(h)
		e.asksMore(t, 2) // the first may have been on its way
		if got := p.Admin().NameServers(); !slices.Equal(got, []string{one.names.addr()}) {
			t.Fatalf("after %s: name servers %v", name, got)
		}
	}

	e.say(two.names.addr() + ";" + two.names.addr())
	soon(t, "the route is the other name server's", func() bool {
		_, err := p.Send(t.Context(), text("T", "x"))
		return err == nil && two.sends() > 0
	})
	if got := p.Admin().NameServers(); !slices.Equal(got, []string{two.names.addr()}) {
		t.Errorf("name servers %v", got)
	}
	soon(t, "the connection to the name server that left the list is closed", func() bool {
		return !p.instance.client.Endpoint(one.names.addr()).Ready()
	})
}

// Who gives name servers needs no endpoint.
func TestGivenNameServersAskNoEndpoint(t *testing.T) {
	s, e := newStage(t, nil), newEndpoint(t, "127.0.0.1:1")
	p := started(t, Options{NameServers: []string{s.names.addr()}, NameServerURL: e.URL, NameServersEvery: time.Millisecond})
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil || e.asked.Load() != 0 {
		t.Errorf("asked %d times, %v", e.asked.Load(), err)
	}
}

// A start without an answer fails, and stays failed; what it says names no password.
func TestStartWithoutAnEndpoint(t *testing.T) {
	e := newEndpoint(t, "")
	slow := newEndpoint(t, "")
	slow.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	withPassword := strings.Replace(e.URL, "http://", "http://user:secret@", 1)
	for name, tt := range map[string]struct{ url, says string }{
		"names none":      {withPassword, "it named none"},
		"refuses":         {"http://user:secret@" + peer.Dead(t), "connection refused"},
		"no URL":          {"http://user:secret@[", "no URL"},
		"no http":         {"ftp://user:secret@h/", "give http://HOST:PORT/PATH"},
		"only an addr":    {"127.0.0.1:9876", "no URL"},
		"does not answer": {slow.URL, "Client.Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := New(Options{NameServerURL: tt.url, Group: "g", InstanceName: t.Name()})
			began := time.Now()
			err := p.Start()
			if _, ok := errors.AsType[*AddressError](err); !ok || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 10*addressTime {
				t.Errorf("it took %v", took)
			}
			if p.State() != StartFailed {
				t.Errorf("state %v", p.State())
			}
			if err := p.Start(); !is[*StateError](err) {
				t.Errorf("a second start: %v", err)
			}
		})
	}
}

// Producers of one client id share its name servers, so they ask the same endpoint.
func TestEndpointsOfOneInstance(t *testing.T) {
	s := newStage(t, nil)
	e, other := newEndpoint(t, s.names.addr()), newEndpoint(t, s.names.addr())
	started(t, Options{NameServerURL: e.URL, Group: "one"})
	started(t, Options{NameServerURL: e.URL, Group: "two"})
	for name, o := range map[string]Options{
		"another endpoint": {NameServerURL: other.URL},
		"given":            {NameServers: []string{s.names.addr()}},
	} {
		o.Group, o.InstanceName = "three", t.Name()
		if err := New(o).Start(); !is[*InstanceError](err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"a:9876":                           "a:9876",
		" a:9876;b:9876; \n":               "a:9876 b:9876",
		"a:1;;a:1;[::1]:2\r\nc:3":          "a:1 [::1]:2",
		"10.0.0.1:65535":                   "10.0.0.1:65535",
		"":                                 "",
		";":                                "",
		"\n\n":                             "",
		"a":                                "",
		"a:0":                              "",
		"a:65536":                          "",
		"a:9876,b:9876":                    "",
		":9876":                            "",
		"<p>a:1":                           "",
		"a:1;" + strings.Repeat("x", 1000): "",
	} {
		got, err := parseAddresses(in)
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%.40q: %v, %v; want %q", in, got, err, want)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("%.40q: an error of %d bytes", in, len(err.Error()))
		}
	}
}

func FuzzParseAddresses(f *testing.F) {
	for _, seed := range []string{"a:1;b:2", "[::1]:9\n", ";;", "<html>", "a:b:1", "\x00:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		list, err := parseAddresses(in)
		if err != nil {
			return
		}
		again, err := parseAddresses(strings.Join(list, ";"))
		if err != nil || !slices.Equal(list, again) {
			t.Errorf("%q gives %q, which gives %q, %v", in, list, again, err)
		}
	})
}
