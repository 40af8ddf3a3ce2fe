package producer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/vectors"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// kinds are the three ways to send, as one.
func kinds(tb testing.TB, p *Producer) map[string]sendFunc {
	return map[string]sendFunc{
		"sync": p.Send,
		"async": func(ctx context.Context, m *Message, opts ...SendOption) (SendResult, error) {
			return sendAsync(tb, p, ctx, m, opts...)
		},
		"oneway": p.SendOneway,
	}
}

// sendFunc is a way to send.
type sendFunc = func(context.Context, *Message, ...SendOption) (SendResult, error)

// read fetches what a result says was stored.
func read(t *testing.T, p *Producer, addr string, res *SendResult) message.Record {
	t.Helper()
	id, err := message.ParseOffsetID(res.OffsetID.String())
	if err != nil {
		t.Fatal(err)
	}
	reply, err := p.Admin().ask(t.Context(), addr, remoting.NewRequest(remoting.ViewMessageByID, remoting.Field{Key: "offset", Value: fmt.Sprint(id.Offset)}))
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := message.DecodeRecord(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMessagesArriveAsSent(t *testing.T) {
	c := embedded(t, broker.Options{})
	addr := c.Brokers()[0].Addr()
	for _, json := range []bool{false, true} {
		t.Run(fmt.Sprint("json=", json), func(t *testing.T) {
			p := started(t, Options{NameServers: []string{c.NameServer()}, JSON: json})
			sends := kinds(t, p)
			delete(sends, "oneway") // its result says nothing
			for kind, send := range sends {
				m := &Message{Topic: "T", Body: []byte("body \x00\x01\xff"), Tags: "tag", Keys: []string{"k1", "k2"}, Flag: 77, NoWaitStore: kind == "async", Stamped: true,
					Properties: message.Properties{{Key: "a", Value: "1"}, {Key: "ключ", Value: `"quoted" \ é 🚀`}}}
				before := *m
				res, err := send(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				r := read(t, p, addr, &res)
				if r.Topic != "T" || r.QueueID != res.QueueID || r.QueueOffset != res.QueueOffset || r.Flag != 77 || r.SysFlag.Compressed() || !bytes.Equal(r.Body, m.Body) {
					t.Errorf("%s: stored %+v", kind, r)
				}
				props := message.DecodeProperties(r.EncodedProperties).Map()
				for key, want := range map[string]string{"UNIQ_KEY": res.ID.String(), "WAIT": fmt.Sprint(kind != "async"), "KEYS": "k1 k2", "TAGS": "tag", "a": "1", "ключ": `"quoted" \ é 🚀`} {
					if props[key] != want {
						t.Errorf("%s: property %s is %q, want %q", kind, key, props[key], want)
					}
				}
				if res.Status != SendOK || res.Attempts != 1 || res.Ambiguous != 0 || res.Broker != "broker-0" || res.WireBytes != len(m.Body) {
					t.Errorf("%s: %+v", kind, res)
				}
				if st := res.Stamps; st.Encoded == 0 || st.WriteBegan < st.Encoded || st.WriteEnded < st.WriteBegan || st.ReplyRead < st.WriteEnded {
					t.Errorf("%s: stamps %+v", kind, st)
				}
				if !reflect.DeepEqual(*m, before) {
					t.Errorf("%s: the message was modified", kind)
				}
			}
		})
	}
}

// Offsets of each queue are dense, whoever sends.
func TestOffsetsAreDense(t *testing.T) {
	c := embedded(t, broker.Options{Brokers: 2})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	next := map[string]int64{}
	for i := range 200 {
		send := p.Send
		if i%2 == 1 {
			send = kinds(t, p)["async"]
		}
		res, err := send(t.Context(), text("TBW103", "x"))
		if err != nil {
			t.Fatal(err)
		}
		queue := fmt.Sprint(res.Broker, res.QueueID)
		if res.QueueOffset != next[queue] {
			t.Fatalf("%s: offset %d, want %d", queue, res.QueueOffset, next[queue])
		}
		next[queue]++
	}
}

func TestOneway(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}, CompressOver: none})
	for _, size := range []int{1, 100, 64 << 10} {
		res, err := p.SendOneway(t.Context(), &Message{Topic: "T", Body: make([]byte, size)})
		if err != nil {
			t.Fatal(err)
		}
		if res.Attempts != 1 || res.Broker != "broker-0" || res.OffsetID.String() != "" || res.Stamps.WriteEnded == 0 || res.Stamps.ReplyRead != 0 || res.ID.String() == "" {
			t.Errorf("%+v", res)
		}
	}
	soon(t, "three messages are stored", func() bool {
		var n int64
		for _, q := range c.Brokers()[0].Stored() {
			n += q.Max - q.Min
		}
		return n == 3
	})
}

