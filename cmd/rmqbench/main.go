package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rmqbench/bench"
	"rmqbench/internal/nearest"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// Exit statuses: see the help of the root command.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// streams are where the command reads and writes: results to out, progress and logs to err.
type streams struct {
	in       io.Reader
	out, err io.Writer

	hurry <-chan struct{} // closed: the command is to end at once; nil: never
}

func main() {
	ctx, hurry := onSignals(func() {
		terminal.Load().restore()
		os.Exit(exitInterrupted)
	})
	os.Exit(run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, hurry: hurry}))
}

// exitError carries an exit status that the command has explained already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// usageError is a wrong call: exit status 2, one line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

// run executes the command line and returns its exit status. Errors are one line each on s.err.
func run(ctx context.Context, args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if status, ok := errors.AsType[exitError](err); ok {
		return int(status)
	}
	if errors.Is(err, syscall.EPIPE) { // nobody reads any more, and that is no news to anybody
		return exitInterrupted
	}
	if err.Error() == context.Canceled.Error() { // nothing more is known than that it was asked to end
		err = interruptedError{err}
	}
	for line := range strings.Lines(strings.TrimRight(err.Error(), "\n")) {
		fmt.Fprintln(s.err, "rmqbench: "+results.Printable(strings.TrimRight(line, "\n")))
	}
	return statusOf(err)
}

// interruptedError says context.Canceled in the user's word.
type interruptedError struct{ error }

func (e interruptedError) Error() string { return results.Interrupted }

func (e interruptedError) Unwrap() error { return e.error }

func statusOf(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*bench.DangerError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*bench.ShareError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[scenarios.Faults](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*message.NameError](err); ok {
		return exitUsage
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	return exitFailed
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "rmqbench",
		Short: "Load generation and benchmarks for Apache RocketMQ producers",
		Long: `rmqbench puts load on Apache RocketMQ, measures each send from when it was due, and says what its numbers are worth.
Without a cluster it drives the broker that it carries with it, over real sockets.

Exit status:
  0    done (the verdict is the last line)
  1    could not be done: cluster, disk, or a part of the result was lost
  2    usage or scenario is wrong, or it would be dangerous as asked; nothing was sent
  3    an objective was missed, the gate found a regression, or the run stopped itself for errors
  4    inconclusive: too few sends or rounds, or too noisy, to say whether an objective holds or a regression is there
  5    the generator was the limit where a rate or an objective was asked for
  130  interrupted; what was measured is written and marked PARTIAL`,
		Example: `  rmqbench run                                     # under 30 s on the embedded broker: speed, and what a stall and a slow broker look like
  rmqbench doctor -n 127.0.0.1:9876                # is the cluster fit to be measured?
  rmqbench run -n 127.0.0.1:9876 -r 1k/s -t TOPIC  # 1,000 messages a second for 10 s
  rmqbench capacity --slo 'p99<10ms,errors<0.1%'   # the highest rate that holds this
  rmqbench ab --a '-m sync' --b '-m async'         # two things, measured in turns: what differs, and how sure that is`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(flagFault)
	root.AddCommand(newRun(s), newMQProducer(s), newMerge(s), newCapacity(s), newCompare(s), newGate(s), newAb(s), newCalibrate(s), newHistory(s), newReport(s),
		newDoctor(s), newTopic(s), newScenarios(s), newBroker(s), newVersion(s), newMan(s))
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd.Flags()) }
	root.Version = thisBuild().String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "say what this binary is, as the command version does") // cobra's own would take -v
	_ = root.Flags().SetAnnotation("version", notFromEnvironment, nil)                          // the flag is there
	root.SetOut(s.out)                                                                          // where completions go, which is asked for now
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion": // cobra shows its help for a shell that it doesn't know, and for help of a command that isn't there
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case "help":
			cmd.Args = helpArgs
		}
	}
	sayArgs(root)
	return root
}

// helpArgs refuses to help with a command that isn't there.
func helpArgs(help *cobra.Command, args []string) error {
	cmd, rest, err := help.Root().Find(args)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(rest) > 0 {
		return unknownCommand(cmd, rest[0])
	}
	return nil
}

// sayArgs turns a command's complaint about its arguments into a usage error of one line.
func sayArgs(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		sayArgs(sub)
	}
	check := cmd.Args
	if check == nil {
		check = cobra.NoArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if _, said := errors.AsType[*usageError](err); err == nil || said {
			return err
		}
		if cmd.HasSubCommands() && len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return &usageError{fmt.Sprintf("%v: %s; see %s --help", err, cmd.UseLine(), cmd.CommandPath())}
	}
}

// unknownCommand names the one nearest to what was given.
func unknownCommand(cmd *cobra.Command, given string) error {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return &usageError{fmt.Sprintf("unknown command %q; nearest: %s; see %s --help", given, nearest.Any(given, names), cmd.CommandPath())}
}

// flagFault names the flag nearest to one that isn't there.
func flagFault(cmd *cobra.Command, err error) error {
	if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 { // the flag is of a command that was misspelt
		return unknownCommand(cmd, cmd.Flags().Arg(0))
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return &usageError{fmt.Sprintf("%v; see %s --help", err, cmd.CommandPath())}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	given := "--" + unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return &usageError{fmt.Sprintf("unknown flag -%s; those of one letter: %s", unknown.GetSpecifiedName(), shortFlags(cmd.Flags()))}
	}
	return &usageError{fmt.Sprintf("unknown flag %s; nearest: %s", given, nearest.Any(given, names))}
}

// shortFlags lists them.
func shortFlags(flags *pflag.FlagSet) string {
	var all []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Shorthand != "" {
			all = append(all, "-"+f.Shorthand)
		}
	})
	return strings.Join(all, " ")
}

// notFromEnvironment is the annotation of a flag that must be typed.
const notFromEnvironment = "rmqbench_typed"

// setByEnvironment is the annotation of a flag that fromEnvironment gave its value.
const setByEnvironment = "rmqbench_environment"

// fromEnvironment gives each flag that was not set the value of RMQBENCH_<NAME>.
func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		if _, typed := f.Annotations[notFromEnvironment]; typed {
			return
		}
		name := envName(f.Name)
		if value, ok := os.LookupEnv(name); ok && !f.Changed && err == nil {
			if bad := flags.Set(f.Name, value); bad != nil {
				err = &usageError{fmt.Sprintf("environment %s: %v", name, bad)}
			}
			if f.Annotations == nil {
				f.Annotations = map[string][]string{}
			}
			f.Annotations[setByEnvironment] = nil
		}
	})
	return err
}

// envName is the environment variable of a flag.
func envName(flag string) string {
	return "RMQBENCH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
