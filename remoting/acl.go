package remoting

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Credentials are an account of a cluster that asks for signed requests (ACL 1.x, and 5.x's authentication). Printed,
// logged or marshalled in any way they show the access key only.
type Credentials struct {
	AccessKey     string
	SecretKey     string
	SecurityToken string // "" unless the account is a temporary one
}

// String names the account.
func (c Credentials) String() string { return "access key " + strconv.Quote(c.AccessKey) }

// GoString is String too.
func (c Credentials) GoString() string { return c.String() }

// Format is String for every verb: of a struct fmt would show the fields for some.
func (c Credentials) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// MarshalText is String too, for what marshals texts.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalJSON has the access key only; nothing reads it back.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		AccessKey string `json:"access_key"`
	}{c.AccessKey})
}

// LogValue is String too.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

func (c Credentials) check() error {
	switch {
	case c.AccessKey == "" && c.SecretKey == "":
		return errors.New("no access key and no secret key")
	case c.AccessKey == "":
		return errors.New("a secret key, but no access key")
	case c.SecretKey == "":
		return errors.New("an access key, but no secret key")
	}
	return nil
}

// Environment variables of [CredentialsFromEnv].
const (
	EnvAccessKey     = "RMQBENCH_ACCESS_KEY"
	EnvSecretKey     = "RMQBENCH_SECRET_KEY"
	EnvSecurityToken = "RMQBENCH_SECURITY_TOKEN"
)

// CredentialsFromEnv reads the environment; nil if it has none of the variables.
func CredentialsFromEnv() (*Credentials, error) {
	c := Credentials{AccessKey: os.Getenv(EnvAccessKey), SecretKey: os.Getenv(EnvSecretKey), SecurityToken: os.Getenv(EnvSecurityToken)}
	if c == (Credentials{}) {
		return nil, nil
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s and %s: %w", EnvAccessKey, EnvSecretKey, err)
	}
	return &c, nil
}

// LoadCredentials reads a file of lines key: value, as mqadmin's tools.yml, or key=value. The keys are accessKey,
// secretKey and securityToken; others are passed over. No error has text of the file in it.
func LoadCredentials(file string) (*Credentials, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	var c Credentials
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if err := c.set(line); err != nil {
			return nil, fmt.Errorf("credentials %s:%d: %w", file, n, err)
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("credentials %s: %w; write accessKey: … and secretKey: …", file, err)
	}
	return &c, nil
}

// set takes in one line of a file.
func (c *Credentials) set(line string) error {
	line = strings.TrimSpace(strings.TrimPrefix(line, "\uFEFF"))
	at := strings.IndexAny(line, ":=")
	if at < 0 || strings.HasPrefix(line, "#") {
		return nil
	}
	var into *string
	switch key := strings.Trim(strings.TrimSpace(line[:at]), `"'`); key {
	case "accessKey":
		into = &c.AccessKey
	case "secretKey":
		into = &c.SecretKey
	case "securityToken":
		into = &c.SecurityToken
	default:
		return nil
	}
	if *into != "" {
		return errors.New("the key is there twice")
	}
	value, err := scalarValue(strings.TrimSpace(line[at+1:]), line[at] == ':')
	*into = value
	return err
}

// scalarValue reads what stands behind a key. Only YAML has comments behind a value.
func scalarValue(text string, yaml bool) (string, error) {
	if text == "" || !yaml {
		return text, nil
	}
	if quote := text[0]; quote == '"' || quote == '\'' {
		end := closingQuote(text)
		if end < 0 {
			return "", errors.New("the value's quotes are not closed")
		}
		if rest := strings.TrimSpace(text[end+1:]); rest != "" && rest[0] != '#' {
			return "", errors.New("something follows the quoted value")
		}
		if quote == '\'' {
			return strings.ReplaceAll(text[1:end], "''", "'"), nil
		}
		value, err := strconv.Unquote(text[:end+1])
		if err != nil {
			return "", errors.New("the quoted value has an escape that is not understood; single quotes need none")
		}
		return value, nil
	}
	if text[0] == '#' {
		return "", nil
	}
	if strings.ContainsRune("|>&*!{[", rune(text[0])) {
		return "", errors.New("the value must be plain text on the key's line; put it in single quotes")
	}
	value, _, _ := strings.Cut(text, " #")
	return strings.TrimSpace(value), nil
}

