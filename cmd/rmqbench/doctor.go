package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rmqbench/bench"
)

func newDoctor(s streams) *cobra.Command {
	var target targetFlags
	var topic string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Is the cluster, and this machine, fit to be measured? A line a check, each with the next step",
		Long: `doctor asks each name server, dials every master, and looks at this machine's limits. With -t it looks at the topic's route and type,
who else sends to it or consumes it, and what you may do: send to it, create topics. It stores no message and changes nothing: to learn
what it may do it asks for what a broker has to refuse, a queue that isn't there and a name with a question mark. With TLS or credentials it says which of them a server did not like.
Of a proxy's remoting port it looks at what that tells: routes, and nothing of single brokers. Exit status 1 if a check failed.`,
		Example: `  rmqbench doctor -n 127.0.0.1:9876
  rmqbench doctor -n HOST:9876 --tls-ca ca.pem --credentials tools.yml
  rmqbench doctor -n a:9876,b:9876 -t ORDERS -c DefaultCluster
  rmqbench doctor -n PROXY:8080 -t ORDERS
  rmqbench doctor -n http://HOST:8080/rocketmq/nsaddr`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := target.nameServers()
			if err != nil {
				return err
			}
			o := bench.DoctorOptions{NameServers: names, Cluster: target.cluster, Topic: topic}
			security, err := target.security(cmd.Flags(), s)
			if err != nil {
				return err
			}
			o.Security = *security
			failed := false
			for _, c := range bench.Doctor(cmd.Context(), o) {
				failed = failed || c.Level == bench.Fail
				if _, err := fmt.Fprintln(s.out, c); err != nil {
					return err
				}
			}
			if failed {
				return exitError(exitFailed)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&topic, "topic", "t", "", "look at this topic too: route, type, rights, other users")
	target.add(f)
	return cmd
}
