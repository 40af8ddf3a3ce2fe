package main

import (
	"os"
	"strings"

	"github.com/spf13/pflag"

	"rmqbench/scenarios"
)

// loadFlag is a flag that fixes one field of the scenario. Its value is parsed where a file's is, in scenarios.
type loadFlag struct {
	name, short, value, path, usage string
}

// loadFlags are those of run, in the order of its help.
var loadFlags = []loadFlag{
	{"namesrv", "n", "HOST:PORT", "target.namesrv", "name servers, by comma; default: the embedded broker"},
	{"cluster", "c", "NAME", "target.cluster", "cluster, where the name server knows several"},
	{"topic", "t", "NAME", "topic.name", "topic; default RMQBENCH_RUN, or the scenario's"},
	{"group", "g", "NAME", "producer.group", "producer group (rmqbench)"},
	{"mode", "m", "MODE", "load.mode", "sync, async or oneway (sync)"},
	{"workers", "w", "N", "load.workers", "goroutines that send, sharing one client (closed loop 64, with a rate auto)"},
	{"in-flight", "", "N", "load.in_flight", "async: messages without an answer at one time (1024)"},
	{"size", "s", "SIZE", "message.size", "body: 128B, 4KiB, … (128B)"},
	{"compressible", "", "SHARE", "message.compressible", "share of a body that compression removes, 0 to 1 (0)"},
	{"compress-over", "", "SIZE", "producer.compress_over", "compress bodies from this size on, or off (4KiB)"},
	{"rate", "r", "RATE", "load.rate", "open loop: messages fall due at this rate, 1k/s, 30/m; without it as fast as answers come"},
	{"duration", "d", "TIME", "load.duration", "measured time: 30s, 5m (10s)"},
	{"count", "", "N", "load.count", "stop after so many measured sends"},
	{"warmup", "", "TIME", "load.warmup", "time before measuring, counted apart (none)"},
	{"connections", "", "N", "producer.connections", "TCP connections to each broker, which all workers share (1)"},
	{"timeout", "", "TIME", "producer.send_timeout", "one send, retries included (3s)"},
	{"retries", "", "N", "producer.retries", "attempts after the first (0)"},
	{"serialize", "", "KIND", "producer.serialize", "request headers: rocketmq (binary) or json"},
	{"seed", "", "N", "seed", "of all that is random (1)"},
}

// textValue is a flag whose help names what it takes.
type textValue struct {
	text *string
	kind string
}

func (v textValue) String() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}
func (v textValue) Set(s string) error { *v.text = s; return nil }
func (v textValue) Type() string       { return v.kind }

// addLoadFlags defines them and --set.
func addLoadFlags(flags *pflag.FlagSet) {
	for _, f := range loadFlags {
		flags.VarP(textValue{new(string), f.value}, f.name, f.short, f.usage)
	}
	flags.StringArray("set", nil, "fix any field of the scenario, such as topic.create=if_absent; may be given again")
}

// overrides are the fields that flags fix, in a fixed order.
func overrides(flags *pflag.FlagSet) ([]scenarios.Override, error) {
	var all []scenarios.Override
	for _, f := range loadFlags {
		given := flags.Lookup(f.name)
		if !given.Changed {
			continue
		}
		source := "--" + f.name
		if f.short != "" {
			source = "-" + f.short
		}
		all = append(all, scenarios.Override{Path: f.path, Value: given.Value.String(), Source: source})
	}
	sets, err := flags.GetStringArray("set")
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		path, value, ok := strings.Cut(set, "=")
		if !ok {
			return nil, &usageError{"--set " + set + ": write path=value, such as --set load.workers=8"}
		}
		all = append(all, scenarios.Override{Path: path, Value: value, Source: "--set " + path})
	}
	return all, nil
}

// namesrvFromEnv is RocketMQ's own environment variable for name servers.
func namesrvFromEnv() string { return os.Getenv("NAMESRV_ADDR") }
