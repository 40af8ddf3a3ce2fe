//go:build e2e

package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rmqbench/e2e"
	"rmqbench/results"
)

const (
	image = "k8s.local/rmqbench:1"
	pods  = 3
)

// rig is a cluster and the binary that its pods run.
type rig struct {
	binary string
	repo   string
}

// newRig builds the binary and puts its image on the node; without a Kubernetes the test is skipped.
func newRig(t *testing.T) *rig {
	t.Helper()
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("no Kubernetes: KUBECONFIG isn't set")
	}
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{binary: filepath.Join(t.TempDir(), "rmqbench"), repo: repo}
	build := exec.Command("go", "build", "-trimpath", "-o", r.binary, "./cmd/rmqbench")
	build.Dir, build.Env = repo, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if load := os.Getenv("RMQBENCH_LOAD_IMAGE"); load != "" {
		if out, err := exec.Command(load, image, r.binary).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", load, err, out)
		}
	}
	return r
}

// kubectl runs it and returns what it printed.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "kubectl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// overlay is one over single-node with another scenario, and a broker of rmqbench's own or none.
func (r *rig) overlay(t *testing.T, namesrv string, seconds, rate int) string {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Join(r.repo, "deploy/kubernetes/overlays"), "test-") //nolint:usetesting // kustomize takes no base outside the repo
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	api, err := url.Parse(strings.TrimSpace(kubectl(t, "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")))
	if err != nil {
		t.Fatal(err)
	}
	// A node without kube-proxy has no service addresses: pods go to the API server as kubectl does.
	patches := fmt.Sprintf(`
patches:
  - patch: |-
      apiVersion: batch/v1
      kind: Job
      metadata: {name: rmqbench}
      spec:
        template:
          spec:
            containers:
              - name: rmqbench
                env: [{name: KUBERNETES_SERVICE_HOST, value: %q}, {name: KUBERNETES_SERVICE_PORT, value: %q}]
`, api.Hostname(), api.Port())
	if namesrv != "127.0.0.1:9876" {
		patches += `  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: rmqbench-broker}
      spec: {replicas: 0}
`
	}
	write("kustomization.yaml", `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../single-node]
configMapGenerator:
  - {name: rmqbench-scenario, behavior: replace, files: [scenario.yaml]}
`+patches)
	write("scenario.yaml", fmt.Sprintf(`version: 1
name: kubernetes
target: {namesrv: ["%s"]}
topic: {name: RMQBENCH_KUBERNETES, queues_per_broker: 8, create: if_absent}
load: {workers: 16, stages: [{for: 1s, rate: %d/s, warmup: true}, {for: %ds, rate: %[2]d/s}]}
message: {size: 1KiB, keys: {distinct: 1000}}
producer: {selector: hash}
`, namesrv, rate, seconds))
	return dir
}

// run applies an overlay and merges what came of it; meanwhile is called with each line of progress.
func (r *rig) run(t *testing.T, overlay string, meanwhile func(line string)) (run *results.Run, printed string, status int) {
	t.Helper()
	out := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(r.repo, "deploy/kubernetes/run.sh"), overlay, out)
	cmd.Env = append(os.Environ(), "RMQBENCH="+r.binary, "TIMEOUT=180")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all, line := []byte{}, []byte{}
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(progress, b); err != nil {
			break
		}
		all, line = append(all, b...), append(line, b...)
		if b[0] == '\n' {
			t.Logf("%s", bytes.TrimSpace(line))
			if meanwhile != nil {
				meanwhile(string(line))
			}
			line = line[:0]
		}
	}
	_ = cmd.Wait() // the status says it
	t.Logf("%s", stdout.String())
	found, err := filepath.Glob(filepath.Join(out, "*", results.RunFile))
	if err != nil || len(found) != 1 {
		t.Fatalf("no merged result: status %d\n%s", cmd.ProcessState.ExitCode(), all)
	}
	run, err = results.Read(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return run, stdout.String(), cmd.ProcessState.ExitCode()
}

// TestJob: three pods against rmqbench's broker in a fourth. What is merged is the sum, and they began within 100 ms of one another.
func TestJob(t *testing.T) {
	r := newRig(t)
	began := time.Now()
	checkWhole(t, r, "127.0.0.1:9876")
	if events := warnings(t, began); len(events) > 0 {
		t.Errorf("events that warn: %q", events)
	}
}

