package bench

import (
	"cmp"
	"fmt"
	"strings"

	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// asMany refuses a topic that is there with another number of queues than the case names: it is never altered, and what is measured
// would not be what the record says. A topic that an event changes begins with what its case names, and what nobody named is as it is.
// Of brokers behind a proxy no name is told on.
func (s *somebodys) asMany(c *scenarios.Case, topic string, r *message.Route) error {
	want := c.Topic.QueuesPerBroker
	if _, changed := s.changed[topic]; want == 0 || changed || r.StaticHosts() != nil {
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
		if s.proxy != "" {
			on = "a broker behind the proxy " + s.proxy
		}
		return &DangerError{fmt.Sprintf("topic %s has %s on %s, and topic.queues_per_broker is %d: an existing topic is never altered; name another with -t%s",
			topic, results.FormatCount(q.WriteQueues, "queue"), on, want, advice)}
	}
	return nil
}

// newTopics are topics that are to be made, and as what.
type newTopics map[newTopic]madeAs

type newTopic struct {
	on   *somebodys
	name string
}

type madeAs struct {
	queues int // on each broker
	is     producer.TopicType
}

func (m madeAs) String() string {
	return fmt.Sprintf("%s a broker, of type %s", results.FormatCount(m.queues, "queue"), strings.ToLower(string(m.is)))
}

// add refuses a topic that another case will have made otherwise.
func (n newTopics) add(s *somebodys, c *scenarios.Case, topic string) error {
	key, as := newTopic{s, topic}, madeAs{c.Topic.Queues(), cmp.Or(typeOf(c), producer.NormalTopic)}
	if before, known := n[key]; known && before != as {
		return &DangerError{fmt.Sprintf("topic %s would be made with %s, for one case, and is to have %s, for %s: an existing topic is never altered; give each a topic.name of its own",
			topic, before, as, c.Name)}
	}
	n[key] = as
	return nil
}
