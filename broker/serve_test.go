package broker

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/vectors"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func field(key, value string) remoting.Field { return remoting.Field{Key: key, Value: value} }

func TestProducersComeAndGo(t *testing.T) {
	r := start(t, Options{})
	addr := r.broker().Addr()
	list := remoting.NewRequest(remoting.GetProducerConnectionList, field("producerGroup", "pg"))
	r.want(remoting.SystemError, addr, list)
	beat := remoting.NewRequest(remoting.HeartBeat)
	beat.Body = (&message.Heartbeat{ClientID: "client", Producers: []string{"pg", "other"}}).AppendJSON(nil)
	for range 2 {
		if a := r.want(remoting.Success, addr, beat); a.Version != claimedVersion || len(a.Ext) != 2 {
			t.Errorf("heartbeat answered %+v", a)
		}
	}
	known, err := message.ParseProducerConnection(r.want(remoting.Success, addr, list).Body)
	if err != nil || len(known) != 1 || known[0].ClientID != "client" || known[0].Language != "GO" {
		t.Errorf("%+v, %v", known, err)
	}
	leave := remoting.NewRequest(remoting.UnregisterClient, field("clientID", "client"), field("producerGroup", "pg"))
	r.want(remoting.Success, addr, leave)
	r.want(remoting.Success, addr, leave)
	r.want(remoting.SystemError, addr, list)

	r.want(remoting.Success, addr, beat)
	r.client.Close() // and a connection that ends takes its producers with it
	r.client = remoting.NewClient(remoting.ClientOptions{})
	t.Cleanup(func() { r.client.Close() })
	for deadline := time.Now().Add(5 * time.Second); ; {
		if r.ask(addr, list).Response() == remoting.SystemError {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("still there")
		}
		time.Sleep(time.Millisecond)
	}
	beat.Body = []byte("{")
	r.want(remoting.SystemError, addr, beat)
}

func TestSilentProducersAreForgotten(t *testing.T) {
	c := newClients()
	silent, alive := new(remoting.Conn), new(remoting.Conn)
	now := time.Now()
	c.groups["g"] = map[*remoting.Conn]producer{
		silent: {message.Connection{ClientID: "silent"}, now.Add(-silence - time.Second)},
		alive:  {message.Connection{ClientID: "alive"}, now},
	}
	c.groups["h"] = map[*remoting.Conn]producer{silent: {message.Connection{ClientID: "silent"}, now.Add(-silence - time.Second)}}
	if c.find("silent") != nil || c.find("alive") != alive || c.producer("g") != alive || c.producer("h") != nil || len(c.groups) != 1 {
		t.Errorf("left %v", c.groups)
	}
}

func TestBrokerNames(t *testing.T) {
	r := start(t, Options{BrokerNames: []string{"a@broker-0", "b@broker-1"}, Brokers: 3})
	r.send("T", 0, "x")
	route, err := message.ParseRoute(r.want(remoting.Success, r.NameServer(), remoting.NewRequest(remoting.GetRouteInfoByTopic, field("topic", "TBW102"))).Body)
	if err != nil || route.MasterAddr("a@broker-0") != r.broker().Addr() || route.MasterAddr("b@broker-1") == "" || route.MasterAddr("broker-2") == "" {
		t.Errorf("route %+v, %v", route, err)
	}
}

