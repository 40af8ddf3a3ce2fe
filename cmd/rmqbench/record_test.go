package main

import (
	"bufio"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"rmqbench/results"
)

// TestBrokerRecords: what arrives at the embedded broker is a record that can be compared.
func TestBrokerRecords(t *testing.T) {
	dir := t.TempDir()
	record := func(name string, args ...string) string {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		file := filepath.Join(dir, name)
		out, in := io.Pipe()
		var errs strings.Builder
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{"broker", "--record", file}, streams{in: strings.NewReader(""), out: in, err: &errs})
			in.Close()
		}()
		lines := bufio.NewScanner(out)
		lines.Scan()
		_, nameServer, _ := strings.Cut(lines.Text(), "name server ")
		go io.Copy(io.Discard, out)
		_, said, status := command(t, append([]string{"run", "-n", nameServer, "-o", "none", "--instrument-cost", "off", "--progress", "none"}, args...)...)
		if status != exitDone {
			t.Fatalf("run: status %d, %s", status, said)
		}
		stop()
		if status := <-ended; status != exitDone {
			t.Fatalf("broker: status %d, %s", status, errs.String())
		}
		return file
	}
	one := record("one.json", "-w", "4", "--count", "500", "-s", "100B", "-t", "ORDERS", "--set", "topic.create=if_absent")
	r, err := results.Read(one)
	if err != nil {
		t.Fatal(err)
	}
	if c := &r.Cases[0]; len(r.Cases) != 1 || c.Name != "ORDERS" || c.Mode != results.ModeArrived || c.Acknowledged != 500 || *c.BodyBytesEach != 100 ||
		c.Arrivals.Duplicates != 0 || c.Arrivals.Gaps.Count != 499 || c.Verdict != results.Valid {
		t.Errorf("recorded %+v, %v", c, c.Evidence)
	}
	two := record("two.json", "-w", "4", "--count", "500", "-s", "200B", "-t", "ORDERS", "--set", "topic.create=if_absent")
	out, errs, status := command(t, "gate", one, two, "--metric", "body B/msg")
	if status != 3 || !strings.Contains(out, "WORSE: body B/msg +100 %") {
		t.Errorf("gate: status %d\n%s%s", status, out, errs)
	}
}

func TestBrokerRunsACommand(t *testing.T) {
	if filepath.Separator != '/' {
		t.Skip("for a Unix shell")
	}
	out, errs, status := command(t, "broker", "--record", "-", "--", "sh", "-c", "echo at $NAMESRV_ADDR")
	if status != exitDone || !strings.Contains(errs, "at 127.0.0.1:") || !strings.HasPrefix(out, "{") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	if _, errs, status = command(t, "broker", "--", "sh", "-c", "exit 9"); status != exitFailed || !strings.Contains(errs, "sh: exit status 9") {
		t.Errorf("a command that fails: status %d, %s", status, errs)
	}
	if _, errs, status = command(t, "broker", "--", "/nonexistent/x"); status != exitUsage {
		t.Errorf("a command that isn't there: status %d, %s", status, errs)
	}
	if _, errs, status = command(t, "broker", "x"); status != exitUsage || !strings.Contains(errs, "behind --") {
		t.Errorf("an argument: status %d, %s", status, errs)
	}
}
