package producer

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"rmqbench/broker"
	"rmqbench/internal/certs"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// guarded answers as h does where the request is signed with c, and refuses it otherwise as RocketMQ 5.x does; it notes
// the codes that were signed.
type guarded struct {
	c *remoting.Credentials

	mu     sync.Mutex // protects following
	signed map[string]bool
}

func (g *guarded) handler(h remoting.HandlerFunc) remoting.HandlerFunc {
	return func(r *remoting.Request) {
		if !g.check(r) {
			_ = r.Answer(answer(remoting.NoPermission, "check signature failed."))
			return
		}
		g.mu.Lock()
		g.signed[fmt.Sprintf("%d/%d", r.Head.Code, r.Head.Serialize)] = true
		g.mu.Unlock()
		h(r)
	}
}

func (g *guarded) check(r *remoting.Request) bool {
	ext := map[string]string{}
	for it := r.Head.Ext(); it.Next(); {
		ext[string(it.Key())] = string(it.Value())
	}
	signature := ext["Signature"]
	delete(ext, "Signature")
	mac := hmac.New(sha1.New, []byte(g.c.SecretKey))
	for _, key := range slices.Sorted(maps.Keys(ext)) {
		mac.Write([]byte(ext[key]))
	}
	mac.Write(r.Body)
	return ext["AccessKey"] == g.c.AccessKey && signature == base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// with its credentials a producer's sends, route queries and heartbeats pass; with wrong ones, or none, it
// is told so, without a loop of retries and without the secret.
func TestR41_R42_Credentials(t *testing.T) {
	const canary = "canary-secret"
	right := &remoting.Credentials{AccessKey: "ak", SecretKey: canary}
	for name, asJSON := range map[string]bool{"binary": false, "JSON": true} {
		t.Run(name, func(t *testing.T) {
			g := &guarded{c: right, signed: map[string]bool{}}
			b := peer.Serve(t, g.handler(func(r *remoting.Request) {
				if remoting.RequestCode(r.Head.Code) == remoting.SendMessageV2 {
					stored(remoting.Success)(1, r)
					return
				}
				_ = r.Answer(answer(remoting.Success, ""))
			}))
			route := &message.Route{Queues: []message.QueueData{{Broker: "b", ReadQueues: 2, WriteQueues: 2, Perm: readWrite}},
				Brokers: []message.BrokerData{{Cluster: "c", Name: "b", Addrs: map[int64]string{0: b.Addr().String()}}}}
			ns := peer.Serve(t, g.handler(func(r *remoting.Request) {
				a := answer(remoting.Success, "")
				a.Body = route.AppendJSON(nil, false)
				_ = r.Answer(a)
			}))
			o := Options{NameServers: []string{ns.Addr().String()}, JSON: asJSON, Credentials: right}
			p := started(t, o)
			if _, err := p.Prepare(t.Context(), "T"); err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{1, 5000, 100_000} { // copied, compressed, by reference
				if _, err := p.Send(t.Context(), text("T", strings.Repeat("x", size))); err != nil {
					t.Error(err)
				}
			}
			if _, err := sendAsync(t, p, t.Context(), text("T", "async")); err != nil {
				t.Error(err)
			}
			kind := o.serialize()
			for _, code := range []remoting.RequestCode{remoting.SendMessageV2, remoting.GetRouteInfoByTopic, remoting.HeartBeat} {
				if key := fmt.Sprintf("%d/%d", int(code), kind); !g.signed[key] {
					t.Errorf("no signed request %s came; came: %v", key, g.signed)
				}
			}

			for i, wrong := range []*remoting.Credentials{nil, {AccessKey: "ak", SecretKey: canary + "-2"}, {AccessKey: "other", SecretKey: canary}} {
				p := started(t, Options{NameServers: o.NameServers, JSON: asJSON, Credentials: wrong, InstanceName: fmt.Sprint(t.Name(), i)})
				_, err := p.Send(t.Context(), text("T", "x"))
				be, ok := errors.AsType[*remoting.BrokerError](err)
				if !ok || !be.Unauthorized() {
					t.Errorf("credentials %v: %v", wrong, err)
				}
				asJSON, _ := json.Marshal(wrong)
				for _, shown := range []string{fmt.Sprintf("%v %+[1]v %#[1]v", err), fmt.Sprintf("%v %+[1]v %#[1]v", p), fmt.Sprintf("%v %+[1]v %#[1]v", p.opts), string(asJSON)} {
					if strings.Contains(shown, canary) {
						t.Errorf("the secret shows in %s", shown)
					}
				}
			}
		})
	}
}

// A name server that lets everybody in, and a broker that does not: attempts end with the retries.
func TestR41_NoRetryLoop(t *testing.T) {
	s := newStage(t, refusing(remoting.NoPermission))
	p := s.producer(t, Options{Retries: 2})
	res, err := p.Send(t.Context(), text("T", "x"))
	if be, ok := errors.AsType[*remoting.BrokerError](err); !ok || !be.Unauthorized() || res.Attempts > 3 || s.sends() > 3 {
		t.Errorf("%d attempts, %d requests, error %v", res.Attempts, s.sends(), err)
	}
}

func TestTLS(t *testing.T) {
	authority := certs.NewAuthority(t)
	c := embedded(t, broker.Options{Brokers: 2, TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1")}}})
	o := Options{NameServers: []string{c.NameServer()}, TLS: &tls.Config{RootCAs: authority.Pool()}}
	p := started(t, o)
	for range 20 {
		if res, err := p.Send(t.Context(), text("T", strings.Repeat("x", 9000))); err != nil || res.Status != SendOK {
			t.Fatalf("%v, %v", res.Status, err)
		}
	}
	stranger := started(t, Options{NameServers: o.NameServers, TLS: &tls.Config{RootCAs: certs.NewAuthority(t).Pool()}, InstanceName: "stranger"})
	_, err := stranger.Send(t.Context(), text("T", "x"))
	if te, ok := errors.AsType[*remoting.TLSError](err); !ok || te.Fault != remoting.TLSUnknownAuthority {
		t.Errorf("with another authority: %v", err)
	}
	plain := started(t, Options{NameServers: o.NameServers, InstanceName: "plain"})
	if _, err := plain.Send(t.Context(), text("T", "x")); err == nil {
		t.Error("a plaintext producer got through")
	}
}

// What protects a client instance is not the first producer's choice alone.
func TestSharedInstanceKeepsItsSecurity(t *testing.T) {
	c := embedded(t, broker.Options{})
	o := Options{NameServers: []string{c.NameServer()}, Group: "a", InstanceName: t.Name(), Credentials: &remoting.Credentials{AccessKey: "ak", SecretKey: "canary"}}
	started(t, o)
	o.Group, o.Credentials = "b", &remoting.Credentials{AccessKey: "ak", SecretKey: "canary"}
	started(t, o)
	for name, change := range map[string]func(*Options){
		"other credentials": func(o *Options) { o.Credentials = &remoting.Credentials{AccessKey: "ak", SecretKey: "canary 2"} },
		"none":              func(o *Options) { o.Credentials = nil },
		"TLS":               func(o *Options) { o.TLS = &tls.Config{} },
	} {
		other := o
		other.Group = "c"
		change(&other)
		if err := New(other).Start(); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
