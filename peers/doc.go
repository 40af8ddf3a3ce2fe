// Package peers is a module of its own for programs that drive RocketMQ through clients that others wrote, so that their
// dependencies stay out of rmqbench's. goclient sends through rocketmq-client-go, as a judge of our broker. harness is
// one load for many clients; ours, gopeer and floor put it on rmqbench's producer, on rocketmq-client-go, and on a bare
// connection that costs the least that any client could.
package peers
