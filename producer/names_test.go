package producer

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/vectors"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func TestVectorMisc(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Kind, Expected             string
		Addr                             string
		ClientIP, InstanceName, UnitName string
		Stream                           bool

		Topic, Tags, Keys    string
		Flag                 int32
		WaitStoreMsgOK       bool
		DelayLevel, DelaySec int
		DeliverMS            int64
		ExpectedProperties   map[string]string
	}](t, "misc.json") {
		t.Run(tt.Name, func(t *testing.T) {
			switch tt.Kind {
			case "vip":
				if got := vipAddr(tt.Addr); got != tt.Expected {
					t.Errorf("%s, want %s", got, tt.Expected)
				}
			case "clientid":
				if tt.Stream {
					t.Skip("a stream client is a proxy's, no producer's")
				}
				o := Options{ClientIP: tt.ClientIP, InstanceName: tt.InstanceName, UnitName: tt.UnitName}
				if got := o.clientID(); got != tt.Expected { // before the defaults, as Java's before start
					t.Errorf("%s, want %s", got, tt.Expected)
				}
			case "message":
				m := &Message{Topic: tt.Topic, Body: []byte("x"), Tags: tt.Tags, Keys: strings.Fields(tt.Keys), Flag: tt.Flag, NoWaitStore: !tt.WaitStoreMsgOK,
					DelayLevel: tt.DelayLevel, DelayFor: time.Duration(tt.DelaySec) * time.Second, Properties: message.Properties{{Key: "u", Value: "v"}}}
				if tt.DeliverMS != 0 {
					m.DeliverAt = time.UnixMilli(tt.DeliverMS)
				}
				if err := m.check(0); err != nil {
					t.Fatal(err)
				}
				got := message.DecodeProperties(m.appendProperties(nil, message.UniqueID{}, nil))
				got.Delete(message.PropertyUniqueKey) // set when it is sent
				if !maps.Equal(got.Map(), tt.ExpectedProperties) {
					t.Errorf("%v, want %v", got.Map(), tt.ExpectedProperties)
				}
			default:
				t.Skip("is message's")
			}
		})
	}
}

// What a producer checks of names is what Java's does.
func TestVectorValidation(t *testing.T) {
	s := newStage(t, nil)
	p := s.producer(t, Options{})
	for _, tt := range vectors.Load[struct {
		Name, Kind, Value      string
		ClientSendOK, ClientOK bool
	}](t, "validation.json") {
		t.Run(tt.Name, func(t *testing.T) {
			if tt.Kind == "group" {
				p := New(Options{NameServers: []string{s.names.addr()}, Group: tt.Value, InstanceName: t.Name()})
				err := p.Start()
				if (err == nil) != tt.ClientOK {
					t.Errorf("group %q: %v, Java ok: %v", tt.Value, err, tt.ClientOK)
				}
				_ = p.Shutdown()
				return
			}
			_, err := p.outlet(p.instance, tt.Value)
			if is[*message.NameError](err) == tt.ClientSendOK {
				t.Errorf("topic %q: %v, Java ok: %v", tt.Value, err, tt.ClientSendOK)
			}
		})
	}
}

// A namespace of the first kind goes around topic and group wherever brokers see them, and nowhere else.
func TestNamespace(t *testing.T) {
	c := embedded(t, broker.Options{})
	w := &witness{}
	p := started(t, Options{NameServers: []string{c.NameServer()}, Namespace: "ns", SendHooks: []SendHook{w}})
	if _, err := p.Prepare(t.Context(), "T"); err != nil {
		t.Fatal(err)
	}
	res, err := p.Send(t.Context(), text("T", "x"), By(SelectorFunc(func(queues []MessageQueue, _ *Message, _ any) (int, error) {
		if queues[0].Topic != "T" {
			t.Errorf("selector is shown %v", queues[0])
		}
		return 0, nil
	}), nil))
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, p, c.Brokers()[0].Addr(), &res)
	if id, _ := message.LookupProperty(r.EncodedProperties, message.PropertyInstanceID); r.Topic != "ns%T" || string(id) != "ns" {
		t.Errorf("stored in %s with instance %q", r.Topic, id)
	}
	if c := w.ended[0]; c.Group != "ns%group" || c.Namespace != "ns" || c.Queue.Topic != "T" {
		t.Errorf("hooks are shown %+v", c)
	}
	if _, err := p.Send(t.Context(), text("ns%T", "x")); err != nil { // is in it already
		t.Error(err)
	}
}

// One of the second kind goes into every request.
func TestNamespaceV2(t *testing.T) {
	s := newStage(t, func(n int64, r *remoting.Request) {
		ns, _ := r.Head.Get("ns")
		nsd, _ := r.Head.Get("nsd")
		if string(ns) != "space" || string(nsd) != "true" {
			_ = r.Answer(answer(remoting.SystemError, fmt.Sprintf("ns %q, nsd %q", ns, nsd)))
			return
		}
		stored(remoting.Success)(n, r)
	})
	for _, json := range []bool{false, true} {
		p := s.producer(t, Options{NamespaceV2: "space", JSON: json, InstanceName: fmt.Sprint(t.Name(), json)})
		if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
			t.Error(err)
		}
	}
}

func TestVIPChannel(t *testing.T) {
	s := newStage(t, nil)
	host, port, _ := strings.Cut(s.brokers[0].Addr().String(), ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	s.names.set("T", readWrite, 2, fmt.Sprintf("b0=%s:%d", host, n+2)) // nobody listens there but for the VIP channel
	p := s.producer(t, Options{VIPChannel: true})
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil || s.sends() != 1 {
		t.Errorf("%v, %d sends", err, s.sends())
	}
}

// Unit mode goes into the header, unit and instance name into the client id.
func TestUnit(t *testing.T) {
	s := newStage(t, func(n int64, r *remoting.Request) {
		var v remoting.SendView
		if err := v.Parse(&r.Head); err != nil || !v.UnitMode {
			_ = r.Answer(answer(remoting.SystemError, fmt.Sprintf("%v, %+v", err, v)))
			return
		}
		stored(remoting.Success)(n, r)
	})
	p := s.producer(t, Options{UnitMode: true, UnitName: "u", InstanceName: "i", ClientIP: "10.0.0.1"})
	if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
		t.Error(err)
	}
	if id := p.instance.id; id != "10.0.0.1@i@u" {
		t.Error(id)
	}
}
