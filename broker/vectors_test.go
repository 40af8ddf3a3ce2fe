package broker

import (
	"encoding/binary"
	"io"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/vectors"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// exchange is a request that a real name server or broker (5.4.0) was sent, and its answer.
type exchange struct {
	Name, Kind, What, To    string
	RequestHex, ResponseHex vectors.Hex
}

// ours makes a recorded request one about this run: what lies where, and until when.
type ours struct {
	half *remoting.Command // the newest half message's answer
}

func (o *ours) adapt(t *testing.T, req *remoting.Command) (changed bool) {
	t.Helper()
	if _, ok := req.Get("endTimestamp"); ok {
		set(req, "endTimestamp", decimal(time.Now().Add(time.Minute).UnixMilli())) // a minute after that run: before ours
		return true
	}
	if text, ok := req.Get("recallHandle"); ok {
		h, err := message.ParseRecallHandle(text)
		if err != nil {
			t.Fatal(err)
		}
		h.Time = decimal(time.Now().Add(time.Minute).UnixMilli())
		set(req, "recallHandle", h.String())
		return true
	}
	if verdict, _ := req.Get("commitOrRollback"); req.Request() == remoting.EndTransaction && verdict != "0" {
		id, err := message.ParseOffsetID(first(o.half.Get("msgId")))
		if err != nil {
			t.Fatal(err)
		}
		set(set(req, "commitLogOffset", decimal(id.Offset)), "tranStateTableOffset", first(o.half.Get("queueOffset")))
		return true
	}
	return false
}

// ownWords tells whether a remark is Java's text about itself, which we replace by one of ours.
func ownWords(remark string) bool {
	return strings.Contains(remark, "Exception") || strings.Contains(remark, "org.apache.rocketmq")
}

var hostPort = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// neutral replaces what names the run that a text is of.
func neutral(text string) string {
	return hostPort.ReplaceAllString(text, "HOST")
}

func TestVectorLiveRequests(t *testing.T) {
	r := start(t, Options{Cluster: "VecCluster", BrokerNames: []string{"vec-broker-a"}, AlwaysJSON: true})
	// The run that was recorded made these, by exchanges of which a set of vectors may lack some.
	for _, c := range []message.TopicConfig{
		{Name: "VecT1", ReadQueues: 1, WriteQueues: 1, Perm: 6}, {Name: "VecT8", ReadQueues: 8, WriteQueues: 8, Perm: 6},
		{Name: "VecRO", ReadQueues: 4, WriteQueues: 4, Perm: 4}, {Name: "VecDelay", ReadQueues: 2, WriteQueues: 2, Perm: 6},
	} {
		if a := r.broker().changeTopic(c, ""); a.Response() != remoting.Success {
			t.Fatal(a.Remark)
		}
	}
	conns := map[string]net.Conn{"namesrv": dial(t, r.NameServer()), "broker": dial(t, r.broker().Addr())}
	compared := 0
	var about ours
	for _, e := range vectors.Load[exchange](t, "live.json") {
		nc := conns[e.To]
		if nc == nil || len(e.RequestHex) == 0 {
			continue // to a client, or to a broker that wants signatures
		}
		t.Run(e.Name, func(t *testing.T) {
			req, err := remoting.Decode(e.RequestHex)
			if err != nil {
				t.Fatal(err)
			}
			frame := []byte(e.RequestHex)
			if about.adapt(t, req) {
				if frame, err = req.AppendFrame(nil); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := nc.Write(frame); err != nil {
				t.Fatal(err)
			}
			if len(e.ResponseHex) == 0 {
				return // were it answered, the next exchange would read that
			}
			got := readFrame(t, nc)
			if got.Request() == remoting.PushReplyMessageToClient { // TestVectorLivePushes looks at it
				write(t, nc, &remoting.Command{Code: int32(remoting.Success), Flag: remoting.FlagResponse, Opaque: got.Opaque})
				got = readFrame(t, nc)
			}
			want, err := remoting.Decode(e.ResponseHex)
			if err != nil {
				t.Fatal(err)
			}
			compared++
			if got.Opaque != want.Opaque || got.Flag != want.Flag || got.Version != want.Version || got.Serialize != want.Serialize {
				t.Errorf("head %+v, want %+v", got, want)
			}
			if props, _ := req.Get("i"); strings.Contains(props, "TRAN_MSG\x01true") {
				about.half = got
			}
			if got.Response() != want.Response() {
				t.Fatalf("%s: code %v %q, want %v %q", e.What, got.Response(), got.Remark, want.Response(), want.Remark)
			}
			if !ownWords(want.Remark) && neutral(got.Remark) != neutral(want.Remark) {
				t.Errorf("%s: remark %q, want %q", e.What, got.Remark, want.Remark)
			}
			if g, w := keys(got), keys(want); !ownWords(want.Remark) && !slices.Equal(g, w) {
				t.Errorf("%s: ext fields %v, want %v", e.What, g, w)
			}
			compareBody(t, req, got.Body, want.Body)
		})
	}
	if compared == 0 {
		t.Error("live.json holds no exchange with a name server or broker")
	}
}

func keys(c *remoting.Command) []string {
	m := map[string]bool{}
	for _, f := range c.Ext {
		m[f.Key] = true
	}
	return slices.Sorted(maps.Keys(m))
}

// compareBody holds the bodies against each other as far as they don't depend on the run.
func compareBody(t *testing.T, req *remoting.Command, got, want []byte) {
	t.Helper()
	switch req.Request() {
	case remoting.GetRouteInfoByTopic, remoting.GetBrokerClusterInfo, remoting.GetTopicConfig, remoting.GetProducerConnectionList:
		if g, w := neutral(string(got)), neutral(string(want)); g != w {
			t.Errorf("body\n%s, want\n%s", g, w)
		}
	case remoting.GetTopicStatsInfo:
		if len(want) == 0 {
			return
		}
		g, err := message.ParseTopicStats(got)
		if err != nil {
			t.Fatal(err)
		}
		w, err := message.ParseTopicStats(want)
		if err != nil || len(g.Queues) != len(w.Queues) {
			t.Errorf("stats of %d queues, want %d (%v)", len(g.Queues), len(w.Queues), err)
		}
	case remoting.ViewMessageByID, remoting.QueryMessage:
		if len(want) == 0 {
			return
		}
		g, _, err := message.DecodeRecord(got)
		if err != nil {
			t.Fatal(err)
		}
		w, _, err := message.DecodeRecord(want)
		if err != nil {
			t.Fatal(err)
		}
		if g.Topic != w.Topic || g.QueueID != w.QueueID || string(g.Body) != string(w.Body) || g.SysFlag != w.SysFlag || g.Flag != w.Flag || g.BornTime != w.BornTime ||
			!maps.Equal(message.DecodeProperties(g.EncodedProperties).Map(), message.DecodeProperties(w.EncodedProperties).Map()) {
			t.Errorf("record %+v, want %+v", g, w)
		}
	}
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

// readFrame reads one frame off a plain connection.
func readFrame(t testing.TB, nc net.Conn) *remoting.Command {
	t.Helper()
	nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	frame := make([]byte, 4)
	if _, err := io.ReadFull(nc, frame); err != nil {
		t.Fatal(err)
	}
	frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame))...)
	if _, err := io.ReadFull(nc, frame[4:]); err != nil {
		t.Fatal(err)
	}
	c, err := remoting.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
