package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/certs"
	"rmqbench/results"
)

// secrets that a run has are in nothing that it leaves: standard output and error, the result directory, every form
// that report knows, the record on standard output, what a failure says, and the stacks of a process that is made to tell them.
func TestR42_Canary(t *testing.T) {
	t.Parallel()
	authority := certs.NewAuthority(t)
	c, err := broker.Start(broker.Options{TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tools := filepath.Join(t.TempDir(), "tools.yml")
	if err := os.WriteFile(tools, []byte("accessKey: canary-access\nsecretKey: canary-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := certs.Files(t, authority.Issue(t, "client"))
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "canary-user" || password != "canary-password" || r.URL.Query().Get("token") != "canary-token" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, c.NameServer())
	}))
	t.Cleanup(endpoint.Close)
	told := strings.Replace(endpoint.URL, "//", "//canary-user:canary-password@", 1) + "/nsaddr?token=canary-token"
	canaries := []string{"canary-secret", "canary-env", "canary-metrics-0123456789", "canary-user", "canary-password", "canary-token", strings.Split(string(key), "\n")[1]}
	clean := func(where, text string) {
		t.Helper()
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s shows %.10s…", where, canary)
			}
		}
	}
	binary := build(t)
	secured := []string{"-n", c.NameServer(), "--tls-ca", authority.File(t), "--tls-cert", certFile, "--tls-key", keyFile, "-w", "2", "--instrument-cost", "off"}
	byEndpoint := append([]string{"-n", told}, secured[2:]...)
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command(binary, args...)
		cmd.Env = append(os.Environ(), "RMQBENCH_ACCESS_KEY=canary-id", "RMQBENCH_SECRET_KEY=canary-env", metricsToken+"=canary-metrics-0123456789", "GOTRACEBACK=all")
		return cmd
	}
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"a run by file":        append([]string{"run", "--count", "100", "-o", filepath.Join(dir, "file"), "--credentials", tools, "--metrics", "127.0.0.1:0"}, secured...),
		"a run by environment": append([]string{"run", "--count", "100", "-o", filepath.Join(dir, "env"), "--json"}, secured...),
		"a run that fails":     append([]string{"run", "--count", "1", "-o", "none", "--credentials", tools, "-c", "nosuch"}, secured...),
		"a plan":               append([]string{"run", "--dry-run", "--credentials", tools}, secured...),
		"doctor":               {"doctor", "-n", c.NameServer(), "--credentials", tools, "--tls-ca", authority.File(t)},
		"no credentials":       {"run", "-n", c.NameServer(), "--credentials", keyFile},
		"a run by endpoint":    append([]string{"run", "--count", "100", "-o", filepath.Join(dir, "endpoint"), "--credentials", tools}, byEndpoint...),
		"a plan by endpoint":   append([]string{"run", "--dry-run", "--credentials", tools}, byEndpoint...),
		"mqproducer":           {"mqproducer", "-n", told, "-q", "1", "--", "-o", "none", "--credentials", tools, "--tls-ca", authority.File(t)},
		"doctor of endpoint":   {"doctor", "-n", told, "--credentials", tools, "--tls-ca", authority.File(t)},
		"topic by endpoint":    {"topic", "route", "NONE", "-n", told, "--credentials", tools, "--tls-ca", authority.File(t)},
		"an endpoint refuses":  {"run", "-n", strings.Replace(told, "canary-password", "canary-user", 1), "-r", "1/s"},
		"a bad endpoint":       {"run", "-n", strings.Replace(told, "http:", "htp:", 1), "-r", "1/s"},
		"an odd name server":   {"doctor", "-n", "canary-user:canary-password@127.0.0.1:9876"},
		"a bad one for doctor": {"doctor", "-n", strings.Replace(told, "http:", "htp:", 1)},
	} {
		out, _ := run(args...).CombinedOutput() // some are meant to fail
		if len(out) == 0 {
			t.Errorf("%s: nothing was said", name)
		}
		t.Logf("%s: %s", name, strings.TrimSpace(string(out[max(len(out)-200, 0):])))
		clean(name, string(out))
	}
	files := 0
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		clean(filepath.Base(path), string(text))
		if filepath.Base(path) != results.RunFile {
			return err
		}
		for _, f := range results.Formats() {
			out, errs, _ := command(t, "report", filepath.Dir(path), "--format", f.Name, "-o", "-")
			clean("report "+f.Name, out+errs)
		}
		return err
	}); err != nil || files < 12 {
		t.Fatalf("%d files, %v", files, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	var said bytes.Buffer
	cmd := run(append([]string{"run", "-d", "1h", "-o", filepath.Join(dir, "stacks"), "--credentials", tools}, secured...)...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checkpointIn(t, filepath.Join(dir, "stacks"))
	_ = cmd.Process.Signal(syscall.SIGQUIT)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		<-ended
	}
	if !strings.Contains(said.String(), "goroutine ") {
		t.Errorf("no stacks: %s", &said)
	}
	clean("stacks", said.String())
}
