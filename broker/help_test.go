package broker

import (
	"context"
	"strconv"
	"testing"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// rig is a cluster and a client of it.
type rig struct {
	*Cluster
	t      testing.TB
	client *remoting.Client
}

func start(t testing.TB, o Options) *rig {
	t.Helper()
	c, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	client := remoting.NewClient(remoting.ClientOptions{})
	t.Cleanup(func() {
		client.Close()
		c.Close()
	})
	return &rig{Cluster: c, t: t, client: client}
}

// broker is the first.
func (r *rig) broker() *Broker { return r.Brokers()[0] }

func (r *rig) ask(addr string, req *remoting.Command) *remoting.Command {
	r.t.Helper()
	a, err := r.client.Invoke(context.Background(), addr, req, 10*time.Second)
	if err != nil {
		r.t.Fatalf("request %v: %v", req.Request(), err)
	}
	return a
}

// want is ask for an answer of that code.
func (r *rig) want(code remoting.Code, addr string, req *remoting.Command) *remoting.Command {
	r.t.Helper()
	a := r.ask(addr, req)
	if a.Response() != code {
		r.t.Fatalf("request %v %v: code %v %q, want %v", req.Request(), req.Ext, a.Response(), a.Remark, code)
	}
	return a
}

// sendCommand is a send as a plain command.
func sendCommand(topic string, queue int, body string, props string) *remoting.Command {
	c := remoting.NewRequest(remoting.SendMessageV2,
		remoting.Field{Key: "a", Value: "group"}, remoting.Field{Key: "b", Value: topic}, remoting.Field{Key: "c", Value: message.DefaultTopic},
		remoting.Field{Key: "d", Value: "4"}, remoting.Field{Key: "e", Value: strconv.Itoa(queue)}, remoting.Field{Key: "f", Value: "0"},
		remoting.Field{Key: "g", Value: "1700000000000"}, remoting.Field{Key: "h", Value: "0"}, remoting.Field{Key: "i", Value: props})
	c.Body = []byte(body)
	return c
}

func (r *rig) send(topic string, queue int, body string) *remoting.Command {
	r.t.Helper()
	return r.want(remoting.Success, r.broker().Addr(), sendCommand(topic, queue, body, "UNIQ_KEY\x010123456789ABCDEF0123456789ABCDEF\x02"))
}

// offset asks for the max or min offset of a queue.
func (r *rig) offset(code remoting.RequestCode, topic string, queue int) int64 {
	r.t.Helper()
	a := r.want(remoting.Success, r.broker().Addr(), remoting.NewRequest(code, remoting.Field{Key: "topic", Value: topic}, remoting.Field{Key: "queueId", Value: strconv.Itoa(queue)}))
	return number(r.t, a, "offset")
}

func number(t testing.TB, c *remoting.Command, key string) int64 {
	t.Helper()
	text, _ := c.Get(key)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s of %v: %v", key, c.Ext, err)
	}
	return n
}

// eventually waits for what the broker does by itself.
func (r *rig) eventually(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not so: %s", what)
		}
	}
}
