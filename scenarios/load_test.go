package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"rmqbench/internal/golden"
)

func TestCases(t *testing.T) {
	s, err := Parse("a.yaml", []byte(`
version: 1
name: merge
description: plain text that
  goes on
seed: 18446744073709551615
target: {embedded: {brokers: 2, service_time: 200us}}
topic: {create: never}
load: {mode: async, in_flight: 10, stages: [{for: 1s, warmup: true}, {for: 2s}]}
message: {size: 1KiB, compressible: 0.5}
events: [{at: 1s, for: 1s, delay: 5ms}]
cases:
  - name: base
  - name: over
    topic: {queues_per_broker: 4}
    load: {in_flight: 20, stages: [{for: 3s}]}
    message: {size: 2KiB}
    producer: {send_timeout: 1s}
    events: []
    target: {embedded: {brokers: 1}}
`))
	if err != nil {
		t.Fatal(err)
	}
	const second = Duration(time.Second)
	base := Scenario{
		Version: 1, Name: "merge", Description: "plain text that goes on", Seed: 1<<64 - 1,
		Target:   Target{Embedded: &Embedded{Brokers: 2, ServiceTime: Duration(200 * time.Microsecond), Servers: 1}},
		Topic:    Topic{Name: "RMQBENCH_MERGE", QueuesPerBroker: 8, Create: CreateNever, Keep: true},
		Load:     Workload{Workers: Workers{N: 64}, Mode: Async, InFlight: 10, Stages: []Stage{{For: second, Warmup: true}, {For: 2 * second}}},
		Message:  Message{Size: 1024, Compressible: 0.5},
		Producer: Producer{Profile: Measure, Group: "rmqbench", Selector: "round_robin", Serialize: "rocketmq", Compress: ZLIB, CompressOver: 4096, SendTimeout: 3 * second, Connections: 1},
		Events:   []Event{{At: second, For: second, Delay: Duration(5 * time.Millisecond)}},
	}
	over := base
	over.Topic.QueuesPerBroker = 4
	over.Load.InFlight, over.Load.Stages = 20, []Stage{{For: 3 * second}}
	over.Message.Size = 2048
	over.Producer.SendTimeout = second
	over.Events = nil
	over.Target.Embedded = &Embedded{Brokers: 1, ServiceTime: Duration(200 * time.Microsecond), Servers: 1}
	want := []Case{
		{"base", base, map[string]string{
			"events": "[{at: 1s, for: 1s, broker: 0, delay: 5ms}]", "load.in_flight": "10", "load.stages": "[{for: 1s, warmup: true}, {for: 2s}]",
			"message.size": "1KiB", "producer.send_timeout": "3s", "target.embedded.brokers": "2", "topic.queues_per_broker": "8",
		}},
		{"over", over, map[string]string{
			"load.in_flight": "20", "load.stages": "[{for: 3s}]", "message.size": "2KiB", "producer.send_timeout": "1s",
			"target.embedded.brokers": "1", "topic.queues_per_broker": "4",
		}},
	}
	if got := s.Cases(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestShipped(t *testing.T) {
	all := Shipped()
	if len(all) < 10 {
		t.Fatalf("Shipped() = %+v", all)
	}
	docs, err := os.ReadFile("../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range all {
		t.Run(info.Name, func(t *testing.T) {
			if !strings.Contains(string(docs), "\n## "+info.Name+"\n\n*"+info.Description+"*") {
				t.Errorf("docs/scenarios.md has no section with the description %q", info.Description)
			}
			s, err := Load(info.Name)
			if err != nil {
				t.Fatal(err)
			}
			if info.Description == "" || s.Name != info.Name || s.Target.Embedded == nil || !strings.HasPrefix(s.Topic.Name, "RMQBENCH_") {
				t.Errorf("name %s, topic %s, embedded %v", s.Name, s.Topic.Name, s.Target.Embedded)
			}
			golden.Compare(t, info.Name+".cases", listing(s))
			roundTrip(t, s)
		})
	}
}

// What a scenario is written out as, and what of it is in a record.
func TestRenderAndResolved(t *testing.T) {
	s, err := Load("quick")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Render(&b); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "quick.rendered", b.String())
	data, err := json.MarshalIndent(s.Resolved(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "quick.json", string(data)+"\n")
}

// roundTrip checks that what Render writes is the same scenario.
func roundTrip(t *testing.T, s *Scenario) {
	t.Helper()
	var first, second bytes.Buffer
	if err := s.Render(&first); err != nil {
		t.Fatal(err)
	}
	back, err := Parse("rendered.yaml", first.Bytes())
	if err != nil {
		t.Fatalf("%v in\n%s", err, first.String())
	}
	if !reflect.DeepEqual(back.Cases(), s.Cases()) {
		t.Errorf("got  %+v\nwant %+v\nof %s", back.Cases(), s.Cases(), first.String())
	}
	if err := back.Render(&second); err != nil || second.String() != first.String() {
		t.Errorf("%v, rendered again\n%s\nwant\n%s", err, second.String(), first.String())
	}
}

// TestRoundTrip: what is written out is read back as the same.
func TestRoundTrip(t *testing.T) {
	for _, text := range []string{
		"load: {mode: transaction}\ncases: [{name: a}, {name: b, load: {mode: sync}}]",
		"load: {mode: transaction, transaction: {rollback: 0.1, check_back: 0.05}}",
		"load: {mode: batch}\nproducer: {compress: zstd}",
		"load: {mode: batch, batch_bytes: 64KiB, stages: [{for: 1s, rate: 1k/s}]}",
		"message: {size: {uniform: [100B, 4KiB]}, keys: {distinct: 10, skew: zipf(1.1)}, tags: 4, properties: {region: eu-1, b: 'x: y'}, delay_level: 6, long_delay: true}",
		"message: {size: {lognormal: {median: 1KiB, p99: 16KiB}}, compressible: 0.5, keys: {distinct: 10, skew: 'hot(0.95, 3)'}}",
		"message: {size: {weights: {1KiB: 9, 64KiB: 1}}, keys: {distinct: 1, skew: sequence}}\ncases: [{name: a}, {name: b, message: {size: 1KiB}}]",
		"message: {size: {files: 'x/*.json'}, keys: {distinct: 1000000}}",
		"load: {cap: 90/m, workers: 3}",
		"load: {arrivals: poisson, backlog: 100, stages: [{for: 1s, rate: 1k/s..5k/s}, {for: 1s, rate: 5k/s..1k/s, steps: 4}]}",
		"load: {stages: [{for: 1s, rate: 1k/s..30k/m, warmup: true}, {for: 1m, rate: 1k/s..5k/s, burst: 1s, every: 10s}, {for: 1m, rate: 7/3s..9/3s, sine: 20s}]}",
	} {
		s, err := Parse("a.yaml", []byte("version: 1\nname: a\n"+text+"\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		roundTrip(t, s)
	}
}

func TestLoadReferences(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mine.yml")
	if err := os.WriteFile(path, []byte("version: 1\nname: mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := Load(path); err != nil || s.Name != "mine" {
		t.Errorf("Load(%s) = %v, %v", path, s, err)
	}
	for ref, want := range map[string]string{
		"quik":                `unknown scenario "quik"; nearest: quick; shipped: SHIPPED; a file is written with its .yaml`,
		"":                    `unknown scenario ""; shipped: SHIPPED; a file is written with its .yaml`,
		dir + "/nope.yaml":    dir + "/nope.yaml: no such file or directory",
		dir + "/":             dir + "/: is a directory",
		"../load_test.go\x00": "../load_test.go\ufffd: invalid argument",
	} {
		want = strings.ReplaceAll(want, "SHIPPED", strings.Join(shippedNames(), ", "))
		if _, err := Load(ref); err == nil || err.Error() != want {
			t.Errorf("Load(%q): got %v, want %s", ref, err, want)
		}
	}
}

// Every field is documented, and every default is a value that its kind reads.
func TestFields(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Fields() {
		if f.Kind == "" || f.Help == "" || seen[f.Path] {
			t.Errorf("%+v", f)
		}
		seen[f.Path] = true
	}
	for _, f := range Settable() {
		if f.Default == "" {
			continue
		}
		overrides := []Override{{f.Path, f.Default, "--set " + f.Path}}
		if strings.HasPrefix(f.Path, "target.tls.") { // not for the embedded broker
			overrides = append(overrides, Override{"target.namesrv", "a:1", "-n"})
		}
		if strings.HasPrefix(f.Path, "load.transaction.") {
			overrides = append(overrides, Override{"load.mode", "transaction", "-m"})
		}
		if _, err := FromFlags(overrides...); err != nil {
			t.Error(err)
		}
	}
}

// FuzzParse reads any text: it is refused with faults that have a place, or else means the same once it is written out.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	valid, err := filepath.Glob("testdata/valid/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	shipped, err := filepath.Glob("*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range slices.Concat(paths, valid, shipped) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s *Scenario
		var err error
		if cost := allocated(func() { s, err = Parse("fuzz.yaml", data) }); cost > maxCost {
			t.Errorf("allocated %d MiB", cost>>20)
		}
		if err == nil {
			roundTrip(t, s)
			return
		}
		faults, ok := errors.AsType[Faults](err)
		if !ok || len(faults) == 0 {
			t.Fatalf("error %#v", err)
		}
		for _, fault := range faults {
			if strings.Contains(fault.Msg, "; extended by fuzz.yaml:") { // in a shipped scenario
				continue
			}
			if fault.File != "fuzz.yaml" || fault.Line < 1 || fault.Line > bytes.Count(data, []byte("\n"))+1 || fault.Col < 1 || fault.Msg == "" {
				t.Errorf("fault %+v", fault)
			}
			if strings.ContainsFunc(fault.Error(), func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Errorf("fault is not printable: %q", fault.Error())
			}
		}
	})
}

// TestStop: what ends a case early, with its defaults.
func TestStop(t *testing.T) {
	for text, want := range map[string]Stop{
		"{errors: 5%}":                          {Errors: 0.05, For: 5 * Duration(time.Second)},
		"{errors: 0.1%, for: 1m}":               {Errors: 0.001, For: 60 * Duration(time.Second)},
		"{slo: true}":                           {SLO: true, Grace: 10 * Duration(time.Second)},
		"{slo: true, grace: 1ms, errors: 100%}": {SLO: true, Grace: Duration(time.Millisecond), Errors: 1, For: 5 * Duration(time.Second)},
	} {
		s, err := Parse("a.yaml", []byte("version: 1\nname: a\nslo: [p99<10ms]\nload: {stop: "+text+"}\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.Cases()[0].Load.Stop; *got != want {
			t.Errorf("%s: %+v, want %+v", text, *got, want)
		}
		roundTrip(t, s)
	}
	for text, want := range map[string]string{
		"load: {stop: {for: 5s}}":            "a.yaml:3:15: stop needs errors: 5% or slo: true",
		"load: {stop: {errors: 0.05}}":       `errors must be a percentage like 0.1%, not "0.05"`,
		"load: {stop: {errors: 101%}}":       "errors must be over 0% and at most 100%",
		"load: {stop: {slo: true}}":          "stop at a missed objective needs one; add slo: [p99<10ms]",
		"load: {stop: {erors: 5%}}":          `unknown key "erors"; nearest: errors`,
		"load: {stop: {errors: 5%, for: 0}}": "for must be more than 0",
	} {
		_, err := Parse("a.yaml", []byte("version: 1\nname: a\n"+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
