package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rmqbench/internal/nearest"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// javaOption is one of those of org.apache.rocketmq.example.benchmark.Producer. Each takes a value.
type javaOption struct {
	short, long string
	since       string // the first version of RocketMQ that takes it, from 4.5.1 on; "": none does
	// become gives the flags of run that a value becomes, and what is said of it beyond them.
	become func(j *javaBenchmark, value string) (flags []string, said string, err error)
}

// javaBenchmark is what several options say together.
type javaBenchmark struct {
	given map[string]string // by short name
}

func (j *javaBenchmark) is(short string) bool { return strings.EqualFold(j.given[short], "true") }

// as is an option that is a flag of run too.
func as(flag string) func(*javaBenchmark, string) ([]string, string, error) {
	return func(_ *javaBenchmark, value string) ([]string, string, error) { return []string{flag, value}, "", nil }
}

// javaOptions are in the order in which they are told of.
var javaOptions = []javaOption{
	{"n", "namesrvAddr", "4.5.1", as("-n")},
	{"t", "topic", "4.5.1", as("-t")},
	{"w", "threadCount", "4.5.1", func(j *javaBenchmark, value string) ([]string, string, error) {
		if j.is("y") {
			return nil, "nothing: with -y true the Java benchmark has one thread", nil
		}
		return []string{"-w", value}, "", nil
	}},
	{"y", "asyncEnable", "4.9.4", func(j *javaBenchmark, _ string) ([]string, string, error) {
		if !j.is("y") {
			return []string{"-m", "sync"}, "", nil
		}
		return []string{"-m", "async", "-w", "1", "--in-flight", "10000"}, "the Java benchmark stops for 0.1 s when 10,000 wait to be sent; here no more than that are unanswered", nil
	}},
	{"s", "messageSize", "4.5.1", as("-s")},
	{"k", "keyEnable", "4.5.1", func(j *javaBenchmark, _ string) ([]string, string, error) {
		if !j.is("k") {
			return nil, "no keys", nil
		}
		return []string{"--set", "message.keys.distinct=1000", "--set", "message.keys.skew=sequence"}, "the Java benchmark's key is the second in which a message is sent", nil
	}},
	{"p", "propertySize", "", func(_ *javaBenchmark, value string) ([]string, string, error) {
		if value == "0" {
			return nil, "no properties", nil
		}
		return nil, "", fmt.Errorf("the Java benchmark looks for it but declares it in no version, and so refuses it too; write message.properties in a scenario file")
	}},
	{"l", "tagCount", "4.8.0", func(_ *javaBenchmark, value string) ([]string, string, error) {
		if value == "0" {
			return nil, "no tags", nil
		}
		return []string{"--set", "message.tags=" + value}, "drawn by the seed, not by the clock", nil
	}},
	{"m", "msgTraceEnable", "4.8.0", func(j *javaBenchmark, _ string) ([]string, string, error) {
		if j.is("m") {
			return nil, "", fmt.Errorf("run sends no traces, and with them the load would be another")
		}
		return nil, "no traces", nil
	}},
	{"a", "aclEnable", "4.8.0", func(j *javaBenchmark, _ string) ([]string, string, error) {
		if j.is("a") {
			return nil, "requests are signed with RMQBENCH_ACCESS_KEY and RMQBENCH_SECRET_KEY, or with -- --credentials FILE", nil
		}
		return nil, "nothing: requests are signed where there are credentials", nil
	}},
	{"ak", "accessKey", "4.9.3", secretOption},
	{"sk", "secretKey", "4.9.3", secretOption},
	{"q", "messageQuantity", "4.9.0", func(_ *javaBenchmark, value string) ([]string, string, error) {
		if value == "0" {
			return nil, "no end by number", nil
		}
		return []string{"--count", value}, "all threads together", nil
	}},
	{"d", "delayEnable", "4.9.1", func(j *javaBenchmark, _ string) ([]string, string, error) {
		if !j.is("d") {
			return nil, "no delay", nil
		}
		level := j.given["e"]
		if level == "" {
			level = "1"
		}
		return []string{"--set", "message.delay_level=" + level, "--set", "message.long_delay=true"}, "", nil
	}},
	{"e", "delayLevel", "4.9.1", func(j *javaBenchmark, _ string) ([]string, string, error) {
		if j.is("d") {
			return nil, "see -d", nil
		}
		return nil, "nothing without -d true", nil
	}},
	{"c", "compressEnable", "5.1.1", func(j *javaBenchmark, _ string) ([]string, string, error) {
		if !j.is("c") {
			return nil, "bodies are not compressed", nil
		}
		over := j.given["ch"]
		if over == "" {
			over = "4096"
		}
		return []string{"--compress-over", over}, "", nil
	}},
	{"ct", "compressType", "5.1.1", func(j *javaBenchmark, value string) ([]string, string, error) {
		if !j.is("c") {
			return nil, "nothing without -c true", nil
		}
		return []string{"--set", "producer.compress=" + strings.ToLower(value)}, "", nil
	}},
	{"cl", "compressLevel", "5.1.1", func(*javaBenchmark, string) ([]string, string, error) {
		return nil, "nothing: the level is the producer's own", nil
	}},
	{"ch", "compressOverHowMuch", "5.1.1", func(j *javaBenchmark, _ string) ([]string, string, error) {
		if j.is("c") {
			return nil, "see -c", nil
		}
		return nil, "nothing without -c true", nil
	}},
	{"ri", "reportInterval", "5.1.2", func(*javaBenchmark, string) ([]string, string, error) {
		return nil, "nothing: series.jsonl has a line a second, and -- --progress plain prints one every 5 s", nil
	}},
}