func TestR37_Compression(t *testing.T) {
	c := embedded(t, broker.Options{})
	addr := c.Brokers()[0].Addr()
	noise := make([]byte, 5000)
	_, _ = rand.Read(noise) // never fails
	for name, tt := range map[string]struct {
		over   int
		body   []byte
		packed bool
	}{
		"at the default threshold":    {0, bytes.Repeat([]byte{'a'}, 4096), true},
		"below the default threshold": {0, bytes.Repeat([]byte{'a'}, 4095), false},
		"threshold of 256":            {256, bytes.Repeat([]byte{'a'}, 256), true},
		"below a threshold of 256":    {256, bytes.Repeat([]byte{'a'}, 255), false},
		"off":                         {none, bytes.Repeat([]byte{'a'}, 1<<20), false},
		"not smaller once compressed": {0, noise, false},
		"as large once compressed":    {1, []byte("a"), false},
		"large":                       {0, bytes.Repeat([]byte("abcdefgh"), 256<<10), true},
	} {
		t.Run(name, func(t *testing.T) {
			p := started(t, Options{NameServers: []string{c.NameServer()}, CompressOver: tt.over})
			for kind, send := range map[string]sendFunc{"sync": p.Send, "async": kinds(t, p)["async"]} {
				body := bytes.Clone(tt.body)
				res, err := send(t.Context(), &Message{Topic: "T", Body: body})
				if err != nil {
					t.Fatal(err)
				}
				r := read(t, p, addr, &res)
				if want := map[bool]message.SysFlag{true: 1}[tt.packed]; r.SysFlag&^(message.FlagBornHostV6|message.FlagStoreHostV6) != want {
					t.Errorf("%s: sysFlag %#x, want %#x", kind, r.SysFlag, want)
				}
				if res.WireBytes != len(r.Body) || tt.packed == bytes.Equal(r.Body, tt.body) {
					t.Errorf("%s: %d bytes on the wire, %d stored, of %d", kind, res.WireBytes, len(r.Body), len(tt.body))
				}
				got, err := message.AppendDecompressed(nil, r.Body, r.SysFlag, 8<<20)
				if err != nil || !bytes.Equal(got, tt.body) || !bytes.Equal(body, tt.body) {
					t.Errorf("%s: %v, %d bytes", kind, err, len(got))
				}
			}
		})
	}
}

