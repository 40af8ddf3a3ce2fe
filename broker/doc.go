// Package broker is an embedded RocketMQ name server and broker: the real protocol on real sockets, stores in memory
// within a byte budget, faults to order. Any RocketMQ client can use it; a number measured against it says something
// about the client, never about RocketMQ.
//
// It does what 5.4.0 does for producers: single messages and batches, topics made by a send, transactions with check-back,
// replies to requests, delay levels, timer messages and their recall, queries by key, id and time, the administrators'
// requests for topics. Messages can be pulled by offset; what consumer groups need (offsets, balancing, locks, filters) is
// not there, nor are slaves, disks and access control.
package broker
