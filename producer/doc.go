// Package producer is a RocketMQ producer: a facade over one send path, a one-way service state, a client instance
// shared by all producers of a client id, and sync, async and oneway sends that differ in a parameter only.
// Behaviour and defaults follow Apache RocketMQ 4.5.1's DefaultMQProducer.
package producer
