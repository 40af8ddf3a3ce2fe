// Package ci tests the scripts beside it, which other repositories' continuous integration runs.
package ci

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"rmqbench/broker"
)

var binary string // rmqbench

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if _, err := exec.LookPath("bash"); err != nil {
		fmt.Fprintln(os.Stderr, "SKIPPED: the scripts are for bash, which isn't here")
		return 0
	}
	dir, err := os.MkdirTemp("", "ci")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "rmqbench")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", binary, "./cmd/rmqbench").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// script runs one with env beside what it needs, in dir, and returns what it printed and its exit status.
func script(t *testing.T, dir, name string, env ...string) (string, int) {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", path)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"RMQBENCH=" + binary, "GITHUB_STEP_SUMMARY=" + filepath.Join(dir, "summary"),
		"GITHUB_OUTPUT=" + filepath.Join(dir, "output")}, env...)...)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

func text(ns, repeats int) string {
	var b strings.Builder
	for i := range repeats {
		fmt.Fprintf(&b, "BenchmarkSend 1000 %d ns/op\n", ns+i%5)
	}
	return b.String()
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGate(t *testing.T) {
	for name, tt := range map[string]struct {
		env    []string
		status int
		want   string // printed
	}{
		"slower":                   {[]string{"BASE=old.txt", "NEW=slow.txt"}, 3, "WORSE: sec/op"},
		"the same":                 {[]string{"BASE=old.txt", "NEW=old.txt"}, 0, "No difference found"},
		"inconclusive, by default": {[]string{"BASE=old.txt", "NEW=few.txt"}, 0, "::warning title=rmqbench gate::inconclusive"},
		"inconclusive fails":       {[]string{"BASE=old.txt", "NEW=few.txt", "ON_INCONCLUSIVE=fail"}, 4, "INCONCLUSIVE"},
		"inconclusive passes":      {[]string{"BASE=old.txt", "NEW=few.txt", "ON_INCONCLUSIVE=pass"}, 0, "INCONCLUSIVE"},
		"a policy that isn't":      {[]string{"BASE=old.txt", "NEW=old.txt", "ON_INCONCLUSIVE=maybe"}, 2, "maybe: warn, fail or pass"},
		"nothing to compare":       {nil, 2, "no such file"},
		"tolerated":                {[]string{"BASE=old.txt", "NEW=slow.txt", "MAX_REGRESSION=30%"}, 0, "No difference found"},
		"measured":                 {[]string{"A=cat old.txt", "B=cat slow.txt", "BUDGET=10s", "METRIC=sec/op"}, 3, "WORSE: sec/op"},
		"arguments behind":         {[]string{"A=cat", "B=cat", "ARGUMENTS=old.txt", "BUDGET=10s"}, 0, "rounds, side by side"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, map[string]string{"old.txt": text(1000, 10), "slow.txt": text(1200, 10), "few.txt": text(1200, 2)})
			out, status := script(t, dir, "gate.sh", tt.env...)
			if status != tt.status || !strings.Contains(out, tt.want) {
				t.Fatalf("status %d, want %d and %q:\n%s", status, tt.status, tt.want, out)
			}
			if status == 2 {
				return
			}
			for file, want := range map[string]string{"gate-reports/gate.xml": "<testsuites", "gate-reports/gate.prom": "# EOF", "summary": "sec/op", "output": "status="} {
				if text, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.Contains(string(text), want) {
					t.Errorf("%s lacks %q: %v\n%s", file, want, err, text)
				}
			}
		})
	}
}

