package broker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Any RocketMQ client can use a cluster by its name server's address. Here it is asked for the route that a producer
// of a topic nobody has heard of would ask for.
func ExampleStart() {
	cluster, err := broker.Start(broker.Options{Brokers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()

	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	request := remoting.NewRequest(remoting.GetRouteInfoByTopic, remoting.Field{Key: "topic", Value: message.DefaultTopic})
	reply, err := client.Invoke(context.Background(), cluster.NameServer(), request, 3*time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	route, err := message.ParseRoute(reply.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, q := range route.Queues {
		fmt.Println(q.Broker, q.WriteQueues)
	}
	// Output:
	// broker-0 8
	// broker-1 8
}

// A test of whatever sends: the broker is in its process, and refuses when it is told to.
func ExampleBroker_Answer() {
	cluster, err := broker.Start(broker.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	p := producer.New(producer.Options{NameServers: []string{cluster.NameServer()}, Group: "orders", InstanceName: "example"})
	if err := p.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer p.Shutdown()

	b := cluster.Brokers()[0]
	b.Answer(1, remoting.SystemBusy, "[TIMEOUT_CLEAN_QUEUE]broker busy") // all sends, from now on
	_, err = p.Send(context.Background(), &producer.Message{Topic: "ORDERS", Body: []byte("one coffee")})
	if refused, ok := errors.AsType[*remoting.BrokerError](err); ok {
		fmt.Println(refused.Code, refused.Remark)
	}

	b.Answer(0, remoting.SystemBusy, "[TIMEOUT_CLEAN_QUEUE]broker busy") // none any more
	if _, err := p.Send(context.Background(), &producer.Message{Topic: "ORDERS", Body: []byte("one coffee")}); err != nil {
		fmt.Println(err)
	}
	for _, q := range b.Stored() {
		fmt.Println(q.Topic, q.Max-q.Min)
	}
	// Output:
	// SYSTEM_BUSY [TIMEOUT_CLEAN_QUEUE]broker busy
	// ORDERS 1
}
