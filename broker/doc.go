// Package broker is an embedded RocketMQ name server and broker: the real protocol on real sockets, stores in memory
// within a byte budget, faults to order. Any RocketMQ client can use it; a number measured against it says something
// about the client, never about RocketMQ.
package broker
