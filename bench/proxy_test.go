package bench

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/golden"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// proxied is a cluster of two brokers with topic BEHIND, 4 queues on each, and a proxy before it.
func proxied(t testing.TB) (*broker.Cluster, string) {
	t.Helper()
	c := cluster(t, broker.Options{Brokers: 2, Cluster: "mine", BrokerNames: []string{"secret-x", "secret-y"}})
	for _, b := range c.Brokers() {
		if err := b.PutTopic(message.TopicConfig{Name: "BEHIND", ReadQueues: 4, WriteQueues: 4, Perm: message.PermRead | message.PermWrite}); err != nil {
			t.Fatal(err)
		}
	}
	return c, peer.Proxy(t, c.NameServer())
}

const behindTopic = "topic: {name: BEHIND}\n"

// What went through a proxy is all in the brokers, and nothing is said of one of them: not in the record, the table, the series or on the page.
func TestRunThroughProxy(t *testing.T) {
	t.Parallel()
	for name, load := range map[string]string{
		"sync":    "load: {workers: 4, stages: [{for: 5s, rate: 200/s}], count: 400}\nverify: offsets\nmessage: {keys: {distinct: 10}}\nproducer: {selector: hash}\n",
		"async":   "load: {mode: async, stages: [{for: 5s, rate: 200/s}], count: 400}\nverify: offsets\n",
		"oneway":  "load: {mode: oneway, stages: [{for: 5s, rate: 200/s}], count: 400}\n",
		"batch":   "load: {mode: batch, batch: 4, stages: [{for: 5s, rate: 200/s}], count: 400}\nverify: offsets\n",
		"warm-up": "load: {workers: 2, stages: [{for: 3s, rate: 100/s, warmup: auto}, {for: 2s, rate: 100/s}]}\nrepeat: 2\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, proxy := proxied(t)
			var told []string
			report, err := Run(t.Context(), scenario(t, on(proxy)+behindTopic+load), Options{Tell: func(text string) { told = append(told, text) }})
			if err != nil {
				t.Fatal(err)
			}
			run := report.Run
			var sent int64
			for i := range run.Cases {
				m := &run.Cases[i]
				sent += m.Successes()
				if m.Warmup != nil {
					sent += m.Warmup.Successes()
				}
				if m.Attempted == 0 || m.Attempted != m.Successes() || len(m.Queues) != 8 || len(m.Brokers) != 0 || m.Skew == nil && name == "async" {
					t.Errorf("%+v, queues %+v, brokers %+v", m.Counts, m.Queues, m.Brokers)
				}
				for j, q := range m.Queues {
					if q.Broker != "" || *q.Queue != int32(j) {
						t.Errorf("queue %d is %+v", j, q)
					}
				}
				if v := m.Verify; v != nil && (v.Unverified != "" || v.Stored != m.Acknowledged || v.Missing+v.Unexplained != 0) {
					t.Errorf("verified: %+v", v)
				}
			}
			if n := stored(t, c, "BEHIND"); n != sent {
				t.Errorf("%d are stored of %d", n, sent)
			}
			if tg := &run.Target; !tg.Proxy || tg.Speaks != "5.4.0" || tg.Cluster != "mine" || len(tg.Brokers) != 0 || *tg.Queues != 8 {
				t.Errorf("target %+v", tg)
			}
			if len(told) != 1 || !strings.HasPrefix(told[0], "through the proxy "+proxy+": no claim about single brokers") {
				t.Errorf("told %q", told)
			}
			var all bytes.Buffer
			for _, err := range []error{json.NewEncoder(&all).Encode(run), json.NewEncoder(&all).Encode(report.Series), results.WriteTable(&all, run)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range results.Formats() {
				if err := f.Write(&all, report); err != nil {
					t.Fatal(err)
				}
			}
			all.WriteString(results.Title(run))
			for _, b := range c.Brokers() {
				if strings.Contains(all.String(), b.Name()) || strings.Contains(all.String(), b.Addr()) {
					t.Errorf("broker %s is named", b.Name())
				}
			}
			if !strings.Contains(all.String(), "through the proxy "+proxy+": no claim about single brokers") {
				t.Error("nobody says that it went through a proxy")
			}
		})
	}
}

