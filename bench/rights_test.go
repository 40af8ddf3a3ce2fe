package bench

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/golden"
	"rmqbench/internal/peer"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// told is what the doctor says of a cluster, as a terminal shows it; what differs from run to run by its name.
func told(t *testing.T, o DoctorOptions, names ...string) string {
	t.Helper()
	var out strings.Builder
	for _, c := range Doctor(t.Context(), o)[2:] { // without this machine
		out.WriteString(c.String() + "\n")
	}
	text := strings.NewReplacer(names...).Replace(out.String())
	text = regexp.MustCompile(` in [0-9.]+ (ns|µs|ms|s)\b`).ReplaceAllString(text, " in TIME")
	return regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}Z`).ReplaceAllString(text, "AT")
}

// A healthy cluster, with a topic that somebody has sent to; and the doctor leaves nothing there.
func TestDoctorHealthy(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2, Cluster: "mine"})
	p := producer.New(producer.Options{Group: "g", InstanceName: t.Name(), NameServers: []string{c.NameServer()}})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Shutdown() })
	if _, err := p.CreateTopic(t.Context(), producer.Topic{Name: "ORDERS", Queues: 4, Type: producer.FIFOTopic}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := p.Send(t.Context(), &producer.Message{Topic: "ORDERS", Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	o := DoctorOptions{NameServers: []string{c.NameServer()}, Topic: "ORDERS"}
	text := told(t, o, c.NameServer(), "NAMES", c.Brokers()[0].Addr(), "B0", c.Brokers()[1].Addr(), "B1")
	o.Topic = "ABSENT"
	golden.Compare(t, "doctor_healthy.txt", text+"\n"+told(t, o, c.NameServer(), "NAMES", c.Brokers()[0].Addr(), "B0", c.Brokers()[1].Addr(), "B1"))
	admin := p.Admin()
	for _, topic := range []string{"ABSENT", "ABSENT?", "ORDERS?", "RMQBENCH_NONE"} {
		if _, err := admin.Route(t.Context(), topic); !producer.UnknownTopic(err) {
			t.Errorf("topic %s: %v", topic, err)
		}
	}
	stored := int64(0)
	for _, b := range c.Brokers() {
		stats, err := admin.TopicStats(t.Context(), b.Addr(), "ORDERS")
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range stats.Queues {
			stored += q.MaxOffset
		}
	}
	if stored != 3 {
		t.Errorf("%d messages, of 3", stored)
	}
}

// A sick one: a name server is down, the route misses a broker, whose master can't be reached; a broker lets us ask and not send,
// somebody else sends and consumes.
func TestDoctorSick(t *testing.T) {
	t.Parallel()
	dead, gone := peer.Dead(t), peer.Dead(t)
	stored := int64(100)
	no := answerCode(remoting.SystemError, "org.apache.rocketmq.acl.common.AclException: No default permission for ORDERS")
	guarded := scripted(t, func(code remoting.RequestCode, topic string) *remoting.Command {
		switch code {
		case remoting.HeartBeat:
			return &remoting.Command{Version: 399} // V4_9_7 or thereabouts
		case remoting.SendMessage:
			return no
		case remoting.UpdateAndCreateTopic:
			if topic != "ORDERS?" {
				t.Errorf("asked for topic %q", topic)
			}
			return answerCode(remoting.SystemError, "org.apache.rocketmq.acl.common.AclException: Need admin permission")
		case remoting.QueryTopicConsumeByWho:
			return answerBody([]byte(`{"groupList":["billing","mail"]}`))
		case remoting.GetTopicStatsInfo:
			stored += 7
			stats := message.TopicStats{Queues: []message.QueueStats{{Topic: "ORDERS", Broker: "broker-0", MaxOffset: stored, LastUpdate: time.Now().UnixMilli()}}}
			return answerBody(stats.AppendJSON(nil))
		}
		return answerCode(remoting.RequestNotSupported, "not here")
	})
	data := map[string]message.BrokerData{"broker-0": {Cluster: "mine", Name: "broker-0", Addrs: map[int64]string{0: guarded}},
		"broker-1": {Cluster: "mine", Name: "broker-1", Addrs: map[int64]string{0: gone}}}
	ns := scripted(t, func(code remoting.RequestCode, _ string) *remoting.Command {
		if code == remoting.GetBrokerClusterInfo {
			return answerBody((&message.ClusterInfo{Clusters: map[string][]string{"mine": {"broker-0", "broker-1"}}, Brokers: data}).AppendJSON(nil))
		}
		return answerBody((&message.Route{Brokers: []message.BrokerData{data["broker-0"]}, Queues: []message.QueueData{{Broker: "broker-0", ReadQueues: 1, WriteQueues: 1, Perm: 6}}}).AppendJSON(nil, true))
	})
	proxy := scripted(t, func(code remoting.RequestCode, _ string) *remoting.Command {
		if code == remoting.GetRouteInfoByTopic {
			return answerCode(remoting.TopicNotExist, "no")
		}
		return answerCode(remoting.RequestNotSupported, "request type 106 not supported")
	})
	o := DoctorOptions{NameServers: []string{ns, dead, proxy}, Topic: "ORDERS", Security: Security{Credentials: &remoting.Credentials{AccessKey: "a", SecretKey: "canary"}}}
	text := told(t, o, ns, "NAMES", dead, "DEAD", gone, "GONE", guarded, "B0", proxy, "PROXY")
	golden.Compare(t, "doctor_sick.txt", text)
	if strings.Contains(text, "canary") {
		t.Error("a secret shows")
	}
}

// What had to be refused and wasn't, or was for another reason, proves nothing.
func TestTrySend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer *remoting.Command
		level  Level
		text   string
	}{
		"refused for the queue": {answerCode(remoting.SystemError, "request queueId[2147483647] is illegal, …"), OK, "yes, on 1 master"},
		"a static topic":        {answerCode(remoting.NotLeaderForQueue, "T-2147483647 does not exit"), OK, "yes, on 1 master"},
		"not allowed":           {answerCode(remoting.NoPermission, "User:a has no permission"), Fail, "no, say b of 1 master"},
		"busy":                  {answerCode(remoting.SystemBusy, "[TIMEOUT_CLEAN_QUEUE]"), Warn, "can't be told of b"},
		"stored":                {answerCode(remoting.Success, ""), Warn, "no RocketMQ broker does"},
	} {
		addr := scripted(t, func(remoting.RequestCode, string) *remoting.Command { return tt.answer })
		client := remoting.NewClient(remoting.ClientOptions{})
		t.Cleanup(client.Close)
		d := &doctor{DoctorOptions: DoctorOptions{NameServers: []string{addr}, Topic: "T"}, client: client, admin: producer.NewAdmin(client, []string{addr})}
		got := d.rightToSend(t.Context(), &message.ClusterInfo{}, []home{{"b", addr}})
		if got.Level != tt.level || !strings.Contains(got.Detail, tt.text) || got.Next == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
