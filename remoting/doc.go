// Package remoting speaks RocketMQ's remoting protocol: length-prefixed commands, many in flight on one TCP
// connection, each reply matched to its request by opaque. Wire format: RocketMQ 4.5.1, as 4.9.7 and 5.4.0 still speak it.
package remoting
