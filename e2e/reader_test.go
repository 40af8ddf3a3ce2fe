//go:build e2e

package e2e

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"testing"

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

// view reads the one record that a broker's id of a message names.
func (s *suite) view(t *testing.T, topic string, id producer.OffsetMsgID) message.Record {
	t.Helper()
	at, err := message.ParseOffsetID(id.String())
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.client.Invoke(t.Context(), at.Addr.String(), remoting.NewRequest(remoting.ViewMessageByID,
		remoting.Field{Key: "offset", Value: strconv.FormatInt(at.Offset, 10)}, remoting.Field{Key: "topic", Value: topic}), patience)
	if err != nil {
		t.Fatalf("view %v: %v", id, err)
	}
	record, size, err := message.DecodeRecord(reply.Body)
	if reply.Response() != remoting.Success || err != nil || size != len(reply.Body) {
		t.Fatalf("view %v: %v %s, record of %d bytes in %d: %v", id, reply.Response(), reply.Remark, size, len(reply.Body), err)
	}
	return record
}

// query finds records by a key, once the broker has indexed one.
func (s *suite) query(t *testing.T, broker, topic, key string) []message.Record {
	t.Helper()
	var reply *remoting.Command
	var err error
	if !eventually(func() bool {
		reply, err = s.client.Invoke(t.Context(), s.addr(t, broker), remoting.NewRequest(remoting.QueryMessage,
			remoting.Field{Key: "topic", Value: topic}, remoting.Field{Key: "key", Value: key}, remoting.Field{Key: "maxNum", Value: "32"},
			remoting.Field{Key: "beginTimestamp", Value: "0"}, remoting.Field{Key: "endTimestamp", Value: strconv.FormatInt(math.MaxInt64, 10)},
			remoting.Field{Key: "_UNIQUE_KEY_QUERY", Value: "false"}), patience)
		return err == nil && reply.Response() == remoting.Success
	}) {
		if err == nil {
			err = remoting.NewBrokerError(broker, reply.Response(), reply.Remark)
		}
		t.Fatalf("query %s for key %s: %v", topic, key, err)
	}
	return slices.Collect(message.Records(reply.Body))
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

// readBack reads what was stored for m, by its place in the queue and by the broker's id of it, and compares all of it.
func (s *suite) readBack(t *testing.T, m *producer.Message, r *producer.SendResult, compressed bool) {
	t.Helper()
	tag := m.Tags
	if tag == "" {
		tag = "*"
	}
	pulled := s.pull(t, queueID{m.Topic, r.Broker, int(r.QueueID)}, r.QueueOffset, 1, tag)
	s.compare(t, m, r, &pulled[0], compressed)
	viewed := s.view(t, m.Topic, r.OffsetID)
	s.compare(t, m, r, &viewed, compressed)
}

// compare holds a stored record against the message and the result of its send.
func (s *suite) compare(t *testing.T, m *producer.Message, r *producer.SendResult, got *message.Record, compressed bool) {
	t.Helper()
	if got.Topic != m.Topic || got.QueueID != r.QueueID || got.QueueOffset != r.QueueOffset || got.Flag != m.Flag || got.ReconsumeTimes != 0 {
		t.Errorf("stored in %s:%d at %d with flag %d, want %s:%d at %d with flag %d", got.Topic, got.QueueID, got.QueueOffset, got.Flag,
			m.Topic, r.QueueID, r.QueueOffset, m.Flag)
	}
	if id := got.OffsetID().String(); id != r.OffsetID.String() {
		t.Errorf("the record's id is %s, want %s", id, r.OffsetID)
	}
	if addr := s.addr(t, r.Broker); got.StoreHost.String() != addr {
		t.Errorf("store host %v, want %s", got.StoreHost, addr)
	}
	if !got.BornHost.Addr().IsLoopback() || got.StoreTime < got.BornTime-1000 {
		t.Errorf("born at %v, %d, stored %d: want loopback and order", got.BornHost, got.BornTime, got.StoreTime)
	}
	if got.SysFlag.Compressed() != compressed || len(got.Body) != r.WireBytes || got.BodyCRC != message.BodyCRC(got.Body) {
		t.Errorf("stored with sysFlag %#x and CRC %x as %d bytes, want compressed %v and CRC %x as %d bytes",
			got.SysFlag, got.BodyCRC, len(got.Body), compressed, message.BodyCRC(got.Body), r.WireBytes)
	}
	body, err := message.AppendDecompressed(nil, got.Body, got.SysFlag, message.MaxBodyLen)
	if err != nil || !bytes.Equal(body, m.Body) {
		t.Errorf("stored body is not what was sent (%d bytes, want %d): %v", len(body), len(m.Body), err)
	}

	props := message.DecodeProperties(got.EncodedProperties)
	for key, want := range s.wantProperties(m, r) {
		if value, ok := props.Get(key); !ok || value != want {
			t.Errorf("stored property %q is %q, want %q", key, value, want)
		}
		props.Delete(key)
	}
	for _, p := range props {
		switch p.Key {
		case message.PropertyCluster, message.PropertyMessageRegion, message.PropertyTraceOn: // the broker's
		default:
			t.Errorf("stored with property %q=%q, which nobody set", p.Key, p.Value)
		}
	}
}

// wantProperties is what a record of m holds.
func (s *suite) wantProperties(m *producer.Message, r *producer.SendResult) map[string]string {
	want := m.Properties.Map()
	if want == nil {
		want = map[string]string{}
	}
	want[message.PropertyUniqueKey] = r.ID.String()
	if s.Version() != "4.9.7" { // it heeds WAIT and doesn't store it
		want[message.PropertyWaitStoreOK] = strconv.FormatBool(!m.NoWaitStore)
	}
	if m.Tags != "" {
		want[message.PropertyTags] = m.Tags
	}
	for i, key := range m.Keys {
		if i > 0 {
			key = want[message.PropertyKeys] + " " + key
		}
		want[message.PropertyKeys] = key
	}
	return want
}
