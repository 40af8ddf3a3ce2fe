package bench

import (
	"fmt"

	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// asMany refuses a topic that is there with another number of queues than the case names: it is never altered, and what is measured
// would not be what the record says. An event that changes the topic is there to alter it, and what nobody named is as it is.
// proxy is the one that told the route, of which no broker's name is told on; "" without.
func asMany(c *scenarios.Case, topic string, r *message.Route, proxy string) error {
	want := c.Topic.QueuesPerBroker
	if want == 0 || changesTopic(c) || r.StaticHosts() != nil {
		return nil
	}
	for i := range r.Queues {
		q := &r.Queues[i]
		if q.WriteQueues == want {
			continue
		}
		advice := fmt.Sprintf(", or take it as it is: --set topic.queues_per_broker=%d", q.WriteQueues)
		for _, other := range r.Queues {
			if other.WriteQueues != q.WriteQueues { // no number would do
				advice = ""
			}
		}
		on := q.Broker
		if proxy != "" {
			on = "a broker behind the proxy " + proxy
		}
		return &DangerError{fmt.Sprintf("topic %s has %s on %s, and topic.queues_per_broker is %d: an existing topic is never altered; name another with -t%s",
			topic, results.FormatCount(q.WriteQueues, "queue"), on, want, advice)}
	}
	return nil
}

// newTopics are the queues on each broker of topics that are to be made.
type newTopics map[newTopic]int

type newTopic struct {
	on   *somebodys
	name string
}

// add refuses a topic that another case will have made with another number of queues.
func (n newTopics) add(s *somebodys, c *scenarios.Case, topic string) error {
	key, queues := newTopic{s, topic}, c.Topic.Queues()
	if before, known := n[key]; known && before != queues {
		return &DangerError{fmt.Sprintf("topic %s would be made with %d queues a broker for one case and is to have %d for %s: an existing topic is never altered; give each a topic.name of its own",
			topic, before, queues, c.Name)}
	}
	n[key] = queues
	return nil
}
