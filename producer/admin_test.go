package producer

import (
	"context"
	"errors"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/remoting"
)

func TestAdmin(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2, Cluster: "test"})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	a, ctx, addr := p.Admin(), t.Context(), c.Brokers()[0].Addr()

	info, err := a.ClusterInfo(ctx)
	if err != nil || len(info.Brokers) != 2 || len(info.Clusters["test"]) != 2 {
		t.Errorf("%+v %v", info, err)
	}
	if done, err := a.CreateTopic(ctx, Topic{Name: "T", Queues: 2}); err != nil || done.Cluster != "test" || len(done.Made) != 2 {
		t.Fatalf("%+v %v", done, err)
	}
	for range 20 {
		if _, err := p.Send(ctx, text("T", "x")); err != nil {
			t.Fatal(err)
		}
	}
	for queue := range 2 {
		most, err := a.MaxOffset(ctx, addr, "T", queue)
		if err != nil || most != 5 {
			t.Errorf("queue %d: max offset %d, %v", queue, most, err)
		}
		least, err := a.MinOffset(ctx, addr, "T", queue)
		if err != nil || least != 0 {
			t.Errorf("queue %d: min offset %d, %v", queue, least, err)
		}
	}
	stats, err := a.TopicStats(ctx, addr, "T")
	if err != nil || len(stats.Queues) != 2 || stats.Queues[0].MaxOffset != 5 {
		t.Errorf("%+v %v", stats, err)
	}
	runtime, err := a.RuntimeInfo(ctx, addr)
	if err != nil || len(runtime) == 0 {
		t.Errorf("%+v %v", runtime, err)
	}
	settings, err := a.BrokerSettings(ctx, addr, "brokerName", "flushDiskType", "nosuch")
	if err != nil || len(settings) != 2 || settings["brokerName"] != "broker-0" || settings["flushDiskType"] != "ASYNC_FLUSH" {
		t.Errorf("%q %v", settings, err)
	}

	_, err = a.TopicStats(ctx, addr, "NONE")
	if be, ok := errors.AsType[*remoting.BrokerError](err); !ok || be.Code != remoting.TopicNotExist || be.Addr != addr {
		t.Errorf("got %v", err)
	}
}

// What a server answers is judged, and how long it takes.
func TestAdminOfOddServers(t *testing.T) {
	odd := serve(t, func(r *remoting.Request) {
		a := answer(remoting.Success, "")
		a.Ext = []remoting.Field{{Key: "offset", Value: "many"}}
		a.Body = []byte("{]")
		_ = r.Answer(a)
	})
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	addr := odd.Addr().String()
	a := NewAdmin(client, []string{addr})
	for name, ask := range map[string]func() error{
		"offset":  func() error { _, err := a.MaxOffset(t.Context(), addr, "T", 0); return err },
		"route":   func() error { _, err := a.Route(t.Context(), "T"); return err },
		"cluster": func() error { _, err := a.ClusterInfo(t.Context()); return err },
		"stats":   func() error { _, err := a.TopicStats(t.Context(), addr, "T"); return err },
		"runtime": func() error { _, err := a.RuntimeInfo(t.Context(), addr); return err },
	} {
		if ask() == nil {
			t.Errorf("%s: nonsense was understood", name)
		}
	}

	mute := serve(t, func(*remoting.Request) {})
	a = NewAdmin(client, []string{mute.Addr().String()})
	a.Timeout = 20 * time.Millisecond
	_, err := a.Route(t.Context(), "T")
	if ce, ok := errors.AsType[*remoting.CallError](err); !ok || !ce.Timeout() {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Route(ctx, "T"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := NewAdmin(client, nil).Route(t.Context(), "T"); err == nil || err.Error() != "no name server given" {
		t.Errorf("got %v", err)
	}
}

func TestErrorTexts(t *testing.T) {
	cause := errors.New("cause")
	for want, err := range map[string]error{
		`property "a": bad`:                                                  &PropertyError{"a", "bad"},
		"no name server given":                                               &NameServerError{},
		"no name server answers (asked a:1, b:2): cause":                     &NameServerError{Addrs: []string{"a:1", "b:2"}, Err: cause},
		"no route for topic T: cause":                                        &RouteError{Topic: "T", Err: cause},
		"no route for topic T: no broker offers a queue that can be written": &RouteError{Topic: "T"},
		"send to T: cause":                                                   &SendError{Topic: "T", Err: cause},
		"send to T on b: cause":                                              &SendError{Topic: "T", Broker: "b", Attempts: 1, Err: cause},
		"send to T: 3 attempts, the last on b: cause":                        &SendError{Topic: "T", Broker: "b", Attempts: 3, Err: cause},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