// What no broker would take, or no properties string can hold, is refused before anything is sent.
func TestValidation(t *testing.T) {
	s := newStage(t, nil)
	p := s.producer(t, Options{MaxBody: 1000})
	one := []byte("x")
	for name, m := range map[string]*Message{
		"no body":            {Topic: "T"},
		"body too large":     {Topic: "T", Body: make([]byte, 1001)},
		"no topic":           {Body: one},
		"bad topic":          {Topic: "a topic", Body: one},
		"long topic":         {Topic: strings.Repeat("t", 128), Body: one},
		"forbidden topic":    {Topic: "SCHEDULE_TOPIC_XXXX", Body: one},
		"separator in tag":   {Topic: "T", Body: one, Tags: "a\x02b"},
		"separator in key":   {Topic: "T", Body: one, Keys: []string{"a\x01"}},
		"space in key":       {Topic: "T", Body: one, Keys: []string{"a", "b c"}},
		"empty key":          {Topic: "T", Body: one, Keys: []string{""}},
		"separator in name":  {Topic: "T", Body: one, Properties: message.Properties{{Key: "a\x01", Value: "b"}}},
		"separator in value": {Topic: "T", Body: one, Properties: message.Properties{{Key: "a", Value: "b\x02"}}},
		"no name":            {Topic: "T", Body: one, Properties: message.Properties{{Value: "b"}}},
		"no value":           {Topic: "T", Body: one, Properties: message.Properties{{Key: "a"}}},
		"the client's own":   {Topic: "T", Body: one, Properties: message.Properties{{Key: "UNIQ_KEY", Value: "b"}}},
		"too many":           {Topic: "T", Body: one, Properties: message.Properties{{Key: "a", Value: strings.Repeat("v", 32767)}}},
	} {
		for kind, send := range kinds(t, p) {
			res, err := send(t.Context(), m)
			if se := sendError(t, err); se.Attempts != 0 || se.Ambiguous || res.Attempts != 0 {
				t.Errorf("%s, %s: %+v", name, kind, se)
			}
		}
	}
	if err := p.SendAsync(t.Context(), text("T", "x"), nil); !errors.Is(err, ErrNoCallback) {
		t.Errorf("without a callback: %v", err)
	}
	if n := s.sends(); n != 0 {
		t.Errorf("%d were sent", n)
	}
	for _, size := range []int{1, 1000} {
		if _, err := p.Send(t.Context(), &Message{Topic: "T", Body: make([]byte, size)}); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// the default limit holds at the byte.
func TestR36_LargestBody(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}, CompressOver: none})
	for kind, send := range kinds(t, p) {
		if _, err := send(t.Context(), &Message{Topic: "T", Body: make([]byte, 4<<20)}); err != nil {
			t.Errorf("%s: 4 MiB: %v", kind, err)
		}
		_, err := send(t.Context(), &Message{Topic: "T", Body: make([]byte, 4<<20+1)})
		if be, ok := errors.AsType[*message.BodySizeError](err); !ok || be.Max != 4<<20 {
			t.Errorf("%s: a byte more: %v", kind, err)
		}
	}
}

// A frame that no connection takes fails once, whatever the retries.
func TestR36_FrameTooLarge(t *testing.T) {
	s := newStage(t, nil, nil)
	p := s.producer(t, Options{MaxBody: 32 << 20, CompressOver: none, SendTimeout: time.Minute})
	for kind, send := range kinds(t, p) {
		_, err := send(t.Context(), &Message{Topic: "T", Body: make([]byte, remoting.MaxFrame)})
		if se := sendError(t, err); !errors.Is(err, remoting.ErrFrameTooLarge) || se.Attempts != 1 || se.Ambiguous {
			t.Errorf("%s: %+v", kind, se)
		}
	}
}

