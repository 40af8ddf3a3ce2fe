package producer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Admin asks name servers and brokers what a producer and its operator need to know (MQAdmin.java, MQClientAPIImpl.java).
// Each request waits at most Timeout and the context's deadline. A server's refusal is a *remoting.BrokerError.
type Admin struct {
	Client      *remoting.Client
	NameServers []string
	Timeout     time.Duration // one request; 0 means 3s
	Serialize   remoting.Serialize

	next atomic.Uint32 // index of the name server to ask first
}

// NewAdmin uses client's connections; closing them is the caller's. It begins with any of the name servers, so that
// many clients spread over them.
func NewAdmin(client *remoting.Client, nameServers []string) *Admin {
	a := &Admin{Client: client, NameServers: nameServers, Serialize: remoting.RocketMQ}
	if n := len(nameServers); n > 0 {
		a.next.Store(rand.Uint32N(uint32(n)))
	}
	return a
}

func (a *Admin) timeout() time.Duration {
	if a.Timeout == 0 {
		return 3 * time.Second
	}
	return a.Timeout
}

// ask sends one request to addr; any code but SUCCESS is a *remoting.BrokerError.
func (a *Admin) ask(ctx context.Context, addr string, req *remoting.Command) (*remoting.Command, error) {
	req.Serialize = a.Serialize
	reply, err := a.Client.Invoke(ctx, addr, req, a.timeout())
	if err != nil {
		return nil, err
	}
	if reply.Response() != remoting.Success {
		return nil, remoting.NewBrokerError(addr, reply.Response(), reply.Remark)
	}
	return reply, nil
}

// askNames asks the name server that answered last, and the others in turn when it does not answer. An answer of any
// code is an answer.
func (a *Admin) askNames(ctx context.Context, req *remoting.Command) (*remoting.Command, error) {
	n := uint32(len(a.NameServers))
	first := a.next.Load()
	failed := &NameServerError{}
	for i := range n {
		at := (first + i) % n
		reply, err := a.ask(ctx, a.NameServers[at], req)
		if _, answered := errors.AsType[*remoting.BrokerError](err); err == nil || answered {
			return reply, err
		}
		failed.Addrs, failed.Err = append(failed.Addrs, a.NameServers[at]), err
		if errors.Is(ctx.Err(), context.Canceled) { // the caller's doing, not the server's
			break
		}
		a.next.CompareAndSwap(at, (at+1)%n) // also for those who come when this one's time is up
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// Route is where a topic lives. An unknown topic is a *remoting.BrokerError of code TopicNotExist.
func (a *Admin) Route(ctx context.Context, topic string) (*message.Route, error) {
	reply, err := a.askNames(ctx, remoting.NewRequest(remoting.GetRouteInfoByTopic, remoting.Field{Key: "topic", Value: topic}))
	if err != nil {
		return nil, err
	}
	return message.ParseRoute(reply.Body)
}

// ClusterInfo is every broker that the name server knows.
func (a *Admin) ClusterInfo(ctx context.Context) (*message.ClusterInfo, error) {
	reply, err := a.askNames(ctx, remoting.NewRequest(remoting.GetBrokerClusterInfo))
	if err != nil {
		return nil, err
	}
	return message.ParseClusterInfo(reply.Body)
}

// Heartbeat tells a broker which groups live behind this connection, and returns the version that it answers with.
func (a *Admin) Heartbeat(ctx context.Context, broker string, beat *message.Heartbeat) (version int32, err error) {
	req := remoting.NewRequest(remoting.HeartBeat)
	req.Body = beat.AppendJSON(nil)
	reply, err := a.ask(ctx, broker, req)
	if err != nil {
		return 0, err
	}
	return reply.Version, nil
}

// Unregister tells a broker that a group's producer on this connection is gone.
func (a *Admin) Unregister(ctx context.Context, broker, clientID, group string) error {
	_, err := a.ask(ctx, broker, remoting.NewRequest(remoting.UnregisterClient,
		remoting.Field{Key: "clientID", Value: clientID}, remoting.Field{Key: "producerGroup", Value: group}))
	return err
}

// MaxOffset is the offset that the queue's next message will get. An unknown topic has 0.
func (a *Admin) MaxOffset(ctx context.Context, broker, topic string, queue int) (int64, error) {
	return a.offset(ctx, broker, remoting.GetMaxOffset, topic, queue)
}

// MinOffset is the offset of the oldest message that the queue still holds.
func (a *Admin) MinOffset(ctx context.Context, broker, topic string, queue int) (int64, error) {
	return a.offset(ctx, broker, remoting.GetMinOffset, topic, queue)
}

func (a *Admin) offset(ctx context.Context, broker string, code remoting.RequestCode, topic string, queue int) (int64, error) {
	reply, err := a.ask(ctx, broker, remoting.NewRequest(code,
		remoting.Field{Key: "topic", Value: topic}, remoting.Field{Key: "queueId", Value: strconv.Itoa(queue)}))
	if err != nil {
		return 0, err
	}
	text, _ := reply.Get("offset")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %s answered with offset %q", broker, code, text)
	}
	return n, nil
}

// TopicStats is how far a topic's queues on one broker reach.
func (a *Admin) TopicStats(ctx context.Context, broker, topic string) (*message.TopicStats, error) {
	reply, err := a.ask(ctx, broker, remoting.NewRequest(remoting.GetTopicStatsInfo, remoting.Field{Key: "topic", Value: topic}))
	if err != nil {
		return nil, err
	}
	return message.ParseTopicStats(reply.Body)
}

// RuntimeInfo is a broker's view of itself: names and values are the broker's own.
func (a *Admin) RuntimeInfo(ctx context.Context, broker string) (message.KVTable, error) {
	reply, err := a.ask(ctx, broker, remoting.NewRequest(remoting.GetBrokerRuntimeInfo))
	if err != nil {
		return nil, err
	}
	return message.ParseKVTable(reply.Body)
}

// BrokerConfig is a broker's whole configuration as properties text. It can hold credentials: show named settings only.
func (a *Admin) BrokerConfig(ctx context.Context, broker string) (string, error) {
	reply, err := a.ask(ctx, broker, remoting.NewRequest(remoting.GetBrokerConfig))
	if err != nil {
		return "", err
	}
	return string(reply.Body), nil
}

// CreateTopic makes a topic with as many read and write queues on one broker, or changes the one that is there: look
// first. The name servers learn of it when the broker registers next, usually at once.
func (a *Admin) CreateTopic(ctx context.Context, broker, topic string, queues int) error {
	n := strconv.Itoa(queues)
	_, err := a.ask(ctx, broker, remoting.NewRequest(remoting.UpdateAndCreateTopic,
		remoting.Field{Key: "topic", Value: topic}, remoting.Field{Key: "defaultTopic", Value: message.DefaultTopic},
		remoting.Field{Key: "readQueueNums", Value: n}, remoting.Field{Key: "writeQueueNums", Value: n},
		remoting.Field{Key: "perm", Value: strconv.Itoa(int(message.PermRead | message.PermWrite))},
		remoting.Field{Key: "topicFilterType", Value: "SINGLE_TAG"}, remoting.Field{Key: "topicSysFlag", Value: "0"},
		remoting.Field{Key: "order", Value: "false"}))
	return err
}
