// Command compare puts the same loads on rmqbench's producer, on rocketmq-client-go, on a floor that only makes system
// calls, and if asked on RocketMQ's Java client: each in a process of its own, in turn, round by round, against a broker
// in a process of its own. It prints medians and ratios as a Markdown table.
//
//	cd peers && go run ./compare                          # against the embedded broker
//	cd peers && go run ./compare -n 127.0.0.1:9876 -java  # against a real one, the Java client too
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmqbench/peers/harness"
	"rmqbench/producer"
	"rmqbench/remoting"
)

// load is one row of the comparison.
type load struct {
	mode           string
	inFlight, size int
}

func (l load) String() string { return fmt.Sprintf("%s/%d/%d", l.mode, l.inFlight, l.size) }

// loads are those of the table: mode, in flight, bytes of a body.
var loads = []load{
	{"sync", 1, 128}, {"sync", 64, 128}, {"sync", 1024, 128}, {"sync", 10_000, 128}, {"async", 64, 128}, {"async", 1024, 128}, {"oneway", 64, 128},
	{"sync", 64, 1 << 10}, {"async", 1024, 1 << 10}, {"sync", 64, 64 << 10}, {"async", 64, 64 << 10},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	nameServer := flag.String("n", "", "name server of a broker on loopback; without it the embedded one, in a process of its own")
	rounds := flag.Int("rounds", 5, "rounds; in each, every client runs once for every load")
	measure := flag.Duration("d", 2*time.Second, "measured time of one run")
	only := flag.String("only", "", "loads to run, such as sync/64/128, by comma")
	java := flag.Bool("java", false, "the Java client too: needs java and mvn")
	topic := flag.String("t", "RMQBENCH_PEERS", "topic; made if it is missing")
	pin := flag.Bool("pin", false, "clients on the first CPU, the servers started here on the last (taskset): where the kernel puts them no longer changes from run to run")
	flag.Parse()
	dir, err := os.MkdirTemp("", "rmqbench-peers")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // of no use to anyone afterwards
	clients, err := build(ctx, dir, *java)
	if err != nil {
		return err
	}
	server := func(command ...string) []string { return command }
	pinned := ""
	if *pin {
		pinned = ", clients pinned to one"
		server = func(command ...string) []string { return onCPU(runtime.NumCPU()-1, command) }
		for i := range clients {
			clients[i].command = onCPU(0, clients[i].command)
		}
	}
	target := "embedded broker"
	if *nameServer == "" {
		addr, stop, err := start(ctx, "name server ", server(filepath.Join(dir, "rmqbench"), "broker", "--memory", "128MiB"))
		if err != nil {
			return err
		}
		defer stop()
		*nameServer = addr
		null, stopNull, err := start(ctx, "broker ", server(filepath.Join(dir, "null")))
		if err != nil {
			return err
		}
		defer stopNull()
		clients = append(clients, client{onNull, append(slices.Clone(clients[0].command), "-broker", null)})
	} else {
		target = "RocketMQ"
	}
	version, err := ensureTopic(ctx, *nameServer, *topic)
	if err != nil {
		return err
	}
	chosen := slices.DeleteFunc(slices.Clone(loads), func(l load) bool {
		return *only != "" && !slices.Contains(strings.Split(*only, ","), l.String())
	})
	results := map[load]map[string][]harness.Report{}
	for round := range *rounds {
		for _, l := range chosen {
			for _, c := range clients {
				fmt.Fprintf(os.Stderr, "round %d of %d  %-18s %s\n", round+1, *rounds, l, c.name)
				r, err := c.run(ctx, *nameServer, *topic, l, *measure)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					fmt.Fprintf(os.Stderr, "  %v\n", err)
					continue
				}
				if results[l] == nil {
					results[l] = map[string][]harness.Report{}
				}
				results[l][c.name] = append(results[l][c.name], r)
			}
		}
	}
	fmt.Printf("%s · %s (%s) · %d CPUs%s, %s · medians of %d rounds of %v\n\n", time.Now().UTC().Format(time.DateOnly), target, version, runtime.NumCPU(), pinned, cpuModel(), *rounds, *measure)
	table(chosen, clients, results)
	brokerLine(chosen, results)
	return nil
}

// onNull is the floor against a server that stores nothing: what the embedded broker is measured by.
const onNull = "floor, null server"

// client is one program.
type client struct {
	name    string
	command []string
}

// build makes the programs.
func build(ctx context.Context, dir string, java bool) ([]client, error) {
	var clients []client
	for _, p := range [...][2]string{{"floor", "./floor"}, {"rmqbench", "./ours"}, {"rocketmq-client-go", "./gopeer"}, {"", "./null"}} {
		path := filepath.Join(dir, filepath.Base(p[1]))
		if err := command(ctx, "go", "build", "-o", path, p[1]); err != nil {
			return nil, err
		}
		if p[0] != "" {
			clients = append(clients, client{p[0], []string{path}})
		}
	}
	if err := command(ctx, "go", "build", "-C", "..", "-o", filepath.Join(dir, "rmqbench"), "./cmd/rmqbench"); err != nil {
		return nil, err
	}
	if !java {
		return clients, nil
	}
	classpath := filepath.Join(dir, "classpath")
	if err := command(ctx, "mvn", "-q", "-f", "java/pom.xml", "dependency:build-classpath", "-Dmdep.outputFile="+classpath); err != nil {
		return nil, err
	}
	jars, err := os.ReadFile(classpath)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "classes")
	if err := command(ctx, "javac", "-cp", string(jars), "-d", out, "java/Driver.java"); err != nil {
		return nil, err
	}
	return append(clients, client{"rocketmq-client (Java)", []string{"java", "-XX:+UseSerialGC", "-Xmx1g", "-cp", string(jars) + ":" + out, "Driver"}}), nil
}

