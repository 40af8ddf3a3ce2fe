package remoting

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/internal/certs"
	"rmqbench/internal/leaks"
)

// listenTLS serves echo over TLS until the test ends.
func listenTLS(tb testing.TB, config *tls.Config) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := NewServer(l, HandlerFunc(echo), ServerOptions{TLS: config}, nil)
	tb.Cleanup(func() { s.Close() })
	return s
}

func TestTLS(t *testing.T) {
	authority := certs.NewAuthority(t)
	server := &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1", "broker.example")},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.Pool()}
	s := listenTLS(t, server)
	cert, key := certs.Files(t, authority.Issue(t, "client"))
	for name, o := range map[string]TLSOptions{
		"by address":  {CA: authority.File(t), Cert: cert, Key: key},
		"by name":     {CA: authority.File(t), Cert: cert, Key: key, ServerName: "broker.example"},
		"not checked": {Cert: cert, Key: key, Insecure: true},
	} {
		config, err := o.Config()
		if err != nil {
			t.Fatal(err)
		}
		c := dialClient(t, ClientOptions{TLS: config})
		for _, size := range []int{0, 1, copyBelow, 1 << 20, 4 << 20} {
			body := make([]byte, size)
			_, _ = rand.Read(body)
			reply, err := c.Invoke(t.Context(), s.Addr().String(), request(body), 20*time.Second)
			if err != nil || !bytes.Equal(reply.Body, body) {
				t.Fatalf("%s: %d bytes came back as other bytes, error %v", name, size, err)
			}
		}
	}
}

// Many frames and borrowed bodies of one batch are one write, and so as few records as can be.
func TestTLSBatchIsOnePiece(t *testing.T) {
	authority := certs.NewAuthority(t)
	s := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1")}})
	config := &tls.Config{RootCAs: authority.Pool(), DynamicRecordSizingDisabled: true}
	var wire atomic.Pointer[countedConn]
	c := dialClient(t, ClientOptions{TLS: config, Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		nc, err := dialTCP(ctx, addr)
		counted := &countedConn{Conn: nc}
		wire.Store(counted)
		return counted, err
	}})
	conn, err := c.Endpoint(s.Addr().String()).Connect(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	before := wire.Load().writes.Load()
	const frames = 20
	calls := make([]*asyncCall, frames)
	body := make([]byte, copyBelow) // by reference: two pieces each
	conn.mu.Lock()
	conn.flushing = true // as if a write were under way
	conn.mu.Unlock()
	for i := range calls {
		calls[i] = newAsync()
		if err := conn.Start(&calls[i].Call, request(nil), body, in(20*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	conn.wakeWriter()
	for _, call := range calls {
		if <-call.ended; call.err != nil {
			t.Fatal(call.err)
		}
	}
	const record = 16 << 10
	if got, want := wire.Load().writes.Load()-before, int64(frames*(copyBelow+100)/record+1); got > want {
		t.Errorf("%d frames in one batch took %d writes, want at most %d", frames, got, want)
	}
}

type countedConn struct {
	net.Conn
	writes atomic.Int64
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// what is wrong is named, with what to do, and no request leaves.
func TestR39_R40_TLSFaults(t *testing.T) {
	leaks.Check(t)
	authority, other := certs.NewAuthority(t), certs.NewAuthority(t)
	good := authority.Issue(t, "127.0.0.1")
	serve := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	clientCerts := func(least, most uint16) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.Pool(), MinVersion: least, MaxVersion: most}
	}
	strange := []tls.Certificate{other.Issue(t, "client")}
	for name, tt := range map[string]struct {
		server *tls.Config
		plain  func(net.Conn) // instead of a server
		certs  []tls.Certificate
		fault  TLSFault
		next   string
		late   bool // the peer says so after the handshake
	}{
		"wrong CA":                    {server: serve(other.Issue(t, "127.0.0.1")), fault: TLSUnknownAuthority, next: "--tls-ca"},
		"self-signed":                 {server: serve(certs.SelfSigned(t, "127.0.0.1")), fault: TLSSelfSigned, next: "--tls-ca"},
		"wrong host":                  {server: serve(authority.Issue(t, "127.0.0.2", "broker.example")), fault: TLSWrongHost, next: "--tls-server-name"},
		"expired":                     {server: serve(authority.IssueUntil(t, time.Now().Add(-time.Minute), "127.0.0.1")), fault: TLSExpired, next: "clock"},
		"TLS 1.1":                     {server: &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, fault: TLSVersion, next: "TLS 1.2"},
		"no client cert, 1.2":         {server: clientCerts(tls.VersionTLS12, tls.VersionTLS12), fault: TLSNoClientCert, next: "--tls-cert"},
		"no client cert, 1.3":         {server: clientCerts(tls.VersionTLS13, tls.VersionTLS13), fault: TLSNoClientCert, next: "--tls-cert", late: true},
		"unknown client cert, 1.2":    {server: clientCerts(tls.VersionTLS12, tls.VersionTLS12), certs: strange, fault: TLSBadClientCert, next: "trustCertPath"},
		"unknown client cert, 1.3":    {server: clientCerts(tls.VersionTLS13, tls.VersionTLS13), certs: strange, fault: TLSBadClientCert, next: "trustCertPath", late: true},
		"plaintext that answers":      {plain: func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, fault: TLSPlaintext, next: "plaintext"},
		"plaintext that closes":       {plain: func(net.Conn) {}, fault: TLSClosed, next: "tls.server.mode"},
		"plaintext that says nothing": {plain: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, fault: TLSNoAnswer, next: "tls.server.mode"},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			var addr string
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if tt.plain != nil {
				done := make(chan struct{})
				go func() {
					defer close(done)
					for {
						nc, err := l.Accept()
						if err != nil {
							return
						}
						_ = nc.SetReadDeadline(time.Now().Add(2 * time.Second))
						_, _ = io.ReadFull(nc, make([]byte, 5))
						tt.plain(nc)
						nc.Close()
					}
				}()
				t.Cleanup(func() { l.Close(); <-done })
				addr = l.Addr().String()
			} else {
				s := NewServer(l, HandlerFunc(func(r *Request) { requests.Add(1); echo(r) }), ServerOptions{TLS: tt.server}, nil)
				t.Cleanup(func() { s.Close() })
				addr = s.Addr().String()
			}
			timeout := 5 * time.Second
			if tt.fault == TLSNoAnswer {
				timeout = 200 * time.Millisecond
			}
			c := dialClient(t, ClientOptions{ConnectTimeout: timeout, TLS: &tls.Config{RootCAs: authority.Pool(), Certificates: tt.certs, MinVersion: tls.VersionTLS12}})
			_, err = c.Invoke(t.Context(), addr, request([]byte("payload")), 10*time.Second)
			te, ok := errors.AsType[*TLSError](err)
			if !ok || te.Fault != tt.fault {
				t.Fatalf("fault %v, want %d: %v", te, tt.fault, err)
			}
			if !strings.Contains(err.Error(), tt.next) {
				t.Errorf("%q does not name %s", err, tt.next)
			}
			ce, ok := errors.AsType[*CallError](err)
			if !ok || ce.Sent && !tt.late || errors.Is(err, ErrDial) == tt.late {
				t.Errorf("not a call that was never sent: %v", err)
			}
			if requests.Load() > 0 {
				t.Error("the request was served")
			}
		})
	}
}

