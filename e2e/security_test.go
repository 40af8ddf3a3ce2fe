//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/certs"
	"rmqbench/producer"
	"rmqbench/remoting"
)

// startFor is Start for a test of one version; a run that leaves the version out skips it.
func startFor(t *testing.T, version string, opts ...Option) *Cluster {
	t.Helper()
	if !slices.Contains(Versions(), version) {
		t.Skipf("RocketMQ %s is not among the versions to test", version)
	}
	var c *Cluster
	t.Cleanup(func() { checkGone(t, c) }) // after what Start does at the end
	c = Start(t, version, append(opts, WithPatience())...)
	return c
}

// secured is a producer and what it may do on a cluster.
func secured(t *testing.T, c *Cluster, o producer.Options) *producer.Producer {
	t.Helper()
	o.NameServers, o.Group = []string{c.NameServer()}, "RMQBENCH_E2E_SECURED"
	o.InstanceName = fmt.Sprint("e2e-", time.Now().UnixNano())
	o.Retries, o.AsyncRetries = -1, -1
	o.SendTimeout, o.ConnectTimeout = patience, patience
	p := producer.New(o)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Shutdown() }) // a broker that refuses us is not told
	return p
}

// sendsPass wants sends of several shapes stored.
func sendsPass(t *testing.T, c *Cluster, o producer.Options, topic string) {
	t.Helper()
	p := secured(t, c, o)
	if _, err := p.Prepare(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	for i, body := range []string{"x", strings.Repeat("compressed", 1000), strings.Repeat("π", 100_000)} {
		m := &producer.Message{Topic: topic, Body: []byte(body), Tags: "tag", Keys: []string{"a", "π"}}
		if i == 2 {
			m.Properties = append(m.Properties, struct{ Key, Value string }{"own", "π"})
		}
		if r, err := p.Send(t.Context(), m); err != nil || r.Status != producer.SendOK {
			t.Errorf("send of %d bytes: %v, %v", len(body), r.Status, err)
		}
	}
	asked := make(chan error, 1)
	if err := p.SendAsync(t.Context(), &producer.Message{Topic: topic, Body: []byte("async")}, func(_ producer.SendResult, err error) { asked <- err }); err != nil {
		t.Error(err)
	} else if err := <-asked; err != nil {
		t.Error(err)
	}
}

// signedTests puts right, wrong and no credentials to a cluster that asks for them. The account may create topics.
func signedTests(t *testing.T, c *Cluster, right *remoting.Credentials) {
	client := remoting.NewClient(remoting.ClientOptions{ConnectTimeout: patience, Hooks: []remoting.RPCHook{right.Signer()}})
	t.Cleanup(client.Close)
	admin := producer.NewAdmin(client, []string{c.NameServer()})
	admin.Timeout = patience
	const topic = "RMQBENCH_E2E_SECURED"
	if _, err := admin.CreateTopic(t.Context(), producer.Topic{Name: topic, Queues: 2}); err != nil {
		t.Fatal(err)
	}
	for name, asJSON := range map[string]bool{"binary": false, "JSON": true} {
		t.Run(name, func(t *testing.T) {
			sendsPass(t, c, producer.Options{Credentials: right, JSON: asJSON}, topic)
			for name, wrong := range map[string]*remoting.Credentials{
				"none": nil, "wrong key": {AccessKey: right.AccessKey, SecretKey: "canary-wrong"}, "unknown account": {AccessKey: "somebodyelse", SecretKey: right.SecretKey},
			} {
				r, err := secured(t, c, producer.Options{Credentials: wrong, JSON: asJSON}).Send(t.Context(), &producer.Message{Topic: topic, Body: []byte("x")})
				be, ok := errors.AsType[*remoting.BrokerError](err)
				if !ok || !be.Unauthorized() || r.Attempts > 1 {
					t.Errorf("%s: %v after %d attempts", name, err, r.Attempts)
				} else if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), right.SecretKey) {
					t.Errorf("%s: a secret shows in %v", name, err)
				}
			}
		})
	}
}

func TestR41_ACL(t *testing.T) {
	right := &remoting.Credentials{AccessKey: "rmqbenchuser", SecretKey: "canary-12345678"}
	c := startFor(t, "4.9.7", WithBrokerSetting("aclEnable", "true"), WithFile("conf/plain_acl.yml", fmt.Sprintf(`globalWhiteRemoteAddresses: []
accounts:
- accessKey: %s
  secretKey: %s
  whiteRemoteAddress:
  admin: true
- accessKey: rmqbenchlimited
  secretKey: %s
  whiteRemoteAddress:
  admin: false
  defaultTopicPerm: DENY
  defaultGroupPerm: SUB
  topicPerms:
  - RMQBENCH_E2E_SECURED=PUB
`, right.AccessKey, right.SecretKey, right.SecretKey)))
	signedTests(t, c, right)
	rightsAreTold(t, c, right, &remoting.Credentials{AccessKey: "rmqbenchlimited", SecretKey: right.SecretKey})
}