func command(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// run runs the program once. A run whose sends failed is an error, whatever it measured.
func (c client) run(ctx context.Context, nameServer, topic string, l load, d time.Duration) (harness.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, d+60*time.Second)
	defer cancel()
	args := slices.Concat(c.command[1:], []string{"-n", nameServer, "-t", topic, "-m", l.mode, "-s", strconv.Itoa(l.size), "-f", strconv.Itoa(l.inFlight), "-d", d.String()})
	cmd := exec.CommandContext(ctx, c.command[0], args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return harness.Report{}, fmt.Errorf("%s: %w: %.300s", c.name, err, stderr.String())
	}
	var r harness.Report
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("%s printed %.200q: %w", c.name, out, err)
	}
	return r, nil
}

// start starts a server in a process of its own and returns the address that it prints after the word.
func start(ctx context.Context, word string, command []string) (addr string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt) // it is ours; Wait tells when it is gone
		_ = cmd.Wait()
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if a, ok := strings.CutPrefix(lines.Text(), word); ok {
			return strings.TrimSpace(a), stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("%s printed no address", strings.Join(command, " "))
}

// onCPU is the command kept to one CPU.
func onCPU(n int, command []string) []string {
	return slices.Concat([]string{"taskset", "-c", strconv.Itoa(n)}, command)
}

// ensureTopic makes the topic on every master of a cluster on loopback and says which version the first broker is.
func ensureTopic(ctx context.Context, nameServer, topic string) (version string, err error) {
	names := remoting.NewClient(remoting.ClientOptions{})
	defer names.Close()
	admin := producer.NewAdmin(names, []string{nameServer})
	brokers, _, err := admin.Masters(ctx, "")
	if err != nil {
		return "", err
	}
	for _, b := range brokers {
		if !strings.HasPrefix(b.Master(), "127.") {
			return "", fmt.Errorf("broker %s is at %s: this comparison only loads brokers on loopback", b.Name, b.Master())
		}
		if table, err := admin.RuntimeInfo(ctx, b.Master()); err == nil {
			version = table["brokerVersionDesc"]
		}
	}
	_, err = admin.CreateTopic(ctx, producer.Topic{Name: topic, Queues: 8})
	return version, err
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the model is not said
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}

// median of a figure over the rounds; -1 without any.
func median(reports []harness.Report, figure func(harness.Report) float64) float64 {
	if len(reports) == 0 {
		return -1
	}
	all := make([]float64, len(reports))
	for i, r := range reports {
		all[i] = figure(r)
	}
	slices.SortFunc(all, func(a, b float64) int { return cmp.Compare(a, b) })
	return all[len(all)/2]
}

func perMessage(n float64, r harness.Report) float64 { return n / float64(max(r.Messages, 1)) }

// figures of a column; ratios are of medians.
func rate(r harness.Report) float64 { return float64(r.Messages) * 1e9 / float64(r.ElapsedNS) }
func cpu(r harness.Report) float64  { return perMessage(float64(r.CPUNS)/1e3, r) }

func table(chosen []load, clients []client, results map[load]map[string][]harness.Report) {
	fmt.Println("| load (mode/in flight/bytes) | client | messages/s | CPU µs | allocs | bytes | p50 µs | p99 µs | RSS MiB | × client-go | CPU ÷ floor |")
	fmt.Println("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, l := range chosen {
		peer := median(results[l]["rocketmq-client-go"], rate)
		floor := median(results[l]["floor"], cpu)
		for _, c := range clients {
			rs := results[l][c.name]
			if len(rs) == 0 {
				fmt.Printf("| %s | %s | failed | | | | | | | | |\n", l, c.name)
				continue
			}
			m := func(f func(harness.Report) float64) float64 { return median(rs, f) }
			fmt.Printf("| %s | %s | %.0f | %.2f | %.2f | %.0f | %.1f | %.1f | %.0f | %s | %s |\n", l, c.name, m(rate), m(cpu),
				m(func(r harness.Report) float64 { return perMessage(float64(r.Allocs), r) }),
				m(func(r harness.Report) float64 { return perMessage(float64(r.AllocBytes), r) }),
				m(func(r harness.Report) float64 { return float64(r.P50NS) / 1e3 }), m(func(r harness.Report) float64 { return float64(r.P99NS) / 1e3 }),
				m(func(r harness.Report) float64 { return float64(r.MaxRSS) / (1 << 20) }), ratio(m(rate), peer), ratio(m(cpu), floor))
		}
	}
}

// brokerLine says how near the embedded broker comes to a server that stores nothing.
func brokerLine(chosen []load, results map[load]map[string][]harness.Report) {
	var parts []string
	for _, l := range chosen {
		if null := results[l][onNull]; len(null) > 0 {
			parts = append(parts, l.String()+" "+ratio(median(results[l]["floor"], rate), median(null, rate)))
		}
	}
	if len(parts) > 0 {
		fmt.Printf("\nThe embedded broker's messages/s to the floor, of a server's that stores nothing: %s.\n", strings.Join(parts, " · "))
	}
}

func ratio(a, b float64) string {
	if b <= 0 {
		return ""
	}
	return strconv.FormatFloat(a/b, 'f', 2, 64)
}