// TestJobRocketMQ: the same against RocketMQ 5.4.0.
func TestJobRocketMQ(t *testing.T) {
	r := newRig(t)
	cluster := e2e.Start(t, "5.4.0")
	checkWhole(t, r, cluster.NameServer())
}

func checkWhole(t *testing.T, r *rig, namesrv string) {
	t.Helper()
	const seconds, rate = 5, 600
	run, printed, status := r.run(t, r.overlay(t, namesrv, seconds, rate), nil)
	if run.Verdict == results.Partial || run.Verdict == results.Invalid || len(run.Lost) > 0 {
		t.Fatalf("status %d, %s, lost %q", status, run.Verdict, run.Lost)
	}
	c := &run.Cases[0]
	var rows int64
	for i := range run.Shards {
		rows += run.Shards[i].Offered
	}
	if c.Offered != seconds*rate || rows != c.Offered || c.Warmup.Offered != rate || len(run.Shards) != pods {
		t.Errorf("offered %d (want %d), the shards' %d, warm-up %d (want %d), %d shards", c.Offered, seconds*rate, rows, c.Warmup.Offered, rate, len(run.Shards))
	}
	if skew := run.StartSkew(); skew == nil || *skew > int64(100*time.Millisecond) {
		t.Errorf("start skew %v", skew)
	}
	if !strings.Contains(printed, "the shards began within") && !strings.Contains(printed, "the shares began within") {
		t.Error("the skew isn't printed")
	}
}

// warnings are the namespace's events that aren't normal, of a job or a pod that was made since began: a cluster keeps those of runs
// before for an hour, and has its own about the machine.
func warnings(t *testing.T, began time.Time) []string {
	t.Helper()
	var list struct {
		Items []struct {
			Type, Reason, Message string
			Metadata              struct{ CreationTimestamp time.Time }
			InvolvedObject        struct{ Kind string }
		}
	}
	if err := json.Unmarshal([]byte(kubectl(t, "get", "events", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list.Items {
		ours := e.InvolvedObject.Kind == "Pod" || e.InvolvedObject.Kind == "Job"
		if e.Type != "Normal" && ours && !e.Metadata.CreationTimestamp.Before(began.Truncate(time.Second)) {
			all = append(all, e.Reason+": "+e.Message)
		}
	}
	return all
}

// TestJobLostPod: a pod that is killed, or deleted, on the way makes the result PARTIAL, with its name; the others' sends are all there, and
// of one that could still drain, what it had sent.
func TestJobLostPod(t *testing.T) {
	r := newRig(t)
	const seconds, rate = 20, 300
	for _, tt := range []struct {
		name, lost string
		end        func(t *testing.T, pod string)
		least      int64 // offered
	}{
		{"killed", "shard 1 of 3 (%s), which began and gave no record", kill, seconds * rate / pods * (pods - 1)},
		{"deleted", "the rest of shard 1 of 3 (%s): interrupted", func(t *testing.T, pod string) {
			kubectl(t, "delete", "pod", pod, "--wait=false")
		}, seconds*rate/pods*(pods-1) + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pod := ""
			run, printed, status := r.run(t, r.overlay(t, "127.0.0.1:9876", seconds, rate), func(line string) {
				if pod != "" || !strings.Contains(line, fmt.Sprintf("%d ready", pods)) {
					return
				}
				pod = strings.TrimSpace(kubectl(t, "get", "pods", "-l", "batch.kubernetes.io/job-name=rmqbench,batch.kubernetes.io/job-completion-index=1", "-o", "jsonpath={.items[0].metadata.name}"))
				time.Sleep(12 * time.Second) // in the middle of its load
				tt.end(t, pod)
			})
			if pod == "" {
				t.Fatal("the pods were never ready together")
			}
			if want := fmt.Sprintf(tt.lost, pod); status != 1 || run.Verdict != results.Partial || !slices.Contains(run.Lost, want) {
				t.Errorf("status %d, %s, lost %q: want PARTIAL and %q\n%s", status, run.Verdict, run.Lost, want, printed)
			}
			if c := &run.Cases[0]; c.Offered < tt.least || c.Offered >= seconds*rate {
				t.Errorf("offered %d, want %d to %d", c.Offered, tt.least, seconds*rate)
			}
		})
	}
}

// kill ends a pod's process as a crash does. It finds it on this machine, by the name in its environment.
func kill(t *testing.T, pod string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		environ, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(environ), "POD_NAME="+pod+"\x00") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no process of %s on this machine", pod)
}
