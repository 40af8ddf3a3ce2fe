package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rmqbench/bench"
	"rmqbench/internal/nearest"
	"rmqbench/producer"
	"rmqbench/results"
)

func newTopic(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "topic",
		Short: "Create a topic, see where it lives, delete it",
		Long: `topic makes topics to be loaded, and takes them away again. A topic is made on every master of one cluster, and one that is
there is never altered. Deleting takes only topics named RMQBENCH_…; any other must be named twice.`,
		Example: `  rmqbench topic create RMQBENCH_ORDERS --queues 8 -n HOST:9876
  rmqbench topic route RMQBENCH_ORDERS -n HOST:9876
  rmqbench topic delete RMQBENCH_ORDERS -n HOST:9876`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTopicCreate(s), newTopicRoute(s), newTopicDelete(s))
	return cmd
}

// topicOptions are those of the flags; a name server must be given.
func (t *targetFlags) topicOptions(cmd *cobra.Command, s streams) (o bench.TopicOptions, err error) {
	given, err := t.nameServers()
	if err != nil {
		return o, err
	}
	if len(given) == 0 {
		return o, &usageError{"which cluster? Give its name server with -n HOST:9876, or in NAMESRV_ADDR"}
	}
	security, err := t.security(cmd.Flags(), s)
	if err != nil {
		return o, err
	}
	o.Cluster, o.Security = t.cluster, *security
	o.NameServers, err = bench.NameServers(cmd.Context(), given)
	return o, err
}

// topicTypes are RocketMQ's, as they are typed.
var topicTypes = func() (all []string) {
	for _, t := range producer.TopicTypes() {
		all = append(all, strings.ToLower(string(t)))
	}
	return all
}()

func newTopicCreate(s streams) *cobra.Command {
	var target targetFlags
	var queues int
	var kind string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a topic on every master of one cluster",
		Long: `create makes the topic on every master of the cluster, with so many queues on each, and waits until the name server knows it.
A topic that is there already just so is left alone; one with other queues or of another type is exit status 2, and nothing
is changed. A type is kept by brokers of 5.x only. Where the permission is missing, it prints the command for an administrator.`,
		Example: `  rmqbench topic create RMQBENCH_ORDERS --queues 8 -n HOST:9876
  rmqbench topic create RMQBENCH_LATER --queues 4 --type delay -n HOST:9876 -c DefaultCluster
  rmqbench topic create RMQBENCH_ORDERS -n HOST:9876 --tls-ca ca.pem --credentials tools.yml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(topicTypes, kind) {
				return &usageError{fmt.Sprintf("--type %s: one of %s; nearest: %s", kind, strings.Join(topicTypes, ", "), nearest.Any(kind, topicTypes))}
			}
			t := producer.Topic{Name: args[0], Queues: queues, Type: producer.TopicType(strings.ToUpper(kind))}
			if err := t.Check(); err != nil {
				return &usageError{err.Error()}
			}
			o, err := target.topicOptions(cmd, s)
			if err != nil {
				return err
			}
			done, err := bench.CreateTopic(cmd.Context(), o, t)
			if err != nil {
				return err
			}
			return writeCreation(s, &t, &done, o.NameServers)
		},
	}
	f := cmd.Flags()
	f.IntVar(&queues, "queues", 8, "queues on each master")
	f.StringVar(&kind, "type", topicTypes[0], "what it is for: "+strings.Join(topicTypes, ", "))
	target.add(f)
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(topicTypes, cobra.ShellCompDirectiveNoFileComp)) // the flag is there: defined above
	return cmd
}

// writeCreation tells what was made, and what there was.
func writeCreation(s streams, t *producer.Topic, done *producer.TopicCreation, nameServers []string) error {
	var text strings.Builder
	each := results.FormatCount(t.Queues, "queue")
	if len(done.Made) > 0 {
		fmt.Fprintf(&text, "topic %s: made with %s on each of %s\n", t.Name, each, brokerNames(done.Made))
	}
	if len(done.Found) > 0 {
		fmt.Fprintf(&text, "topic %s: there already, with %s on each of %s; nothing was changed there\n", t.Name, each, brokerNames(done.Found))
	}
	if len(done.Untyped) > 0 {
		fmt.Fprintf(&text, "its type is not kept by %s, of RocketMQ 4.x\n", brokerNames(done.Untyped))
	}
	fmt.Fprintf(&text, "next: rmqbench run -n %s -t %s -r 1k/s\n", results.Printable(strings.Join(nameServers, ",")), t.Name)
	_, err := fmt.Fprint(s.out, text.String())
	return err
}

func brokerNames(names []string) string { return results.Printable(strings.Join(names, ", ")) }

func newTopicRoute(s streams) *cobra.Command {
	var target targetFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "route NAME",
		Short: "Where a topic lives: brokers, queues, permissions, type",
		Example: `  rmqbench topic route RMQBENCH_ORDERS -n HOST:9876
  rmqbench topic route RMQBENCH_ORDERS -n HOST:9876 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := target.topicOptions(cmd, s)
			if err != nil {
				return err
			}
			route, err := bench.RouteTopic(cmd.Context(), o, args[0])
			if err != nil {
				return err
			}
			if !asJSON {
				return route.Write(s.out)
			}
			enc := json.NewEncoder(s.out)
			enc.SetIndent("", "  ")
			return enc.Encode(route)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print the route as JSON")
	target.add(f)
	return cmd
}

func newTopicDelete(s streams) *cobra.Command {
	var target targetFlags
	var confirmed string
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a topic and its messages, of one cluster",
		Long: `delete has every master of the cluster forget the topic and its messages, and then the name servers. It takes only topics
named RMQBENCH_…; any other needs --yes-delete with its name, which can't come from the environment. A topic that also
lives in another cluster is left alone.`,
		Example: `  rmqbench topic delete RMQBENCH_ORDERS -n HOST:9876
  rmqbench topic delete ORDERS --yes-delete ORDERS -n HOST:9876 -c DefaultCluster`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := target.topicOptions(cmd, s)
			if err != nil {
				return err
			}
			brokers, err := bench.DeleteTopic(cmd.Context(), o, args[0], confirmed)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, "topic %s: deleted on %s\n", args[0], brokerNames(brokers))
			return err
		},
	}
	f := cmd.Flags()
	f.Var(textValue{&confirmed, "NAME"}, "yes-delete", "the topic's name again, for a topic that isn't named RMQBENCH_…")
	_ = f.SetAnnotation("yes-delete", notFromEnvironment, nil) // the flag is there: defined above
	target.add(f)
	return cmd
}
