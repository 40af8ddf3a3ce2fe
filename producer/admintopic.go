package producer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// TopicType is what kind of messages a topic is for, attribute message.type (TopicMessageType.java, 5.x). Brokers keep it
// and only RocketMQ's proxy enforces it; 4.x knows none.
type TopicType string

// The types of topics that producers over remoting send to.
const (
	NormalTopic      TopicType = "NORMAL"
	DelayTopic       TopicType = "DELAY"
	TransactionTopic TopicType = "TRANSACTION"
	FIFOTopic        TopicType = "FIFO"
)

// TopicTypes are those that can be asked for.
func TopicTypes() []TopicType {
	return []TopicType{NormalTopic, DelayTopic, TransactionTopic, FIFOTopic}
}

// messageType is the attribute that keeps a topic's type (TopicAttributes.java, 5.x).
const messageType = "message.type"

// Topic is a topic as it is, or is to be, on each master of one cluster.
type Topic struct {
	Name    string
	Cluster string    // "" means the only one
	Queues  int       // on each master, to read and to write
	Type    TopicType // "" means NormalTopic
}

// TopicCreation is what CreateTopic has done.
type TopicCreation struct {
	Cluster string
	Made    []string // names of the brokers it was made on
	Found   []string // names of those that had it, just so
	Untyped []string // names of those of either that are of 4.x and keep no type
}

// TopicConfig is a topic as one broker has it. Ask brokers of 5.x only: 4.9.7 refuses the question, and 4.5.1 leaves it
// without an answer.
func (a *Admin) TopicConfig(ctx context.Context, broker, topic string) (*message.TopicConfig, error) {
	return askBody(ctx, a, broker, remoting.NewRequest(remoting.GetTopicConfig, field("topic", topic)), message.ParseTopicConfig)
}

// TopicTypeAt is the type that a broker keeps of a topic; "" for one of 4.x, which keeps none.
func (a *Admin) TopicTypeAt(ctx context.Context, broker, topic string) (TopicType, error) {
	h, err := a.heldByOne(ctx, topic, message.BrokerData{Addrs: map[int64]string{0: broker}}, nil)
	return h.topicType, err
}

// typesFrom is the version (5.0.0) from which brokers keep a topic's attributes.
const typesFrom = 413

// held is what one master says of a topic.
type held struct {
	broker      message.BrokerData
	keepsTypes  bool // it is of 5.x
	there       bool // and then:
	readQueues  int
	writeQueues int
	topicType   TopicType // "" if the broker keeps none
}

// CreateTopic makes a topic on every master of a cluster and waits until the name server knows it there. It never alters
// one: a topic that is there with other queue numbers or of another type is a *TopicExistsError, one that also lives in
// another cluster a *TopicElsewhereError, and then nothing was made; brokers that have it just so are left alone. Where
// it fails halfway, TopicCreation tells how far it came. Other errors are Masters's and those of requests.
func (a *Admin) CreateTopic(ctx context.Context, t Topic) (TopicCreation, error) {
	t.Type = cmp.Or(t.Type, NormalTopic)
	done := TopicCreation{Cluster: t.Cluster}
	if err := t.Check(); err != nil {
		return done, err
	}
	brokers, cluster, err := a.Masters(ctx, t.Cluster)
	if err != nil {
		return done, err
	}
	t.Cluster, done.Cluster = cluster, cluster
	route, err := a.Route(ctx, t.Name)
	if err != nil && !UnknownTopic(err) {
		return done, err
	}
	if err := WithinCluster(route, t.Name, cluster, brokers); err != nil {
		return done, err
	}
	all, err := a.heldBy(ctx, t.Name, brokers, route)
	if err != nil {
		return done, err
	}
	for i := range all {
		if h := &all[i]; h.there && h.differs(&t) {
			return done, &TopicExistsError{Broker: h.broker.Name, Want: t, ReadQueues: h.readQueues, WriteQueues: h.writeQueues, Type: h.topicType}
		}
	}
	for i := range all {
		h := &all[i]
		if !h.keepsTypes {
			done.Untyped = append(done.Untyped, h.broker.Name)
		}
		if h.there {
			done.Found = append(done.Found, h.broker.Name)
			continue
		}
		if err := a.putTopic(ctx, h.broker.Master(), &t, h.keepsTypes); err != nil {
			return done, fmt.Errorf("create topic %s on %s: %w", t.Name, h.broker.Name, err)
		}
		done.Made = append(done.Made, h.broker.Name)
	}
	return done, a.awaitRoute(ctx, t.Name, brokers)
}

