package peer

import (
	"context"
	"testing"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// passTime bounds a request that a Proxy passes on.
const passTime = 10 * time.Second

// proxyVersion is what a proxy of RocketMQ 5.4.0 answers as.
const proxyVersion = 493

// Proxy is the remoting port of a RocketMQ 5 proxy before a cluster, until the test ends: the address. It tells routes with its own address for
// every broker, passes sends and offsets on to the broker that a request names, answers heartbeats, and refuses what the real one has no
// processor for (RemotingProtocolServer.registerRemotingServer, 5.4.0).
func Proxy(tb testing.TB, nameServer string) string {
	tb.Helper()
	client := remoting.NewClient(remoting.ClientOptions{})
	tb.Cleanup(client.Close)
	p := &proxy{client: client, nameServer: nameServer}
	reply, err := client.Invoke(tb.Context(), nameServer, remoting.NewRequest(remoting.GetBrokerClusterInfo), passTime)
	if err != nil {
		tb.Fatal(err)
	}
	if p.behind, err = message.ParseClusterInfo(reply.Body); err != nil {
		tb.Fatal(err)
	}
	ready := make(chan struct{}) // addr is known
	p.addr = Serve(tb, func(r *remoting.Request) {
		<-ready
		answer := p.answer(r)
		answer.Version = proxyVersion
		_ = r.Answer(answer) // a client that is gone misses nothing
	}).Addr().String()
	close(ready)
	return p.addr
}

type proxy struct {
	client     *remoting.Client
	nameServer string
	behind     *message.ClusterInfo // when it began
	addr       string
}

// namesBroker are the fields by which requests name the broker that they are for.
var namesBroker = map[remoting.RequestCode]string{remoting.SendMessage: "bname", remoting.SendMessageV2: "n", remoting.SendBatchMessage: "n", remoting.GetMaxOffset: "bname"}

func (p *proxy) answer(r *remoting.Request) *remoting.Command {
	code := remoting.RequestCode(r.Head.Code)
	field := namesBroker[code]
	switch {
	case code == remoting.HeartBeat || code == remoting.UnregisterClient:
		return &remoting.Command{}
	case code == remoting.GetRouteInfoByTopic:
		topic, _ := r.Head.Get("topic")
		route, refusal := p.route(string(topic))
		if refusal != nil {
			return refusal
		}
		for _, b := range route.Brokers {
			for id := range b.Addrs {
				b.Addrs[id] = p.addr
			}
		}
		return &remoting.Command{Body: route.AppendJSON(nil, true)}
	case field == "":
		return refused(remoting.RequestNotSupported, " request type "+code.String()+" not supported")
	}
	broker, _ := r.Head.Get(field)
	return p.pass(r, code, string(broker))
}

// route asks the name server; what it refuses is answered as it is.
func (p *proxy) route(topic string) (*message.Route, *remoting.Command) {
	reply, err := p.client.Invoke(context.Background(), p.nameServer, remoting.NewRequest(remoting.GetRouteInfoByTopic, remoting.Field{Key: "topic", Value: topic}), passTime)
	if err != nil {
		return nil, refused(remoting.SystemError, err.Error())
	}
	if reply.Response() != remoting.Success {
		return nil, refused(reply.Response(), reply.Remark)
	}
	route, err := message.ParseRoute(reply.Body)
	if err != nil {
		return nil, refused(remoting.SystemError, err.Error())
	}
	return route, nil
}

// pass hands a request to a broker.
func (p *proxy) pass(r *remoting.Request, code remoting.RequestCode, broker string) *remoting.Command {
	data, there := p.behind.Brokers[broker]
	if !there {
		return refused(remoting.SystemError, "no broker of that name")
	}
	request := remoting.NewRequest(code)
	request.Body = append(request.Body, r.Body...)
	for it := r.Head.Ext(); it.Next(); {
		request.Ext = append(request.Ext, remoting.Field{Key: string(it.Key()), Value: string(it.Value())})
	}
	if r.Head.IsOneway() {
		if err := p.client.InvokeOneway(context.Background(), data.Master(), request, passTime); err != nil {
			return refused(remoting.SystemError, err.Error())
		}
		return &remoting.Command{}
	}
	reply, err := p.client.Invoke(context.Background(), data.Master(), request, passTime)
	if err != nil {
		return refused(remoting.SystemError, err.Error())
	}
	return &remoting.Command{Code: reply.Code, Remark: reply.Remark, Ext: reply.Ext, Body: reply.Body}
}

func refused(code remoting.Code, remark string) *remoting.Command {
	return &remoting.Command{Code: int32(code), Remark: remark}
}