// TestCommits: a Go package becomes slower from one commit to the next.
func TestCommits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git isn't here")
	}
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write(t, dir, map[string]string{"go.mod": "module example.com/m\n\ngo 1.26\n", "store/store.go": "package store\n",
		"store/wait": "2ms", "store/store_test.go": `package store

import (
	"os"
	"testing"
	"time"
)

func BenchmarkGet(b *testing.B) {
	text, err := os.ReadFile("wait")
	if err != nil {
		b.Fatal(err)
	}
	wait, err := time.ParseDuration(string(text))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		time.Sleep(wait)
	}
}
`})
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "base")
	write(t, dir, map[string]string{"store/wait": "8ms"})
	git("commit", "-qam", "slower")
	out, status := script(t, dir, "commits.sh", "PACKAGE=store", "BENCH=Get", "BENCHTIME=5x", "BASE_COMMIT=HEAD~1", "BUDGET=20s")
	if status != 3 || !strings.Contains(out, "WORSE: sec/op") {
		t.Errorf("status %d\n%s", status, out)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".git/worktrees/*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRocketMQBenchmark(t *testing.T) {
	t.Parallel()
	cluster, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	env := []string{"NAMESRV=" + cluster.NameServer(), "TEST_TIME=1", "WARMUP=1", "MAX_RT_MS_THRESHOLD=60000", "AVG_RT_MS_THRESHOLD=60000"}
	dir := t.TempDir()
	out, status := script(t, dir, "rocketmq-benchmark/benchmark.sh", append(env, "MIN_SEND_TPS_THRESHOLD=1")...)
	if status != 0 && status != 4 { // a machine that is too busy is SUSPECT
		t.Errorf("status %d\n%s", status, out)
	}
	if junit, _ := filepath.Glob(filepath.Join(dir, "benchmark/*/junit.xml")); len(junit) != 1 {
		t.Errorf("JUnit: %v\n%s", junit, out)
	}
	summary := filepath.Join(dir, "second")
	out, status = script(t, dir, "rocketmq-benchmark/benchmark.sh", append(env, "MIN_SEND_TPS_THRESHOLD=many", "GITHUB_STEP_SUMMARY="+summary)...)
	if _, err := os.Stat(summary); status != 2 || err == nil { // nothing was sent: the result before it isn't its
		t.Errorf("a threshold that is no number: status %d, a summary of another run: %v\n%s", status, err == nil, out)
	}
	out, status = script(t, t.TempDir(), "rocketmq-benchmark/benchmark.sh", append(env, "MIN_SEND_TPS_THRESHOLD=900000000")...)
	if status != 3 || !strings.Contains(out, "rate>900M/s MISSED") {
		t.Errorf("a threshold that nobody reaches: status %d\n%s", status, out)
	}
	if out, status = script(t, t.TempDir(), "rocketmq-benchmark/benchmark.sh", "NAMESRV="); status == 0 {
		t.Errorf("without a name server: status 0\n%s", out)
	}
}

// TestActions: the steps' environment has every input, and their scripts are there.
func TestActions(t *testing.T) {
	for file, scripts := range map[string][]string{"action.yml": {"gate.sh", "commits.sh"}, "rocketmq-benchmark/action.yml": {"benchmark.sh"}} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var action struct {
			Name, Description string
			Inputs            map[string]struct{ Description, Default string }
			Runs              struct {
				Using string
				Steps []struct {
					Shell, Run string
					Env        map[string]string
				}
			}
		}
		if err := yaml.UnmarshalWithOptions(source, &action); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if action.Name == "" || action.Description == "" || action.Runs.Using != "composite" || len(action.Runs.Steps) != 1 {
			t.Fatalf("%s: %+v", file, action)
		}
		step := action.Runs.Steps[0]
		for name, input := range action.Inputs {
			variable := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
			if input.Description == "" || !strings.Contains(step.Env[variable], "inputs."+name) {
				t.Errorf("%s: input %s isn't described, or isn't %s of its step", file, name, variable)
			}
		}
		if strings.Contains(step.Run, "${{") {
			t.Errorf("%s: an input is put into the script's text", file)
		}
		for _, name := range scripts {
			info, err := os.Stat(filepath.Join(filepath.Dir(file), name))
			if err != nil || info.Mode()&0o111 == 0 || !strings.Contains(step.Run, name) {
				t.Errorf("%s: its script %s isn't there, can't be run or isn't called: %v", file, name, err)
			}
		}
	}
	source, err := os.ReadFile("gitlab.yml")
	if err != nil {
		t.Fatal(err)
	}
	var gitlab map[string]struct {
		Script    []string
		Variables map[string]string
		Artifacts struct{ Reports map[string]string }
	}
	if err := yaml.Unmarshal(source, &gitlab); err != nil {
		t.Fatal(err)
	}
	job := gitlab["rmqbench-gate"]
	if job.Artifacts.Reports["junit"] != job.Variables["REPORTS"]+"/gate.xml" || job.Artifacts.Reports["metrics"] != job.Variables["REPORTS"]+"/gate.prom" ||
		!slices.ContainsFunc(job.Script, func(s string) bool { return strings.HasSuffix(s, "/commits.sh") }) {
		t.Errorf("gitlab.yml: %+v", job)
	}
}
