package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"rmqbench/broker"
	"rmqbench/internal/certs"
	"rmqbench/internal/markdown"
	"rmqbench/internal/peer"
)

// notTyped are the lines of our pages that TestDocsRun doesn't type, by how they begin, and why. Their flags are read all the same
// (TestDocsCommands).
var notTyped = map[string]string{
	"go test ./...":             "this is part of it",
	"go test -run TestR55":      "part of go test ./...",
	"make ":                     "TestDocsCommands looks for the target; CI has what it runs",
	"rmqbench capacity --sweep": "half a minute: TestSweep in bench",
	"rmqbench gate --self-test": "18 s of sleeping; TestR57_Gates measures what it shows",
	"rmqbench run -n HOST:9876 -t TOPIC -r 300k/s -d 60s --shard": "one line a machine: the next block has all shares on one",
	"rmqbench merge runs/*": "of those shares",
	"rmqbench capacity -n HOST:9876 -t TOPIC --slo 'p99<10ms' --start": "a minute ahead, one line a machine: TestCapacityOfShares",
	"rmqbench run -n HOST:9876 -r 100k/s -d 60s -t TOPIC --shard":      "one line a machine",
}

// typed is what a call of rmqbench on a page did.
type typed struct {
	Args   []string // as they were typed
	Status int
	Output string
}

// TestDocsRun types the blocks of sh on our pages into a shell, each as it stands, in a directory that has what the page speaks of.
// rmqbench is this test's binary (typeIn): it runs the command shorter, and on an embedded cluster. Programs that aren't ours, and take a
// cluster or a JDK, have stand-ins.
func TestDocsRun(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash isn't here")
	}
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	ran := 0
	var all sync.WaitGroup
	turns := make(chan struct{}, 4) // most of them wait most of the time
	pages := pages(t)
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		for _, block := range pages[name].Blocks {
			if block.Lang != "sh" {
				continue
			}
			var script strings.Builder
			calls := 0
			for line := range strings.Lines(block.Text) {
				line = strings.TrimSpace(line)
				if seen[line] || untyped(line) || line == "" {
					continue
				}
				seen[line] = !strings.HasPrefix(line, "at=")
				script.WriteString(line + "\n")
			}
			commands, err := markdown.Commands(script.String())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range commands {
				if _, yes := ours(c.Words); yes {
					calls++
				}
			}
			if calls == 0 {
				continue
			}
			ran++
			dir := t.TempDir()
			w.files(t, dir, script.String())
			all.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				w.typeBlock(t, fmt.Sprintf("%s:%d", name, block.Line), dir, script.String(), calls)
			})
		}
	}
	all.Wait()
	if ran < 30 {
		t.Errorf("only %d blocks were typed", ran)
	}
}