// R-12 for sends: every sender gets the result of its own message.
func TestR12_ResultsAreOnesOwn(t *testing.T) {
	c := embedded(t, broker.Options{})
	addr := c.Brokers()[0].Addr()
	p := started(t, Options{NameServers: []string{c.NameServer()}, SendTimeout: time.Minute})
	type sent struct {
		body string
		res  SendResult
	}
	const workers, each = 32, 40
	all := make(chan sent, workers*each*2)
	for g := range workers {
		go func() {
			for i := range each {
				body := strings.Repeat("s", (g*i*61)%9000) + fmt.Sprint(g, ":", i)
				if res, err := p.Send(t.Context(), text("T", body)); err != nil {
					t.Error(err)
				} else {
					all <- sent{body, res}
				}
				async := "async " + body
				err := p.SendAsync(t.Context(), text("T", async), func(res SendResult, err error) {
					if err != nil {
						t.Error(err)
					}
					all <- sent{async, res}
				})
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for range workers * each * 2 {
		select {
		case s := <-all:
			r := read(t, p, addr, &s.res)
			got, err := message.AppendDecompressed(nil, r.Body, r.SysFlag, 1<<20)
			if id, _ := message.LookupProperty(r.EncodedProperties, message.PropertyUniqueKey); err != nil || string(got) != s.body || string(id) != s.res.ID.String() {
				t.Fatalf("%.40q was stored as %.40q (%v)", s.body, got, err)
			}
		case <-time.After(time.Minute):
			t.Fatal("results are missing")
		}
	}
}

// Each compression is written with its bits, and read back as Java's consumer does; what Java compressed at a level, ours
// compresses at that level too.
func TestCompressTypes(t *testing.T) {
	c := embedded(t, broker.Options{})
	addr := c.Brokers()[0].Addr()
	for _, tt := range vectors.Load[struct {
		Name, Kind  string
		Level       int
		SysFlag     message.SysFlag
		ExpectedHex vectors.Hex
	}](t, "compress.json") {
		if len(tt.ExpectedHex) < 64 {
			continue // too small to become smaller
		}
		t.Run(tt.Name, func(t *testing.T) {
			o := Options{NameServers: []string{c.NameServer()}, CompressOver: 1, CompressLevel: tt.Level}
			if tt.Kind != "zlib-legacy" {
				var err error
				if o.CompressType, err = tt.SysFlag.CompressionType(); err != nil {
					t.Fatal(err)
				}
			}
			p := started(t, o)
			res, err := p.Send(t.Context(), &Message{Topic: "T", Body: tt.ExpectedHex})
			if err != nil {
				t.Fatal(err)
			}
			r := read(t, p, addr, &res)
			if res.WireBytes == len(tt.ExpectedHex) { // not smaller
				if r.SysFlag != 0 || !bytes.Equal(r.Body, tt.ExpectedHex) {
					t.Errorf("stored as %d bytes with sysFlag %#x", len(r.Body), r.SysFlag)
				}
				return
			}
			got, err := message.AppendDecompressed(nil, r.Body, r.SysFlag, len(tt.ExpectedHex))
			if err != nil || !bytes.Equal(got, tt.ExpectedHex) || r.SysFlag != tt.SysFlag || len(r.Body) >= len(tt.ExpectedHex) {
				t.Errorf("stored as %d bytes with sysFlag %#x, Java's %#x; %v", len(r.Body), r.SysFlag, tt.SysFlag, err)
			}
		})
	}
	p := started(t, Options{NameServers: []string{c.NameServer()}, CompressOver: 1, CompressType: 7})
	if _, err := p.Send(t.Context(), text("T", "x")); !is[message.UnknownCompressionError](err) {
		t.Errorf("unknown type: %v", err)
	}
}

// What a message can say beside its body arrives in the properties that Java's setters write.
func TestMessageFields(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123)
	for name, tt := range map[string]struct {
		m    Message
		want map[string]string
	}{
		"nothing":         {Message{}, map[string]string{}},
		"level":           {Message{DelayLevel: 18}, map[string]string{"DELAY": "18"}},
		"at":              {Message{DeliverAt: at}, map[string]string{"TIMER_DELIVER_MS": "1700000000123"}},
		"in whole s":      {Message{DelayFor: 90 * time.Second}, map[string]string{"TIMER_DELAY_SEC": "90"}},
		"in ms":           {Message{DelayFor: 1500 * time.Millisecond}, map[string]string{"TIMER_DELAY_MS": "1500"}},
		"sharding, buyer": {Message{ShardingKey: "key", BuyerID: "b"}, map[string]string{"__SHARDINGKEY": "key", "BUYER_ID": "b"}},
		"priority":        {Message{Properties: message.Properties{{Key: message.PropertyPriority, Value: "3"}}}, map[string]string{"_SYS_MSG_PRIORITY_": "3"}},
	} {
		tt.m.Body = []byte("x")
		if err := tt.m.check(0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tt.want["WAIT"] = "true"
		if got := message.DecodeProperties(tt.m.appendProperties(nil, message.UniqueID{}, nil)).Map(); !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	for want, m := range map[error]Message{
		ErrDelayTwice: {DelayLevel: 1, DelayFor: time.Second},
		ErrDelayLevel: {DelayLevel: 19},
		ErrDelayFor:   {DelayFor: time.Millisecond - 1},
	} {
		m.Body = []byte("x")
		if err := m.check(0); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	for _, m := range []Message{{DelayLevel: -1}, {DelayFor: -time.Second}, {ShardingKey: "a\x01"}, {BuyerID: "\x02"}, {DeliverAt: at, DelayLevel: 1}} {
		m.Body = []byte("x")
		if err := m.check(0); err == nil {
			t.Errorf("%+v is taken", m)
		}
	}
}
