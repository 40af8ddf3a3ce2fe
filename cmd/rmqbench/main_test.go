package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/leaks"
	"rmqbench/internal/waits"
	"rmqbench/results"
)

func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "rmqbench") && os.Getenv("DOCS_CALLS") != "" {
		os.Exit(typeIn(os.Args[1:]))
	}
	waits.AtOnce(3)
	leaks.Main(m, func() {
		if builtIn != "" {
			os.RemoveAll(builtIn)
		}
	})
}

// command runs the command line and returns what it printed and its exit status.
func command(t *testing.T, args ...string) (out, errs string, status int) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(t.Context(), args, streams{in: strings.NewReader(""), out: &o, err: &e})
	return o.String(), e.String(), status
}

func TestR33_BadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	unknownKey := file("key.yaml", "version: 1\nname: a\nload: {worker: 8}\n")
	wrongType := file("type.yaml", "version: 1\nname: a\nload:\n  workers: many\n")
	duplicate := file("twice.yaml", "version: 1\nname: a\nseed: 1\nseed: 2\n")
	for _, tt := range []struct {
		args string
		want string // the one line on stderr holds it
	}{
		{"run --wrokers 3", "unknown flag --wrokers; nearest: --workers"},
		{"run -z", "unknown flag -z; those of one letter: -n"},
		{"run -w 0", "-w 0: workers must be at least 1"},
		{"run --instrument-cost on", "--instrument-cost on: auto or off"},
		{"run -w x", "-w x: workers must be a whole number"},
		{"run -r -5", "-r -5: rate must not be negative"},
		{"run -s 5GiB", "-s 5GiB: size must be at most 4MiB"},
		{"run -d 0", "-d 0: duration must be more than 0"},
		{"run -d 30", "30s"},
		{"run -m snyc", "sync"},
		{"run -n 127.0.0.1", "127.0.0.1:9876"},
		{"run nosuch", `unknown scenario "nosuch"; shipped: capacity, `},
		{"run qick", "nearest: quick"},
		{"run " + filepath.Join(dir, "missing.yaml"), "missing.yaml"},
		{"run " + unknownKey, unknownKey + `:3:8: unknown key "worker"; nearest: workers`},
		{"run " + wrongType, wrongType + ":4:12: workers must be a whole number"},
		{"run " + duplicate, duplicate + `:4:1: duplicate key "seed"; the first is on line 3`},
		{"run --set load.wokers=3", "nearest: load.workers"},
		{"run --set load", "path=value"},
		{"run --slo p98<1ms", "--slo"},
		{"run --slo p98<1ms", "nearest: p9"},
		{"capacity", "--slo 'p99<10ms,errors<0.1%'"},
		{"capacity quick --slo p99<1s", "quick has 8"},
		{"capacity -r 1k/s", "unknown flag"},
		{"capacity --slo p99<1s --budget 10", "--budget: duration"},
		{"capacity --slo p99<1s --step 0", "--step: duration"},
		{"capacity --slo p99<1s --max-rate 5", "--max-rate: rate"},
		{"capacity --slo p99<1s --resume " + dir, "--resume: read result"},
		{"capacity --slo p99<1s --rounds 0", "--rounds 0: 1 to 10"},
		{"capacity --slo p99<1s --start 0/s", "--start"},
		{"capacity --slo p99<1s --headroom 30%", "--need 200k/s"},
		{"capacity --slo p99<1s --need 1k/s --headroom 100%", "--headroom 100%: a share from 0% to below 100%, such as 30%"},
		{"capacity --slo p99<1s --need 1k/s --headroom NaN", "--headroom NaN"},
		{"capacity --sweep --slo p99<1s", "--slo is of the search for a rate"},
		{"capacity --sweep --lose 1", "--lose is of the search"},
		{"capacity --sweep -m oneway", "use -m sync"},
		{"capacity --sweep quick", "quick has 8"},
		{"capacity --sweep --max-rate 5", "--max-rate"},
		{"capacity --sweep --step 10", "--step: duration"},
		{"capacity --slo p99<1s --need fast", "--need: rate"},
		{"capacity --slo p99<1s --lose -1", "--lose -1: 0 or more brokers"},
		{"capacity --slo p99<1s --lose 1 -o none", "--lose 1: of 1 broker nothing would be left"},
		{"capacity --slo p99<1s -m oneway", "no answers"},
		{"run --disk-limit lots", "--disk-limit lots: a share between 0% and 100%, such as 70%, or off"},
		{"run --disk-limit 100%", "--disk-limit 100%"},
		{"run --disk-limit NaN%", "--disk-limit NaN%"},
		{"history " + filepath.Join(dir, "nosuch"), "no such file"},
		{"history " + t.TempDir(), "holds no results"},
		{"history --last 0", "--last 0: at least 1"},
		{"compare a", "accepts 2 arg"},
		{"compare missing.json missing.json", "missing.json"},
		{"compare baseline:nosuch baseline:sync", "with rmqbench come: sync"},
		{"compare a b --max-regression 5", "--max-regression 5: a percentage"},
		{"gate a", "BASE and NEW, or --a and --b"},
		{"gate a b --slo p98<1ms", "nearest: p9"},
		{"ab --a x", "--a and --b"},
		{"ab x --a x --b y", "quote a thing"},
		{"ab --a -q --b -w --budget 5", "--budget 5: a time"},
		{"ab --a -wx --b -w2", "-w x: workers must be a whole number"},
		{"ab --a --wrokers=2 --b -w2", "nearest: --workers"},
		{"ab --a -w2 --b -w3 --rounds -1", "--rounds -1"},
		{"ab --a -w2 --b -w3 --calibration on", "--calibration on: auto or off"},
		{"run --progress fast", "auto, plain or none"},
		{"run a b", "at most 1 arg"},
		{"rnu", "nearest: run"},
		{"scenarios show nosuch", "shipped: capacity, "},
		{"broker --memory lots", "--memory lots"},
		{"broker --brokers 0", "--brokers 0: 1 to 16"},
		{"version extra", "see rmqbench version --help"},
		{"topic crate T", "nearest: create"},
		{"topic crate T -n 127.0.0.1:1", `unknown command "crate"; nearest: create`},
		{"rnu -r 1k/s", `unknown command "rnu"; nearest: run`},
		{"help rnu", `unknown command "rnu"; nearest: run`},
		{"help topic crate", `unknown command "crate"; nearest: create`},
		{"completion bsh", `unknown command "bsh"; nearest: bash`},
		{"topic create", "accepts 1 arg"},
		{"topic create T", "-n HOST:9876"},
		{"topic create T -n 127.0.0.1:1 --queues 0", "topic T: 0 queues: 1 to 65536"},
		{"topic create T -n 127.0.0.1:1 --type delayed", "--type delayed: one of normal, delay, transaction, fifo; nearest: delay"},
		{"topic create T! -n 127.0.0.1:1", "holds other characters than allowed"},
		{"topic create TBW102 -n 127.0.0.1:1", "is a broker's own"},
		{"topic route T", "-n HOST:9876"},
		{"topic route T -n 127.0.0.1:9876;host", "-n host: has no port; write host:9876"},
		{"doctor -n 127.0.0.1:99999", "-n 127.0.0.1:99999: must have a port from 1 to 65,535"},
		{"topic delete T -n 127.0.0.1:1", "topic T is none of rmqbench's own (RMQBENCH_…): its messages would be gone for everybody; if that is meant, add --yes-delete T"},
		{"topic delete RMQBENCH_T --yes-delete T -n 127.0.0.1:1", "the topic is RMQBENCH_T, and what was confirmed is T"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			out, errs, status := command(t, strings.Fields(tt.args)...)
			if status != exitUsage || out != "" || !strings.Contains(errs, tt.want) {
				t.Errorf("status %d, stdout %q, stderr %q; want status 2 and %q", status, out, errs, tt.want)
			}
			if lines := strings.Count(errs, "\n"); lines != 1 || !strings.HasPrefix(errs, "rmqbench: ") {
				t.Errorf("%d lines: %s", lines, errs)
			}
		})
	}
}

