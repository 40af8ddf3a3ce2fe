//go:build e2e

package e2e

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
)

// abroad gives an address off loopback, of the namespace that these tests have to themselves, at which to answers.
func abroad(t *testing.T, to string) string {
	t.Helper()
	const host = "10.99.1.1"
	if os.Getenv(confineEnv) != "inside" {
		t.Skip("needs a network namespace of its own")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip, of iproute2")
	}
	if out, err := exec.Command("ip", "addr", "add", host+"/32", "dev", "lo").CombinedOutput(); err != nil {
		t.Fatalf("ip: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "addr", "del", host+"/32", "dev", "lo").Run() })
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
			go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
		}
	}()
	return l.Addr().String()
}

// The rules of safety, as the command keeps them with a cluster that is not on loopback: each refusal is one line and status 2, sends
// nothing and makes nothing.
func TestR46_OffLoopback(t *testing.T) {
	c, err := broker.Start(broker.Options{Cluster: "prod", NoAutoCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ns := abroad(t, c.NameServer())
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	admin := producer.NewAdmin(client, []string{c.NameServer()})
	if _, err := admin.CreateTopic(t.Context(), producer.Topic{Name: "THERE", Queues: 1}); err != nil {
		t.Fatal(err)
	}
	addr := c.Brokers()[0].Addr()
	stored := func() int64 {
		t.Helper()
		n, err := admin.MaxOffset(t.Context(), addr, "THERE", 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	disk := func(ratio float64) func() { return func() { c.Brokers()[0].Disk(ratio, 1<<40) } }
	disk(0.4)()
	program := buildGo(t, "..", "./cmd/rmqbench")
	for _, tt := range []struct {
		name, args string
		before     func()
		status     int
		says       string // on either output
		stores     bool
	}{
		{"no rate", "run -t THERE -d 200ms", nil, 2, "no rate: this would drive prod (1 master) as hard as it can; give -r 1k/s, or --unlimited", false},
		{"oneway always needs one", "run -t THERE -d 200ms -m oneway --unlimited", nil, 2, "no rate: oneway sends to prod (1 master)", false},
		{"a search needs a ceiling", "capacity -t THERE --slo p99<1s --budget 5s", nil, 2, "no ceiling: this would load prod (1 master) until it breaks; give --max-rate 20k/s", false},
		{"no topic is made", "run -t ABSENT -r 100/s -d 200ms", nil, 1, "off loopback none is made unasked", false},
		{"a full disk", "run -t THERE -r 100/s -d 200ms", disk(0.71), 2, "71 % full, over the limit of 70 %", false},
		{"a topic that isn't ours", "topic delete THERE", nil, 2, "add --yes-delete THERE", false},
		{"a rate", "run -t THERE -r 100/s -d 1s", disk(0.4), -1, "its commit log's disk is 40 % full now", true}, // the verdict is the machine's
		{"sends that fail", "run -t THERE -r 200/s -d 5m", func() { c.Brokers()[0].Answer(1, remoting.SystemBusy, broker.BusyTimeout) }, 3, "PARTIAL", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.before != nil {
				tt.before()
			}
			was := stored()
			args := append(strings.Fields(tt.args), "-n", ns)
			if !strings.HasPrefix(tt.args, "topic") {
				args = append(args, "-o", "none")
			}
			var out bytes.Buffer
			cmd := exec.CommandContext(t.Context(), program, args...)
			cmd.Stdout, cmd.Stderr = &out, &out
			_ = cmd.Run() // its status is looked at
			if got := cmd.ProcessState.ExitCode(); got != tt.status && tt.status >= 0 || !strings.Contains(out.String(), tt.says) {
				t.Errorf("status %d, want %d and %q:\n%s", got, tt.status, tt.says, &out)
			}
			if tt.status == 2 && strings.Count(out.String(), "\n") > 2 {
				t.Errorf("a refusal is a line:\n%s", &out)
			}
			if n := stored() - was; (n > 0) != tt.stores {
				t.Errorf("%d messages were stored", n)
			}
			if _, err := admin.Route(t.Context(), "ABSENT"); !producer.UnknownTopic(err) {
				t.Errorf("a topic has been made: %v", err)
			}
		})
	}
}
