package remoting

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rmqbench/internal/leaks"
	"rmqbench/internal/vectors"
)

func TestVectorACL(t *testing.T) {
	for _, v := range vectors.Load[struct {
		Name, AccessKey, SecretKey string
		SecurityToken              *string
		ExtFields                  map[string]string
		BodyHex                    vectors.Hex
		ExpectedSignature          string
		ExpectedExtFields          map[string]string
	}](t, "acl.json") {
		t.Run(v.Name, func(t *testing.T) {
			c := Credentials{AccessKey: v.AccessKey, SecretKey: v.SecretKey}
			if v.SecurityToken != nil {
				c.SecurityToken = *v.SecurityToken
			}
			req := &Command{Serialize: JSON, Body: v.BodyHex} // the binary header has no empty values, Java's maps do
			for key, value := range v.ExtFields {
				req.Ext = append(req.Ext, Field{key, value})
			}
			if err := c.Signer().BeforeRequest("", req); err != nil {
				t.Fatal(err)
			}
			if got, _ := req.Get("Signature"); got != v.ExpectedSignature {
				t.Errorf("signature %s, want %s", got, v.ExpectedSignature)
			}
			if got := extMap(req.Ext); !maps.Equal(got, v.ExpectedExtFields) {
				t.Errorf("ext fields\n%v, want\n%v", got, v.ExpectedExtFields)
			}
		})
	}
}

// checkSignature signs a request anew from what arrived, in a way of its own.
func checkSignature(h *Head, body []byte, c *Credentials) error {
	ext := map[string]string{}
	for it := h.Ext(); it.Next(); {
		ext[string(it.Key())] = string(it.Value())
	}
	signature := ext["Signature"]
	delete(ext, "Signature")
	mac := hmac.New(sha1.New, []byte(c.SecretKey))
	for _, key := range slices.Sorted(maps.Keys(ext)) {
		value := ext[key]
		if value == "" && h.Serialize == RocketMQ {
			value = "null" // StringBuilder.append of what Java's decoder makes of it
		}
		mac.Write([]byte(value))
	}
	mac.Write(body)
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); ext["AccessKey"] != c.AccessKey || signature != want {
		return fmt.Errorf("access key %q, signature %q, want %q", ext["AccessKey"], signature, want)
	}
	return nil
}

