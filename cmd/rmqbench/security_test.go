package main

import (
	"crypto/tls"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/internal/certs"
	"rmqbench/results"
)

// TLS and credentials by flags, on run and doctor; a secret comes from a file or the environment, and shows nowhere.
func TestR39_R42_SecurityFlags(t *testing.T) {
	authority := certs.NewAuthority(t)
	c, err := broker.Start(broker.Options{TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1")}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ca := authority.File(t)
	tools := filepath.Join(t.TempDir(), "tools.yml")
	if err := os.WriteFile(tools, []byte("accessKey: ak\nsecretKey: canary-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("RMQBENCH_ACCESS_KEY", "ak")
	t.Setenv("RMQBENCH_SECRET_KEY", "canary-env")
	ns := c.NameServer()
	for _, tt := range []struct {
		args   string
		status int
		errs   string // on stderr
	}{
		{"run -n " + ns + " --tls-ca " + ca + " --credentials " + tools, exitDone, ""},
		{"run -n " + ns + " --tls --tls-insecure", exitDone, "warning: the server's certificate is not verified"},
		{"run -n " + ns + " --tls", exitFailed, "--tls-ca"},
		{"run -n " + ns, exitFailed, "give --tls"},
		{"run -n " + ns + " --tls-ca " + ca + " --tls-server-name b.example", exitFailed, "--tls-server-name"},
		{"run -n " + ns + " --tls-cert " + ca, exitUsage, "cert needs its key"},
		{"run --tls -d 1s", exitUsage, "tls and embedded exclude each other"},
		{"run -n " + ns + " --tls-ca " + ca + " --credentials /nosuch/tools.yml", exitFailed, "/nosuch/tools.yml"},
		{"doctor -n " + ns + " --tls-ca " + ca + " --credentials " + tools, exitDone, ""},
		{"doctor -n " + ns + " --tls", exitFailed, ""},
		{"doctor -n " + ns + " --tls-insecure", exitDone, "warning: the server's certificate is not verified"},
		{"doctor -n " + ns + " --tls-ca " + ca + " --tls=false", exitFailed, ""},
	} {
		out := filepath.Join(t.TempDir(), "runs")
		args := strings.Fields(tt.args)
		if args[0] == "run" {
			args = append(args, "--count", "20", "-o", out, "--json", "--instrument-cost", "off")
		}
		stdout, errs, status := command(t, args...)
		if status != tt.status || !strings.Contains(errs, tt.errs) {
			t.Errorf("%s: status %d, want %d; stderr %q, want %q in it; stdout %s", tt.args, status, tt.status, errs, tt.errs, stdout)
		}
		written := ""
		paths, _ := filepath.Glob(filepath.Join(out, "*", "*")) // the pattern is right
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			written += string(text)
		}
		if strings.Contains(stdout+errs+written, "canary") {
			t.Errorf("%s: a secret shows", tt.args)
		}
		if args[0] == "run" && status == exitDone {
			var run results.Run
			if err := json.Unmarshal([]byte(stdout), &run); err != nil || !run.Target.TLS || run.Target.TLSInsecure != strings.Contains(tt.args, "insecure") {
				t.Errorf("%s: %v, target %+v", tt.args, err, run.Target)
			}
		}
	}
}