// untyped reports whether a line is one of those that aren't typed.
func untyped(line string) bool {
	for begin := range notTyped {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

// A world is what the blocks of all pages have around them.
type world struct {
	bin       string            // programs, before those of PATH
	notes     string            // what each call did, by the block in which it stands
	past      string            // a directory of results
	selectors string            // a run's directory that compares some
	result    string            // a run's directory
	shares    string            // a directory of two shares' results and one of the logs that they printed
	ca        string            // of the cluster that speaks TLS
	tls       string            // where its name server is
	pages     map[string]string // complete scenarios of our pages, by name
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{bin: filepath.Join(dir, "bin"), notes: filepath.Join(dir, "notes"), shares: filepath.Join(dir, "shares"), pages: map[string]string{}}
	for _, d := range []string{w.bin, filepath.Join(w.shares, "logs")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(w.bin, "rmqbench")); err != nil {
		t.Skip(err)
	}
	date, err := exec.LookPath("date")
	if err != nil {
		t.Skip(err)
	}
	for name, script := range map[string]string{
		"go":        "case $1 in run) shift 2; exec rmqbench \"$@\";; test) echo '" + benchText(1003, 10) + "';; esac",
		"date":      "exec " + date + " -u -d '+5 seconds' +%Y-%m-%dT%H:%M:%SZ # not a minute",
		"kubectl":   "cat " + w.shares + "/logs/*",
		"…":         "",
		"benchstat": "grep Benchmark \"$3\"",
		"java":      "exec rmqbench run -n \"$NAMESRV_ADDR\" -t JAVA -w 1 --count 500 -o none >&2",
	} {
		if err := os.WriteFile(filepath.Join(w.bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}

	authority := certs.NewAuthority(t)
	w.ca = authority.File(t)
	secured, err := broker.Start(broker.Options{TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1")}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secured.Close)
	w.tls = secured.NameServer()

	made := func(flags ...string) string {
		t.Helper()
		out := t.TempDir()
		if _, errs, status := command(t, append([]string{"run", "-o", out, "--progress", "none", "--instrument-cost", "off"}, flags...)...); status == exitUsage || status == exitFailed {
			t.Fatal(errs)
		}
		found, err := filepath.Glob(filepath.Join(out, "*"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		return found[0]
	}
	w.result = made("-m", "sync", "-w", "64", "-d", "200ms") // of baseline:sync's load
	w.selectors = made("--selector", "random,hash", "-w", "4", "-d", "100ms")
	quick, err := os.ReadFile("../../results/testdata/quick.json")
	if err != nil {
		t.Fatal(err)
	}
	w.past = filepath.Join(dir, "past")
	if err := os.MkdirAll(filepath.Join(w.past, "quick"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.past, "quick", "run.json"), quick, 0o600); err != nil {
		t.Fatal(err)
	}
	for k, log := range sendShares(t, startCluster(t), 2, w.shares) {
		if err := os.WriteFile(filepath.Join(w.shares, "logs", fmt.Sprint(k)), []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range pages(t) {
		for _, block := range page.Blocks {
			var top struct{ Version, Name any }
			if block.Lang == "yaml" && yaml.Unmarshal([]byte(block.Text), &top) == nil && top.Version != nil {
				w.pages[fmt.Sprint(top.Name)] = block.Text
			}
		}
	}
	return w
}

// files makes what a script speaks of in dir.
func (w *world) files(t *testing.T, dir, script string) {
	t.Helper()
	link := func(to, name string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	made := map[string]bool{}
	if strings.Contains(script, "history") {
		link(w.past, "runs")
		link(filepath.Dir(w.result), "ci-results")
	}
	for _, name := range regexp.MustCompile(`[\w./*-]+`).FindAllString(script, -1) {
		if made[name] {
			continue
		}
		made[name] = true
		switch base := strings.TrimPrefix(name, "./"); {
		case strings.HasSuffix(name, "-*") && strings.HasPrefix(name, "runs/"): // shares
			for k := range 2 {
				link(filepath.Join(w.shares, fmt.Sprint(k)), strings.Replace(name, "*", fmt.Sprint(k), 1))
			}
		case name == "logs/":
			link(filepath.Join(w.shares, "logs"), "logs")
		case name == "RESULT", strings.HasPrefix(name, "runs/") && name != "runs/" && !strings.Contains(script, "-o "+name):
			result := w.result
			if strings.Contains(script, name+" --format csv:selectors") {
				result = w.selectors
			}
			if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(result)); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(name, ".test"):
			write(base, "#!/bin/sh\necho '"+benchText(1003, 1)+"'\n")
		case base != name && strings.HasPrefix(base, "rmqbench"):
			link(filepath.Join(w.bin, "rmqbench"), base)
		case name == "old.txt":
			write(name, benchText(1000, 10))
		case name == "ca.pem":
			link(w.ca, name)
		case name == "tools.yml":
			write(name, "accessKey: a\nsecretKey: b\n")
		case strings.HasSuffix(name, ".yaml") && w.pages[strings.TrimSuffix(name, ".yaml")] != "":
			write(name, w.pages[strings.TrimSuffix(name, ".yaml")])
		case strings.HasSuffix(name, ".yaml") && !strings.Contains(script, "> "+name):
			write(name, "version: 1\nname: mine\nslo: [p99<10ms]\nload: {workers: 1, stages: [{for: 1s, rate: 10/s}]}\n")
		}
	}
}

// typeBlock types a script, and looks at what each of its calls did.
func (w *world) typeBlock(t *testing.T, at, dir, script string, calls int) {
	t.Helper()
	cluster, err := broker.Start(broker.Options{Brokers: 2, BrokerNames: []string{"broker-a", "broker-b"}, MemoryBudget: 64 << 20})
	if err != nil {
		t.Errorf("%s: %v", at, err)
		return
	}
	defer cluster.Close()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, cluster.NameServer()) }))
	defer endpoint.Close()
	notes := filepath.Join(w.notes, at)
	if err := os.MkdirAll(notes, 0o700); err != nil {
		t.Errorf("%s: %v", at, err)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+w.bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir, "XDG_CACHE_HOME="+dir,
		"DOCS_CALLS="+notes, "DOCS_CLUSTER="+cluster.NameServer(), "DOCS_TLS="+w.tls, "DOCS_ENDPOINT="+endpoint.URL, "DOCS_PROXY="+peer.Proxy(t, cluster.NameServer()), "BENCH_NAMESRV="+cluster.NameServer(), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary.md"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s\n%s", at, err, script, out)
	}
	done, err := filepath.Glob(filepath.Join(notes, "*.json"))
	if err != nil || len(done) < calls {
		t.Errorf("%s: %d calls of %d, %v\n%s\n%s", at, len(done), calls, err, script, out)
	}
	for _, file := range done {
		var call typed
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &call)
		}
		if err != nil {
			t.Errorf("%s: %v", at, err)
			continue
		}
		want, known := printed[call.Args[0]]
		if !known || !regexp.MustCompile(want).MatchString(call.Output) {
			t.Errorf("%s: rmqbench %s: exit status %d, want %q (known: %v)\n%s", at, strings.Join(call.Args, " "), call.Status, want, known, call.Output)
		}
	}
	if strings.Contains(script, "grep -h _hash") && !strings.Contains(string(out), "PARTIAL") {
		hashes := map[string]int{}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, `_hash":`) {
				hashes[strings.TrimSpace(line)]++
			}
		}
		if len(hashes) != 3 || slices.ContainsFunc(slices.Collect(maps.Values(hashes)), func(n int) bool { return n != 2 }) {
			t.Errorf("%s: the same three lines twice: %v\n%s", at, hashes, out)
		}
	}
}

// printed is what each verb's output has.
var printed = map[string]string{
	"ab":         `base +new|nothing measured`,
	"broker":     `name server 127\.0\.0\.1:`,
	"calibrate":  `the smallest change .*\n[^$]*stored for a week`,
	"capacity":   `(Holds|Held|No rate|No answer) .*|"capacity"`,
	"compare":    `base +new`,
	"doctor":     `master|through a proxy`,
	"gate":       `base +new|nothing measured`,
	"history":    `verdict +result|^$`,
	"merge":      `0 of 2|0 of 4|"shards"`,
	"mqproducer": `-w 64 →|→ --`,
	"report":     `(html|csv|junit\.xml)\n|^Unit |^(run|case),|"\$schema"`,
	"run":        `\b(VALID|SUSPECT|GENERATOR_LIMITED)\b|nothing is sent|nothing measured`,
	"scenarios":  `version: 1|quick|ok|"\$schema"`,
	"topic":      `(?m)^topic \w+: (made|deleted|.*queues)|"topic": "`,
	"version":    `^rmqbench `,
}

// addresses are what pages call a cluster's name servers.
var addresses = regexp.MustCompile(`(HOST|127\.0\.0\.1|\bold|\bnew|\ba|\bb):9876`)

// typeIn is rmqbench within a script of a page: it makes a call short, has it go to the test's cluster, and writes down what it did.
func typeIn(args []string) int {
	call := typed{Args: args}
	var output bytes.Buffer
	limit := time.Minute
	if args = shorter(slices.Clone(args)); len(args) > 0 && args[0] == "broker" && !slices.Contains(args, "--") {
		limit = 300 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	call.Status = run(ctx, args, streams{in: os.Stdin, out: io.MultiWriter(os.Stdout, &output), err: io.MultiWriter(os.Stderr, &output)})
	call.Output = output.String()
	file, err := os.CreateTemp(os.Getenv("DOCS_CALLS"), "*.json")
	if err == nil {
		err = json.NewEncoder(file).Encode(call)
		file.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	switch {
	case call.Status == exitFailed && args[0] == "merge" && strings.Contains(call.Output, "PARTIAL"): // a share was late
		return 0
	case call.Status == exitFailed && strings.Contains(call.Output, "nothing measured"): // in a tenth of a second
		return 0
	case slices.Contains([]string{"ab", "calibrate", "capacity", "gate", "run"}, args[0]) && strings.Contains(call.Output, "INVALID") && !strings.Contains(call.Output, "nothing measured"): // haste breaks no sum
		return exitFailed
	case call.Status >= 3 && call.Status <= 5: // too short to say anything, and this machine has more to do
		return 0
	case limit < time.Minute && call.Status == exitInterrupted:
		return 0
	}
	return call.Status
}

// shorter makes a call one of a moment.
func shorter(args []string) []string {
	at := os.Getenv("DOCS_CLUSTER")
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--tls") }) {
		at = os.Getenv("DOCS_TLS")
	}
	for i, a := range args {
		a = strings.ReplaceAll(a, "http://HOST:8080", os.Getenv("DOCS_ENDPOINT"))
		a = strings.ReplaceAll(a, "PROXY:8080", os.Getenv("DOCS_PROXY"))
		if args[0] == "broker" {
			args[i] = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(a, "127.0.0.1:0")
		} else if args[i] = addresses.ReplaceAllString(a, at); strings.Contains(args[i], ",") && strings.Contains(args[i], at) {
			args[i] = strings.Join(slices.Compact(strings.Split(args[i], ",")), ",")
		}
	}
	if len(args) == 0 {
		return args
	}
	create := func(topic string) { // one that is there already is left alone
		run(context.Background(), []string{"topic", "create", topic, "--queues", "8", "-n", at}, streams{out: io.Discard, err: io.Discard})
	}
	var more, behind []string
	quiet := []string{"--progress", "none", "--instrument-cost", "off"}
	switch args[0] {
	case "run":
		if len(args) == 1 || slices.Contains(args, "selectors") { // shipped scenarios have tests of their own
			return append(args, "--dry-run")
		}
		more = append(quiet, "--repeat", "1", "--slo", "max<1h")
		if slices.Contains(args, "--warmup") || slices.ContainsFunc(args, func(a string) bool { return strings.HasSuffix(a, ".yaml") }) {
			more = append(more, "--warmup", "50ms")
		}
		if !slices.Contains(args, "--count") {
			more = append(more, "-d", "150ms")
		}
	case "mqproducer":
		behind = append(quiet, "-d", "150ms")
	case "capacity":
		more = append(quiet, "--step", "1s", "--rounds", "1")
		if !slices.Contains(args, "--sweep") {
			more = append(more, "--confirm", "1s", "--start", "500/s", "--max-rate", "500/s", "--slo", "errors<50%", "--budget", "5s")
		}
	case "ab", "gate", "calibrate":
		if slices.ContainsFunc(args, func(a string) bool { return a == "--a" }) || args[0] == "calibrate" {
			more, behind = []string{"--rounds", "1", "--budget", "20s", "--progress", "none"}, []string{"-d", "100ms", "--warmup", "50ms"}
		}
	case "topic":
		if args[1] == "delete" || args[1] == "route" {
			create(args[2])
		}
	case "doctor":
		if i := slices.Index(args, "-t"); i >= 0 {
			create(args[i+1])
		}
	}
	i := slices.Index(args, "--")
	if i < 0 {
		i = len(args)
	}
	args = slices.Insert(args, i, more...)
	if len(behind) > 0 {
		if !slices.Contains(args, "--") {
			args = append(args, "--")
		}
		args = append(args, behind...)
	}
	return args
}
