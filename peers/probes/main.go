// Command probes puts five faults to rocketmq-client-go and to rmqbench's producer, side by side, and prints a table.
//
//	go run ./probes
//
// A scripted server on loopback stands for name server and brokers. Each probe is a process of its own, so that what one
// leaves behind doesn't touch the next; all take less than a minute. Linux only: the broker that swallows everything is a
// listener whose queue of connections is full.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// probe is a fault, what must hold, and how one sees it.
type probe struct {
	name, fault, must string
	run               func(open opener) (string, bool, error)
}

var probes = []probe{
	{"dead", "a broker ends its connection while ten sends wait for it", "they end at once, not after their 3 s", dead},
	{"negative", "a broker answers with a frame of length −1", "the socket is closed, and a send a second later has another", negative},
	{"huge", "a broker answers with four bytes, a frame of 2 GiB", "less than 1 MiB is allocated", huge},
	{"blackhole", "one of two brokers swallows everything", "sends to the other take what they always take", blackhole},
	{"shutdown", "Shutdown while ten async sends wait for their answers", "each is called back by the time that it returns, or soon", shutdown},
}

// clients are who is probed.
var clients = []struct {
	name string
	open opener
}{{"rocketmq-client-go", openTheirs}, {"rmqbench", openOurs}}

// sendTimeout is each send's.
const sendTimeout = 3 * time.Second

func main() {
	one := flag.String("probe", "", "run one probe here, against -client")
	client := flag.String("client", "", "its number")
	flag.Parse()
	if *one != "" {
		if err := child(*one, *client); err != nil {
			fmt.Fprintln(os.Stderr, "probes:", err)
			os.Exit(1)
		}
		return
	}
	if err := table(); err != nil {
		fmt.Fprintln(os.Stderr, "probes:", err)
		os.Exit(1)
	}
}

// child runs one probe and prints a word and what was seen.
func child(name, client string) error {
	for i, c := range clients {
		if fmt.Sprint(i) != client {
			continue
		}
		for _, p := range probes {
			if p.name == name {
				seen, ok, err := p.run(c.open)
				if err != nil {
					return err
				}
				fmt.Printf("RESULT %t %s\n", ok, seen)
				return nil
			}
		}
	}
	return fmt.Errorf("no probe %q, or no client %q", name, client)
}

// table runs all of them and prints what came of them, as Markdown.
func table() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("`cd peers && go run ./probes` puts five faults to both clients; this is what it printed (%s/%s, a send's timeout is %v).\n`go run ./probes -probe dead -client 0` is one of them alone: client 0 is rocketmq-client-go v2.1.2, 1 is rmqbench.\n\n", runtime.GOOS, runtime.GOARCH, sendTimeout)
	fmt.Print("| fault | must |")
	for _, c := range clients {
		fmt.Printf(" %s |", c.name)
	}
	fmt.Println(" probe |\n|---|---|---|---|---|")
	failed := 0
	for _, p := range probes {
		fmt.Printf("| %s | %s |", p.fault, p.must)
		for i, c := range clients {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			cmd := exec.CommandContext(ctx, self, "-probe", p.name, "-client", fmt.Sprint(i))
			var log bytes.Buffer
			cmd.Stderr = &log
			out, err := cmd.Output()
			cancel()
			ok, seen := false, ""
			lines := bufio.NewScanner(strings.NewReader(string(out)))
			for lines.Scan() {
				if rest, found := strings.CutPrefix(lines.Text(), "RESULT "); found {
					verdict, text, _ := strings.Cut(rest, " ")
					ok, seen = verdict == "true", text
				}
			}
			switch {
			case seen == "":
				seen = fmt.Sprintf("**fails**: the process ended: %v, %s", err, cause(log.String()))
			case !ok:
				seen = "**fails**: " + seen
			default:
				seen = "holds: " + seen
			}
			if !ok && c.name == "rmqbench" {
				failed++
			}
			fmt.Printf(" %s |", seen)
		}
		fmt.Printf(" %s |\n", p.name)
	}
	if failed > 0 {
		return fmt.Errorf("rmqbench fails %d of them", failed)
	}
	return nil
}

// cause is the line of a log that says why a process ended: the first one of a panic, or the last one.
func cause(log string) string {
	last := ""
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}
