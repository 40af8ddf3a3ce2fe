//go:build e2e

package e2e

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// pull reads up to count records of a queue from an offset on, once there is one, as a consumer of that tag would ("*": of any).
func (s *suite) pull(t *testing.T, q queueID, offset int64, count int, tag string) []message.Record {
	t.Helper()
	const subscriptionFollows = 4 // a bit of PullSysFlag
	var reply *remoting.Command
	var err error
	if !eventually(func() bool {
		reply, err = s.client.Invoke(t.Context(), s.addr(t, q.broker), remoting.NewRequest(remoting.PullMessage,
			remoting.Field{Key: "consumerGroup", Value: "RMQBENCH_E2E_READER"}, remoting.Field{Key: "topic", Value: q.topic},
			remoting.Field{Key: "queueId", Value: strconv.Itoa(q.id)}, remoting.Field{Key: "queueOffset", Value: strconv.FormatInt(offset, 10)},
			remoting.Field{Key: "maxMsgNums", Value: strconv.Itoa(count)}, remoting.Field{Key: "sysFlag", Value: strconv.Itoa(subscriptionFollows)},
			remoting.Field{Key: "commitOffset", Value: "0"}, remoting.Field{Key: "suspendTimeoutMillis", Value: "0"},
			remoting.Field{Key: "subVersion", Value: "0"}, remoting.Field{Key: "subscription", Value: tag},
			remoting.Field{Key: "expressionType", Value: "TAG"}), patience)
		return err == nil && reply.Response() == remoting.Success
	}) {
		if err == nil {
			err = remoting.NewBrokerError(q.broker, reply.Response(), reply.Remark)
		}
		t.Fatalf("pull %v at %d: %v", q, offset, err)
	}
	records := slices.Collect(message.Records(reply.Body))
	if len(records) == 0 || len(records) > count {
		t.Fatalf("pull %v at %d: %d records in %d bytes, want 1 to %d", q, offset, len(records), len(reply.Body), count)
	}
	return records
}

// stored returns the ids of all messages of a topic, by queue and offset.
func (s *suite) stored(t *testing.T, topic string) map[queueID]map[int64]message.UniqueID {
	t.Helper()
	all := map[queueID]map[int64]message.UniqueID{}
	for q, most := range s.offsets(t, []string{topic}) {
		all[q] = map[int64]message.UniqueID{}
		for next := int64(0); next < most; {
			records := s.pull(t, q, next, 32, "*")
			for i := range records {
				id, _ := message.LookupProperty(records[i].EncodedProperties, message.PropertyUniqueKey)
				unique, err := message.ParseUniqueID(string(id))
				if err != nil || records[i].QueueOffset != next {
					t.Fatalf("%v at %d: record of offset %d with id %q: %v", q, next, records[i].QueueOffset, id, err)
				}
				all[q][next] = unique
				next++
			}
		}
	}
	return all
}

// look finds a message by one of its ids, once the broker has indexed it.
func (s *suite) look(t *testing.T, topic, id string) *producer.Received {
	t.Helper()
	var got *producer.Received
	var err error
	if !eventually(func() bool {
		got, err = s.admin.ViewMessage(t.Context(), topic, id)
		return err == nil
	}) {
		t.Fatalf("view %s of %s: %v", id, topic, err)
	}
	return got
}

// query finds messages by a key, once the broker has indexed count of them.
func (s *suite) query(t *testing.T, topic, key string, count int) []*producer.Received {
	t.Helper()
	var found []*producer.Received
	var err error
	if !eventually(func() bool {
		found, err = s.admin.QueryMessages(t.Context(), topic, key, 0, time.Time{}, time.Time{})
		return err == nil && len(found) >= count
	}) {
		t.Fatalf("query %s for key %s: %d found, %v, want %d", topic, key, len(found), err, count)
	}
	return found
}

// addr is where the broker of that name listens.
func (s *suite) addr(t *testing.T, name string) string {
	t.Helper()
	for _, b := range s.Brokers() {
		if b.Name == name {
			return b.Addr
		}
	}
	t.Fatalf("no broker is named %q", name)
	return ""
}

