package service

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
)

// open is a shop with a broker of its own, that takes 4 ms for a message.
func open(tb testing.TB, lookup time.Duration) *Shop {
	tb.Helper()
	cluster, err := broker.Start(broker.Options{ServiceTime: 4 * time.Millisecond})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cluster.Close)
	p := producer.New(producer.Options{NameServers: []string{cluster.NameServer()}, Group: "shop"})
	if err := p.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = p.Shutdown() })
	return &Shop{Producer: p, Topic: "ORDERS", Lookup: lookup}
}

func TestPlace(t *testing.T) {
	s := open(t, 0)
	if err := s.Place(t.Context(), Order{ID: "1", Item: "tea", Amount: 2}); err != nil {
		t.Error(err)
	}
	if err := s.Place(t.Context(), Order{ID: "2", Item: "tea"}); err == nil || !strings.Contains(err.Error(), "order 2: an amount of 0") {
		t.Errorf("nothing of something: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Place(ctx, Order{ID: "3", Item: "tea", Amount: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// BenchmarkPlace is one order after the other. LOOKUP is how long the store takes (2ms).
func BenchmarkPlace(b *testing.B) {
	lookup := 2 * time.Millisecond
	if text := os.Getenv("LOOKUP"); text != "" {
		var err error
		if lookup, err = time.ParseDuration(text); err != nil {
			b.Fatal(err)
		}
	}
	s := open(b, lookup)
	n := 0
	for b.Loop() {
		n++
		if err := s.Place(b.Context(), Order{ID: strconv.Itoa(n), Item: "tea", Amount: 1}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSlowerServiceIsSeen: the store takes 0.6 ms more, which makes an order of 6 ms slower by a tenth; rmqbench gate sees it, by the
// benchmark's own output, and sees nothing where nothing is.
func TestSlowerServiceIsSeen(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes two minutes")
	}
	dir := t.TempDir()
	rmqbench, service := filepath.Join(dir, "rmqbench"), filepath.Join(dir, "service.test")
	for _, build := range [][]string{{"build", "-C", "../..", "-o", rmqbench, "./cmd/rmqbench"}, {"test", "-c", "-o", service, "."}} {
		if out, err := exec.CommandContext(t.Context(), "go", build...).CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", build[0], err, out)
		}
	}
	line := service + " -test.run ^$ -test.bench Place -test.benchtime 100x"
	gate := func(b string) (string, int) {
		out, err := exec.CommandContext(t.Context(), rmqbench, "gate", "--rounds", "14", "--calibration", "off", "-o", "none", "--a", line, "--b", b).CombinedOutput()
		status := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", out)
		return string(out), status
	}
	if out, status := gate("LOOKUP=2600us " + line); status != 3 || !strings.Contains(out, "WORSE: sec/op") {
		t.Errorf("a service that is slower by a tenth: status %d", status)
	}
	if _, status := gate(line); status == 3 {
		t.Errorf("the same service: status %d", status)
	}
}
