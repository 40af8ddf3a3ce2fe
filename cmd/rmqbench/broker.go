package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rmqbench/broker"
	"rmqbench/scenarios"
)

func newBroker(s streams) *cobra.Command {
	var o broker.Options
	var memory string
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run the embedded name server and broker, for any RocketMQ client",
		Long: `broker runs a name server and brokers in one process until it is stopped. They speak RocketMQ's protocol on real sockets,
keep messages in memory only, and are there to test and to measure clients: a number measured against them says nothing
about RocketMQ.`,
		Example: `  rmqbench broker                                               # free ports on 127.0.0.1, printed
  rmqbench broker --namesrv-listen 127.0.0.1:9876 --listen 127.0.0.1:10911
  rmqbench broker --brokers 3 --service-time 200us`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			size, err := scenarios.ParseSize(memory)
			if err != nil {
				return &usageError{fmt.Sprintf("--memory %s: %v", memory, err)}
			}
			if o.Brokers < 1 || o.Brokers > 16 {
				return &usageError{fmt.Sprintf("--brokers %d: 1 to 16", o.Brokers)}
			}
			if o.ServiceTime < 0 || o.Servers < 1 {
				return &usageError{"--service-time and --servers: must be positive"}
			}
			if o.CheckInterval < time.Millisecond || o.CheckAfter < time.Millisecond {
				return &usageError{"--check-interval and --check-after: at least 1ms"}
			}
			o.MemoryBudget = int64(size)
			cluster, err := broker.Start(o)
			if err != nil {
				return err
			}
			defer cluster.Close()
			fmt.Fprintf(s.out, "name server %s\n", cluster.NameServer())
			for _, b := range cluster.Brokers() {
				fmt.Fprintf(s.out, "broker      %s %s\n", b.Addr(), b.Name())
			}
			fmt.Fprintf(s.err, "EMBEDDED BROKER, in memory; stop it with Ctrl-C. Next: rmqbench run -n %s\n", cluster.NameServer())
			<-cmd.Context().Done()
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.NameServerListen, "namesrv-listen", "127.0.0.1:0", "where the name server listens; port 0 takes a free one")
	f.StringVar(&o.BrokerListen, "listen", "127.0.0.1:0", "where the first broker listens; the others take the ports after it")
	f.StringVar(&o.Advertise, "advertise", "", "host that clients are told to connect to (the one listened on)")
	f.StringVar(&o.Cluster, "cluster", "DefaultCluster", "name of the cluster")
	f.IntVar(&o.Brokers, "brokers", 1, "number of brokers")
	f.StringVar(&memory, "memory", "256MiB", "what a broker keeps; beyond it the oldest messages go")
	f.BoolVar(&o.NoAutoCreate, "no-auto-create", false, "refuse sends to unknown topics")
	f.DurationVar(&o.ServiceTime, "service-time", time.Duration(0), "how long a server is busy with a send (0: answer at once)")
	f.IntVar(&o.Servers, "servers", 1, "servers of each broker")
	f.DurationVar(&o.CheckInterval, "check-interval", 30*time.Second, "how often producers are asked about open transactions")
	f.DurationVar(&o.CheckAfter, "check-after", 6*time.Second, "how old a half message is when they are first asked")
	f.BoolVar(&o.AlwaysJSON, "always-json", false, "answer with JSON headers whatever the request used, as 5.x does by default")
	return cmd
}