// A name server that isn't there: exit 1, the address and what to try in one line, soon.
func TestNoNameServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	began := time.Now()
	_, errs, status := command(t, "run", "-n", addr, "-r", "1k/s", "-t", "T", "-o", "none")
	if status != exitFailed || !strings.Contains(errs, addr) || !strings.Contains(errs, "rmqbench doctor -n "+addr) || strings.Count(errs, "\n") != 1 {
		t.Errorf("status %d, %s", status, errs)
	}
	if took := time.Since(began); took > 50*time.Second {
		t.Errorf("took %v", took)
	}
}

// --json: one object on stdout and nothing else there.
func TestRunJSON(t *testing.T) {
	dir := t.TempDir()
	out, errs, status := command(t, "run", "-m", "sync", "-w", "64", "-s", "128", "-d", "500ms", "--json", "-o", dir, "--progress", "none")
	if status != exitDone || errs != "" {
		t.Fatalf("status %d, %s", status, errs)
	}
	var got results.Run
	dec := json.NewDecoder(strings.NewReader(out))
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if dec.More() {
		t.Error("more than one object")
	}
	c := got.Cases[0]
	if c.Acknowledged == 0 || c.Failed != 0 || c.Response == nil || c.Response.P50 == nil || *c.Response.P50 > c.Response.Max {
		t.Errorf("%+v", c.Measured)
	}
	if c.Response.P99 != nil && (*c.Response.P50 > *c.Response.P99 || *c.Response.P99 > c.Response.Max) {
		t.Errorf("p50 %d p99 %d max %d", *c.Response.P50, *c.Response.P99, c.Response.Max)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	var names []string
	for _, path := range kept {
		names = append(names, filepath.Base(path))
	}
	if err != nil || !slices.Equal(names, []string{"latency.hlog", "report.html", "run.json", "series.jsonl", "summary.md"}) {
		t.Fatalf("files %v %v", names, err)
	}
	again, err := results.Read(filepath.Dir(kept[0]))
	if err != nil || again.Cases[0].Acknowledged != c.Acknowledged {
		t.Errorf("the file says %+v, %v", again, err)
	}
}

func TestOpenLoopOnEmbedded(t *testing.T) {
	t.Parallel()
	out, _, status := command(t, "run", "-m", "sync", "-w", "8", "-r", "500/s", "-d", "1s", "-o", "none")
	if status != exitDone && status != 5 { // a machine that is busy with other tests may be the limit
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{"EMBEDDED BROKER: measures this client, never RocketMQ · seed 1", "from due", "from call", "waited before sending"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

// --slo: an objective that is missed is exit status 3, one that can't be told 4.
func TestObjective(t *testing.T) {
	t.Parallel()
	for slo, want := range map[string]struct {
		status int
		line   string
	}{
		"max<1h,errors<0.1%": {exitDone, "max<1h holds"},
		"max<1h,max<1ns":     {3, "max<1ns MISSED"},
		"p99.99<1h":          {4, "it needs 1,000,000 sends"},
	} {
		out, errs, status := command(t, "run", "-d", "200ms", "--count", "500", "-o", "none", "--slo", slo)
		if status == 4 && strings.Contains(out, "SUSPECT") { // this machine had more to do
			status = want.status
		}
		if status != want.status || !strings.Contains(out, want.line) {
			t.Errorf("--slo %s: status %d, want %d\n%s%s", slo, status, want.status, out, errs)
		}
	}
}

// capacity answers in a sentence and as a record, within its budget.
func TestCapacity(t *testing.T) {
	t.Parallel()
	args := strings.Fields("capacity --slo p50<1s --start 500/s --max-rate 500/s --step 1s --confirm 1s --budget 20s -w 64 -o")
	dir := t.TempDir()
	out, errs, status := command(t, append(args, dir, "--progress", "plain")...)
	if status != exitDone && status != 4 && status != 5 { // a machine that is busy with other tests may be the limit
		t.Fatalf("status %d\n%s\n%s", status, out, errs)
	}
	for _, want := range []string{"EMBEDDED BROKER", "rate ", "500/s", "olds at least 500/s at p50<1s, errors<1%; limit: the ceiling that was given with --max-rate"} {
		if status == exitDone && !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "grow") || !strings.Contains(errs, "confirm") && status == exitDone {
		t.Errorf("progress:\n%s", errs)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	if got, err := results.Read(kept[0]); err != nil || got.Capacity == nil || len(got.Capacity.Steps) < 2 && status == exitDone {
		t.Errorf("%+v, %v", got, err)
	}
}

// A result directory that can't be made is told before anything is sent. One that goes while the run does loses the file, not the summary.
func TestR28_R32_UnwritableResult(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "parent")
	if err := os.WriteFile(parent, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, status := command(t, "run", "-d", "100ms", "-o", parent)
	if status != exitFailed || out != "" || !strings.HasPrefix(errs, "rmqbench: -o "+parent+": create result directory: ") || strings.Count(errs, "\n") != 1 {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
	if err := os.Remove(parent); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		out, errs, status = command(t, "run", "-d", "3s", "-w", "1", "-o", parent)
	}()
	checkpointIn(t, parent)
	if err := errors.Join(os.Rename(parent, parent+" that was"), os.WriteFile(parent, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	<-ended
	if status != exitFailed || !strings.Contains(out, "msg/s") || !strings.Contains(errs, "the result is lost") || !strings.Contains(errs, "-o") {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("RMQBENCH_WORKERS", "0")
	_, errs, status := command(t, "run")
	if status != exitUsage || !strings.Contains(errs, "workers must be at least 1") {
		t.Errorf("status %d, %s", status, errs)
	}
}

func TestScenariosVerbs(t *testing.T) {
	out, _, status := command(t, "scenarios")
	if status != exitDone || !strings.Contains(out, "\nquick ") {
		t.Errorf("list: %d %q", status, out)
	}
	text, _, status := command(t, "scenarios", "show", "--text", "quick")
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil || status != exitDone {
		t.Fatalf("show: %d %v", status, err)
	}
	if out, errs, status := command(t, "scenarios", "check", file); status != exitDone || !strings.Contains(out, "quick, 8 cases") {
		t.Errorf("check: %d %q %q", status, out, errs)
	}
}

// show says of every value where it came from.
func TestScenariosShow(t *testing.T) {
	t.Setenv("RMQBENCH_SEED", "7")
	t.Setenv("TEST_SIZE", "4KiB")
	file := filepath.Join(t.TempDir(), "mine.yaml")
	text := "version: 1\nname: a\nload:\n  stages: [{for: 1s}]\nmessage:\n  size: ${TEST_SIZE:-1KiB}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, status := command(t, "scenarios", "show", file, "-w", "8", "--warmup", "2s", "--set", "topic.create=never")
	if status != exitDone {
		t.Fatalf("status %d: %s", status, errs)
	}
	for _, want := range []string{
		"seed: 7  # RMQBENCH_SEED=7\n", "name: a  # " + file + ":2\n", "workers: 8  # -w 8\n", "size: 4KiB  # " + file + ":6 ${TEST_SIZE}\n",
		"create: never  # --set topic.create=never\n", "mode: sync  # default\n", "- {for: 2s, warmup: true}  # --warmup 2s\n", "- {for: 1s}  # " + file + ":4\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestScenariosSchema(t *testing.T) {
	out, errs, status := command(t, "scenarios", "schema")
	if !json.Valid([]byte(out)) || !strings.Contains(out, "draft/2020-12") || status != exitDone {
		t.Errorf("status %d\n%.200s\n%s", status, out, errs)
	}
}

// check shows each fault with its line, and what could stand there.
func TestScenariosCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nname: a\nload: {worker: 8}\nsecretKey: hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, status := command(t, "scenarios", "check", file, "quick", "nosuch")
	want := file + `:3:8: unknown key "worker"; nearest: workers
  3 | load: {worker: 8}
    |        ^
  keys here: workers, mode, `
	if status != exitUsage || !strings.HasPrefix(out, want) || errs != "" {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
	for _, want := range []string{`:4:1: unknown key "secretKey"`, "ok    quick: quick, 8 cases\n", "unknown scenario \"nosuch\"", "\n3 faults\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "hunter2") {
		t.Errorf("a secret is shown:\n%s", out)
	}
}

func TestHelpHasExamples(t *testing.T) {
	for _, verb := range []string{"", "run", "capacity", "broker", "scenarios", "scenarios show", "mqproducer", "doctor", "topic", "topic create", "topic route", "topic delete"} {
		out, _, status := command(t, append(strings.Fields(verb), "--help")...)
		if status != exitDone || !strings.Contains(out, "Examples:") {
			t.Errorf("%q: status %d\n%s", verb, status, out)
		}
	}
}

// The first signal ends the context: what was measured is drained, reported and marked.
func TestR30_Interrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errs bytes.Buffer
	dir := t.TempDir()
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"run", "-d", "1h", "-w", "4", "-o", dir, "--instrument-cost", "off"}, streams{in: strings.NewReader(""), out: &out, err: &errs})
	}()
	checkpointIn(t, dir)
	cancel()
	status := <-ended
	if status != exitInterrupted || !strings.Contains(out.String(), "PARTIAL") || errs.Len() != 0 {
		t.Fatalf("status %d\n%s\n%s", status, &out, &errs)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	got, err := results.Read(kept[0])
	if err != nil || got.Verdict != results.Partial || got.CutShort != results.Interrupted || got.Cases[0].Acknowledged == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