func TestCapacityThroughProxy(t *testing.T) {
	t.Parallel()
	_, proxy := proxied(t)
	s := scenario(t, on(proxy)+behindTopic+"load: {workers: 4, stages: [{for: 1s, rate: 100/s}]}\nslo: [mean<10s]\n")
	report, err := Capacity(t.Context(), s, CapacityOptions{MaxRate: perSecond(100), Step: time.Second / 2, Confirm: time.Second / 2, Rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c := report.Run.Capacity; len(c.Steps) == 0 || c.Steps[0].Acknowledged == 0 || !report.Run.Target.Proxy || len(report.Run.Cases[0].Brokers) > 0 {
		t.Errorf("%+v", c)
	}
}

// An outage behind a proxy is one of all that goes through it: while another broker takes messages there is none.
func TestOutageThroughProxy(t *testing.T) {
	at := func(broker string, ms int64, outcome outcome) event {
		return event{broker: broker, outcome: outcome, called: ms * 1e6, done: ms*1e6 + 1}
	}
	o := outages{proxy: true}
	o.take([]event{at("a", 0, acknowledged), at("b", 0, acknowledged), at("a", 100, failed), at("a", 300, failed), at("b", 310, acknowledged)})
	if found := o.all(); len(found) != 1 || found[0].Broker != results.ThroughProxy || found[0].Failed != 2 {
		t.Errorf("%+v", found)
	}
	o = outages{proxy: true}
	o.take([]event{at("a", 0, acknowledged), at("a", 100, failed), at("b", 120, acknowledged), at("a", 200, failed), at("b", 220, acknowledged)})
	if found := o.all(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

// A proxy's address stands for every broker's: that it is another one is no change, and queues are counted together.
func TestRouteChangesThroughProxy(t *testing.T) {
	route := func(addr string, queues ...int) *message.Route {
		r := &message.Route{}
		for i, n := range queues {
			name := "broker-" + string(rune('a'+i))
			r.Brokers = append(r.Brokers, message.BrokerData{Name: name, Addrs: map[int64]string{0: addr}})
			r.Queues = append(r.Queues, message.QueueData{Broker: name, WriteQueues: n, ReadQueues: n, Perm: 6})
		}
		return r
	}
	w := &routeWatch{topics: []string{"T"}, proxy: true, last: make([]map[string]placeOf, 1)}
	for i, r := range []*message.Route{route("p:1", 4, 4), route("p:2", 4, 4), route("p:1", 8), route("p:1", 4), {}, route("p:1", 4, 4)} {
		w.take(0, r, int64(i))
	}
	want := []results.RouteChange{{What: results.QueuesGone, Broker: results.ThroughProxy, StartOffsetNS: 3, Queues: 4},
		{What: results.QueuesGone, Broker: results.ThroughProxy, StartOffsetNS: 4, Queues: 4}, {What: results.QueuesNew, Broker: results.ThroughProxy, StartOffsetNS: 5, Queues: 8}}
	if !slices.Equal(w.found, want) {
		t.Errorf("%+v", w.found)
	}
}

// What a proxy doesn't pass on is refused before anything is sent, and the line says what to do.
func TestRefusedThroughProxy(t *testing.T) {
	t.Parallel()
	c, proxy := proxied(t)
	const rate = "load: {stages: [{for: 1s, rate: 10/s}]}\n"
	ns := c.NameServer()
	for name, tt := range map[string]struct{ text, want string }{
		"brokers":      {"target: {namesrv: [\"" + proxy + "\"], brokers: [secret-x]}\n" + behindTopic + rate, "--brokers secret-x: through the proxy " + proxy + " nothing is said of single brokers; give the name server behind it, usually -n 127.0.0.1:9876"},
		"transactions": {on(proxy) + behindTopic + "load: {mode: transaction, stages: [{for: 1s, rate: 10/s}]}\n", "mode transaction: through the proxy " + proxy + " ends of transactions get lost"},
		"requests":     {on(proxy) + behindTopic + "load: {mode: request, stages: [{for: 1s, rate: 10/s}]}\n", "no reply comes back"},
		"bodies":       {on(proxy) + behindTopic + rate + "verify: bodies\n", "nothing is read back; verify: offsets goes through it"},
		"events":       {on(proxy) + behindTopic + rate + "events: [{at: 100ms, topic: {queues_per_broker: 8}}]\n", "no topic is changed"},
		"type":         {on(proxy) + "topic: {name: BEHIND, type: fifo}\n" + rate, "a topic doesn't tell its type"},
		"no rate":      {on(proxy) + behindTopic + "load: {workers: 1, stages: [{for: 1s}]}\n", "no rate: this would drive what is behind the proxy " + proxy + " as hard as it can; give -r 1k/s"},
		"no topic":     {on(proxy) + "topic: {name: ABSENT, create: if_absent}\n" + rate, "topic ABSENT is not there, and through the proxy " + proxy + " none is made; name one with -t, or have it made: mqadmin updateTopic -n '127.0.0.1:9876' -c CLUSTER -t ABSENT -r 8 -w 8"},
		"queues":       {on(proxy) + "topic: {name: BEHIND, queues_per_broker: 2}\n" + rate, "topic BEHIND has 4 queues on a broker behind the proxy " + proxy + ", and topic.queues_per_broker is 2"},
		"cluster":      {"target: {namesrv: [\"" + proxy + "\"], cluster: yours}\n" + behindTopic + rate, "topic BEHIND lives on cluster mine, and not on yours alone"},
		"both kinds":   {"target: {namesrv: [\"" + proxy + "\", \"" + ns + "\"]}\n" + behindTopic + rate, proxy + " is a proxy, and not all of " + proxy + "," + ns + " are: which of them a client asks is chance; give proxies, or name servers"},
	} {
		for range 3 { // of several addresses, which is asked first is chance
			if _, err := Run(t.Context(), scenario(t, tt.text), Options{}); !isDanger(err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v; want %q", name, err, tt.want)
			}
		}
	}
	if n := stored(t, c, "BEHIND"); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	search := CapacityOptions{MaxRate: scenarios.Rate{}, Lose: 1}
	s := scenario(t, on(proxy)+behindTopic+rate+"slo: [p99<1s]\n")
	if _, err := Capacity(t.Context(), s, search); err == nil || !strings.Contains(err.Error(), "no ceiling: this would load what is behind the proxy "+proxy) {
		t.Errorf("%v", err)
	}
	search.MaxRate = perSecond(100)
	if _, err := Capacity(t.Context(), s, search); err == nil || !strings.Contains(err.Error(), "--lose and --need speak of single brokers") {
		t.Errorf("%v", err)
	}
	o := TopicOptions{NameServers: []string{proxy}}
	if _, err := DeleteTopic(t.Context(), o, "RMQBENCH_X", ""); err == nil || !strings.Contains(err.Error(), proxy+" is a proxy's remoting port: it tells routes, and no brokers; give the name server behind it") {
		t.Errorf("%v", err)
	}
}

// A proxy that gives an address for itself that nobody can reach is told before a send is tried.
func TestProxyElsewhere(t *testing.T) {
	t.Parallel()
	dead := peer.Dead(t)
	proxy := scripted(t, func(code remoting.RequestCode, _ string) *remoting.Command {
		switch code {
		case remoting.GetRouteInfoByTopic:
			r := message.Route{Brokers: []message.BrokerData{{Cluster: "c", Name: "b", Addrs: map[int64]string{0: dead}}}, Queues: []message.QueueData{{Broker: "b", ReadQueues: 1, WriteQueues: 1, Perm: 6}}}
			return answerBody(r.AppendJSON(nil, true))
		case remoting.HeartBeat:
			return answerCode(remoting.Success, "")
		}
		return answerCode(remoting.RequestNotSupported, " request type 106 not supported")
	})
	_, err := Run(t.Context(), scenario(t, on(proxy)+behindTopic+"load: {stages: [{for: 1s, rate: 1/s}]}\n"), Options{})
	want := "topic BEHIND: the proxy " + proxy + " says that it is at " + dead
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "set remotingAccessAddr in its rmq-proxy.json to one that can be reached from here, or say which one can: --resolve "+dead+"=HOST:PORT") {
		t.Errorf("%v, want %q", err, want)
	}
	checks := Doctor(t.Context(), DoctorOptions{NameServers: []string{proxy}, Topic: "BEHIND"})
	if c := find(checks, "address that it gives"); c.Level != Fail || !strings.Contains(c.Next, "--resolve "+dead+"=HOST:PORT") {
		t.Errorf("%+v", c)
	}
}

func TestDoctorOfProxy(t *testing.T) {
	t.Parallel()
	c, proxy := proxied(t)
	golden.Compare(t, "doctor_proxy.txt", told(t, DoctorOptions{NameServers: []string{proxy}, Topic: "BEHIND"}, proxy, "PROXY", c.NameServer(), "NAMES"))
	checks := Doctor(t.Context(), DoctorOptions{NameServers: []string{proxy}, Topic: "ABSENT"})
	if c := find(checks, "topic ABSENT"); c.Level != Fail || !strings.Contains(c.Next, "mqadmin updateTopic -n '127.0.0.1:9876' -c CLUSTER -t ABSENT") {
		t.Errorf("%+v", c)
	}
	if n := stored(t, c, "BEHIND"); n != 0 {
		t.Errorf("the doctor stored %d", n)
	}
}