func TestSignedOnTheWire(t *testing.T) {
	const groups, queue = 3, 2
	c := &Credentials{AccessKey: "ak", SecretKey: "sk-密", SecurityToken: "token"}
	faults := make(chan error, 100)
	s := listen(t, HandlerFunc(func(r *Request) {
		if err := checkSignature(&r.Head, r.Body, c); err != nil {
			faults <- fmt.Errorf("request %d, serialize %d: %w", r.Head.Code, r.Head.Serialize, err)
		}
		if code := RequestCode(r.Head.Code); code == SendMessageV2 || code == SendMessage {
			var v SendView
			if err := v.Parse(&r.Head); err != nil || v.QueueID != queue || v.SysFlag != 1 || v.BornTimestamp != 1763800000000 {
				faults <- fmt.Errorf("send header changed: %+v, %w", v, err)
			}
		}
		echo(r)
	}))
	client := dialClient(t, ClientOptions{Hooks: []RPCHook{c.Signer()}})
	e := client.Endpoint(s.Addr().String())
	body := bytes.Repeat([]byte("body"), 3000) // by reference
	for _, kind := range []Serialize{JSON, RocketMQ} {
		for name, req := range map[string]*Command{
			"heartbeat":   {Code: int32(HeartBeat), Body: []byte(`{"clientID":"c"}`)},
			"route query": {Code: int32(GetRouteInfoByTopic), Ext: []Field{{"topic", "T-π"}, {"empty", ""}}},
		} {
			req.Serialize = kind
			for range 2 { // the same command may be sent again
				if _, err := client.Invoke(t.Context(), e.Addr(), req, 5e9); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		for _, code := range []RequestCode{SendMessageV2, SendMessage} {
			send := &SendRequest{Serialize: kind, Code: code, Language: Go, Version: Version451, SendHeader: SendHeader{ProducerGroup: "g", Topic: "T",
				DefaultTopic: "TBW102", QueueID: queue, SysFlag: 1, BornTimestamp: 1763800000000, Properties: []byte("UNIQ_KEY\x01A\x02"), BrokerName: "b"}}
			if code == SendMessageV2 {
				send.Template = send.NewTemplate()
			}
			for range groups {
				a := newAsync()
				if err := e.Start(t.Context(), &a.Call, send, body, in(5e9)); err != nil {
					t.Fatal(err)
				}
				if <-a.ended; a.err != nil {
					t.Error(a.err)
				}
				if a.Receiver != Receiver(a) {
					t.Fatalf("the call came back with receiver %T", a.Receiver)
				}
			}
		}
	}
	client.Close()
	s.Close()
	close(faults)
	for err := range faults {
		t.Error(err)
	}
}

func TestSignerRefusesWhatWouldArriveChanged(t *testing.T) {
	c := &Credentials{AccessKey: "ak", SecretKey: "sk"}
	if err := c.Signer().BeforeRequest("", &Command{Ext: []Field{{"i", "\xff"}}}); err == nil {
		t.Error("a value that is no UTF-8 was signed")
	}
}

// whatever shows credentials shows no secret.
func TestR42_CredentialsAreNotShown(t *testing.T) {
	leaks.Check(t)
	c := Credentials{AccessKey: "public-name", SecretKey: "canary-secret", SecurityToken: "canary-token"}
	type holder struct {
		Public  Credentials
		Pointer *Credentials
		hook    RPCHook
	}
	client := dialClient(t, ClientOptions{Hooks: []RPCHook{c.Signer()}})
	shown := []string{fmt.Sprintf("%v %+[1]v %#[1]v", struct{ hidden *Credentials }{&c})}
	for _, v := range []any{c, &c, []Credentials{c}, map[string]Credentials{"a": c}, holder{c, &c, c.Signer()}, c.Signer(), client.opts, client} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
	}
	for _, v := range []any{c, &c, holder{Public: c, Pointer: &c}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, string(text))
	}
	for _, h := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(h(&b)).Info("with", "c", c, "p", &c, "h", holder{Public: c})
		shown = append(shown, b.String())
	}
	for _, s := range shown {
		for _, secret := range []string{c.SecretKey, c.SecurityToken, fmt.Sprintf("%x", c.SecretKey), fmt.Sprintf("%X", c.SecurityToken)} {
			if strings.Contains(s, secret) {
				t.Errorf("a secret shows in %s", s)
			}
		}
	}
	if got := fmt.Sprint(c); got != `access key "public-name"` {
		t.Errorf("credentials print as %s", got)
	}
}

