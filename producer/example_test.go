package producer_test

import (
	"context"
	"errors"
	"fmt"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func ExampleProducer() {
	cluster, err := broker.Start(broker.Options{}) // or a real one: then its name servers go below
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

	res, err := p.Send(context.Background(), &producer.Message{
		Topic: "ORDERS", Body: []byte("one coffee"), Tags: "drinks", Keys: []string{"order-1"},
		Properties: message.Properties{{Key: "table", Value: "7"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Status, res.Broker, res.QueueOffset)
	// Output: SEND_OK broker-0 0
}

func ExampleProducer_SendAsync() {
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

	done := make(chan struct{})
	err = p.SendAsync(context.Background(), &producer.Message{Topic: "ORDERS", Body: []byte("two coffees")}, func(res producer.SendResult, err error) {
		fmt.Println(res.Status, err)
		close(done)
	})
	if err != nil { // then nobody calls back
		fmt.Println(err)
		return
	}
	<-done
	// Output: SEND_OK <nil>
}

// What a failed send says: who refused, and whether the message may be stored all the same.
func ExampleSendError() {
	cluster, err := broker.Start(broker.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	cluster.Brokers()[0].Busy(true)
	p := producer.New(producer.Options{NameServers: []string{cluster.NameServer()}, Group: "orders", InstanceName: "example"})
	if err := p.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer p.Shutdown()

	_, err = p.Send(context.Background(), &producer.Message{Topic: "ORDERS", Body: []byte("three coffees")})
	if se, ok := errors.AsType[*producer.SendError](err); ok {
		fmt.Println("attempts", se.Attempts, "ambiguous", se.Ambiguous)
	}
	if refused, ok := errors.AsType[*remoting.BrokerError](err); ok {
		fmt.Println(refused.Code)
	}
	// Output:
	// attempts 1 ambiguous false
	// SYSTEM_BUSY
}
