//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// testAdmin asks everything that Admin can ask.
func (s *suite) testAdmin(t *testing.T) {
	const topic, queues = "RMQBENCH_E2E_ADMIN", 2
	ctx, b := t.Context(), s.broker()
	info, err := s.admin.ClusterInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if data := info.Brokers[b.Name]; len(info.Brokers) != 1 || data.Master() != b.Addr || data.Cluster != "DefaultCluster" ||
		len(info.Clusters) != 1 || len(info.Clusters["DefaultCluster"]) != 1 || info.Clusters["DefaultCluster"][0] != b.Name {
		t.Errorf("cluster info: got %+v, want %+v in DefaultCluster", info, b)
	}
	if runtime, err := s.admin.RuntimeInfo(ctx, b.Addr); err != nil || runtime["brokerVersionDesc"] != "V"+strings.ReplaceAll(s.Version(), ".", "_") {
		t.Errorf("runtime info: version %q, error %v", runtime["brokerVersionDesc"], err)
	}
	if settings, err := s.admin.BrokerSettings(ctx, b.Addr, "brokerName", "flushDiskType"); err != nil || settings["brokerName"] != b.Name || settings["flushDiskType"] != "ASYNC_FLUSH" {
		t.Errorf("broker settings: %q, %v", settings, err)
	}

	s.checkTopics(t)
	s.create(t, topic, queues)
	if route, err := s.admin.Route(ctx, topic); err != nil {
		t.Error(err)
	} else {
		s.checkRoute(t, route, queues)
	}
	p := s.start(t, producer.Options{})
	began := time.Now()
	s.sendSync(t, p, &producer.Message{Topic: topic, Body: []byte("admin")}, 3*queues)
	s.checkStats(t, topic, queues, 3)
	for i := range int32(queues) {
		q := producer.MessageQueue{Topic: topic, Broker: b.Name, ID: i}
		if first, err := p.EarliestStoreTime(ctx, q); err != nil || first.Before(began.Add(-time.Second)) || first.After(time.Now()) {
			t.Errorf("earliest store time of %v: %v, %v; it was made at %v", q, first, err, began)
		}
		if at, err := p.SearchOffset(ctx, q, began.Add(-time.Hour)); err != nil || at != 0 {
			t.Errorf("offset in %v an hour ago: %d, %v", q, at, err)
		}
		if at, err := p.SearchOffset(ctx, q, time.Now().Add(time.Hour)); err != nil || at < 2 || at > 3 {
			t.Errorf("offset in %v in an hour: %d, %v", q, at, err)
		}
	}
	if _, err := p.ViewMessage(ctx, topic, "7F0000010000000000000000000000FF"); err == nil {
		t.Error("a message that nobody sent was found")
	}

	if _, err := s.admin.Route(ctx, "RMQBENCH_E2E_UNKNOWN"); !isRefusal(err, remoting.TopicNotExist) {
		t.Errorf("route of an unknown topic: %v", err)
	}
	if _, err := s.admin.TopicStats(ctx, b.Addr, "RMQBENCH_E2E_UNKNOWN"); !isRefusal(err, remoting.TopicNotExist) {
		t.Errorf("statistics of an unknown topic: %v", err)
	}
	if n, err := s.admin.MaxOffset(ctx, b.Addr, "RMQBENCH_E2E_UNKNOWN", 0); n != 0 || err != nil {
		t.Errorf("max offset of an unknown topic: %d, %v", n, err)
	}
}