// rightsAreTold asks, for an administrator and for one who may send to one topic only, what they may do; nothing is stored or made.
func rightsAreTold(t *testing.T, c *Cluster, all, limited *remoting.Credentials) {
	const theirs, other = "RMQBENCH_E2E_SECURED", "RMQBENCH_E2E_OTHER"
	adminOf := func(who *remoting.Credentials) *producer.Admin {
		client := remoting.NewClient(remoting.ClientOptions{ConnectTimeout: patience, Hooks: []remoting.RPCHook{who.Signer()}})
		t.Cleanup(client.Close)
		a := producer.NewAdmin(client, []string{c.NameServer()})
		a.Timeout = patience
		return a
	}
	boss, sender := adminOf(all), adminOf(limited)
	if _, err := boss.CreateTopic(t.Context(), producer.Topic{Name: other, Queues: 2}); err != nil {
		t.Fatal(err)
	}
	masters, _, err := boss.Masters(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	b := masters[0]
	stored := func() (n int64) {
		for _, topic := range []string{theirs, other} {
			stats, err := boss.TopicStats(t.Context(), b.Master(), topic)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range stats.Queues {
				n += q.MaxOffset
			}
		}
		return n
	}
	before := stored()
	for name, tt := range map[string]struct {
		err error
		may bool
	}{
		"boss to theirs":   {boss.TrySend(t.Context(), b.Master(), b.Name, theirs), true},
		"boss to other":    {boss.TrySend(t.Context(), b.Master(), b.Name, other), true},
		"boss creates":     {boss.TryCreateTopic(t.Context(), b.Master(), "RMQBENCH_E2E"), true},
		"sender to theirs": {sender.TrySend(t.Context(), b.Master(), b.Name, theirs), true},
		"sender to other":  {sender.TrySend(t.Context(), b.Master(), b.Name, other), false},
		"sender creates":   {sender.TryCreateTopic(t.Context(), b.Master(), "RMQBENCH_E2E"), false},
	} {
		be, refused := errors.AsType[*remoting.BrokerError](tt.err)
		if tt.may != (tt.err == nil) || !tt.may && !(refused && be.Unauthorized()) {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	if after := stored(); after != before {
		t.Errorf("%d messages were stored by asking", after-before)
	}
	if groups, err := boss.ConsumerGroups(t.Context(), b.Master(), theirs); err != nil || len(groups) != 0 {
		t.Errorf("consumer groups %q, %v", groups, err)
	}
}

func TestR41_Authentication(t *testing.T) {
	right := &remoting.Credentials{AccessKey: "rmqbenchuser", SecretKey: "canary-12345678"}
	const pkg = "org.apache.rocketmq.auth.authentication.provider."
	c := startFor(t, "5.4.0", WithBrokerSetting("authenticationEnabled", "true"),
		WithBrokerSetting("authenticationProvider", pkg+"DefaultAuthenticationProvider"),
		WithBrokerSetting("authenticationMetadataProvider", pkg+"LocalAuthenticationMetadataProvider"),
		WithBrokerSetting("initAuthenticationUser", fmt.Sprintf(`{"username":%q,"password":%q}`, right.AccessKey, right.SecretKey)),
		WithBrokerSetting("innerClientAuthenticationCredentials", fmt.Sprintf(`{"accessKey":%q,"secretKey":%q}`, right.AccessKey, right.SecretKey)))
	signedTests(t, c, right)
}

func TestR39_TLS(t *testing.T) {
	authority := certs.NewAuthority(t)
	cert, key := certs.Files(t, authority.Issue(t, "127.0.0.1"))
	settings := filepath.Join(t.TempDir(), "tls.properties")
	if err := os.WriteFile(settings, []byte("tls.test.mode.enable=false\ntls.server.certPath="+cert+"\ntls.server.keyPath="+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startFor(t, "5.4.0", WithJVMFlags("-Dtls.server.mode=enforcing", "-Dtls.enable=true", "-Dtls.config.file="+settings))
	sendsPass(t, c, producer.Options{TLS: &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}}, "RMQBENCH_E2E_TLS")

	for name, tt := range map[string]struct {
		config *tls.Config
		fault  remoting.TLSFault
	}{
		"another authority": {&tls.Config{RootCAs: x509.NewCertPool()}, remoting.TLSUnknownAuthority},
		"another host":      {&tls.Config{RootCAs: authority.Pool(), ServerName: "broker.example"}, remoting.TLSWrongHost},
	} {
		_, err := secured(t, c, producer.Options{TLS: tt.config}).Send(t.Context(), &producer.Message{Topic: "RMQBENCH_E2E_TLS", Body: []byte("x")})
		if te, ok := errors.AsType[*remoting.TLSError](err); !ok || te.Fault != tt.fault {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := secured(t, c, producer.Options{}).Send(t.Context(), &producer.Message{Topic: "RMQBENCH_E2E_TLS", Body: []byte("x")}); err == nil {
		t.Error("plaintext got through")
	} else {
		t.Logf("plaintext: %v", err)
	}
}
