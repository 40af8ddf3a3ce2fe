package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// TopicOptions says whose topics are meant.
type TopicOptions struct {
	NameServers []string // host:port; at least one
	Cluster     string   // "" means the only one
	Security    Security
}

// ownTopics is how the topics begin that rmqbench makes by itself, and may delete unasked.
const ownTopics = "RMQBENCH_"

// admin asks the name servers; the function that it returns closes its connections.
func (o *TopicOptions) admin() (*producer.Admin, func()) {
	client := o.Security.client(remoting.ClientOptions{ConnectTimeout: askFor})
	a := producer.NewAdmin(client, o.NameServers)
	a.Timeout = askFor
	return a, client.Close
}

// CreateTopic makes a topic on every master of one cluster, and never alters one: a topic that is there otherwise than it
// is asked for is a *DangerError. Where that isn't allowed, the error holds the command for an administrator.
func CreateTopic(ctx context.Context, o TopicOptions, t producer.Topic) (producer.TopicCreation, error) {
	admin, done := o.admin()
	defer done()
	_, cluster, err := mastersOf(ctx, admin, &o.Security, o.Cluster)
	if err != nil {
		return producer.TopicCreation{}, err
	}
	t.Cluster = cluster
	made, err := admin.CreateTopic(ctx, t)
	line := topicLine(strings.Join(o.NameServers, ";"), t)
	if err != nil && len(made.Made) > 0 {
		err = fmt.Errorf("%w; made on %s before that: create it again to have it on the others too", err, strings.Join(made.Made, ", "))
	}
	return made, o.explain(err, line)
}

// DeleteTopic has a cluster's brokers and the name servers forget a topic and its messages, and returns the brokers' names.
// It takes only topics that are rmqbench's by their names, or the one that confirmed names; others are a *DangerError.
func DeleteTopic(ctx context.Context, o TopicOptions, topic, confirmed string) ([]string, error) {
	switch {
	case confirmed != "" && confirmed != topic:
		return nil, &DangerError{fmt.Sprintf("the topic is %s, and what was confirmed is %s; nothing was deleted", topic, confirmed)}
	case confirmed == "" && !strings.HasPrefix(topic, ownTopics):
		return nil, &DangerError{fmt.Sprintf("topic %s is none of rmqbench's own (%s…): its messages would be gone for everybody; if that is meant, add --yes-delete %[1]s", topic, ownTopics)}
	}
	admin, done := o.admin()
	defer done()
	_, cluster, err := mastersOf(ctx, admin, &o.Security, o.Cluster)
	if err != nil {
		return nil, err
	}
	brokers, err := admin.DeleteTopic(ctx, topic, cluster)
	if producer.UnknownTopic(err) {
		return nil, fmt.Errorf("topic %s is not there: %w", topic, err)
	}
	if err != nil && len(brokers) > 0 {
		err = fmt.Errorf("%w; %s forgot it before that: delete it again", err, strings.Join(brokers, ", "))
	}
	return brokers, o.explain(err, fmt.Sprintf("mqadmin deleteTopic -n '%s' -c %s -t %s", strings.Join(o.NameServers, ";"), cluster, topic))
}

// explain says what to do about an error: what the user can do, and where the permission is missing the line for who has it.
func (o *TopicOptions) explain(err error, line string) error {
	if exists, ok := errors.AsType[*producer.TopicExistsError](err); ok {
		return &DangerError{exists.Error()}
	}
	if elsewhere, ok := errors.AsType[*producer.TopicElsewhereError](err); ok {
		return &DangerError{elsewhere.Error() + ": what is done to it here would be felt there"}
	}
	if be, ok := errors.AsType[*remoting.BrokerError](err); ok && be.Unauthorized() {
		return fmt.Errorf("%w; %s\nor hand this to an administrator: %s", err, o.Security.advice(err), line)
	}
	if advice := o.Security.advice(err); advice != "" {
		return fmt.Errorf("%w; %s", err, advice)
	}
	return err
}

// TopicRoute is where a topic lives, as the name server tells and the brokers add. It is an object of JSON, whose names are
// part of the command.
type TopicRoute struct {
	Topic   string        `json:"topic"`
	Queues  int           `json:"queues"`  // that a producer picks from
	Ordered bool          `json:"ordered"` // by an order configuration
	Brokers []TopicBroker `json:"brokers"` // by name
}

// TopicBroker is a topic on one broker.
type TopicBroker struct {
	Name        string `json:"name"`
	Cluster     string `json:"cluster"`
	Addr        string `json:"addr,omitempty"` // of the master; "" if there is none
	WriteQueues int    `json:"write_queues"`
	ReadQueues  int    `json:"read_queues"`
	Perm        int    `json:"perm"`            // 2 write, 4 read
	Type        string `json:"type,omitempty"`  // message.type; "" if the broker keeps none
	Error       string `json:"error,omitempty"` // why the broker could not be asked
}

// RouteTopic asks where a topic lives. An unknown one is an error with the next step.
func RouteTopic(ctx context.Context, o TopicOptions, topic string) (*TopicRoute, error) {
	admin, done := o.admin()
	defer done()
	r, err := admin.Route(ctx, topic)
	if producer.UnknownTopic(err) {
		return nil, fmt.Errorf("topic %s is not there: %w; make it: rmqbench topic create %[1]s -n %[3]s", topic, err, strings.Join(o.NameServers, ","))
	}
	if err != nil {
		return nil, o.explain(err, "")
	}
	queues, ordered := r.PublishQueues()
	route := &TopicRoute{Topic: topic, Queues: len(queues), Ordered: ordered}
	slices.SortStableFunc(r.Queues, func(a, b message.QueueData) int { return message.CompareJava(a.Broker, b.Broker) })
	route.Brokers = sideBySide(r.Queues, func(q message.QueueData) TopicBroker {
		b := TopicBroker{Name: q.Broker, Addr: r.MasterAddr(q.Broker), WriteQueues: q.WriteQueues, ReadQueues: q.ReadQueues, Perm: int(q.Perm)}
		if at := slices.IndexFunc(r.Brokers, func(d message.BrokerData) bool { return d.Name == q.Broker }); at >= 0 {
			b.Cluster = r.Brokers[at].Cluster
		}
		if b.Addr == "" {
			b.Error = "no master"
			return b
		}
		kind, err := admin.TopicTypeAt(ctx, b.Addr, topic)
		if err != nil {
			b.Error = err.Error()
		}
		b.Type = string(kind)
		return b
	})
	return route, nil
}

// Write prints the route as a table.
func (r *TopicRoute) Write(w io.Writer) error {
	order := ""
	if r.Ordered {
		order = ", in an order configuration's order"
	}
	if _, err := fmt.Fprintf(w, "topic %s: %s to write%s\n", results.Printable(r.Topic), results.FormatCount(r.Queues, "queue"), order); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "broker\tcluster\tmaster\twrite\tread\tperm\ttype") // a tabwriter's error is Flush's
	for i := range r.Brokers {
		b := &r.Brokers[i]
		addr, kind := b.Addr, b.Type
		if addr == "" {
			addr = "-"
		}
		if kind == "" {
			kind = "-"
		}
		if b.Error != "" {
			kind = results.Printable(b.Error)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", results.Printable(b.Name), results.Printable(b.Cluster), results.Printable(addr), b.WriteQueues, b.ReadQueues, b.Perm, kind)
	}
	return table.Flush()
}
