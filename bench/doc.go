// Package bench puts load on a RocketMQ producer and says how long each send took: a plan of what is sent and when,
// a pacer that says when send i is due, workers that share one producer, and recorders that hardly ever lock.
package bench
