package producer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// adminOf asks those name servers over connections of its own.
func adminOf(tb testing.TB, nameServers ...string) *Admin {
	tb.Helper()
	client := remoting.NewClient(remoting.ClientOptions{})
	tb.Cleanup(client.Close)
	return NewAdmin(client, nameServers)
}

func TestAdmin(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2, Cluster: "test"})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	a, ctx, addr := p.Admin(), t.Context(), c.Brokers()[0].Addr()

	info, err := a.ClusterInfo(ctx)
	if err != nil || len(info.Brokers) != 2 || len(info.Clusters["test"]) != 2 {
		t.Errorf("%+v %v", info, err)
	}
	if done, err := p.CreateTopic(ctx, Topic{Name: "T", Queues: 2}); err != nil || done.Cluster != "test" || len(done.Made) != 2 || done.Found != nil || done.Untyped != nil {
		t.Fatalf("%+v %v", done, err)
	}
	queues, err := p.PublishQueues(ctx, "T")
	if want := []MessageQueue{{"T", "broker-0", 0}, {"T", "broker-0", 1}, {"T", "broker-1", 0}, {"T", "broker-1", 1}}; err != nil || !slices.Equal(queues, want) {
		t.Fatalf("%v, %v", queues, err)
	}
	began := time.Now()
	for range 20 {
		if _, err := p.Send(ctx, text("T", "x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range queues {
		if most, err := p.MaxOffset(ctx, q); err != nil || most != 5 {
			t.Errorf("%v: max offset %d, %v", q, most, err)
		}
		if least, err := p.MinOffset(ctx, q); err != nil || least != 0 {
			t.Errorf("%v: min offset %d, %v", q, least, err)
		}
		if first, err := p.EarliestStoreTime(ctx, q); err != nil || first.Before(began.Add(-time.Millisecond)) || first.After(time.Now()) {
			t.Errorf("%v: earliest store time %v, %v", q, first, err)
		}
		if at, err := p.SearchOffset(ctx, q, began.Add(-time.Hour)); err != nil || at != 0 {
			t.Errorf("%v: offset of an hour ago %d, %v", q, at, err)
		}
		if at, err := p.SearchOffset(ctx, q, time.Now().Add(time.Hour)); err != nil || at != 5 {
			t.Errorf("%v: offset in an hour %d, %v", q, at, err)
		}
	}
	if first, err := p.EarliestStoreTime(ctx, MessageQueue{"TBW102", "broker-0", 0}); err != nil || !first.IsZero() {
		t.Errorf("earliest store time of an empty queue: %v, %v", first, err)
	}
	if _, err := p.MaxOffset(ctx, MessageQueue{"T", "broker-9", 0}); !is[*QueueError](err) {
		t.Errorf("max offset at a broker that isn't there: %v", err)
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
	if _, err := a.PublishQueues(ctx, "NONE"); !is[*RouteError](err) || !UnknownTopic(err) {
		t.Errorf("got %v", err)
	}
}

// An application with a namespace doesn't see it in topics.
func TestMQAdminNamespace(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}, Namespace: "ns"})
	ctx := t.Context()
	if _, err := p.CreateTopic(ctx, Topic{Name: "T", Queues: 1}); err != nil {
		t.Fatal(err)
	}
	queues, err := p.PublishQueues(ctx, "T")
	if want := (MessageQueue{"T", "broker-0", 0}); err != nil || len(queues) != 1 || queues[0] != want {
		t.Fatalf("%v, %v", queues, err)
	}
	res, err := p.Send(ctx, &Message{Topic: "T", Body: []byte("x"), Keys: []string{"key"}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := p.MaxOffset(ctx, queues[0]); err != nil || n != 1 {
		t.Errorf("max offset %d, %v", n, err)
	}
	for _, id := range []string{res.ID.String(), res.OffsetID.String()} {
		if m, err := p.ViewMessage(ctx, "T", id); err != nil || m.Topic != "T" || string(m.Body) != "x" {
			t.Errorf("%+v, %v", m, err)
		}
	}
	if found, err := p.QueryMessages(ctx, "T", "key", 0, time.Time{}, time.Time{}); err != nil || len(found) != 1 || found[0].Topic != "T" {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := p.Admin().Route(ctx, "ns%T"); err != nil {
		t.Error(err)
	}
}

// A producer that doesn't run asks nobody.
func TestMQAdminNotRunning(t *testing.T) {
	p, ctx, q := New(Options{Group: "g"}), t.Context(), MessageQueue{"T", "b", 0}
	for name, ask := range map[string]func() error{
		"create": func() error { _, err := p.CreateTopic(ctx, Topic{Name: "T", Queues: 1}); return err },
		"queues": func() error { _, err := p.PublishQueues(ctx, "T"); return err },
		"max":    func() error { _, err := p.MaxOffset(ctx, q); return err },
		"view":   func() error { _, err := p.ViewMessage(ctx, "T", "id"); return err },
		"query":  func() error { _, err := p.QueryMessages(ctx, "T", "k", 1, time.Time{}, time.Time{}); return err },
	} {
		if err := ask(); !is[*StateError](err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What was stored is found by each of its names, as it was sent.
func TestReadBack(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	ctx := t.Context()
	began := time.Now()
	m := &Message{Topic: "T", Body: []byte(strings.Repeat("compressible ", 1000)), Tags: "tag", Keys: []string{"one", "two"}, Properties: message.Properties{{Key: "own", Value: "π"}}}
	if _, err := p.CreateTopic(ctx, Topic{Name: "T", Queues: 2}); err != nil {
		t.Fatal(err)
	}
	var sent []SendResult
	for range 3 { // one after the other, on both brokers
		res, err := p.Send(ctx, m)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, res)
	}
	same := func(name string, got *Received, res *SendResult) {
		t.Helper()
		tag, _ := got.Properties.Get(message.PropertyTags)
		own, _ := got.Properties.Get("own")
		if string(got.Body) != string(m.Body) || got.SysFlag.Compressed() || tag != "tag" || own != "π" || got.ID() != res.ID.String() ||
			got.QueueOffset != res.QueueOffset || got.QueueID != res.QueueID || got.OffsetID().String() != res.OffsetID.String() {
			t.Errorf("%s: %d bytes, %q, %+v; sent %+v", name, len(got.Body), got.Properties, got.Record, res)
		}
	}
	for i := range sent {
		for _, id := range []string{sent[i].OffsetID.String(), sent[i].ID.String()} {
			got, err := p.ViewMessage(ctx, "T", id)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			same(id, got, &sent[i])
		}
	}
	found, err := p.QueryMessages(ctx, "T", "two", 0, time.Time{}, time.Time{})
	if err != nil || len(found) != 3 {
		t.Fatalf("%d found, %v", len(found), err)
	}
	for i := range found {
		at := slices.IndexFunc(sent, func(r SendResult) bool { return r.ID.String() == found[i].ID() })
		same("two", found[i], &sent[at])
		if i > 0 && found[i].StoreTime < found[i-1].StoreTime {
			t.Error("not in the order of store times")
		}
	}
	for name, tt := range map[string]struct {
		key      string
		most     int
		from, to time.Time
		want     int
	}{
		"another key":             {"three", 0, time.Time{}, time.Time{}, 0},
		"a part of a key":         {"tw", 0, time.Time{}, time.Time{}, 0},
		"an id is no key":         {sent[0].ID.String(), 0, time.Time{}, time.Time{}, 0},
		"one from each broker":    {"one", 1, time.Time{}, time.Time{}, 2},
		"from before it was sent": {"one", 0, began.Add(-time.Minute), time.Time{}, 3},
		"before it was sent":      {"one", 0, time.Time{}, began.Add(-time.Minute), 0},
	} {
		if found, err := p.QueryMessages(ctx, "T", tt.key, tt.most, tt.from, tt.to); err != nil || len(found) != tt.want {
			t.Errorf("%s: %d found, %v, want %d", name, len(found), err, tt.want)
		}
	}

	for _, id := range []string{strings.Repeat("0", 31) + "1", sent[0].ID.String()[:30] + "FF", "none"} {
		_, err := p.ViewMessage(ctx, "T", id)
		if _, ok := errors.AsType[*message.IDError](err); !is[*NoMessageError](err) && !is[*remoting.CallError](err) && !ok {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := p.CreateTopic(ctx, Topic{Name: "OTHER", Queues: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ViewMessage(ctx, "OTHER", sent[0].OffsetID.String()); !is[*NoMessageError](err) {
		t.Errorf("another topic's message: %v", err)
	}
	c.Brokers()[0].Stall(time.Minute)
	p.Admin().Timeout = 50 * time.Millisecond
	found, err = p.QueryMessages(ctx, "T", "one", 0, time.Time{}, time.Time{})
	if len(found) != 1 && len(found) != 2 || !is[*remoting.CallError](err) {
		t.Errorf("with a broker that doesn't answer: %d found, %v", len(found), err)
	}
}

// What a server answers is judged, and how long it takes.
func TestAdminOfOddServers(t *testing.T) {
	odd := peer.Serve(t, func(r *remoting.Request) {
		a := answer(remoting.Success, "")
		a.Ext = []remoting.Field{{Key: "offset", Value: "many"}}
		a.Body = []byte("{]")
		_ = r.Answer(a)
	})
	addr := odd.Addr().String()
	a := adminOf(t, addr)
	for name, ask := range map[string]func() error{
		"offset":  func() error { _, err := a.MaxOffset(t.Context(), addr, "T", 0); return err },
		"time":    func() error { _, err := a.EarliestStoreTime(t.Context(), addr, "T", 0); return err },
		"route":   func() error { _, err := a.Route(t.Context(), "T"); return err },
		"cluster": func() error { _, err := a.ClusterInfo(t.Context()); return err },
		"stats":   func() error { _, err := a.TopicStats(t.Context(), addr, "T"); return err },
		"runtime": func() error { _, err := a.RuntimeInfo(t.Context(), addr); return err },
		"config":  func() error { _, err := a.TopicConfig(t.Context(), addr, "T"); return err },
		"view": func() error {
			at := message.OffsetID{Addr: odd.Addr().(*net.TCPAddr).AddrPort()}
			_, err := a.ViewMessage(t.Context(), "T", at.String())
			return err
		},
	} {
		if ae, ok := errors.AsType[*AnswerError](ask()); !ok || ae.Addr != addr {
			t.Errorf("%s: %v", name, ask())
		}
	}

	mute := peer.Serve(t, func(*remoting.Request) {})
	a = adminOf(t, mute.Addr().String())
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
	if _, err := adminOf(t).Route(t.Context(), "T"); err == nil || err.Error() != "no name server given" {
		t.Errorf("got %v", err)
	}
}

// with two of three name servers dead, refusing or silent, the third is asked within a second.
func TestR21_TwoOfThreeNameServersDead(t *testing.T) {
	silent := func(tb testing.TB) string { return peer.Serve(tb, func(*remoting.Request) {}).Addr().String() }
	lying := func(tb testing.TB) string {
		return peer.Serve(tb, func(r *remoting.Request) {
			a := answer(remoting.Success, "")
			a.Body = []byte(`<html>`)
			_ = r.Answer(a)
		}).Addr().String()
	}
	for name, dead := range map[string]func(testing.TB) string{"refusing": peer.Dead, "silent": silent, "lying": lying} {
		t.Run(name, func(t *testing.T) {
			good := nameServer(t)
			good.set("T", readWrite, 1, "b0=127.0.0.1:1")
			a := adminOf(t, dead(t), dead(t), good.addr())
			a.next.Store(0)
			began := time.Now()
			if _, err := a.Route(t.Context(), "T"); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 10*time.Second { // 0.8 s when the machine has time for it
				t.Errorf("took %v", took)
			}
			if a.next.Load() != 2 {
				t.Errorf("the next question goes to name server %d first", a.next.Load())
			}
		})
	}
}

// A name server that is slow, not dead, is still heard; its neighbour is asked too.
func TestSlowNameServer(t *testing.T) {
	slow, other := nameServer(t), peer.Serve(t, func(*remoting.Request) {})
	slow.set("T", readWrite, 1, "b0=127.0.0.1:1")
	slow.holding(true)
	a := adminOf(t, slow.addr(), other.Addr().String())
	a.next.Store(0)
	got := make(chan error)
	go func() {
		_, err := a.Route(t.Context(), "T")
		got <- err
	}()
	soon(t, "the second is asked", func() bool { return a.next.Load() == 1 })
	slow.holding(false)
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// name servers that lie: each lie ends in an error that names who told it or what it was, soon and in little memory.
func TestR20_LyingNameServers(t *testing.T) {
	body := func(r *message.Route) []byte { return r.AppendJSON(nil, true) }
	at := func(addr string) *message.Route {
		return &message.Route{Queues: []message.QueueData{{Broker: "b", ReadQueues: 1, WriteQueues: 1, Perm: readWrite}},
			Brokers: []message.BrokerData{{Name: "b", Addrs: map[int64]string{0: addr}}}}
	}
	many := at("127.0.0.1:1")
	many.Queues[0].WriteQueues = 1_000_000
	for name, tt := range map[string]struct {
		body []byte
		want string // in the error
	}{
		"nothing":                {nil, "NAMESERVER answered GET_ROUTEINFO_BY_TOPIC"},
		"an empty route":         {body(&message.Route{}), "no route for topic T: no broker offers a queue"},
		"a million queues":       {body(many), "NAMESERVER answered GET_ROUTEINFO_BY_TOPIC with what can't be used: message: route body: more than 65536 queues"},
		"a broker without place": {body(at("")), "no route for topic T"},
		"a broker at port 0":     {body(at("localhost:0")), "localhost:0"},
		"a broker at no port":    {body(at("localhost")), "localhost"},
		"a broker at a comma":    {body(at("127.0.0.1:1,127.0.0.1:2")), "127.0.0.1:1,127.0.0.1:2"},
	} {
		t.Run(name, func(t *testing.T) {
			liar := peer.Serve(t, func(r *remoting.Request) {
				a := answer(remoting.Success, "")
				a.Body = tt.body
				_ = r.Answer(a)
			})
			p := started(t, Options{NameServers: []string{liar.Addr().String()}, Group: "liars", SendTimeout: 30 * time.Second, Retries: -1})
			began := time.Now()
			_, err := p.Send(t.Context(), text("T", "x"))
			want := strings.ReplaceAll(tt.want, "NAMESERVER", liar.Addr().String())
			if se := sendError(t, err); !strings.Contains(se.Error(), want) || se.Ambiguous {
				t.Errorf("%v, want %q in it", err, want)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// cluster is a name server of some brokers, "name=addr" each, in clusters "a", "b", … as many as there are lists.
func clusterOf(tb testing.TB, route *message.Route, clusters ...[]string) string {
	info := message.ClusterInfo{Brokers: map[string]message.BrokerData{}, Clusters: map[string][]string{}}
	for i, brokers := range clusters {
		cluster := string(rune('a' + i))
		info.Clusters[cluster] = []string{}
		for _, b := range brokers {
			name, addr, _ := strings.Cut(b, "=")
			data := message.BrokerData{Cluster: cluster, Name: name, Addrs: map[int64]string{1: addr}}
			if addr != "" {
				data.Addrs[0] = addr
			}
			info.Brokers[name], info.Clusters[cluster] = data, append(info.Clusters[cluster], name)
		}
	}
	return peer.Serve(tb, func(r *remoting.Request) {
		a := answer(remoting.Success, "")
		switch remoting.RequestCode(r.Head.Code) {
		case remoting.GetBrokerClusterInfo:
			a.Body = info.AppendJSON(nil)
		case remoting.GetRouteInfoByTopic:
			if a = answer(remoting.TopicNotExist, "No topic route info"); route != nil {
				a = answer(remoting.Success, "")
				a.Body = route.AppendJSON(nil, false)
			}
		}
		_ = r.Answer(a)
	}).Addr().String()
}

func TestMasters(t *testing.T) {
	for name, tt := range map[string]struct {
		clusters [][]string
		cluster  string
		want     string // names of the masters, or the error
	}{
		"the only one":     {[][]string{{"y=1", "x=2"}}, "", "a: x y"},
		"slaves only":      {[][]string{{"x="}}, "", "cluster a has no master"},
		"one of two":       {[][]string{{"x=1"}, {"y=1", "z="}}, "b", "b: y"},
		"which":            {[][]string{{"x=1"}, {"y=1"}}, "", "the name server knows 2 clusters: choose one: a, b"},
		"another":          {[][]string{{"x=1"}, {"y=1"}}, "c", `no cluster "c" here; the name server knows: a, b`},
		"nobody":           {nil, "", "the name server knows no broker: is one running, with this name server in its namesrvAddr?"},
		"nobody, by name":  {nil, "c", "the name server knows no broker: is one running, with this name server in its namesrvAddr?"},
		"a cluster of two": {[][]string{{"x=1", "x=1"}}, "a", "a: x"},
	} {
		brokers, cluster, err := adminOf(t, clusterOf(t, nil, tt.clusters...)).Masters(t.Context(), tt.cluster)
		got := cluster + ":"
		for _, b := range brokers {
			got += " " + b.Name
		}
		if err != nil {
			if got = err.Error(); !is[*ClusterError](err) {
				t.Errorf("%s: %T", name, err)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestCreateTopic(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2, Cluster: "test"})
	a, ctx := adminOf(t, c.NameServer()), t.Context()
	for _, tt := range []struct {
		topic Topic
		made  int
		want  string // of the error
	}{
		{Topic{Name: "T", Queues: 4, Type: DelayTopic}, 2, ""},
		{Topic{Name: "T", Queues: 4, Type: DelayTopic, Cluster: "test"}, 0, ""},
		{Topic{Name: "T", Queues: 5, Type: DelayTopic}, 0, "topic T is on broker broker-0 already with 4 queues, type DELAY; asked for 5 queues, type DELAY; an existing topic is never altered"},
		{Topic{Name: "T", Queues: 4}, 0, "topic T is on broker broker-0 already with 4 queues, type DELAY; asked for 4 queues, type NORMAL; an existing topic is never altered"},
		{Topic{Name: "N", Queues: 1}, 2, ""},
		{Topic{Name: "N", Queues: 1, Type: NormalTopic}, 0, ""},
		{Topic{Name: "N", Queues: 1, Type: FIFOTopic}, 0, "type NORMAL; asked for 1 queues, type FIFO"},
		{Topic{Name: "N", Queues: 1, Cluster: "other"}, 0, `no cluster "other" here`},
		{Topic{Name: "Z", Queues: 0}, 0, "topic Z: 0 queues: 1 to 65536"},
		{Topic{Name: "Z", Queues: 65537}, 0, "topic Z: 65537 queues: 1 to 65536"},
		{Topic{Name: "Z", Queues: 1, Type: "MIXED"}, 0, `topic Z: type "MIXED" is none of [NORMAL DELAY TRANSACTION FIFO]`},
		{Topic{Name: "Z!", Queues: 1}, 0, "holds other characters"},
		{Topic{Name: "TBW102", Queues: 1}, 0, "is a broker's own"},
		{Topic{Name: "rmq_sys_x", Queues: 1}, 0, "is a broker's own"},
	} {
		done, err := a.CreateTopic(ctx, tt.topic)
		if tt.want == "" && (err != nil || len(done.Made) != tt.made || len(done.Made)+len(done.Found) != 2 || done.Untyped != nil || done.Cluster != "test") {
			t.Errorf("%+v: %+v, %v", tt.topic, done, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || done.Made != nil) {
			t.Errorf("%+v: %+v, %v, want %q", tt.topic, done, err, tt.want)
		}
	}
	for _, b := range c.Brokers() {
		if got, err := a.TopicConfig(ctx, b.Addr(), "T"); err != nil || got.ReadQueues != 4 || got.WriteQueues != 4 || got.Perm != readWrite || got.Attributes["message.type"] != "DELAY" {
			t.Errorf("%s has %+v, %v", b.Name(), got, err)
		}
	}

	// One that is on a part of the cluster, made automatically or after a failure halfway, is made on the rest.
	c.Brokers()[1].Down()
	if done, err := a.CreateTopic(ctx, Topic{Name: "HALF", Queues: 3}); err != nil || !slices.Equal(done.Made, []string{"broker-0"}) {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := c.Brokers()[1].Up(); err != nil {
		t.Fatal(err)
	}
	done, err := a.CreateTopic(ctx, Topic{Name: "HALF", Queues: 3})
	for range 3 { // a connection to the broker that was may be in use still: whoever asks first is told that it is dead
		if call, dead := errors.AsType[*remoting.CallError](err); !dead || !call.Sent {
			break
		}
		done, err = a.CreateTopic(ctx, Topic{Name: "HALF", Queues: 3})
	}
	if err != nil || !slices.Equal(done.Found, []string{"broker-0"}) || !slices.Equal(done.Made, []string{"broker-1"}) {
		t.Errorf("%+v, %v", done, err)
	}
}

// Brokers of 4.x keep no type and can't tell a topic's configuration, which 4.5.1 doesn't even refuse: the route does.
func TestCreateTopicOnOldBrokers(t *testing.T) {
	var made atomic.Int64
	old := peer.Serve(t, func(r *remoting.Request) {
		switch remoting.RequestCode(r.Head.Code) {
		case remoting.GetTopicConfig:
			return
		case remoting.UpdateAndCreateTopic:
			made.Add(1)
			if attributes, ok := r.Head.Get("attributes"); ok {
				t.Errorf("told attributes %q", attributes)
			}
		}
		_ = r.Answer(answer(remoting.Success, ""))
	})
	at := old.Addr().String()
	route := &message.Route{Queues: []message.QueueData{{Broker: "x", ReadQueues: 2, WriteQueues: 2, Perm: readWrite}}, Brokers: []message.BrokerData{{Name: "x", Addrs: map[int64]string{0: at}}}}
	for name, tt := range map[string]struct {
		route  *message.Route
		broker string
		queues int
		made   int64
		want   string
	}{
		"there, just so":     {route, "x", 2, 0, ""},
		"there, not so":      {route, "x", 3, 0, "topic T is on broker x already with 2 queues; asked for 3 queues; an existing topic is never altered"},
		"on another cluster": {route, "y", 2, 0, "topic T also lives on broker x, which is not of cluster a"},
	} {
		made.Store(0)
		a := adminOf(t, clusterOf(t, tt.route, []string{tt.broker + "=" + at}))
		done, err := a.CreateTopic(t.Context(), Topic{Name: "T", Queues: tt.queues, Type: DelayTopic})
		if got := fmt.Sprint(err); tt.want == "" && (err != nil || !slices.Equal(done.Untyped, []string{"x"})) || tt.want != "" && got != tt.want || made.Load() != tt.made {
			t.Errorf("%s: %+v, %v, %d made", name, done, err, made.Load())
		}
	}

	made.Store(0)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	a := adminOf(t, clusterOf(t, nil, []string{"x=" + at})) // a name server that never learns of it
	if done, err := a.CreateTopic(ctx, Topic{Name: "T", Queues: 2}); !errors.Is(err, context.DeadlineExceeded) && !is[*NameServerError](err) || made.Load() > 1 {
		t.Errorf("%+v, %v, %d made", done, err, made.Load())
	}
}

// Who may not create a topic, or look, hears so as a *remoting.BrokerError.
func TestCreateTopicUnauthorized(t *testing.T) {
	for code, remark := range map[remoting.Code]string{remoting.NoPermission: "User:x has no permission", remoting.SystemError: "org.apache.rocketmq.acl.common.AclException: no"} {
		strict := peer.Serve(t, func(r *remoting.Request) {
			if remoting.RequestCode(r.Head.Code) == remoting.HeartBeat {
				_ = r.Answer(answer(remoting.Success, ""))
				return
			}
			_ = r.Answer(answer(code, remark))
		})
		a := adminOf(t, clusterOf(t, nil, []string{"x=" + strict.Addr().String()}))
		done, err := a.CreateTopic(t.Context(), Topic{Name: "T", Queues: 2})
		if be, ok := errors.AsType[*remoting.BrokerError](err); !ok || !be.Unauthorized() || done.Made != nil || !strings.HasPrefix(err.Error(), "create topic T on x: ") {
			t.Errorf("%+v, %v", done, err)
		}
	}
}

func TestDeleteTopic(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2, Cluster: "test", NoAutoCreate: true})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	a, ctx := p.Admin(), t.Context()
	if _, err := a.CreateTopic(ctx, Topic{Name: "T", Queues: 4}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(ctx, text("T", "x")); err != nil {
		t.Fatal(err)
	}
	if brokers, err := a.DeleteTopic(ctx, "T", ""); err != nil || !slices.Equal(brokers, []string{"broker-0", "broker-1"}) {
		t.Fatalf("%v, %v", brokers, err)
	}
	if _, err := a.Route(ctx, "T"); !UnknownTopic(err) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := a.DeleteTopic(ctx, "T", ""); !UnknownTopic(err) {
		t.Errorf("deleted again: %v", err)
	}
	for _, topic := range []string{"TBW102", "RMQ_SYS_TRACE_TOPIC", "a b", ""} {
		if _, err := a.DeleteTopic(ctx, topic, ""); !is[*message.NameError](err) {
			t.Errorf("%q: %v", topic, err)
		}
	}
	route := &message.Route{Queues: []message.QueueData{{Broker: "x"}, {Broker: "y"}}}
	none := peer.Dead(t)
	a = adminOf(t, clusterOf(t, route, []string{"x=" + none}, []string{"y=" + none}))
	if _, err := a.DeleteTopic(ctx, "T", "a"); !is[*TopicElsewhereError](err) {
		t.Errorf("a topic of two clusters: %v", err)
	}
}

// A broker that fails keeps the topic in the name servers, so that it can be deleted again; a name server that fails is
// named, and the topic is found at the others.
func TestDeleteTopicHalfway(t *testing.T) {
	route := &message.Route{Queues: []message.QueueData{{Broker: "x"}, {Broker: "y"}}}
	var told atomic.Int64
	fine := peer.Serve(t, func(r *remoting.Request) { _ = r.Answer(answer(remoting.Success, "")) }).Addr().String()
	names := func(route *message.Route, brokers ...string) string {
		inner := clusterOf(t, route, brokers)
		client := remoting.NewClient(remoting.ClientOptions{})
		t.Cleanup(client.Close)
		return peer.Serve(t, func(r *remoting.Request) {
			if remoting.RequestCode(r.Head.Code) == remoting.DeleteTopicInNamesrv {
				told.Add(1)
			}
			later := r.Later()
			code := remoting.RequestCode(r.Head.Code)
			go func() {
				a, err := client.Invoke(t.Context(), inner, remoting.NewRequest(code, field("topic", "T")), time.Minute)
				if err != nil {
					return // the test is over
				}
				a.Serialize, a.Flag = later.Serialize, remoting.FlagResponse
				_ = later.Reply(a, a.Body)
			}()
		}).Addr().String()
	}
	dead := peer.Dead(t)
	a := adminOf(t, names(route, "x="+fine, "y="+dead))
	brokers, err := a.DeleteTopic(t.Context(), "T", "")
	if !slices.Equal(brokers, []string{"x"}) || !is[*remoting.CallError](err) || !strings.Contains(err.Error(), "on broker y") || told.Load() != 0 {
		t.Errorf("%v, %v, %d name servers told", brokers, err, told.Load())
	}

	// The first name server has forgotten it already, the second is dead, the third still knows.
	a = adminOf(t, names(nil, "x="+fine, "y="+fine), dead, names(route, "x="+fine, "y="+fine))
	a.next.Store(0)
	brokers, err = a.DeleteTopic(t.Context(), "T", "")
	if len(brokers) != 2 || !is[*remoting.CallError](err) || !strings.Contains(err.Error(), dead) || told.Load() != 2 {
		t.Errorf("%v, %v, %d name servers told", brokers, err, told.Load())
	}
}

func TestErrorTexts(t *testing.T) {
	cause := errors.New("cause")
	want := Topic{Name: "T", Queues: 4, Type: FIFOTopic}
	for want, err := range map[string]error{
		`property "a": bad`:                                                  &PropertyError{"a", "bad"},
		"no name server given":                                               &NameServerError{},
		"no name server answers (asked a:1, b:2): cause":                     &NameServerError{Addrs: []string{"a:1", "b:2"}, Err: cause},
		"no route for topic T: cause":                                        &RouteError{Topic: "T", Err: cause},
		"no route for topic T: no broker offers a queue that can be written": &RouteError{Topic: "T"},
		"send to T: cause":                                                   &SendError{Topic: "T", Err: cause},
		"send to T on b: cause":                                              &SendError{Topic: "T", Broker: "b", Attempts: 1, Err: cause},
		"send to T: 3 attempts, the last on b: cause":                        &SendError{Topic: "T", Broker: "b", Attempts: 3, Err: cause},
		"a:1 answered VIEW_MESSAGE_BY_ID with what can't be used: cause":     &AnswerError{"a:1", remoting.ViewMessageByID, cause},
		`topic T holds no message "id"`:                                      &NoMessageError{"T", "id"},
		"topic T is on broker b already with 2 queues (3 to read); asked for 4 queues; an existing topic is never altered": &TopicExistsError{Broker: "b", Want: want, ReadQueues: 3, WriteQueues: 2},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func TestSetQueues(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2})
	a, ctx := adminOf(t, c.NameServer()), t.Context()
	if err := a.SetQueues(ctx, "T", "", 4); !UnknownTopic(err) {
		t.Errorf("of a topic that isn't there: %v", err)
	}
	if err := c.Brokers()[0].PutTopic(message.TopicConfig{Name: "T", ReadQueues: 2, WriteQueues: 2, Perm: message.PermWrite}); err != nil {
		t.Fatal(err)
	}
	if err := a.SetQueues(ctx, "T", "", 4); err != nil {
		t.Fatal(err)
	}
	r, err := a.Route(ctx, "T")
	if err != nil {
		t.Fatal(err)
	}
	want := message.QueueData{Broker: "broker-0", ReadQueues: 4, WriteQueues: 4, Perm: message.PermWrite}
	if len(r.Queues) != 1 || r.Queues[0] != want { // a broker without the topic doesn't get it
		t.Errorf("queues %+v, want %+v", r.Queues, want)
	}
	if err := a.SetQueues(ctx, "T", "", 0); err == nil {
		t.Error("a topic without queues was taken")
	}
}