func TestTopicsAreMadeChangedAndDeleted(t *testing.T) {
	r := start(t, Options{Brokers: 2})
	addr := r.broker().Addr()
	create := func(name string, read, write int64, more ...remoting.Field) *remoting.Command {
		return remoting.NewRequest(remoting.UpdateAndCreateTopic, append([]remoting.Field{field("topic", name), longField("readQueueNums", read), longField("writeQueueNums", write), longField("perm", 6)}, more...)...)
	}
	config := func(name string) *message.TopicConfig {
		c, err := message.ParseTopicConfig(r.want(remoting.Success, addr, remoting.NewRequest(remoting.GetTopicConfig, field("topic", name))).Body)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	r.want(remoting.Success, addr, create("T", 2, 2, field("attributes", "+message.type=FIFO,+a=1")))
	r.send("T", 1, "kept")
	r.want(remoting.Success, addr, create("T", 8, 4, field("attributes", "-a"), field("order", "true")))
	if c := config("T"); c.ReadQueues != 8 || c.WriteQueues != 4 || !c.Order || len(c.Attributes) != 1 || c.Attributes["message.type"] != "FIFO" {
		t.Errorf("config %+v", c)
	}
	if n := r.offset(remoting.GetMaxOffset, "T", 1); n != 1 {
		t.Errorf("a change of queues lost messages: max offset %d", n)
	}
	stats, err := message.ParseTopicStats(r.want(remoting.Success, addr, remoting.NewRequest(remoting.GetTopicStatsInfo, field("topic", "T"))).Body)
	if err != nil || len(stats.Queues) != 8 || stats.Queues[1].MaxOffset != 1 || stats.Queues[1].LastUpdate == 0 {
		t.Errorf("stats %+v, %v", stats, err)
	}
	for _, bad := range []*remoting.Command{create("a b", 1, 1), create("TBW102", 1, 1), create("X", 1<<20, 1), create("X", 1, -1)} {
		r.want(remoting.InvalidParameter, addr, bad)
	}
	list := remoting.NewRequest(updateAndCreateTopicList)
	list.Body = []byte(`{"topicConfigList":[{"topicName":"L1","readQueueNums":1,"writeQueueNums":1,"perm":6},{"topicName":"L2","readQueueNums":2,"writeQueueNums":2,"perm":6}]}`)
	r.want(remoting.Success, addr, list)
	if c := config("L2"); c.WriteQueues != 2 {
		t.Errorf("config %+v", c)
	}
	all, err := message.ParseTopicList(r.want(remoting.Success, r.NameServer(), remoting.NewRequest(remoting.GetAllTopicListFromNamesrv)).Body)
	if err != nil || !slices.Contains(all.Topics, "T") || !slices.Contains(all.Topics, "L1") || !slices.Contains(all.Topics, "TBW102") {
		t.Errorf("topics %v, %v", all, err)
	}
	remove := remoting.NewRequest(remoting.DeleteTopicInBroker, field("topic", "T"))
	r.want(remoting.Success, addr, remove)
	r.want(remoting.Success, r.NameServer(), remoting.NewRequest(remoting.DeleteTopicInNamesrv, field("topic", "T")))
	r.want(remoting.TopicNotExist, r.NameServer(), remoting.NewRequest(remoting.GetRouteInfoByTopic, field("topic", "T")))
	r.want(remoting.InvalidParameter, addr, remoting.NewRequest(remoting.DeleteTopicInBroker, field("topic", "TBW102")))
	r.want(remoting.TopicNotExist, addr, remoting.NewRequest(remoting.GetTopicConfig, field("topic", "T")))
}

func TestNameServerKeepsValues(t *testing.T) {
	r := start(t, Options{})
	at := r.NameServer()
	ns, key := field("namespace", orderConf), field("key", "T")
	r.want(remoting.QueryNotFound, at, remoting.NewRequest(remoting.GetKVConfig, ns, key))
	r.want(remoting.QueryNotFound, at, remoting.NewRequest(remoting.GetKVListByNamespace, ns))
	r.want(remoting.Success, at, remoting.NewRequest(remoting.PutKVConfig, ns, key, field("value", "broker-0:4")))
	if v, _ := r.want(remoting.Success, at, remoting.NewRequest(remoting.GetKVConfig, ns, key)).Get("value"); v != "broker-0:4" {
		t.Errorf("value %q", v)
	}
	r.send("T", 0, "x")
	route, err := message.ParseRoute(r.want(remoting.Success, at, remoting.NewRequest(remoting.GetRouteInfoByTopic, key, field("topic", "T"))).Body)
	if err != nil || route.OrderTopicConf == nil || *route.OrderTopicConf != "broker-0:4" {
		t.Errorf("route %+v, %v", route, err)
	}
	table, err := message.ParseKVTable(r.want(remoting.Success, at, remoting.NewRequest(remoting.GetKVListByNamespace, ns)).Body)
	if err != nil || table["T"] != "broker-0:4" {
		t.Errorf("table %v, %v", table, err)
	}
	r.want(remoting.Success, at, remoting.NewRequest(remoting.DeleteKVConfig, ns, key))
	r.want(remoting.QueryNotFound, at, remoting.NewRequest(remoting.GetKVConfig, ns, key))
	r.want(remoting.SystemError, at, remoting.NewRequest(remoting.GetRouteInfoByTopic))
	r.want(remoting.RequestNotSupported, at, remoting.NewRequest(9999))
}

func TestSearchByStoreTime(t *testing.T) {
	r := start(t, Options{})
	addr := r.broker().Addr()
	search := func(when int64, boundary string) int64 {
		return number(t, r.want(remoting.Success, addr, remoting.NewRequest(remoting.SearchOffsetByTimestamp, field("topic", "T"), field("queueId", "0"), longField("timestamp", when), field("boundaryType", boundary))), "offset")
	}
	if n := search(0, ""); n != 0 {
		t.Errorf("nothing there: offset %d", n)
	}
	var times []int64
	for range 3 {
		r.send("T", 0, "x")
		times = append(times, r.pulled("T", 0).StoreTime)
		time.Sleep(2 * time.Millisecond)
	}
	for _, tt := range []struct {
		when     int64
		boundary string
		want     int64
	}{
		{0, "LOWER", 0}, {times[1], "LOWER", 1}, {times[1] + 1, "LOWER", 2}, {times[1], "UPPER", 1}, {times[1] + 1, "UPPER", 1}, {times[2] + 1, "LOWER", 3}, {0, "UPPER", 0},
	} {
		if got := search(tt.when, tt.boundary); got != tt.want {
			t.Errorf("%s of the second's time %+d: offset %d, want %d", tt.boundary, tt.when-times[1], got, tt.want)
		}
	}
	earliest := remoting.NewRequest(remoting.GetEarliestStoreTime, field("topic", "T"), field("queueId", "0"))
	if got := number(t, r.want(remoting.Success, addr, earliest), "timestamp"); got != times[0] {
		t.Errorf("earliest %d, want %d", got, times[0])
	}
}

func TestPullWaitsForAMessage(t *testing.T) {
	r := start(t, Options{DelayLevels: []time.Duration{20 * time.Millisecond}})
	b := r.broker()
	r.send("T", 1, "first")
	pull := func(queue, from, patience int64) *remoting.Command {
		return set(set(pullCommand("T", queue, from, 32), "sysFlag", "6"), "suspendTimeoutMillis", decimal(patience))
	}
	nc, later := dial(t, b.Addr()), dial(t, b.Addr())
	write(t, nc, pull(1, 0, 60_000)) // there already
	if a := readFrame(t, nc); a.Response() != remoting.Success {
		t.Errorf("%v", a.Response())
	}
	write(t, nc, pull(2, 0, 60_000))
	write(t, later, pull(1, 1, 60_000))
	r.eventually("both wait", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.suspended) == 2
	})
	r.want(remoting.Success, b.Addr(), sendCommand("T", 1, "delayed", "DELAY\x011\x02"))
	if a := readFrame(t, later); a.Response() != remoting.Success || number(t, a, "nextBeginOffset") != 2 || !contains(string(a.Body), "delayed") {
		t.Errorf("answered %+v", a)
	}
	r.send("T", 2, "sent")
	if a := readFrame(t, nc); a.Response() != remoting.Success || number(t, a, "nextBeginOffset") != 1 || !contains(string(a.Body), "sent") {
		t.Errorf("answered %+v", a)
	}
	write(t, nc, pull(3, 0, 1))
	if a := readFrame(t, nc); a.Response() != remoting.PullNotFound {
		t.Errorf("patience at its end: %v", a.Response())
	}
	write(t, nc, pull(3, 0, 60_000))
	r.eventually("one waits", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.suspended) == 1
	})
	if err := b.DeleteTopic("T"); err != nil {
		t.Error(err)
	}
	r.send("U", 0, "wakes the broker")
	if a := readFrame(t, nc); a.Response() != remoting.TopicNotExist {
		t.Errorf("the topic is gone: %v", a.Response())
	}
	write(t, nc, pull(0, 0, 60_000)) // no such topic: at once
	if a := readFrame(t, nc); a.Response() != remoting.TopicNotExist {
		t.Errorf("no topic: %v", a.Response())
	}
	r.send("T", 0, "again")
	write(t, nc, pull(0, 1, 60_000)) // and one that waits when the broker ends
}