// SetQueues gives a topic that is there another number of queues, to read and to write, on each master of a cluster, "" for the
// only one, that has it; its permissions and attributes stay. A topic that also lives in another cluster is a *TopicElsewhereError,
// one that no name server knows a *remoting.BrokerError of code TopicNotExist, and then nothing was changed. Fewer queues leave
// what lies in the others where it is.
func (a *Admin) SetQueues(ctx context.Context, topic, cluster string, queues int) error {
	t := Topic{Name: topic, Queues: queues}
	if err := t.Check(); err != nil {
		return err
	}
	masters, cluster, err := a.Masters(ctx, cluster)
	if err != nil {
		return err
	}
	route, err := a.Route(ctx, topic)
	if err != nil {
		return err
	}
	if err := WithinCluster(route, topic, cluster, masters); err != nil {
		return err
	}
	n := strconv.Itoa(queues)
	for i := range masters {
		b := &masters[i]
		at := slices.IndexFunc(route.Queues, func(q message.QueueData) bool { return q.Broker == b.Name })
		if at < 0 {
			continue
		}
		had := &route.Queues[at]
		req := remoting.NewRequest(remoting.UpdateAndCreateTopic, field("topic", topic), field("defaultTopic", message.DefaultTopic),
			field("readQueueNums", n), field("writeQueueNums", n), field("perm", strconv.Itoa(int(had.Perm))),
			field("topicFilterType", "SINGLE_TAG"), field("topicSysFlag", strconv.Itoa(had.TopicSysFlag)), field("order", strconv.FormatBool(route.OrderTopicConf != nil && *route.OrderTopicConf != "")))
		if _, err := a.ask(ctx, b.Master(), req); err != nil {
			return fmt.Errorf("topic %s on %s: %w", topic, b.Name, err)
		}
	}
	return nil
}

// Check refuses what no broker would make, or would make something else of.
func (t *Topic) Check() error {
	if err := checkOwnTopic(t.Name); err != nil {
		return err
	}
	if t.Queues < 1 || t.Queues > message.MaxRouteQueues {
		return fmt.Errorf("topic %s: %d queues: 1 to %d", t.Name, t.Queues, message.MaxRouteQueues)
	}
	if t.Type != "" && !slices.Contains(TopicTypes(), t.Type) {
		return fmt.Errorf("topic %s: type %q is none of %v", t.Name, t.Type, TopicTypes())
	}
	return nil
}

// checkOwnTopic refuses names that are none, or not for users to create or delete.
func checkOwnTopic(topic string) error {
	if err := message.CheckTopic(topic); err != nil {
		return err
	}
	if message.IsSystemTopic(topic) {
		return &message.NameError{What: "topic", Name: topic, Problem: "is a broker's own", Allowed: "name a topic of yours"}
	}
	return nil
}

// WithinCluster returns a *TopicElsewhereError if the route of a topic leads to a broker that is none of the cluster's.
// A nil route leads nowhere.
func WithinCluster(route *message.Route, topic, cluster string, brokers []message.BrokerData) error {
	if route == nil {
		return nil
	}
	for _, q := range route.Queues {
		if !slices.ContainsFunc(brokers, func(b message.BrokerData) bool { return b.Name == q.Broker }) {
			return &TopicElsewhereError{Topic: topic, Cluster: cluster, Broker: q.Broker}
		}
	}
	return nil
}

// heldBy asks each master for the topic; what one can't tell is taken from the route, nil if there is none.
func (a *Admin) heldBy(ctx context.Context, topic string, brokers []message.BrokerData, route *message.Route) ([]held, error) {
	all, errs := make([]held, len(brokers)), make([]error, len(brokers))
	var wg sync.WaitGroup
	for i := range brokers {
		wg.Go(func() { all[i], errs[i] = a.heldByOne(ctx, topic, brokers[i], route) })
	}
	wg.Wait()
	return all, cmp.Or(errs...)
}

func (a *Admin) heldByOne(ctx context.Context, topic string, broker message.BrokerData, route *message.Route) (held, error) {
	h := held{broker: broker}
	version, err := a.Version(ctx, broker.Master())
	if err != nil {
		return h, err
	}
	if h.keepsTypes = version >= typesFrom; !h.keepsTypes {
		for i := 0; route != nil && i < len(route.Queues); i++ {
			if q := &route.Queues[i]; q.Broker == broker.Name {
				h.there, h.readQueues, h.writeQueues = true, q.ReadQueues, q.WriteQueues
			}
		}
		return h, nil
	}
	c, err := a.TopicConfig(ctx, broker.Master(), topic)
	if UnknownTopic(err) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	h.there, h.readQueues, h.writeQueues = true, c.ReadQueues, c.WriteQueues
	h.topicType = cmp.Or(TopicType(c.Attributes[messageType]), NormalTopic)
	return h, nil
}

