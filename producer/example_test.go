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

// accounts is the application's side of its transactions.
type accounts struct{ booked map[string]bool }

// Execute books, and notes under the transaction's id that it has.
func (a *accounts) Execute(_ *producer.Message, half producer.SendResult, _ any) producer.TransactionState {
	a.booked[half.ID.String()] = true
	return producer.TransactionCommit
}

// Check is asked where the broker hasn't heard how Execute ended.
func (a *accounts) Check(m *producer.Received) producer.TransactionState {
	if a.booked[m.ID()] {
		return producer.TransactionCommit
	}
	return producer.TransactionRollback
}

func ExampleProducer_SendTransaction() {
	cluster, err := broker.Start(broker.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	p := producer.New(producer.Options{NameServers: []string{cluster.NameServer()}, Group: "orders", InstanceName: "example",
		Listener: &accounts{booked: map[string]bool{}}}) // a real one keeps that in its database, and locks it
	if err := p.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer p.Shutdown()

	res, err := p.SendTransaction(context.Background(), &producer.Message{Topic: "ORDERS", Body: []byte("four coffees")}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Status, res.State, res.Untold)
	// Output: SEND_OK COMMIT_MESSAGE <nil>
}

// One order's messages share a queue, so that they stay in order.
func ExampleBy() {
	cluster, err := broker.Start(broker.Options{Brokers: 2})
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

	for _, step := range []string{"ordered", "paid", "served"} {
		m := &producer.Message{Topic: "ORDERS", Body: []byte(step)}
		res, err := p.Send(context.Background(), m, producer.By(producer.Hash(), "order-17"))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(step, res.Broker, res.QueueID, res.QueueOffset)
	}
	// Output:
	// ordered broker-1 1 0
	// paid broker-1 1 1
	// served broker-1 1 2
}
