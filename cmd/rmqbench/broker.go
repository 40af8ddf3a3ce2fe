package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"rmqbench/ab"
	"rmqbench/bench"
	"rmqbench/broker"
	"rmqbench/results"
	"rmqbench/scenarios"
)

func newBroker(s streams) *cobra.Command {
	var o broker.Options
	var memory, record string
	cmd := &cobra.Command{
		Use:   "broker [flags] [-- COMMAND [ARGUMENT…]]",
		Short: "Run the embedded name server and broker, for any RocketMQ client",
		Long: `broker runs a name server and brokers in one process until it is stopped. They speak RocketMQ's protocol on real sockets,
keep messages in memory only, and are there to test and to measure clients: a number measured against them says nothing
about RocketMQ.

With --record it leaves a run's record of what arrived: messages a second, the gaps between them, bytes, queues, duplicates, a case for each
topic. compare and gate take it, so a producer in any language can be judged by what it sends. Behind -- stands a command that is run
against the broker: NAMESRV_ADDR says where it is, the broker ends when the command does, and its output goes to stderr.`,
		Example: `  rmqbench broker                                               # free ports on 127.0.0.1, printed
  rmqbench broker --namesrv-listen 127.0.0.1:9876 --listen 127.0.0.1:10911
  rmqbench broker --brokers 3 --service-time 200us
  rmqbench broker --record arrived.json                         # written when it is stopped
  rmqbench broker --record - -- java -jar service-test.jar      # the record on stdout, for ab --a and --b`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); len(args) > 0 && at != 0 {
				return &usageError{args[0] + ": a command stands behind --; see rmqbench broker --help"}
			}
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
			witness := bench.NewWitness()
			told := s.out
			if record != "" {
				o.Arrived = witness.Arrived
			}
			if record == "-" { // stdout is the record's
				told = s.err
			}
			cluster, err := broker.Start(o)
			if err != nil {
				return err
			}
			defer cluster.Close()
			fmt.Fprintf(told, "name server %s\n", cluster.NameServer())
			for _, b := range cluster.Brokers() {
				fmt.Fprintf(told, "broker      %s %s\n", b.Addr(), b.Name())
			}
			if len(args) > 0 {
				if err := runAgainst(cmd.Context(), cluster.NameServer(), args, s); err != nil {
					return err
				}
			} else {
				fmt.Fprintf(s.err, "EMBEDDED BROKER, in memory; stop it with Ctrl-C. Next: rmqbench run -n %s\n", cluster.NameServer())
				<-cmd.Context().Done()
			}
			if record == "" {
				return nil
			}
			return writeRecord(record, witness.Record(tool(), cluster, "arrived").Run, s)
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
	f.StringVar(&record, "record", "", "write a run's record of what arrived to this new file at the end, or - for stdout")
	f.BoolVar(&o.AlwaysJSON, "always-json", false, "answer with JSON headers whatever the request used, as 5.x does by default")
	return cmd
}

// runAgainst runs a command that finds the name server in its environment, to its end.
func runAgainst(ctx context.Context, nameServer string, args []string, s streams) error {
	child := exec.CommandContext(ctx, args[0], args[1:]...)
	child.Env = append(os.Environ(), "NAMESRV_ADDR="+nameServer)
	child.Stdin, child.Stdout, child.Stderr = s.in, s.err, s.err
	err := ab.Confined(child)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist):
		return &usageError{err.Error()}
	case err != nil:
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}

// writeRecord writes a run's record to a new file, or to stdout.
func writeRecord(path string, run *results.Run, s streams) error {
	if path == "-" {
		return results.Encode(s.out, run)
	}
	return writeTo(path, os.O_CREATE|os.O_EXCL, func(w io.Writer) error { return results.Encode(w, run) })
}
