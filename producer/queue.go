package producer

import (
	"fmt"

	"rmqbench/remoting"
)

// MessageQueue names one queue of a topic (MessageQueue.java).
type MessageQueue struct {
	Topic  string // as the application names it, without a namespace
	Broker string // its name; of a static topic (5.x) "__syslo__global__", whichever broker has the queue now
	ID     int32
}

// String is topic, broker and id: "T@broker-a:3".
func (q MessageQueue) String() string { return fmt.Sprintf("%s@%s:%d", q.Topic, q.Broker, q.ID) }

// QueueError is a send to a queue that its message can't go to.
type QueueError struct {
	Queue   MessageQueue
	Problem string
}

func (e *QueueError) Error() string { return fmt.Sprintf("queue %s: %s", e.Queue, e.Problem) }

// queueAddr is a queue and where the master of the broker that has it listens.
type queueAddr struct {
	broker   string // as its MessageQueue names it
	host     string // the broker that has it: broker, but for a static topic's
	id       int32
	addr     string
	at       int                // its place among the route's queues
	endpoint *remoting.Endpoint // of addr; set by routes.bind
}

// queue finds one of the route's; nil: it isn't there.
func (r *route) queue(broker string, id int32) *queueAddr {
	for i := range r.queues {
		if q := &r.queues[i]; q.id == id && q.broker == broker {
			return q
		}
	}
	return nil
}
