package bench

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"rmqbench/remoting"
	"rmqbench/scenarios"
)

// Security is how a cluster is spoken to. The zero value is in plaintext, unsigned.
type Security struct {
	TLS         *tls.Config           // nil: none
	Credentials *remoting.Credentials // nil: none
	Resolve     map[string]string     // address to dial instead of the one that servers tell; nil: none
	Warnings    []string              // what the user should know before anything is sent
}

// SecurityOf reads the files that the target names. Where it names no credentials, those of the environment count.
func SecurityOf(t *scenarios.Target) (*Security, error) {
	s := &Security{}
	if t.Embedded != nil {
		return s, nil
	}
	for _, r := range t.Resolve {
		from, to, err := scenarios.ParseResolution(r)
		if err != nil {
			return nil, fmt.Errorf("resolve %w", err)
		}
		if s.Resolve == nil {
			s.Resolve = map[string]string{}
		}
		s.Resolve[from] = to
	}
	var err error
	if o := t.TLS; o != nil && o.Enabled {
		s.TLS, err = remoting.TLSOptions{CA: o.CA, Cert: o.Cert, Key: o.Key, ServerName: o.ServerName, Insecure: o.Insecure}.Config()
		if err != nil {
			return nil, err
		}
		if o.Insecure {
			s.Warnings = append(s.Warnings, "the server's certificate is not verified (--tls-insecure): whoever is in between can read and change everything; the result says so")
		}
		if o.Key != "" {
			s.warnReadable(o.Key)
		}
	}
	if t.Credentials == "" {
		s.Credentials, err = remoting.CredentialsFromEnv()
		return s, err
	}
	s.Credentials, err = remoting.LoadCredentials(t.Credentials)
	if err != nil {
		return nil, err
	}
	s.warnReadable(t.Credentials)
	return s, nil
}

func (s *Security) warnReadable(file string) {
	if open, err := remoting.ReadableByOthers(file); err == nil && open { // whoever reads it meets the error
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s holds a secret, and every user of this machine may read it: chmod 600 %[1]s", file))
	}
}

// dial is how to reach an address; nil: as it stands.
func (s *Security) dial() func(context.Context, string) (net.Conn, error) {
	if s.Resolve == nil {
		return nil
	}
	return func(ctx context.Context, addr string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", cmp.Or(s.Resolve[addr], addr))
	}
}

// client connects so.
func (s *Security) client(o remoting.ClientOptions) *remoting.Client {
	o.TLS, o.Dial = s.TLS, s.dial()
	if s.Credentials != nil {
		o.Hooks = []remoting.RPCHook{s.Credentials.Signer()}
	}
	return remoting.NewClient(o)
}

// advice is what to do where security is why a server could not be asked, or "".
func (s *Security) advice(err error) string {
	if be, ok := errors.AsType[*remoting.BrokerError](err); ok && be.Unauthorized() {
		if s.Credentials == nil {
			return fmt.Sprintf("it wants signed requests: give --credentials FILE, or %s and %s in the environment", remoting.EnvAccessKey, remoting.EnvSecretKey)
		}
		return fmt.Sprintf("it does not accept the credentials (%v): are the keys right, does the account exist there, and may it do this?", s.Credentials)
	}
	if s.TLS == nil && (errors.Is(err, io.EOF) || errors.Is(err, remoting.ErrNotRocketMQ) && strings.HasSuffix(err.Error(), " TLS")) {
		return "if it speaks TLS only (tls.server.mode=enforcing), give --tls"
	}
	return ""
}