// readBack reads what was stored for m, by its place in the queue and by both of its ids, and compares all of it.
func (s *suite) readBack(t *testing.T, m *producer.Message, r *producer.SendResult, compressed bool) {
	t.Helper()
	tag := m.Tags
	if tag == "" {
		tag = "*"
	}
	raw := s.pull(t, queueID{m.Topic, r.Broker, int(r.QueueID)}, r.QueueOffset, 1, tag)[0]
	if raw.SysFlag.Compressed() != compressed || len(raw.Body) != r.WireBytes || raw.BodyCRC != message.BodyCRC(raw.Body) {
		t.Errorf("stored with sysFlag %#x and CRC %x as %d bytes, want compressed %v and CRC %x as %d bytes",
			raw.SysFlag, raw.BodyCRC, len(raw.Body), compressed, message.BodyCRC(raw.Body), r.WireBytes)
	}
	s.compare(t, m, r, received(t, raw))
	s.compare(t, m, r, s.look(t, m.Topic, r.OffsetID.String()))
	if byID := s.look(t, m.Topic, r.ID.String()); byID.OffsetID() == raw.OffsetID() { // else another of a batch with one id
		s.compare(t, m, r, byID)
	}
}

// compare holds a stored message against the one that was sent and the result of its send.
func (s *suite) compare(t *testing.T, m *producer.Message, r *producer.SendResult, got *producer.Received) {
	t.Helper()
	if got.QueueID != r.QueueID || got.QueueOffset != r.QueueOffset || got.ReconsumeTimes != 0 {
		t.Errorf("stored in %s:%d at %d, want %s:%d at %d", got.Topic, got.QueueID, got.QueueOffset, m.Topic, r.QueueID, r.QueueOffset)
	}
	if id := got.OffsetID().String(); id != r.OffsetID.String() {
		t.Errorf("the record's id is %s, want %s", id, r.OffsetID)
	}
	if addr := s.addr(t, r.Broker); got.StoreHost.String() != addr {
		t.Errorf("store host %v, want %s", got.StoreHost, addr)
	}
	s.compareContent(t, m, r.ID.String(), got)
}

// compareContent holds a message against the one that was sent, byte for byte, wherever it is stored. May are the names of
// properties that brokers add on its way.
func (s *suite) compareContent(t *testing.T, m *producer.Message, id string, got *producer.Received, may ...string) {
	t.Helper()
	if got.Topic != m.Topic || got.Flag != m.Flag {
		t.Errorf("stored in %s with flag %d, want %s with flag %d", got.Topic, got.Flag, m.Topic, m.Flag)
	}
	if !bytes.Equal(got.Body, m.Body) {
		t.Errorf("stored body is not what was sent (%d bytes, want %d)", len(got.Body), len(m.Body))
	}
	if !got.BornHost.Addr().IsLoopback() || got.StoreTime < got.BornTime-1000 {
		t.Errorf("born at %v, %d, stored %d: want loopback and order", got.BornHost, got.BornTime, got.StoreTime)
	}
	props := slices.Clone(got.Properties)
	for key, want := range s.wantProperties(m, id) {
		if value, ok := props.Get(key); !ok || value != want {
			t.Errorf("stored property %q is %q, want %q", key, value, want)
		}
		props.Delete(key)
	}
	may = append(may, message.PropertyCluster, message.PropertyMessageRegion, message.PropertyTraceOn, // the broker's
		message.PropertyWaitStoreOK) // which 4.9.7 keeps in batches and in what it stores again
	for _, p := range props {
		if !slices.Contains(may, p.Key) {
			t.Errorf("stored with property %q=%q, which nobody set", p.Key, p.Value)
		}
	}
}

// wantProperties is what a record of m holds.
func (s *suite) wantProperties(m *producer.Message, id string) map[string]string {
	want := m.Properties.Map()
	want[message.PropertyUniqueKey] = id
	if s.Version() != "4.9.7" { // it heeds WAIT and hardly ever stores it
		want[message.PropertyWaitStoreOK] = strconv.FormatBool(!m.NoWaitStore)
	}
	for key, value := range map[string]string{message.PropertyTags: m.Tags, message.PropertyKeys: strings.Join(m.Keys, " "),
		message.PropertyShardingKey: m.ShardingKey, message.PropertyBuyerID: m.BuyerID} {
		if value != "" {
			want[key] = value
		}
	}
	return want
}
