package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"rmqbench/bench"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// loadFlag is a flag that fixes one field of the scenario. Its value is parsed where a file's is, in scenarios.
type loadFlag struct {
	name, short, value, path, usage string
}

// loadFlags are those of run, in the order of its help.
var loadFlags = []loadFlag{
	{"namesrv", "n", "HOST:PORT", "target.namesrv", "name servers or proxies (remoting port), by comma, or the URL that tells name servers; default: the embedded broker"},
	{"cluster", "c", "NAME", "target.cluster", "cluster, where the name server knows several"},
	{"broker", "b", "NAME", "target.brokers", "send to this broker only, or to these, by comma"},
	{"tls", "", "bool", "target.tls.enabled", "speak TLS to name servers and brokers; their certificates are verified"},
	{"tls-ca", "", "FILE", "target.tls.ca", "certificates to trust instead of the system's (PEM); implies --tls"},
	{"tls-cert", "", "FILE", "target.tls.cert", "our own certificate (PEM), with --tls-key"},
	{"tls-key", "", "FILE", "target.tls.key", "its key (PEM)"},
	{"tls-server-name", "", "NAME", "target.tls.server_name", "name in the servers' certificates, if not the host that is dialled"},
	{"tls-insecure", "", "bool", "target.tls.insecure", "verify nothing; the result says so"},
	{"credentials", "", "FILE", "target.credentials", "accessKey and secretKey that sign requests, as mqadmin's tools.yml; default RMQBENCH_ACCESS_KEY and RMQBENCH_SECRET_KEY"},
	{"resolve", "", "FROM=TO", "target.resolve", "dial TO where brokers or name servers are said to be at FROM (each HOST:PORT), by comma"},
	{"topic", "t", "NAME", "topic.name", "topic; default RMQBENCH_RUN, or the scenario's"},
	{"group", "g", "NAME", "producer.group", "producer group (rmqbench)"},
	{"mode", "m", "MODE", "load.mode", "sync, async, oneway, batch, transaction or request (sync)"},
	{"workers", "w", "N", "load.workers", "goroutines that send, sharing one client (closed loop 64, with a rate auto)"},
	{"in-flight", "", "N", "load.in_flight", "async: messages without an answer at one time (1024)"},
	{"batch", "", "N", "load.batch", "mode batch: messages of a send, which fall due together (16)"},
	{"size", "s", "SIZE", "message.size", "body: 128B, 4KiB, … (128B)"},
	{"compressible", "", "SHARE", "message.compressible", "share of a body that compression removes, 0 to 1 (0)"},
	{"compress-over", "", "SIZE", "producer.compress_over", "compress bodies from this size on, or off (4KiB)"},
	{"rate", "r", "RATE", "load.rate", "open loop: messages fall due at this rate, 1k/s, 30/m; without it as fast as answers come"},
	{"cap", "", "RATE", "load.cap", "closed loop: at most so many sends, as 5k/s (no cap)"},
	{"duration", "d", "TIME", "load.duration", "measured time: 30s, 5m (10s)"},
	{"count", "", "N", "load.count", "stop after so many measured sends"},
	{"warmup", "", "TIME", "load.warmup", "time before measuring, counted apart; auto: until it is steady, 30s at the most (none)"},
	{"selector", "", "NAME", "producer.selector", "how a queue is chosen: round_robin, random, hash, least_in_flight, … (round_robin)"},
	{"connections", "", "N", "producer.connections", "TCP connections to each broker, which all workers share (1)"},
	{"timeout", "", "TIME", "producer.send_timeout", "one send, retries included (3s)"},
	{"retries", "", "N", "producer.retries", "attempts after the first (0)"},
	{"serialize", "", "KIND", "producer.serialize", "request headers: rocketmq (binary) or json"},
	{"slo", "", "LIST", "slo", "what must hold: 'p99<10ms,errors<0.1%'; exit status 3 if it doesn't"},
	{"repeat", "", "N", "repeat", "rounds of all cases, each in an order of its own (1)"},
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

// addFlags defines them and --set.
func addFlags(flags *pflag.FlagSet, load []loadFlag) {
	for _, f := range load {
		flags.VarP(textValue{new(string), f.value}, f.name, f.short, f.usage)
		if f.value == "bool" {
			flags.Lookup(f.name).NoOptDefVal = "true"
		}
	}
	flags.StringArray("set", nil, "fix any field of the scenario, such as topic.create=if_absent; may be given again")
}

// overrides are the fields that flags fix, in a fixed order.
func overrides(flags *pflag.FlagSet) ([]scenarios.Override, error) {
	var all []scenarios.Override
	for _, f := range loadFlags {
		given := flags.Lookup(f.name)
		if given == nil || !given.Changed {
			continue
		}
		source := "--" + f.name
		if f.short != "" {
			source = "-" + f.short
		}
		if _, ok := given.Annotations[setByEnvironment]; ok {
			source = envName(f.name)
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

// targetFlags say which cluster is meant and how it is spoken to, for verbs that take no scenario.
type targetFlags struct {
	names, cluster string
	secure         securityFlags
}

func (t *targetFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&t.names, "namesrv", "n", "", "name servers or, for doctor, proxies, HOST:PORT by comma or semicolon, or the URL that tells them (NAMESRV_ADDR)")
	flags.StringVarP(&t.cluster, "cluster", "c", "", "this cluster, where the name server knows several")
	t.secure.add(flags)
}

// nameServers are those of the flag or of RocketMQ's own environment variable, or the URL of one that tells them; perhaps none.
func (t *targetFlags) nameServers() ([]string, error) {
	names, source := t.names, "-n"
	if names == "" {
		names, source = namesrvFromEnv(), "NAMESRV_ADDR"
	}
	if scenarios.IsEndpoint(names) || strings.Contains(names, "@") { // which no address has, and a password may be before it
		if err := scenarios.CheckEndpoint(names); err != nil {
			return nil, &usageError{source + ": " + err.Error()}
		}
		return []string{names}, nil
	}
	list := strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
	for _, name := range list {
		if err := scenarios.CheckNameServer(name); err != nil {
			return nil, &usageError{fmt.Sprintf("%s %s: %v", source, results.Printable(name), err)}
		}
	}
	return list, nil
}

// security reads the files that the flags name, and warns of what the user should know.
func (t *targetFlags) security(flags *pflag.FlagSet, s streams) (*bench.Security, error) {
	security, err := t.secure.security(flags)
	if err != nil {
		return nil, err
	}
	for _, w := range security.Warnings {
		s.warn(w)
	}
	return security, nil
}

// securityFlags are those of loadFlags that are in targetFlags too.
type securityFlags struct {
	tls         bool
	of          scenarios.TLS
	credentials string
	resolve     string
}

func (s *securityFlags) add(flags *pflag.FlagSet) {
	for _, f := range loadFlags {
		name := f.name
		switch f.path {
		case "target.tls.enabled":
			flags.BoolVar(&s.tls, name, false, f.usage)
		case "target.tls.insecure":
			flags.BoolVar(&s.of.Insecure, name, false, f.usage)
		case "target.credentials":
			flags.Var(textValue{&s.credentials, f.value}, name, f.usage)
		case "target.resolve":
			flags.Var(textValue{&s.resolve, f.value}, name, f.usage)
		case "target.tls.ca":
			flags.Var(textValue{&s.of.CA, f.value}, name, f.usage)
		case "target.tls.cert":
			flags.Var(textValue{&s.of.Cert, f.value}, name, f.usage)
		case "target.tls.key":
			flags.Var(textValue{&s.of.Key, f.value}, name, f.usage)
		case "target.tls.server_name":
			flags.Var(textValue{&s.of.ServerName, f.value}, name, f.usage)
		}
	}
}

// security reads the files that the flags name; any TLS flag asks for TLS, unless --tls=false.
func (s *securityFlags) security(flags *pflag.FlagSet) (*bench.Security, error) {
	t := scenarios.Target{Credentials: s.credentials}
	for part := range strings.FieldsFuncSeq(s.resolve, func(r rune) bool { return r == ',' || r == ';' }) {
		if _, _, err := scenarios.ParseResolution(part); err != nil {
			return nil, &usageError{"--resolve " + part + ": " + err.Error()}
		}
		t.Resolve = append(t.Resolve, part)
	}
	if s.of.Enabled = s.tls; !flags.Changed("tls") {
		s.of.Enabled = s.of != scenarios.TLS{}
	}
	t.TLS = &s.of
	return bench.SecurityOf(&t)
}

// parseShare reads 30% or 0.3.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		share /= 100
	}
	return share, err
}

// note tells what is good to know.
func (s streams) note(text string) { fmt.Fprintln(s.err, results.Printable(text)) }

// warn tells what the user should know at once.
func (s streams) warn(text string) {
	fmt.Fprintln(s.err, "rmqbench: warning: "+results.Printable(text))
}

// namesrvFromEnv is RocketMQ's own environment variable for name servers.
func namesrvFromEnv() string { return os.Getenv("NAMESRV_ADDR") }
