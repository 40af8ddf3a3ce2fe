// Package peers is a module of its own for programs that drive RocketMQ through clients that others wrote, so that their
// dependencies stay out of rmqbench's. goclient sends through rocketmq-client-go.
package peers