// closingQuote is where the quote that text begins with is closed; -1: nowhere.
func closingQuote(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[0] == '"' && text[i] == '\\':
			i++
		case text[i] != text[0]:
		case text[0] == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
		default:
			return i
		}
	}
	return -1
}

// ReadableByOthers reports whether every user of this machine may read a file that holds a secret. Where files have no
// such permissions, none is.
func ReadableByOthers(file string) (bool, error) {
	info, err := os.Stat(file)
	if err != nil {
		return false, err
	}
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0, nil
}

// Ext fields of a signed request (SessionCredentials.java).
const (
	extAccessKey     = "AccessKey"
	extSecurityToken = "SecurityToken"
	extSignature     = "Signature"
)

// Signer is the hook that signs each request with c (AclClientRPCHook.java). It must be the last hook: a field that is
// added after it makes the signature wrong.
func (c *Credentials) Signer() RPCHook {
	s := &signer{accessKey: c.AccessKey}
	if token := c.SecurityToken; token != "" {
		s.token = func() string { return token }
	}
	key := []byte(c.SecretKey)
	s.macs.New = func() any { return hmac.New(sha1.New, key) }
	return s
}

// signer holds its secrets in functions, which fmt can't look into whatever the verb.
type signer struct {
	accessKey string
	token     func() string // nil: none
	macs      sync.Pool     // of hash.Hash
}

// BeforeRequest adds the account and, over it and all else, the signature.
func (s *signer) BeforeRequest(_ string, req *Command) error {
	if req.Serialize == RocketMQ {
		// The server reads an empty value as none, and would sign the word null.
		req.Ext = slices.DeleteFunc(req.Ext, func(f Field) bool { return f.Value == "" })
	}
	req.Ext = append(req.Ext, Field{extAccessKey, s.accessKey})
	if s.token != nil {
		req.Ext = append(req.Ext, Field{extSecurityToken, s.token()})
	}
	for _, f := range req.Ext {
		if !utf8.ValidString(f.Value) {
			return fmt.Errorf("ext field %q is no UTF-8: it would reach the server changed, and its signature would not fit", f.Key)
		}
	}
	mac := s.macs.Get().(hash.Hash)
	mac.Reset()
	signature := sign(mac, req.Ext, req.Body)
	s.macs.Put(mac)
	req.Ext = append(req.Ext, Field{extSignature, signature})
	return nil
}

// AfterResponse has nothing to do.
func (s *signer) AfterResponse(string, *Command, *Head, error) {}

// sign is base64(HMAC-SHA1(values of the fields in the order of their keys, then the body)); a signature is not signed
// (AclUtils.combineRequestContent, AclSigner.calSignature).
func sign(mac hash.Hash, fields []Field, body []byte) string {
	sorted := slices.Clone(fields)
	slices.SortFunc(sorted, func(a, b Field) int { return compareJava(a.Key, b.Key) })
	for _, f := range sorted {
		if f.Key != extSignature {
			_, _ = io.WriteString(mac, f.Value) // a hash takes everything
		}
	}
	_, _ = mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// compareJava orders texts of UTF-8 as String.compareTo does, by UTF-16 units: characters over U+FFFF, whose UTF-8
// begins with F0 or more, come before U+E000 to U+FFFF, which begin with EE or EF.
func compareJava(a, b string) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
			x, y = y, x
		}
		return cmp.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b))
}

// Unauthorized reports whether the server refused who asked: no credentials, wrong ones, or no right to do it. 5.x has a
// code for that; 4.x's ACL says it only in the text of a SYSTEM_ERROR.
func (e *BrokerError) Unauthorized() bool {
	return e.Code == NoPermission || e.Code == SystemError && strings.Contains(e.Remark, "AclException")
}