func secretOption(*javaBenchmark, string) ([]string, string, error) {
	return nil, "", fmt.Errorf("no flag takes a secret: set RMQBENCH_ACCESS_KEY and RMQBENCH_SECRET_KEY, or give -- --credentials FILE")
}

// javaVersions says which options each version of RocketMQ brought.
func javaVersions() string {
	of := map[string]string{}
	for _, o := range javaOptions {
		if o.since != "" {
			of[o.since] += " -" + o.short
		}
	}
	var lines []string
	for _, version := range slices.Sorted(maps.Keys(of)) {
		lines = append(lines, fmt.Sprintf("  %s %s", version, of[version]))
	}
	return strings.Join(lines, "\n")
}

func newMQProducer(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "mqproducer [options of RocketMQ's Java benchmark] [-- flags of run]",
		Short: "run, by the options of RocketMQ's Java benchmark",
		Long: `mqproducer takes the options of org.apache.rocketmq.example.benchmark.Producer (mqproducer in RocketMQ's benchmark directory), says on
stderr what each became, and runs it as run does. Flags of run may follow after --.

Like the Java benchmark it is a closed loop of 64 threads on the topic BenchmarkTest with bodies of 128 bytes that are not compressed,
and request headers in binary. Unlike it, it ends: after 60 s, after -q messages, or as -- -d TIME says. It
retries as the Java client does (profile java-5.4) and never makes the topic off loopback. After a send that the network or a broker failed the Java
benchmark's thread sleeps for 3 s; here it goes on at once.

The versions of RocketMQ that brought the options, as its own take them; headers are in binary from 4.9.4 on (before: -- --serialize json):

` + javaVersions() + `

An option's value may follow it after = too.`,
		Example: `  rmqbench mqproducer -n 127.0.0.1:9876 -t TOPIC -w 64 -s 1024
  rmqbench mqproducer -n 127.0.0.1:9876 -t TOPIC -y true -q 100000 -- --json -o none`,
		DisableFlagParsing: true,
		Args:               cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if slices.Contains(args, "-h") || slices.Contains(args, "--help") {
				return cmd.Help()
			}
			flags, said, err := fromJava(args)
			if err != nil {
				return err
			}
			for _, line := range said {
				if _, err := fmt.Fprintln(s.err, results.Printable(line)); err != nil {
					return err
				}
			}
			root := newRoot(s)
			root.SetArgs(append([]string{"run"}, flags...))
			root.SetOut(s.out)
			root.SetErr(s.err)
			return root.ExecuteContext(cmd.Context())
		},
	}
}

// fromJava gives the flags of run that the Java benchmark's options become, and a line for each that says so.
func fromJava(args []string) (flags, said []string, err error) {
	var own []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, own = args[:i], args[i+1:]
	}
	j := &javaBenchmark{given: map[string]string{}}
	for len(args) > 0 {
		name, value, joined := strings.Cut(args[0], "=")
		args = args[1:]
		o, err := javaOptionOf(name)
		if err != nil {
			return nil, nil, err
		}
		if !joined {
			if len(args) == 0 {
				return nil, nil, &usageError{fmt.Sprintf("-%s needs a value, as with the Java benchmark", o.short)}
			}
			value, args = args[0], args[1:]
		}
		j.given[o.short] = value
	}
	flags = []string{"-t", "BenchmarkTest", "-g", "benchmark_producer", "-w", "64", "-s", "128", "--compress-over", "off", "--serialize", "rocketmq", "--set", "producer.profile=java-5.4"}
	if n, err := strconv.ParseInt(j.given["q"], 10, 64); err != nil || n == 0 {
		flags = append(flags, "-d", "60s")
		said = append(said, "no end in the Java benchmark → -d 60s")
	}
	for _, o := range javaOptions {
		value, given := j.given[o.short]
		if !given {
			continue
		}
		became, more, err := o.become(j, value)
		if err != nil {
			return nil, nil, &usageError{fmt.Sprintf("-%s: %v", o.short, err)}
		}
		flags = append(flags, became...)
		line := strings.Join(became, " ")
		if line != "" && more != "" {
			line += "; "
		}
		if o.short == "n" {
			value = scenarios.WithoutSecrets(value)
			line = "-n " + value
		}
		said = append(said, fmt.Sprintf("-%s %s → %s%s", o.short, value, line, more))
	}
	return append(flags, own...), said, nil
}

func javaOptionOf(arg string) (javaOption, error) {
	name := strings.TrimLeft(arg, "-")
	var known []string
	for _, o := range javaOptions {
		if strings.HasPrefix(arg, "-") && (name == o.short || name == o.long) {
			return o, nil
		}
		known = append(known, o.short, o.long)
	}
	return javaOption{}, &usageError{fmt.Sprintf("%q is no option of RocketMQ's Java benchmark; nearest: -%s; flags of run follow after --", arg, nearest.Any(name, known))}
}
