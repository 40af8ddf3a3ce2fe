package bench

import (
	"context"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// find is the check of what begins so; the zero Check if there is none.
func find(checks []Check, what string) Check {
	i := slices.IndexFunc(checks, func(c Check) bool { return strings.HasPrefix(c.What, what) })
	if i < 0 {
		return Check{}
	}
	return checks[i]
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2, Cluster: "mine"})
	ns, dead := c.NameServer(), peer.Dead(t)
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	webAddr := web.Listener.Addr().String()
	grpc := foreign(t, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00")
	away := scripted(t, func(code remoting.RequestCode, topic string) *remoting.Command {
		switch {
		case code == remoting.GetBrokerClusterInfo:
			info := message.ClusterInfo{Clusters: map[string][]string{"mine": {"broker-x", "broker-y"}}, Brokers: map[string]message.BrokerData{
				"broker-x": {Cluster: "mine", Name: "broker-x", Addrs: map[int64]string{0: dead, 1: dead}}, "broker-y": {Cluster: "mine", Name: "broker-y", Addrs: map[int64]string{1: dead}}}}
			return answerBody(info.AppendJSON(nil))
		case topic == "READONLY":
			r := message.Route{Brokers: []message.BrokerData{{Cluster: "mine", Name: "broker-x", Addrs: map[int64]string{0: dead}}}, Queues: []message.QueueData{{Broker: "broker-x", ReadQueues: 4, WriteQueues: 4, Perm: 4}}}
			return answerBody(r.AppendJSON(nil, true))
		}
		return answerCode(remoting.SystemError, "\x1b[31mno")
	})
	two := twoClusters(t, c.Brokers()[0].Addr())
	empty := scripted(t, func(remoting.RequestCode, string) *remoting.Command {
		return answerBody((&message.ClusterInfo{}).AppendJSON(nil))
	})
	type want struct {
		what  string
		level Level
		text  string // of detail and next, in that order
	}
	for name, tt := range map[string]struct {
		o    DoctorOptions
		want []want
	}{
		"no cluster": {DoctorOptions{}, []want{{"open files", OK, ""}, {"CPU", OK, "usable"}}},
		"all is well": {DoctorOptions{NameServers: []string{ns}, Topic: "TBW102"}, []want{
			{"name server " + ns, OK, "2 brokers"}, {"cluster mine", OK, "2 masters, 0 slaves rmqbench run -n " + ns + " -t TBW102 -r 1k/s"},
			{"broker broker-0 at " + c.Brokers()[0].Addr(), OK, "ASYNC_MASTER, ASYNC_FLUSH"}, {"broker broker-1", OK, "connects in"},
			{"clock of broker-0", OK, "within 2 s"}, {"topic TBW102", OK, "16 queues to write (broker-0: 8 to write, 8 to read, perm 7; broker-1"}}},
		"no topic asked": {DoctorOptions{NameServers: []string{ns}}, []want{{"cluster mine", OK, "rmqbench doctor -n " + ns + " -t TOPIC"}, {"topic", 0, ""}}},
		"topic is missing": {DoctorOptions{NameServers: []string{ns}, Topic: "ABSENT"}, []want{
			{"topic ABSENT", Fail, "not there mqadmin updateTopic -n '" + ns + "' -c mine -t ABSENT -r 8 -w 8"}}},
		"name server down":      {DoctorOptions{NameServers: []string{dead}, Topic: "T"}, []want{{"name server " + dead, Fail, "cannot connect"}, {"cluster", 0, ""}, {"topic", 0, ""}}},
		"one of two down":       {DoctorOptions{NameServers: []string{dead, ns}}, []want{{"name server " + dead, Warn, "cannot connect"}, {"name server " + ns, OK, ""}, {"broker broker-0", OK, ""}}},
		"they agree":            {DoctorOptions{NameServers: []string{ns, ns}}, []want{{"name servers agree", OK, "all 2"}}},
		"routes agree":          {DoctorOptions{NameServers: []string{ns, ns}, Topic: "TBW102"}, []want{{"routes of topic TBW102", OK, "the same at all 2 name servers"}}},
		"routes differ":         {DoctorOptions{NameServers: []string{ns, away}, Topic: "READONLY"}, []want{{"routes of topic READONLY", Warn, "has no route; " + away + " has broker-x: 4 to write"}}},
		"they differ":           {DoctorOptions{NameServers: []string{ns, away}}, []want{{"name servers agree", Warn, away + " lacks broker-0 (id 0)"}}},
		"no port":               {DoctorOptions{NameServers: []string{"127.0.0.1"}}, []want{{"name server 127.0.0.1", Fail, "try -n 127.0.0.1:9876"}}},
		"unknown host":          {DoctorOptions{NameServers: []string{"no-such-host.invalid:9876"}}, []want{{"name server no-such", Fail, "getent hosts no-such-host.invalid"}}},
		"HTTP":                  {DoctorOptions{NameServers: []string{webAddr}}, []want{{"name server " + webAddr, Fail, "it speaks HTTP another service listens there; name servers usually use 9876: try -n 127.0.0.1:9876"}}},
		"gRPC":                  {DoctorOptions{NameServers: []string{grpc}}, []want{{"name server " + grpc, Fail, "rmqbench speaks remoting: name server 9876 or proxy remoting 8080: try -n 127.0.0.1:9876"}}},
		"a broker's address":    {DoctorOptions{NameServers: []string{c.Brokers()[0].Addr()}}, []want{{"name server", Fail, "is it a broker's address?"}}},
		"no broker":             {DoctorOptions{NameServers: []string{empty}, Topic: "T"}, []want{{"clusters", Fail, "knows no broker mqbroker -n " + empty}}},
		"unreachable master":    {DoctorOptions{NameServers: []string{away}}, []want{{"cluster mine", OK, "1 master, 2 slaves"}, {"broker broker-x", Fail, "set brokerIP1"}, {"broker broker-y", Warn, "slaves only"}}},
		"read-only topic":       {DoctorOptions{NameServers: []string{away}, Topic: "READONLY"}, []want{{"topic READONLY", Fail, "perm 4) mqadmin updateTopicPerm -n " + away + " -c mine -t READONLY -p 6"}}},
		"route is refused":      {DoctorOptions{NameServers: []string{away}, Topic: "T"}, []want{{"topic T", Fail, "mqadmin topicRoute -n " + away + " -t T"}}},
		"another cluster":       {DoctorOptions{NameServers: []string{ns}, Cluster: "yours"}, []want{{"cluster yours", Fail, "the name server knows: mine"}, {"broker", 0, ""}}},
		"all clusters":          {DoctorOptions{NameServers: []string{two}}, []want{{"cluster a", OK, "-c a"}, {"cluster b", OK, "-c b"}, {"broker broker-a", OK, ""}, {"broker broker-b", OK, ""}}},
		"one of two clusters":   {DoctorOptions{NameServers: []string{two}, Cluster: "b", Topic: "T"}, []want{{"broker broker-b", OK, ""}, {"broker broker-a", 0, ""}, {"topic T", Fail, "-c b"}}},
		"a topic, two clusters": {DoctorOptions{NameServers: []string{two}, Topic: "T"}, []want{{"topic T", Fail, "-c CLUSTER"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checks := Doctor(t.Context(), tt.o)
			for _, c := range checks {
				if c.What == "" || c.Detail == "" || c.Next == "" {
					t.Errorf("an empty text: %+v", c)
				}
			}
			for _, w := range tt.want {
				got := find(checks, w.what)
				if absent := w.text == "" && w.level == 0; absent && got.Level != OK && got.What != "" {
					t.Errorf("%s: %+v", w.what, got)
				} else if got.Level != w.level || !inOrder(got.Detail+" "+got.Next, w.text) {
					t.Errorf("%s: %+v; want %s and %q", w.what, got, w.level, w.text)
				}
			}
		})
	}
}

// inOrder reports whether text holds want, whose spaces stand for anything.
func inOrder(text, want string) bool {
	for _, word := range strings.Fields(want) {
		_, after, ok := strings.Cut(text, word)
		if !ok {
			return false
		}
		text = after
	}
	return true
}

// foreign accepts connections and says something that isn't RocketMQ's.
func foreign(t testing.TB, says string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(says))
			_, _ = c.Read(make([]byte, 1)) // it hears something that isn't its protocol, and hangs up
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestDoctorBrokerDown(t *testing.T) {
	c := cluster(t, broker.Options{Brokers: 2})
	c.Brokers()[1].Down() // which a name server notices at once here
	checks := Doctor(t.Context(), DoctorOptions{NameServers: []string{c.NameServer()}})
	if got := find(checks, "cluster"); !strings.Contains(got.Detail, "1 master") || find(checks, "broker broker-1").What != "" {
		t.Errorf("%+v", checks)
	}
	c.Brokers()[0].Down()
	if got := find(Doctor(t.Context(), DoctorOptions{NameServers: []string{c.NameServer()}}), "cluster"); got.Level != Fail {
		t.Errorf("without any broker: %+v", got)
	}
}

// TestDoctorIsBounded: neither silence nor an ended context keeps it.
func TestDoctorIsBounded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	silent := l.Addr().String()
	lost := scripted(t, func(code remoting.RequestCode, _ string) *remoting.Command {
		data := map[string]message.BrokerData{}
		var names []string
		for _, n := range []string{"a", "b", "c", "d"} {
			data[n] = message.BrokerData{Cluster: "mine", Name: n, Addrs: map[int64]string{0: silent}}
			names = append(names, n)
		}
		if code != remoting.GetBrokerClusterInfo {
			return answerCode(remoting.SystemError, "")
		}
		return answerBody((&message.ClusterInfo{Brokers: data, Clusters: map[string][]string{"mine": names}}).AppendJSON(nil))
	})
	for name, names := range map[string][]string{"name servers": {silent, silent, silent}, "brokers": {lost}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			checks := Doctor(t.Context(), DoctorOptions{NameServers: names, Topic: "T"})
			if took := time.Since(began); took > doctorFor+time.Second {
				t.Errorf("took %v", took)
			}
			if got := checks[len(checks)-1]; got.Level != Fail {
				t.Errorf("%+v", got)
			}
			if got := find(checks, "broker"); got.What != "" && (got.Level != Fail || !strings.Contains(got.Detail, "no answer in time")) {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if got := Doctor(ctx, DoctorOptions{NameServers: []string{silent}}); got[len(got)-1].Level != Fail || time.Since(began) > time.Second {
			t.Errorf("after %v: %+v", time.Since(began), got)
		}
	})
}