func TestRuntimeInfoSaysWhatItIs(t *testing.T) {
	r := start(t, Options{ServiceTime: time.Millisecond})
	r.send("T", 0, "x")
	table, err := message.ParseKVTable(r.want(remoting.Success, r.broker().Addr(), remoting.NewRequest(remoting.GetBrokerRuntimeInfo)).Body)
	if err != nil || table["msgPutTotalTodayNow"] != "1" || !strings.HasPrefix(table[RuntimeMark], "embedded") || table["brokerVersionDesc"] != "V5_4_0" {
		t.Errorf("%v, %v", table, err)
	}
	if c := r.want(remoting.Success, r.broker().Addr(), remoting.NewRequest(remoting.GetBrokerConfig)); !strings.Contains(string(c.Body), "brokerName=broker-0\n") {
		t.Errorf("config %q", c.Body)
	}
}

func TestRateForgets(t *testing.T) {
	r := newRate(11)
	for s := range int64(100) {
		r.add(1000+s, 3)
		r.add(1000+s-50, 1) // a clock set back counts to the newest
	}
	if got := r.perSecond(1100, 10); got != 4 {
		t.Errorf("%v a second, want 4", got)
	}
	if got := r.perSecond(1105, 10); got != 2 {
		t.Errorf("5 s later %v a second, want 2", got)
	}
	if got := r.perSecond(2000, 10); got != 0 {
		t.Errorf("much later %v a second, want 0", got)
	}
}

func TestSeveralBrokersOnConsecutivePorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := l.Addr().String()
	defer l.Close()
	if _, err := Start(Options{BrokerListen: taken}); err == nil {
		t.Error("started on a port that is taken")
	}
	for _, bad := range []Options{{Brokers: -1}, {Brokers: 1000}, {BrokerListen: "nonsense"}, {BrokerListen: "127.0.0.1:x"}, {NameServerListen: "127.0.0.1:99999"}, {QueuesPerTopic: -1}, {MemoryBudget: -1},
		{CheckInterval: -1}, {CheckAfter: time.Microsecond}, {CheckMax: -1}, {TimerPrecision: time.Nanosecond}, {DelayLevels: []time.Duration{}}, {DelayLevels: make([]time.Duration, 65)}, {DelayLevels: []time.Duration{-1}},
		{BrokerNames: []string{"a", "a"}}, {BrokerNames: []string{""}}, {BrokerNames: []string{"a", "b"}, Brokers: 1}, {BrokerNames: []string{"broker-1"}, Brokers: 2}} {
		if c, err := Start(bad); err == nil {
			c.Close()
			t.Errorf("started with %+v", bad)
		}
	}
	for range 20 { // a pair of neighbours that are free
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		c, err := Start(Options{Brokers: 2, BrokerListen: l.Addr().String()})
		if err != nil {
			continue
		}
		defer c.Close()
		for i, b := range c.Brokers() {
			if got := b.where.Load().host.Port(); int(got) != port+i {
				t.Errorf("%s listens on %d, want %d", b.Name(), got, port+i)
			}
		}
		return
	}
	t.Skip("no two neighbouring ports were free")
}