func TestTLSOptions(t *testing.T) {
	authority := certs.NewAuthority(t)
	cert, key := certs.Files(t, authority.Issue(t, "client"))
	_, otherKey := certs.Files(t, authority.Issue(t, "client"))
	none := filepath.Join(t.TempDir(), "none")
	for name, tt := range map[string]struct {
		o   TLSOptions
		err string
	}{
		"no CA file":     {TLSOptions{CA: none}, none},
		"CA is a key":    {TLSOptions{CA: key}, "no certificate"},
		"cert alone":     {TLSOptions{Cert: cert}, "--tls-key"},
		"key alone":      {TLSOptions{Key: key}, "--tls-cert"},
		"no key file":    {TLSOptions{Cert: cert, Key: none}, none},
		"another's key":  {TLSOptions{Cert: cert, Key: otherKey}, "private key"},
		"key is no key":  {TLSOptions{Cert: cert, Key: cert}, cert},
		"cert is no one": {TLSOptions{Cert: key, Key: key}, key},
	} {
		if _, err := tt.o.Config(); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want an error with %q", name, err, tt.err)
		} else if text, readErr := os.ReadFile(key); readErr != nil || strings.Contains(err.Error(), strings.Split(string(text), "\n")[1]) {
			t.Errorf("%s: the key shows in %v", name, err)
		}
	}
	c, err := TLSOptions{}.Config()
	if err != nil || c.InsecureSkipVerify || c.MinVersion != tls.VersionTLS12 || c.RootCAs != nil {
		t.Errorf("the zero options: %+v, %v", c, err)
	}
}

// A plaintext client at a server that speaks TLS only is told what it met.
func TestR39_PlaintextClientMeetsTLS(t *testing.T) {
	leaks.Check(t)
	s := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{certs.SelfSigned(t, "127.0.0.1")}})
	c := dialClient(t, ClientOptions{})
	_, err := c.Invoke(t.Context(), s.Addr().String(), request(nil), 5*time.Second)
	if !errors.Is(err, ErrNotRocketMQ) && !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
