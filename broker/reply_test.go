package broker

import (
	"maps"
	"net"
	"testing"
	"time"

	"rmqbench/internal/vectors"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// write sends a command over a plain connection.
func write(t testing.TB, nc net.Conn, c *remoting.Command) {
	t.Helper()
	frame, err := c.AppendFrame(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Write(frame); err != nil {
		t.Fatal(err)
	}
}

// beat makes the other end of a plain connection know a producer of some groups.
func beat(t testing.TB, nc net.Conn, id string, groups ...string) {
	t.Helper()
	c := remoting.NewRequest(remoting.HeartBeat)
	c.Body = (&message.Heartbeat{ClientID: id, Producers: groups}).AppendJSON(nil)
	write(t, nc, c)
	if a := readFrame(t, nc); a.Response() != remoting.Success {
		t.Fatalf("heartbeat: %v %s", a.Response(), a.Remark)
	}
}

func replyCommand(props string) *remoting.Command {
	c := sendCommand("DefaultCluster_REPLY_TOPIC", 0, "the reply", props)
	c.Code = int32(remoting.SendReplyMessageV2)
	return c
}

func TestReplyGoesToWhoAsked(t *testing.T) {
	for name, fault := range map[string]func(*Broker){"at once": func(*Broker) {}, "delayed": func(b *Broker) { b.Delay(20 * time.Millisecond) }} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Options{})
			b := r.broker()
			asker, replier := dial(t, b.Addr()), dial(t, b.Addr())
			beat(t, asker, "asker@1", "g")
			fault(b)
			req := replyCommand("UNIQ_KEY\x01U\x02CORRELATION_ID\x01c-1\x02REPLY_TO_CLIENT\x01asker@1\x02MSG_TYPE\x01reply\x02")
			write(t, replier, req)
			push := readFrame(t, asker)
			props := message.DecodeProperties(first(push.Get("properties"))).Map()
			if props["PUSH_REPLY_TIME"] == "" {
				t.Error("no PUSH_REPLY_TIME")
			}
			delete(props, "PUSH_REPLY_TIME")
			want := map[string]string{"UNIQ_KEY": "U", "CORRELATION_ID": "c-1", "REPLY_TO_CLIENT": "asker@1", "MSG_TYPE": "reply", "MSG_REGION": region, "TRACE_ON": "true"}
			if push.Request() != remoting.PushReplyMessageToClient || push.Flag != 0 || string(push.Body) != "the reply" || !maps.Equal(props, want) {
				t.Fatalf("pushed %+v, properties %q", push, props)
			}
			if born, _ := push.Get("bornHost"); born != replier.LocalAddr().String() {
				t.Errorf("born at %s, the replier is %v", born, replier.LocalAddr())
			}
			write(t, asker, &remoting.Command{Code: int32(remoting.Success), Flag: remoting.FlagResponse, Opaque: push.Opaque})
			a := readFrame(t, replier)
			if a.Response() != remoting.Success || a.Opaque != req.Opaque || a.Remark != "" || number(t, a, "queueOffset") != 0 {
				t.Errorf("answered %+v", a)
			}
			if rec, props := b.newest(t, "DefaultCluster_REPLY_TOPIC", 0); string(rec.Body) != "the reply" || rec.OffsetID().String() != first(a.Get("msgId")) || !maps.Equal(props, want) {
				t.Errorf("stored %+v, %q", rec, props)
			}
		})
	}
}

func first(s string, _ bool) string { return s }