// What is no frame ends the connection, and only that one.
func TestR47_HostileBytes(t *testing.T) {
	r := start(t, Options{})
	for name, bytes := range map[string]string{
		"HTTP":            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"TLS":             "\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
		"negative length": "\xff\xff\xff\xff1234",
		"zero length":     "\x00\x00\x00\x00",
		"too long":        "\x7f\xff\xff\xff1234",
		"header too long": "\x00\x00\x00\x08\x01\xff\xff\xffabcd",
		"bad JSON":        "\x00\x00\x00\x08\x00\x00\x00\x04{{{{",
		"unknown type":    "\x00\x00\x00\x08\x09\x00\x00\x04abcd",
	} {
		t.Run(name, func(t *testing.T) {
			for _, addr := range []string{r.NameServer(), r.broker().Addr()} {
				nc := dial(t, addr)
				nc.SetDeadline(time.Now().Add(5 * time.Second))
				if _, err := nc.Write([]byte(bytes)); err != nil {
					t.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, nc); n != 0 || isTimeout(err) {
					t.Errorf("%d bytes of answer, %v; want the connection closed", n, err)
				}
			}
		})
	}
	half := dial(t, r.broker().Addr()) // half a frame, and then nothing
	half.Write([]byte("\x00\x00\x10\x00\x01"))
	r.send("T", 0, "still served")
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

// FuzzServe asks both servers anything that is a frame: whatever it says, they go on serving.
func FuzzServe(f *testing.F) {
	for _, e := range vectors.Load[exchange](f, "live.json") {
		if len(e.RequestHex) < 8 || len(e.RequestHex) > 4<<10 {
			continue
		}
		f.Add(e.To == "namesrv", []byte(e.RequestHex[4:]))
	}
	c, err := Start(Options{MemoryBudget: 1 << 20, CheckInterval: 5 * time.Millisecond, CheckAfter: time.Millisecond, CheckMax: 2,
		DelayLevels: []time.Duration{time.Millisecond}, TimerPrecision: time.Millisecond})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.Close)
	probe, err := (&remoting.Command{Code: 9999, Opaque: 0x7eadbeef}).AppendFrame(nil)
	if err != nil {
		f.Fatal(err)
	}
	conns := map[string]net.Conn{}
	f.Cleanup(func() {
		for _, nc := range conns {
			nc.Close()
		}
	})
	f.Fuzz(func(t *testing.T, ns bool, rest []byte) {
		addr := c.Brokers()[0].Addr()
		if ns {
			addr = c.NameServer()
		}
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(rest)))
		frame = append(append(frame, rest...), probe...)
		for {
			nc := conns[addr]
			fresh := nc == nil
			if fresh {
				if nc, err = net.Dial("tcp", addr); err != nil {
					t.Fatal(err)
				}
				conns[addr] = nc
			}
			nc.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := nc.Write(frame); err == nil && answered(t, nc) {
				return
			}
			nc.Close() // it was no frame; or the one before it wasn't, and this is to be tried anew
			delete(conns, addr)
			if fresh {
				return
			}
		}
	})
}

// answered reads to the probe's answer, or false to the end of the connection.
func answered(t *testing.T, nc net.Conn) bool {
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(nc, head); err != nil {
			if isTimeout(err) {
				t.Fatal("no answer and no end")
			}
			return false
		}
		frame := append(head, make([]byte, binary.BigEndian.Uint32(head))...)
		if _, err := io.ReadFull(nc, frame[4:]); err != nil {
			t.Fatalf("half an answer: %v", err)
		}
		a, err := remoting.Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if a.Opaque == 0x7eadbeef {
			return true
		}
	}
}
