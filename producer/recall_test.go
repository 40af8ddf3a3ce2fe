package producer

import (
	"errors"
	"maps"
	"testing"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func TestRecall(t *testing.T) {
	k := newTalker(t)
	p := k.producer(t, Options{Group: "group"})
	handle := message.RecallHandle{Topic: "T", Broker: "b0", Time: "1", UniqueID: "ID"}
	k.on(func() {
		k.answer = func(_ int64, r *remoting.Request) { // the broker's handle comes with the answer to a timer message
			_ = r.Reply(&remoting.SendReply{Serialize: r.Head.Serialize, Language: remoting.Go, Version: remoting.Version451,
				MsgID: []byte("7F00000100002A9F0000000000000000"), RecallHandle: []byte(handle.String()), Region: defaultRegion}, nil)
		}
		k.other = func(r *remoting.Request) *remoting.Command {
			a := answer(remoting.Success, "")
			a.Ext = []remoting.Field{{Key: "msgId", Value: "ID"}}
			return a
		}
	})
	res, err := p.Send(t.Context(), &Message{Topic: "T", Body: []byte("x"), DelayFor: 3600e9})
	if err != nil || res.RecallHandle != handle.String() {
		t.Fatalf("%+v %v", res, err)
	}
	id, err := p.Recall(t.Context(), "T", res.RecallHandle)
	if err != nil || id != "ID" {
		t.Errorf("%q %v", id, err)
	}
	m := k.hear(t)
	if want := map[string]string{"producerGroup": "group", "topic": "T", "recallHandle": res.RecallHandle, "bname": "b0"}; m.code != remoting.RecallMessage || !maps.Equal(m.ext, want) {
		t.Errorf("%s %v", m.code, m.ext)
	}
	handle.Broker = "elsewhere" // in no route: as behind a proxy, a broker of the topic is asked
	if _, err := p.Recall(t.Context(), "T", handle.String()); err != nil || k.hear(t).ext["bname"] != "elsewhere" {
		t.Errorf("by another broker's handle: %v", err)
	}

	k.on(func() {
		k.other = func(*remoting.Request) *remoting.Command {
			return answer(remoting.NoPermission, "recall failed, operation is forbidden")
		}
	})
	_, err = p.Recall(t.Context(), "T", handle.String())
	if be, ok := errors.AsType[*remoting.BrokerError](err); !ok || be.Code != remoting.NoPermission {
		t.Errorf("refused: %v", err)
	}
	_, err = p.Recall(t.Context(), "T", "?")
	if _, ok := errors.AsType[*message.IDError](err); !ok {
		t.Errorf("no handle: %v", err)
	}
	for _, topic := range []string{"", "%RETRY%T", "%DLQ%T"} {
		_, err = p.Recall(t.Context(), topic, handle.String())
		if _, ok := errors.AsType[*message.NameError](err); !ok {
			t.Errorf("from %q: %v", topic, err)
		}
	}
	_, err = New(Options{}).Recall(t.Context(), "T", handle.String())
	if _, ok := errors.AsType[*StateError](err); !ok {
		t.Errorf("before start: %v", err)
	}
}