// checkTopics makes topics of every type and deletes them; what is there is never altered.
func (s *suite) checkTopics(t *testing.T) {
	ctx, b := t.Context(), s.broker()
	typed := slices.Compare(numbers(s.Version()), numbers("5.0.0")) >= 0
	for i, kind := range producer.TopicTypes() {
		topic := producer.Topic{Name: "RMQBENCH_E2E_TYPE_" + string(kind), Queues: 1 + i, Type: kind}
		done, err := s.admin.CreateTopic(ctx, topic)
		if err != nil || len(done.Made) != 1 || done.Made[0] != b.Name || typed != (done.Untyped == nil) {
			t.Fatalf("create %+v: %+v, %v", topic, done, err)
		}
		if done, err := s.admin.CreateTopic(ctx, topic); err != nil || len(done.Made) != 0 || len(done.Found) != 1 {
			t.Errorf("create %+v again: %+v, %v", topic, done, err)
		}
		if got, err := s.admin.TopicTypeAt(ctx, b.Addr, topic.Name); err != nil || typed && got != kind || !typed && got != "" {
			t.Errorf("%s is of type %q, %v", topic.Name, got, err)
		}
		if typed {
			config, err := s.admin.TopicConfig(ctx, b.Addr, topic.Name)
			if err != nil || config.ReadQueues != topic.Queues || config.WriteQueues != topic.Queues || config.Attributes["message.type"] != string(kind) {
				t.Errorf("%s has %+v, %v", topic.Name, config, err)
			}
		}
		others := []producer.Topic{{Name: topic.Name, Queues: topic.Queues + 1, Type: kind}}
		if typed {
			others = append(others, producer.Topic{Name: topic.Name, Queues: topic.Queues, Type: producer.TopicTypes()[(i+1)%4]})
		}
		for _, other := range others {
			if _, err := s.admin.CreateTopic(ctx, other); !isA[*producer.TopicExistsError](err) {
				t.Errorf("create %+v over %+v: %v", other, topic, err)
			}
		}
		if queues, err := s.admin.PublishQueues(ctx, topic.Name); err != nil || len(queues) != topic.Queues {
			t.Errorf("%s has queues %v, %v, want %d", topic.Name, queues, err, topic.Queues)
		}
		if brokers, err := s.admin.DeleteTopic(ctx, topic.Name, "DefaultCluster"); err != nil || len(brokers) != 1 {
			t.Errorf("delete %s: %v, %v", topic.Name, brokers, err)
		}
		if _, err := s.admin.Route(ctx, topic.Name); !producer.UnknownTopic(err) {
			t.Errorf("route of %s, which was deleted: %v", topic.Name, err)
		}
	}
}

// checkStats waits until each queue of a topic holds that many messages, and has the statistics say so too.
func (s *suite) checkStats(t *testing.T, topic string, queues int, each int64) {
	t.Helper()
	ctx, b := t.Context(), s.broker()
	for i := range queues {
		if !eventually(func() bool {
			n, err := s.admin.MaxOffset(ctx, b.Addr, topic, i)
			if err != nil {
				t.Fatal(err)
			}
			return n == each
		}) {
			t.Errorf("queue %d doesn't come to hold %d messages", i, each)
		}
		if n, err := s.admin.MinOffset(ctx, b.Addr, topic, i); n != 0 || err != nil {
			t.Errorf("min offset of queue %d: %d, %v", i, n, err)
		}
	}
	stats, err := s.admin.TopicStats(ctx, b.Addr, topic)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, q := range stats.Queues {
		if q.Topic != topic || q.Broker != b.Name || q.MinOffset != 0 || q.MaxOffset != each || q.LastUpdate == 0 {
			t.Errorf("statistics have %+v, want offsets 0 to %d", q, each)
		}
		seen[q.Queue] = true
	}
	if len(seen) != queues || len(stats.Queues) != queues {
		t.Errorf("statistics of %d queues, want %d: %+v", len(stats.Queues), queues, stats.Queues)
	}
}

// testConnectionList has the broker list our producer while it lives, and no longer.
func (s *suite) testConnectionList(t *testing.T) {
	const group = "RMQBENCH_E2E_LISTED"
	var listed message.ProducerConnection
	t.Run("up", func(t *testing.T) {
		p := s.start(t, producer.Options{Group: group})
		s.send(t, p, &producer.Message{Topic: "RMQBENCH_E2E_LISTED", Body: []byte("listed")})
		var err error
		if listed, err = s.connections(t, group); err != nil {
			t.Fatal(err)
		}
		if len(listed) != 1 || listed[0].Language != "GO" || listed[0].Version != remoting.Version451 ||
			!strings.Contains(listed[0].ClientID, "@e2e-") || !strings.HasPrefix(listed[0].ClientAddr, "127.0.0.1:") {
			t.Errorf("the broker lists %+v, want our one producer", listed)
		}
	})
	if list, err := s.connections(t, group); !isRefusal(err, remoting.SystemError) {
		t.Errorf("after its shutdown the broker lists %+v, error %v", list, err)
	}
}

// connections asks the broker which producers of a group it knows.
func (s *suite) connections(t *testing.T, group string) (message.ProducerConnection, error) {
	t.Helper()
	addr := s.broker().Addr
	reply, err := s.client.Invoke(t.Context(), addr,
		remoting.NewRequest(remoting.GetProducerConnectionList, remoting.Field{Key: "producerGroup", Value: group}), patience)
	if err != nil {
		t.Fatal(err)
	}
	if reply.Response() != remoting.Success {
		return nil, remoting.NewBrokerError(addr, reply.Response(), reply.Remark)
	}
	return message.ParseProducerConnection(reply.Body)
}
