package producer

import (
	"fmt"
	"strings"

	"rmqbench/remoting"
)

// AnswerError is an answer that can't be understood, or can't be true.
type AnswerError struct {
	Addr    string // host:port that gave it
	Request remoting.RequestCode
	Err     error // what is wrong with it
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s answered %s with what can't be used: %v", e.Addr, e.Request, e.Err)
}

// Unwrap gives what is wrong with the answer.
func (e *AnswerError) Unwrap() error { return e.Err }

// ClusterError is a cluster that can't be chosen: it isn't known or has no master, or none was named among several.
type ClusterError struct {
	Cluster string   // as it was named; "" if it wasn't
	Known   []string // to the name server, in order
}

func (e *ClusterError) Error() string {
	known := strings.Join(e.Known, ", ")
	for _, name := range e.Known {
		if name == e.Cluster {
			return fmt.Sprintf("cluster %s has no master", e.Cluster)
		}
	}
	switch {
	case len(e.Known) == 0:
		return "the name server knows no broker: is one running, with this name server in its namesrvAddr?"
	case e.Cluster == "":
		return fmt.Sprintf("the name server knows %d clusters: choose one: %s", len(e.Known), known)
	}
	return fmt.Sprintf("no cluster %q here; the name server knows: %s", e.Cluster, known)
}

// TopicExistsError is a topic that is there already, and not as it was asked for.
type TopicExistsError struct {
	Broker      string // name of the first that has it so
	Want        Topic
	ReadQueues  int
	WriteQueues int
	Type        TopicType // "" if the broker keeps none
}

func (e *TopicExistsError) Error() string {
	has, want := fmt.Sprintf("%d queues", e.WriteQueues), fmt.Sprintf("%d queues", e.Want.Queues)
	if e.ReadQueues != e.WriteQueues {
		has += fmt.Sprintf(" (%d to read)", e.ReadQueues)
	}
	if e.Type != "" {
		has, want = has+", type "+string(e.Type), want+", type "+string(e.Want.Type)
	}
	return fmt.Sprintf("topic %s is on broker %s already with %s; asked for %s; an existing topic is never altered", e.Want.Name, e.Broker, has, want)
}

// TopicElsewhereError is a topic that lives on a broker of another cluster than the one that is meant, so that what is
// done to it in one would be felt in the other.
type TopicElsewhereError struct {
	Topic   string
	Cluster string // that is meant
	Broker  string // that is none of its
}

func (e *TopicElsewhereError) Error() string {
	return fmt.Sprintf("topic %s also lives on broker %s, which is not of cluster %s", e.Topic, e.Broker, e.Cluster)
}

// NoMessageError is a message that nobody who was asked has.
type NoMessageError struct {
	Topic string
	ID    string
}

func (e *NoMessageError) Error() string {
	return fmt.Sprintf("topic %s holds no message %.80q", e.Topic, e.ID)
}