// differs says whether the topic that is there is not the one that is wanted.
func (h *held) differs(t *Topic) bool {
	return h.readQueues != t.Queues || h.writeQueues != t.Queues || h.keepsTypes && h.topicType != t.Type
}

// putTopic makes the topic on one broker, or changes the one that is there.
func (a *Admin) putTopic(ctx context.Context, broker string, t *Topic, typed bool) error {
	n := strconv.Itoa(t.Queues)
	req := remoting.NewRequest(remoting.UpdateAndCreateTopic, field("topic", t.Name), field("defaultTopic", message.DefaultTopic),
		field("readQueueNums", n), field("writeQueueNums", n), field("perm", strconv.Itoa(int(message.PermRead|message.PermWrite))),
		field("topicFilterType", "SINGLE_TAG"), field("topicSysFlag", "0"), field("order", "false"))
	if typed {
		req.Ext = append(req.Ext, field("attributes", "+"+messageType+"="+string(t.Type)))
	}
	_, err := a.ask(ctx, broker, req)
	return err
}

// routePatience is how long the name servers may take to learn of a topic: brokers tell them at once.
const routePatience = 10 * time.Second

// awaitRoute waits until the name server knows the topic on all the brokers.
func (a *Admin) awaitRoute(ctx context.Context, topic string, brokers []message.BrokerData) error {
	const pause = 20 * time.Millisecond
	for until := time.Now().Add(routePatience); ; {
		r, err := a.Route(ctx, topic)
		if err == nil {
			missing := slices.IndexFunc(brokers, func(b message.BrokerData) bool {
				return !slices.ContainsFunc(r.Queues, func(q message.QueueData) bool { return q.Broker == b.Name })
			})
			if missing < 0 {
				return nil
			}
			err = fmt.Errorf("not on %s", brokers[missing].Name)
		}
		if time.Now().After(until) {
			return fmt.Errorf("topic %s was made, but the name server doesn't know it after %v: %w", topic, routePatience, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// DeleteTopic has every master of a cluster, "" for the only one, forget a topic and its messages, and then every name
// server, and returns the names of the brokers that have forgotten it. A topic that also lives in another cluster is a
// *TopicElsewhereError, one that no name server knows a *remoting.BrokerError of code TopicNotExist, and then nothing was
// deleted. Other errors name each server that failed; the name servers are told only once all brokers have forgotten
// the topic, so that it can be tried again.
func (a *Admin) DeleteTopic(ctx context.Context, topic, cluster string) (brokers []string, err error) {
	if err := checkOwnTopic(topic); err != nil {
		return nil, err
	}
	masters, cluster, err := a.Masters(ctx, cluster)
	if err != nil {
		return nil, err
	}
	route, err := a.routeOfAny(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err := WithinCluster(route, topic, cluster, masters); err != nil {
		return nil, err
	}
	var faults []error
	for i := range masters {
		b := &masters[i]
		if _, err := a.ask(ctx, b.Master(), remoting.NewRequest(remoting.DeleteTopicInBroker, field("topic", topic))); err != nil {
			faults = append(faults, fmt.Errorf("delete topic %s on broker %s: %w", topic, b.Name, err))
			continue
		}
		brokers = append(brokers, b.Name)
	}
	if len(faults) > 0 {
		return brokers, errors.Join(faults...)
	}
	for _, addr := range a.NameServers() {
		if _, err := a.ask(ctx, addr, remoting.NewRequest(remoting.DeleteTopicInNamesrv, field("topic", topic), field("clusterName", cluster))); err != nil {
			faults = append(faults, fmt.Errorf("delete topic %s at the name server: %w", topic, err))
		}
	}
	return brokers, errors.Join(faults...)
}

// routeOfAny is the topic's route at the first name server that knows it: they may differ after a deletion that failed
// halfway. The error is that of the last one that answered at all.
func (a *Admin) routeOfAny(ctx context.Context, topic string) (*message.Route, error) {
	route, err := a.Route(ctx, topic)
	for _, addr := range a.NameServers() {
		if !UnknownTopic(err) {
			break
		}
		if r, again := askBody(ctx, a, addr, routeRequest(topic), message.ParseRoute); again == nil {
			route, err = r, nil
		}
	}
	return route, err
}