func TestCheckMachine(t *testing.T) {
	for _, tt := range []struct {
		got  Check
		want Level
	}{
		{checkFiles(0), OK}, {checkFiles(1023), Warn}, {checkFiles(1024), OK}, {checkFiles(math.MaxUint64), OK},
		{checkCPU(1, ""), Warn}, {checkCPU(2, ""), OK}, {checkCPU(8, "performance"), OK}, {checkCPU(8, "powersave"), Warn},
	} {
		if tt.got.Level != tt.want || tt.got.Next == "" {
			t.Errorf("%+v, want %s", tt.got, tt.want)
		}
	}
	if n := openFilesLimit(); n == 1 {
		t.Errorf("open files: %d", n)
	}
}

func TestCheckDisk(t *testing.T) {
	for ratio, want := range map[float64]Level{0: OK, 0.69: OK, 0.7: Warn, 0.95: Warn} {
		if c := checkDisk("b", ratio); c.Level != want || c.Next == "" || c.Detail == "" {
			t.Errorf("%v: %+v", ratio, c)
		}
	}
}

func TestClockOff(t *testing.T) {
	asked := time.UnixMilli(1_700_000_000_000)
	answered := asked.Add(10 * time.Millisecond)
	for name, tt := range map[string]struct {
		off   time.Duration
		level Level
		text  string
	}{
		"right": {0, OK, "within 2 s"}, "a little ahead": {1500 * time.Millisecond, OK, "within 2 s"}, "ahead": {time.Hour, Warn, "59m59s to 1h0m0s ahead of ours"},
		"behind": {-90 * time.Second, Warn, "1m30s to 1m31s behind ours"}, "a little behind": {-500 * time.Millisecond, OK, ""},
	} {
		boot := asked.Add(5*time.Millisecond + tt.off - 26*time.Hour - 3*time.Minute - 4900*time.Millisecond) // it answers in between
		info := message.KVTable{"bootTimestamp": strconv.FormatInt(boot.UnixMilli(), 10), "runtime": "[ 1 days, 2 hours, 3 minutes, 4 seconds ]"}
		from, to, ok := clockOff(info, asked, answered)
		if !ok || from > tt.off || to < tt.off || to-from > time.Second+10*time.Millisecond {
			t.Errorf("%s: between %v and %v, it is %v", name, from, to, tt.off)
		}
		if c := checkClock("b", from, to); c.Level != tt.level || !strings.Contains(c.Detail, tt.text) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	for _, info := range []message.KVTable{nil, {"bootTimestamp": "x", "runtime": "[ 1 days, 2 hours, 3 minutes, 4 seconds ]"}, {"bootTimestamp": "1"},
		{"bootTimestamp": "1", "runtime": "[ 99999999999999999999 days, 2 hours, 3 minutes, 4 seconds ]"}, {"bootTimestamp": "1", "runtime": "[ 999999999 days, 2 hours, 3 minutes, 4 seconds ]"}} {
		if from, to, ok := clockOff(info, asked, answered); ok {
			t.Errorf("%v: %v to %v", info, from, to)
		}
	}
}

func TestQuantile(t *testing.T) {
	h := &metrics.Float64Histogram{Counts: []uint64{0, 90, 9, 1}, Buckets: []float64{math.Inf(-1), 1, 2, 3, math.Inf(1)}}
	for q, want := range map[float64]float64{0.5: 2, 0.9: 2, 0.91: 3, 0.99: 3, 1: 3} {
		if got, ok := quantile(h, q); !ok || got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if _, ok := quantile(&metrics.Float64Histogram{Counts: []uint64{0}, Buckets: []float64{0, 1}}, 0.5); ok {
		t.Error("an empty histogram has a quantile")
	}
}
