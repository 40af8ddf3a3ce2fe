package broker

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// set changes an ext field of a command.
func set(c *remoting.Command, key, value string) *remoting.Command {
	for i := range c.Ext {
		if c.Ext[i].Key == key {
			c.Ext[i].Value = value
			return c
		}
	}
	c.Ext = append(c.Ext, remoting.Field{Key: key, Value: value})
	return c
}

// pulled is the newest record of a queue.
func (r *rig) pulled(topic string, queue int) message.Record {
	r.t.Helper()
	a := r.want(remoting.Success, r.broker().Addr(), pullCommand(topic, int64(queue), r.offset(remoting.GetMaxOffset, topic, queue)-1, 1))
	rec, _, err := message.DecodeRecord(a.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return rec
}

func TestSendCreatesTheTopicAndStores(t *testing.T) {
	r := start(t, Options{})
	route := remoting.NewRequest(remoting.GetRouteInfoByTopic, remoting.Field{Key: "topic", Value: "T"})
	r.want(remoting.TopicNotExist, r.NameServer(), route)
	for i := range int64(3) {
		a := r.send("T", 1, "hello")
		if got := number(t, a, "queueOffset"); got != i {
			t.Errorf("queueOffset %d, want %d", got, i)
		}
		if id, _ := a.Get("transactionId"); id != "0123456789ABCDEF0123456789ABCDEF" {
			t.Errorf("transactionId %q", id)
		}
	}
	parsed, err := message.ParseRoute(r.want(remoting.Success, r.NameServer(), route).Body)
	if err != nil {
		t.Fatal(err)
	}
	if queues, _ := parsed.PublishQueues(); len(queues) != 4 || parsed.MasterAddr("broker-0") != r.broker().Addr() {
		t.Errorf("route %+v", parsed)
	}
	if low, high := r.offset(remoting.GetMinOffset, "T", 1), r.offset(remoting.GetMaxOffset, "T", 1); low != 0 || high != 3 {
		t.Errorf("offsets %d to %d, want 0 to 3", low, high)
	}
}

func TestSendStoresWhatABrokerStores(t *testing.T) {
	r := start(t, Options{})
	addr := r.broker().Addr()
	r.want(remoting.Success, addr, set(sendCommand("T", 2, "body", "UNIQ_KEY\x01U\x02TAGS\x01a\x02POP_CK\x01x\x02__RMQ.TRANSIENT.k\x01v\x02WAIT\x01true"), "h", "77"))
	rec := r.pulled("T", 2)
	want := map[string]string{"UNIQ_KEY": "U", "TAGS": "a", "WAIT": "true", "MSG_REGION": "DefaultRegion", "TRACE_ON": "true", "CLUSTER": "DefaultCluster"}
	if got := message.DecodeProperties(rec.EncodedProperties).Map(); !maps.Equal(got, want) {
		t.Errorf("properties %q, want %q", got, want)
	}
	if rec.Flag != 77 || string(rec.Body) != "body" || rec.BornTime != 1700000000000 || rec.StoreHost.String() != addr || !rec.BornHost.Addr().IsLoopback() {
		t.Errorf("stored %+v", rec)
	}

	a := r.want(remoting.Success, addr, sendCommand("T", 2, "body", ""))
	id, _ := a.Get("transactionId")
	if _, err := message.ParseUniqueID(id); err != nil {
		t.Errorf("an id was made, but %v", err)
	}
	rec = r.pulled("T", 2)
	if stored, _ := message.LookupProperty(rec.EncodedProperties, message.PropertyUniqueKey); string(stored) != id {
		t.Errorf("stored id %q, answered %q", stored, id)
	}

	for level, queue := range map[string]int{"1": 0, "3": 2, "18": 17, "99": 17} {
		a = r.want(remoting.Success, addr, sendCommand("T", 2, "late", "UNIQ_KEY\x01U\x02DELAY\x01"+level+"\x02"))
		if number(t, a, "queueId") != 2 {
			t.Errorf("answer %v", a.Ext)
		}
		rec = r.pulled(message.ScheduleTopic, queue)
		props := message.DecodeProperties(rec.EncodedProperties).Map()
		if rec.Topic != message.ScheduleTopic || props["REAL_TOPIC"] != "T" || props["REAL_QID"] != "2" {
			t.Errorf("delayed %+v %q", rec, props)
		}
	}
	if n := r.offset(remoting.GetMaxOffset, "T", 2); n != 2 {
		t.Errorf("%d messages in the topic itself, want 2", n)
	}
}

func TestSendRefusals(t *testing.T) {
	r := start(t, Options{MaxMessageSize: 1000})
	r.send("T", 0, "made")
	unknownDefault := func(c *remoting.Command) *remoting.Command { return set(c, "c", "NoSuch") }
	for name, tt := range map[string]struct {
		send *remoting.Command
		want remoting.Code
	}{
		"illegal name":          {sendCommand("a b", 0, "x", ""), remoting.InvalidParameter},
		"blank name":            {sendCommand("", 0, "x", ""), remoting.InvalidParameter},
		"long name":             {sendCommand(strings.Repeat("x", 128), 0, "x", ""), remoting.InvalidParameter},
		"forbidden topic":       {sendCommand(message.ScheduleTopic, 0, "x", ""), remoting.NoPermission},
		"no default topic":      {unknownDefault(sendCommand("New", 0, "x", "")), remoting.TopicNotExist},
		"default without X":     {set(sendCommand("New", 0, "x", ""), "c", "T"), remoting.TopicNotExist},
		"queue out of range":    {sendCommand("T", 4, "x", ""), remoting.InvalidParameter},
		"body too large":        {sendCommand("T", 0, strings.Repeat("x", 1001), ""), remoting.MessageIllegal},
		"properties too large":  {sendCommand("T", 0, "x", "k\x01"+strings.Repeat("x", 32767)+"\x02"), remoting.MessageIllegal},
		"queue before its size": {sendCommand("T", 4, strings.Repeat("x", 1001), ""), remoting.InvalidParameter},
		"not a number":          {set(sendCommand("T", 0, "x", ""), "e", "one"), remoting.SystemError},
		"timer of no number":    {sendCommand("T", 0, "x", "TIMER_DELAY_SEC\x01soon\x02"), remoting.MessageIllegal},
		"batch of half ones":    {set(set(sendCommand("T", 0, "x", ""), "m", "true"), "f", "4"), remoting.MessageIllegal},
		"batch with a delay":    {set(sendCommand("T", 0, "x", "DELAY\x013\x02"), "m", "true"), remoting.MessageIllegal},
		"batch of rubbish":      {set(sendCommand("T", 0, "rubbish", ""), "m", "true"), remoting.SystemError},
		"batch of none":         {set(sendCommand("T", 0, "", ""), "m", "true"), remoting.SystemError},
		"batch to retry":        {set(sendCommand("%RETRY%g", 0, "x", ""), "m", "true"), remoting.MessageIllegal},
	} {
		t.Run(name, func(t *testing.T) {
			if a := r.ask(r.broker().Addr(), tt.send); a.Response() != tt.want || a.Remark == "" {
				t.Errorf("%v %q, want %v", a.Response(), a.Remark, tt.want)
			}
		})
	}
	if n := r.offset(remoting.GetMaxOffset, "T", 0); n != 1 {
		t.Errorf("%d messages stored, want 1", n)
	}
	r.want(remoting.Success, r.broker().Addr(), sendCommand("T", 0, strings.Repeat("x", 1000), "")) // the limit itself
	r.want(remoting.Success, r.broker().Addr(), sendCommand("T", -1, "x", ""))                      // the broker picks
}

func TestNoAutoCreate(t *testing.T) {
	r := start(t, Options{NoAutoCreate: true})
	r.want(remoting.TopicNotExist, r.broker().Addr(), sendCommand("T", 0, "x", ""))
	r.want(remoting.TopicNotExist, r.NameServer(), remoting.NewRequest(remoting.GetRouteInfoByTopic, remoting.Field{Key: "topic", Value: "TBW102"}))
	r.want(remoting.Success, r.broker().Addr(), remoting.NewRequest(remoting.UpdateAndCreateTopic, remoting.Field{Key: "topic", Value: "T"},
		longField("readQueueNums", 2), longField("writeQueueNums", 2), longField("perm", 6)))
	r.want(remoting.Success, r.broker().Addr(), sendCommand("T", 1, "x", ""))
}

func TestBatchIsStoredMessageByMessage(t *testing.T) {
	r := start(t, Options{})
	r.send("T", 0, "before")
	var body []byte
	for i := range 5 {
		body, _ = message.AppendBatchMessage(body, message.BatchMessage{Flag: int32(i), Body: fmt.Appendf(nil, "m%d", i), EncodedProperties: fmt.Appendf(nil, "UNIQ_KEY\x01U%d\x02", i)})
	}
	for _, code := range []remoting.RequestCode{remoting.SendBatchMessage, remoting.SendMessageV2} { // routed on m, not on the code
		c := set(sendCommand("T", 0, string(body), ""), "m", "true")
		c.Code = int32(code)
		before := r.offset(remoting.GetMaxOffset, "T", 0)
		a := r.want(remoting.Success, r.broker().Addr(), c)
		ids, _ := a.Get("msgId")
		if _, there := a.Get("transactionId"); there || number(t, a, "queueOffset") != before || len(strings.Split(ids, ",")) != 5 {
			t.Errorf("answer %v", a.Ext)
		}
		n := 0
		for rec := range message.Records(r.want(remoting.Success, r.broker().Addr(), pullCommand("T", 0, before, 32)).Body) {
			if rec.QueueOffset != before+int64(n) || string(rec.Body) != fmt.Sprint("m", n) || rec.Flag != int32(n) || rec.OffsetID().String() != strings.Split(ids, ",")[n] {
				t.Errorf("record %+v", rec)
			}
			n++
		}
		if n != 5 {
			t.Errorf("%d records, want 5", n)
		}
	}
}

// Every acknowledged message is stored exactly once, at the offset that the answer says, and offsets are dense.
func TestConcurrentSenders(t *testing.T) {
	r := start(t, Options{})
	const senders, each, queues = 64, 50, 4
	var mu sync.Mutex
	acknowledged := map[string]string{} // body by queue/offset
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			nc := dial(t, r.broker().Addr())
			for i := range each {
				body := fmt.Sprintf("%d-%d", s, i)
				c := sendCommand("T", (s+i)%queues, body, "UNIQ_KEY\x01U\x02")
				if s%2 == 0 {
					c.Serialize = remoting.JSON
				}
				frame, _ := c.AppendFrame(nil)
				if _, err := nc.Write(frame); err != nil {
					t.Error(err)
					return
				}
				a := readFrame(t, nc)
				if a.Response() != remoting.Success || a.Serialize != c.Serialize {
					t.Errorf("%+v", a)
					return
				}
				queue, _ := a.Get("queueId")
				offset, _ := a.Get("queueOffset")
				mu.Lock()
				acknowledged[queue+"/"+offset] = body
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(acknowledged) != senders*each {
		t.Fatalf("%d different offsets acknowledged, want %d", len(acknowledged), senders*each)
	}
	stored := 0
	for q := range queues {
		for from, high := int64(0), r.offset(remoting.GetMaxOffset, "T", q); from < high; {
			for rec := range message.Records(r.want(remoting.Success, r.broker().Addr(), pullCommand("T", int64(q), from, 1000)).Body) {
				if want := acknowledged[fmt.Sprintf("%d/%d", q, from)]; rec.QueueOffset != from || string(rec.Body) != want {
					t.Fatalf("queue %d offset %d: %+v, want %q", q, from, rec, want)
				}
				from++
				stored++
			}
		}
	}
	if stored != senders*each {
		t.Errorf("%d messages stored, want %d", stored, senders*each)
	}
}

func TestLargeMessages(t *testing.T) {
	r := start(t, Options{})
	body := bytes.Repeat([]byte("4MiB"), 1<<20)
	r.want(remoting.Success, r.broker().Addr(), sendCommand("T", 0, string(body), ""))
	if rec := r.pulled("T", 0); !bytes.Equal(rec.Body, body) {
		t.Error("the body came back changed")
	}
	r.want(remoting.MessageIllegal, r.broker().Addr(), sendCommand("T", 0, string(body)+"x", ""))
}
