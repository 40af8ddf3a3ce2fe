package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// bodies that a broker says it doesn't take are told before anything is sent: an error where none would be stored, a warning
// where some would.
func TestR35_LargerThanBrokersTake(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2, MaxMessageSize: 10_000, NoAutoCreate: true})
	const never, some = "nothing would be stored", "it will refuse them"
	for name, tt := range map[string]struct{ text, says string }{
		"at the limit":               {"message: {size: 10000B}\n", ""},
		"over it":                    {"message: {size: 10001B}\n", never},
		"over it, compressed":        {"message: {size: 15000B, compressible: 0.5}\nproducer: {compress_over: 4KiB}\n", ""},
		"over it for all that":       {"message: {size: 64KiB, compressible: 0.5}\nproducer: {compress_over: 4KiB}\n", never},
		"a few":                      {"message: {size: {weights: {1KiB: 9, 64KiB: 1}}}\n", some},
		"a batch":                    {"message: {size: 1KiB}\nload: {mode: batch, batch: 16}\n", never},
		"a batch that isn't too big": {"message: {size: 1KiB}\nload: {mode: batch, batch: 9}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var warnings []string
			_, err := preflight(t.Context(), parse(t, on(c.NameServer())+"topic: {name: R35}\n"+tt.text), Options{dry: true, Warn: func(w string) { warnings = append(warnings, w) }})
			switch {
			case tt.says == never && (!isDanger(err) || !strings.Contains(err.Error(), never) || !strings.Contains(err.Error(), "9.77 KiB (maxMessageSize)")):
				t.Errorf("error %v", err)
			case tt.says != never && err != nil:
				t.Error(err)
			case tt.says == some != (len(warnings) == 1) || len(warnings) > 1 || tt.says == some && !strings.Contains(warnings[0], some):
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

// A rate that this machine can't send is told before the first case.
func TestR35_FasterThanThisMachine(t *testing.T) {
	var warnings []string
	text := "load: {workers: 1, backlog: 100, stages: [{for: 20ms, rate: 10M/s}]}\n"
	report, err := Run(t.Context(), scenario(t, text), Options{Cost: 500 * time.Millisecond, Warn: func(w string) { warnings = append(warnings, w) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "asks for 10.0M/s, and this machine sent ") {
		t.Errorf("warnings %q", warnings)
	}
	if c := &report.Run.Cases[0]; c.Dropped == 0 || c.ErrorShare() < 0.5 {
		t.Errorf("and it was kept: %+v", c.Counts)
	}
}

// What falls short of the rate by chance, or of a share of it by the others' part, is no warning.
func TestTooFast(t *testing.T) {
	for _, tt := range []struct {
		load    string
		reached float64
		of      int
		want    bool
	}{
		{"stages: [{for: 1s, rate: 10k/s}]", 9600, 1, false},
		{"stages: [{for: 1s, rate: 10k/s}]", 9400, 1, true},
		{"stages: [{for: 1s, rate: 10k/s}]", 5100, 2, false},
		{"stages: [{for: 1s, rate: 10k/s}]", 4500, 2, true},
		{"arrivals: poisson, stages: [{for: 1s, rate: 100/s}]", 80, 1, false},
		{"arrivals: poisson, stages: [{for: 1s, rate: 100/s}]", 50, 1, true},
		{"workers: 8", 1, 1, false},
	} {
		c := parse(t, "load: {"+tt.load+"}\n")[0]
		cost := &results.InstrumentCost{DurationNS: int64(500 * time.Millisecond), MessagesPerSecond: &tt.reached}
		if got := tooFast(&c, cost, tt.of); (got != "") != tt.want {
			t.Errorf("%s of %d, %v reached: %q", tt.load, tt.of, tt.reached, got)
		}
	}
	c := parse(t, "load: {stages: [{for: 1s, rate: 1G/s}]}\n")[0]
	if got := tooFast(&c, nil, 1); got != "" {
		t.Errorf("nothing was measured: %q", got)
	}
}

// What no scenario may ask for is refused by its words, before anybody is asked.
func TestR35_Bounds(t *testing.T) {
	for text, want := range map[string]string{
		"load: {workers: 1000000}":                   "workers must be at most 10,000",
		"load: {in_flight: 1000000, mode: async}":    "at most 65,535",
		"load: {stages: [{for: 1s, rate: 2G/s}]}":    "at most 1G/s",
		"message: {size: 5MiB}":                      "at most 4MiB",
		"load: {mode: batch, batch: 1000000}":        "at most 1,024",
		"topic: {queues_per_broker: 1000000}":        "at most 1,024",
		"target: {embedded: {brokers: 1000000}}":     "at most 16",
		"producer: {connections: 1000000}":           "at most 64",
		"load: {stages: [{for: 1000000h, rate: 1}]}": "at most",
	} {
		_, err := scenarios.Parse("r35.yaml", fmt.Appendf(nil, "version: 1\nname: a\n%s\n", text))
		faults, ok := errors.AsType[scenarios.Faults](err)
		if !ok || !slices.ContainsFunc(faults, func(f scenarios.Fault) bool { return f.Line == 3 && strings.Contains(f.Msg, want) }) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
