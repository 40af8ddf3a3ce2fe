package broker_test

import (
	"context"
	"fmt"
	"time"

	"rmqbench/broker"
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