func TestLoadCredentials(t *testing.T) {
	for name, tt := range map[string]struct {
		file string
		want Credentials
		err  string
	}{
		"tools.yml":      {file: "accessKey: rocketmq2\nsecretKey: 12345678\n", want: Credentials{"rocketmq2", "12345678", ""}},
		"token":          {file: "accessKey: a\nsecretKey: b\nsecurityToken: c", want: Credentials{"a", "b", "c"}},
		"properties":     {file: "# mine\naccessKey=a\nsecretKey = b#c:d=e \n", want: Credentials{"a", "b#c:d=e", ""}},
		"quotes":         {file: "accessKey: \"a\\u0041\" # who\nsecretKey: 'it''s # \"it\"'\r\n", want: Credentials{"aA", `it's # "it"`, ""}},
		"comment":        {file: "---\n\uFEFFaccessKey: a # who\nsecretKey: b#c\n", want: Credentials{"a", "b#c", ""}},
		"others":         {file: "globalWhiteRemoteAddresses: []\naccessKey: a\nsecretKey: b\nadmin: true\n", want: Credentials{"a", "b", ""}},
		"json":           {file: `{"accessKey": "a"}`, err: "no access key and no secret key"},
		"empty":          {file: "", err: "write accessKey: … and secretKey: …"},
		"no secret":      {file: "accessKey: a\n", err: "an access key, but no secret key"},
		"no access key":  {file: "secretKey: canary\n", err: "a secret key, but no access key"},
		"twice":          {file: "accessKey: a\nsecretKey: canary\nsecretKey: canary\n", err: ":3: the key is there twice"},
		"open quotes":    {file: "accessKey: a\nsecretKey: 'canary\n", err: ":2: the value's quotes are not closed"},
		"after quotes":   {file: "secretKey: \"canary\" canary", err: ":1: something follows"},
		"bad escape":     {file: `secretKey: "canary\q"`, err: ":1: the quoted value has an escape"},
		"block":          {file: "secretKey: |\n  canary", err: ":1: the value must be plain text"},
		"comment for it": {file: "accessKey: a\nsecretKey: # canary", err: "no secret key"},
	} {
		path := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := LoadCredentials(path)
		switch {
		case tt.err == "":
			if err != nil || *got != tt.want {
				t.Errorf("%s: read wrongly, error %v", name, err)
			}
		case err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), path):
			t.Errorf("%s: error %v, want one with %q and the file's path", name, err, tt.err)
		case strings.Contains(err.Error(), "canary"):
			t.Errorf("%s: a secret shows in %v", name, err)
		}
	}
	if _, err := LoadCredentials(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestCredentialsFromEnv(t *testing.T) {
	for _, key := range []string{EnvAccessKey, EnvSecretKey, EnvSecurityToken} {
		t.Setenv(key, "")
	}
	if c, err := CredentialsFromEnv(); c != nil || err != nil {
		t.Errorf("from nothing: %v, %v", c, err)
	}
	t.Setenv(EnvSecretKey, "canary")
	if _, err := CredentialsFromEnv(); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), EnvAccessKey) {
		t.Errorf("without an access key: %v", err)
	}
	t.Setenv(EnvAccessKey, "a")
	if c, err := CredentialsFromEnv(); err != nil || *c != (Credentials{"a", "canary", ""}) {
		t.Errorf("from both: %v, %v", c, err)
	}
}

func TestR40_ReadableByOthers(t *testing.T) {
	leaks.Check(t)
	path := filepath.Join(t.TempDir(), "key")
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadableByOthers(path); got != want || err != nil {
			t.Errorf("mode %o: %v, %v", mode, got, err)
		}
	}
}

func TestR41_UnauthorizedIsNamed(t *testing.T) {
	leaks.Check(t)
	for _, tt := range []struct {
		err  *BrokerError
		want bool
	}{
		{&BrokerError{Code: NoPermission, Remark: "User:x is not found."}, true},
		{&BrokerError{Code: SystemError, Remark: "org.apache.rocketmq.acl.common.AclException: No accessKey is configured"}, true},
		{&BrokerError{Code: SystemError, Remark: "java.lang.NullPointerException"}, false},
		{&BrokerError{Code: SystemBusy}, false},
	} {
		if tt.err.Unauthorized() != tt.want {
			t.Errorf("%v: want %v", tt.err, tt.want)
		}
	}
}

func TestCompareJava(t *testing.T) {
	sorted := []string{"", "A", "AA", "a", "é", "퟿", "😀", "😁", "\uE000", "\uFFFD"} // 😀 begins with the unit D83D
	for i, a := range sorted {
		for j, b := range sorted {
			if got := compareJava(a, b); got != max(min(i-j, 1), -1) {
				t.Errorf("compareJava(%q, %q) = %d", a, b, got)
			}
		}
	}
}

func BenchmarkSign(b *testing.B) {
	c := &Credentials{AccessKey: "ak", SecretKey: "sk"}
	signer := c.Signer()
	req := &SendRequest{Serialize: RocketMQ, Code: SendMessageV2, SendHeader: SendHeader{ProducerGroup: "g", Topic: "T", Properties: []byte("a\x01b\x02")}}
	req.Template = req.NewTemplate()
	body := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		var h hooked
		if err := h.read(req, body); err != nil {
			b.Fatal(err)
		}
		if err := signer.BeforeRequest("", &h.Command); err != nil {
			b.Fatal(err)
		}
	}
}