func TestReplyThatNobodyTakes(t *testing.T) {
	r := start(t, Options{MaxMessageSize: 100})
	b := r.broker()
	asker, replier := dial(t, b.Addr()), dial(t, b.Addr())
	beat(t, asker, "asker@1", "g")

	write(t, replier, replyCommand("CORRELATION_ID\x01c\x02"))
	if a := readFrame(t, replier); a.Response() != remoting.SystemError || a.Remark != "reply message properties[REPLY_TO_CLIENT] is null" || first(a.Get("msgId")) == "" {
		t.Errorf("without an asker: %+v", a)
	}
	write(t, replier, replyCommand("REPLY_TO_CLIENT\x01stranger\x02"))
	if a := readFrame(t, replier); a.Response() != remoting.SystemError || a.Remark != "push reply message fail, channel of <stranger> not found." {
		t.Errorf("to a stranger: %+v", a)
	}
	write(t, replier, set(replyCommand("REPLY_TO_CLIENT\x01asker@1\x02"), "b", "a b"))
	if a := readFrame(t, replier); a.Response() != remoting.InvalidParameter {
		t.Errorf("to no topic: %+v", a)
	}
	write(t, replier, set(replyCommand("REPLY_TO_CLIENT\x01asker@1\x02"), "e", "x"))
	if a := readFrame(t, replier); a.Response() != remoting.SystemError {
		t.Errorf("to no queue: %+v", a)
	}

	large := replyCommand("REPLY_TO_CLIENT\x01asker@1\x02")
	large.Body = make([]byte, 101)
	write(t, replier, large)
	push := readFrame(t, asker)
	write(t, asker, &remoting.Command{Code: int32(remoting.Success), Flag: remoting.FlagResponse, Opaque: push.Opaque})
	if a := readFrame(t, replier); a.Response() != remoting.Success || first(a.Get("msgId")) != "0" || len(push.Body) != 101 {
		t.Errorf("too large to be kept: %+v", a)
	}

	write(t, replier, replyCommand("REPLY_TO_CLIENT\x01asker@1\x02"))
	push = readFrame(t, asker)
	write(t, asker, &remoting.Command{Code: int32(remoting.SystemError), Flag: remoting.FlagResponse, Opaque: push.Opaque})
	if a := readFrame(t, replier); a.Response() != remoting.SystemError || a.Remark != "push reply message to asker@1fail." {
		t.Errorf("refused: %+v", a)
	}
	write(t, replier, replyCommand("REPLY_TO_CLIENT\x01asker@1\x02"))
	readFrame(t, asker)
	asker.Close()
	if a := readFrame(t, replier); a.Response() != remoting.SystemError || a.Remark != "push reply message to asker@1fail." {
		t.Errorf("asker gone: %+v", a)
	}
}

// A client may ask and reply over one connection.
func TestReplyToItself(t *testing.T) {
	r := start(t, Options{})
	nc := dial(t, r.broker().Addr())
	beat(t, nc, "me", "g")
	req := replyCommand("REPLY_TO_CLIENT\x01me\x02")
	req.Opaque = 77
	write(t, nc, req)
	push := readFrame(t, nc)
	if push.Request() != remoting.PushReplyMessageToClient || push.Flag&remoting.FlagResponse != 0 {
		t.Fatalf("got %+v", push)
	}
	write(t, nc, &remoting.Command{Code: int32(remoting.Success), Flag: remoting.FlagResponse, Opaque: push.Opaque})
	if a := readFrame(t, nc); a.Opaque != 77 || a.Response() != remoting.Success {
		t.Errorf("got %+v", a)
	}
}

// What a real broker pushes has the fields that ours does.
func TestVectorLivePushes(t *testing.T) {
	r := start(t, Options{CheckInterval: 10 * time.Millisecond, CheckAfter: time.Millisecond})
	nc := dial(t, r.broker().Addr())
	beat(t, nc, "me", "g")
	write(t, nc, replyCommand("REPLY_TO_CLIENT\x01me\x02"))
	ours := map[remoting.RequestCode]*remoting.Command{remoting.PushReplyMessageToClient: readFrame(t, nc)}
	write(t, nc, halfCommand("T", 0, "x", "g"))
	for ours[remoting.CheckTransactionState] == nil {
		if c := readFrame(t, nc); c.Flag&remoting.FlagResponse == 0 {
			ours[c.Request()] = c
		}
	}
	n := 0
	for _, e := range vectors.Load[exchange](t, "live.json") {
		if e.Kind != "push" {
			continue
		}
		want, err := remoting.Decode(e.RequestHex)
		if err != nil {
			t.Fatal(err)
		}
		n++
		got := ours[want.Request()]
		if !maps.Equal(fieldSet(got), fieldSet(want)) || got.Flag != want.Flag || got.Serialize != want.Serialize {
			t.Errorf("%s: ours %+v, theirs %+v", e.Name, got, want)
		}
		if want.Request() != remoting.CheckTransactionState {
			continue
		}
		g, _, err := message.DecodeRecord(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		w, _, err := message.DecodeRecord(want.Body)
		if err != nil {
			t.Fatal(err)
		}
		gp, wp := message.DecodeProperties(g.EncodedProperties).Map(), message.DecodeProperties(w.EncodedProperties).Map()
		for _, m := range []map[string]string{gp, wp} {
			for k, v := range m {
				if k != "WAIT" && k != "TRAN_MSG" {
					m[k] = v[:0]
				}
			}
			delete(m, "KEYS") // only theirs has some
		}
		if !maps.Equal(gp, wp) || g.SysFlag != w.SysFlag || g.Topic == message.HalfTopic || g.BodyCRC != message.BodyCRC(g.Body) {
			t.Errorf("%s: ours %+v %v, theirs %+v %v", e.Name, g, gp, w, wp)
		}
	}
	if n == 0 {
		t.Error("live.json holds no push")
	}
}

func fieldSet(c *remoting.Command) map[string]bool {
	m := map[string]bool{}
	for _, f := range c.Ext {
		m[f.Key] = true
	}
	return m
}
