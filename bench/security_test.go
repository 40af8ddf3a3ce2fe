package bench

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/certs"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/scenarios"
)

func secretFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// a run over TLS with credentials, whose result says how it was secured and holds no secret.
func TestR39_R42_SecuredRun(t *testing.T) {
	t.Parallel()
	authority := certs.NewAuthority(t)
	c := cluster(t, broker.Options{TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1")}}})
	credentials := secretFile(t, "accessKey: ak\nsecretKey: canary-secret\nsecurityToken: canary-token\n", 0o644)
	for name, tt := range map[string]struct {
		tls      string
		insecure bool
		warnings int
	}{
		"verified":     {fmt.Sprintf("{ca: %q}", authority.File(t)), false, 1},
		"not verified": {"{insecure: true}", true, 2},
	} {
		s, err := scenarios.Parse("test.yaml", []byte(fmt.Sprintf("version: 1\nname: test\ntarget: {namesrv: [%q], tls: %s, credentials: %q}\nload: {count: 50, workers: 4}\nmessage: {size: 9KiB}\n",
			c.NameServer(), tt.tls, credentials)))
		if err != nil {
			t.Fatal(err)
		}
		var warnings []string
		report, err := Run(t.Context(), s, Options{Warn: func(w string) { warnings = append(warnings, w) }})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := report.Run.Cases[0].Acknowledged; got != 50 {
			t.Errorf("%s: %d acknowledged", name, got)
		}
		if target := report.Run.Target; !target.TLS || target.TLSInsecure != tt.insecure {
			t.Errorf("%s: the record says %+v", name, target)
		}
		if len(warnings) != tt.warnings {
			t.Errorf("%s: warnings %q", name, warnings)
		}
		text, err := json.Marshal(report.Run)
		if err != nil {
			t.Fatal(err)
		}
		if all := string(text) + fmt.Sprint(warnings); strings.Contains(all, "canary") {
			t.Errorf("%s: a secret shows in %s", name, all)
		}
	}
}

// what is wrong is said before anything is sent, with what to do.
func TestR39_R40_R41_PreflightNamesTheFault(t *testing.T) {
	authority := certs.NewAuthority(t)
	overTLS := cluster(t, broker.Options{TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1")}}}).NameServer()
	open := cluster(t, broker.Options{}).NameServer()
	guarded := scripted(t, func(remoting.RequestCode, string) *remoting.Command {
		return &remoting.Command{Code: int32(remoting.NoPermission), Remark: "check signature failed.", Language: remoting.Go, Version: remoting.Version451}
	})
	right := secretFile(t, "accessKey: ak\nsecretKey: canary\n", 0o600)
	for name, tt := range map[string]struct{ target, want string }{
		"unknown authority": {fmt.Sprintf("namesrv: [%q], tls: {}", overTLS), "--tls-ca"},
		"wrong name":        {fmt.Sprintf("namesrv: [%q], tls: {ca: %q, server_name: b.example}", overTLS, authority.File(t)), "--tls-server-name"},
		"no TLS there":      {fmt.Sprintf("namesrv: [%q], tls: {}", open), "tls.server.mode"},
		"TLS only":          {fmt.Sprintf("namesrv: [%q]", overTLS), "give --tls"},
		"no such CA":        {fmt.Sprintf("namesrv: [%q], tls: {ca: /nosuch/ca.pem}", overTLS), "/nosuch/ca.pem"},
		"no credentials":    {fmt.Sprintf("namesrv: [%q]", guarded), "give --credentials FILE"},
		"wrong credentials": {fmt.Sprintf("namesrv: [%q], credentials: %q", guarded, right), `access key "ak"`},
		"no such file":      {fmt.Sprintf("namesrv: [%q], credentials: /nosuch/tools.yml", open), "/nosuch/tools.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := preflight(t.Context(), parse(t, "target: {"+tt.target+"}\nload: {stages: [{for: 1s, rate: 1k/s}]}\n"), Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			cases := parse(t, "target: {"+tt.target+"}\n")
			security, err := SecurityOf(&cases[0].Target)
			if err != nil {
				return // doctor would say the same before it looks
			}
			failed := false
			for _, c := range Doctor(t.Context(), DoctorOptions{NameServers: cases[0].Target.Namesrv, Security: *security}) {
				failed = failed || c.Level == Fail && strings.Contains(c.Next, tt.want)
			}
			if !failed {
				t.Errorf("doctor doesn't say %q", tt.want)
			}
		})
	}
}

// A name server that lets everybody in, and brokers that do not.
func TestR41_BrokerRefusesUs(t *testing.T) {
	guarded := scripted(t, func(remoting.RequestCode, string) *remoting.Command {
		return &remoting.Command{Code: int32(remoting.SystemError), Remark: "org.apache.rocketmq.acl.common.AclException: No accessKey is configured", Language: remoting.Go, Version: remoting.Version451}
	})
	ns := scripted(t, func(remoting.RequestCode, string) *remoting.Command {
		info := message.ClusterInfo{Clusters: map[string][]string{"c": {"b"}},
			Brokers: map[string]message.BrokerData{"b": {Cluster: "c", Name: "b", Addrs: map[int64]string{0: guarded}}}}
		return answerBody(info.AppendJSON(nil))
	})
	_, err := preflight(t.Context(), parse(t, on(ns)+"load: {stages: [{for: 1s, rate: 1k/s}]}\n"), Options{})
	if err == nil || !strings.Contains(err.Error(), "give --credentials FILE") {
		t.Errorf("%v", err)
	}
	failed := false
	for _, c := range Doctor(t.Context(), DoctorOptions{NameServers: []string{ns}}) {
		failed = failed || c.Level == Fail && strings.Contains(c.Next, "give --credentials FILE")
	}
	if !failed {
		t.Error("doctor doesn't say so")
	}
}

func TestCredentialsOfTheEnvironment(t *testing.T) {
	t.Setenv(remoting.EnvAccessKey, "ak")
	t.Setenv(remoting.EnvSecretKey, "canary")
	for text, signed := range map[string]bool{"target: {namesrv: a:1}": true, "target: {embedded: {}}": false} {
		c := parse(t, text)
		s, err := SecurityOf(&c[0].Target)
		if err != nil || (s.Credentials != nil) != signed {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
}

func TestCausesOfSecurity(t *testing.T) {
	for want, err := range map[string]error{
		"not authorized (NO_PERMISSION)": &remoting.BrokerError{Code: remoting.NoPermission, Remark: "check signature failed."},
		"not authorized (SYSTEM_ERROR)":  &remoting.BrokerError{Code: remoting.SystemError, Remark: "org.apache.rocketmq.acl.common.AclException: no"},
		"TLS":                            &remoting.CallError{Err: fmt.Errorf("%w: %w", remoting.ErrDial, &remoting.TLSError{Fault: remoting.TLSExpired})},
	} {
		if got := causeOf(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}
