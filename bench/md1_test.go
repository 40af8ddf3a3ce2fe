//go:build !race

package bench

import (
	"cmp"
	"math"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/wires"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
)

// searchMD1 searches the embedded broker, with one server of 1 ms, for the highest rate of Poisson arrivals at which
// p99 < 50 ms: the whole way from the pacer over the producer and the protocol to the broker and back, on connections in
// memory, in virtual time. It fails unless the answer is within 3 % of the theory.
func searchMD1(t *testing.T, seed uint64, o CapacityOptions) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := wires.New()
		c, err := broker.Start(broker.Options{Listen: net.Listen, ServiceTime: time.Millisecond, Servers: 1, MemoryBudget: embeddedBudget})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s := scenario(t, "load: {arrivals: poisson, stages: [{for: 1s, rate: 1k/s}]}\nslo: [p99<50ms]\n")
		s.Seed = seed
		client := remoting.NewClient(remoting.ClientOptions{Dial: net.Dial})
		topic := producer.Topic{Name: s.Topic.Name, Queues: s.Topic.QueuesPerBroker}
		if _, err := producer.NewAdmin(client, []string{c.NameServer()}).CreateTopic(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
		client.Close()
		p := producer.New(producer.Options{Group: "g", InstanceName: t.Name(), NameServers: []string{c.NameServer()}, Dial: net.Dial, Retries: -1})
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Shutdown() }() // nothing is sent any more
		if _, err := p.Prepare(t.Context(), topic.Name); err != nil {
			t.Fatal(err)
		}
		run := searchScenario(t.Context(), t, s, o, p)
		got, theory := run.Capacity, md1Capacity(0.99, 50)*1000
		if got.Ended != results.EndedFound || got.RatePerSecond == nil {
			t.Fatalf("%s: %s", got.Ended, got.Sentence(true))
		}
		t.Logf("seed %d, the theory %.1f/s: %s", seed, theory, got.Sentence(true))
		if off := *got.RatePerSecond/theory - 1; math.Abs(off) > 0.03 {
			t.Errorf("%.2f %% off", 100*off)
		}
	})
}

// TestR58_CapacityOfMD1 is a search with 60 s of confirmation, and with THEORY=3 three with different chance. The race detector
// would make minutes of it.
func TestR58_CapacityOfMD1(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a quarter of a million sends")
	}
	seeds, err := strconv.ParseUint(cmp.Or(os.Getenv("THEORY"), "1"), 10, 8)
	if err != nil || seeds == 0 {
		t.Fatalf("THEORY=%q is no number of seeds", os.Getenv("THEORY"))
	}
	for seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			searchMD1(t, seed, CapacityOptions{Rounds: 1, Budget: time.Hour})
		})
	}
}
