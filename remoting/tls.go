package remoting

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// TLSOptions is TLS as a user asks for it. The zero value verifies the server against the system's authorities, by the
// host that is dialled.
type TLSOptions struct {
	CA         string // file of certificates (PEM) that are trusted instead of the system's
	Cert, Key  string // files of our own certificate (PEM) and its key, for servers that ask for one
	ServerName string // that the server's certificate must have; "" means the host that is dialled
	Insecure   bool   // verify nothing: whoever is in between can read and change everything
}

// Config reads the files.
func (o TLSOptions) Config() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: o.ServerName,
		// Small records at the beginning are for browsers that show half a page; here each costs a system call.
		DynamicRecordSizingDisabled: true,
		InsecureSkipVerify:          o.Insecure, // only where it was asked for in so many words
	}
	if o.CA != "" {
		text, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("TLS: certificates to trust: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("TLS: %s has no certificate in it (PEM: -----BEGIN CERTIFICATE-----)", o.CA)
		}
	}
	switch {
	case o.Cert != "" && o.Key != "":
		pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, fmt.Errorf("TLS: certificate %s with key %s: %w", o.Cert, o.Key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	case o.Cert != "":
		return nil, errors.New("TLS: a certificate of our own needs its key too (--tls-key)")
	case o.Key != "":
		return nil, errors.New("TLS: a key needs its certificate too (--tls-cert)")
	}
	return c, nil
}

// dialTLS shakes hands over what dial gives. The handshake verifies the server before a byte of ours is sent.
func dialTLS(dial func(context.Context, string) (net.Conn, error), base *tls.Config) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		config := base
		if base.ServerName == "" {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			config = base.Clone()
			config.ServerName = host
		}
		nc, err := dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		tune(nc)
		began := time.Now()
		c := tls.Client(nc, config)
		if err := c.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, handshakeError(err, ctx, config, time.Since(began))
		}
		return c, nil
	}
}

// TLSFault is what kept TLS from being spoken.
type TLSFault uint8

// The faults that have a remedy of their own.
const (
	TLSOther            TLSFault = iota
	TLSUnknownAuthority          // the certificate's
	TLSSelfSigned                // the certificate is its own authority, and not trusted
	TLSWrongHost                 // the certificate is another host's
	TLSExpired                   // or not valid yet, by our clock
	TLSPlaintext                 // the peer's answer is no TLS
	TLSClosed                    // the peer closed the connection instead of an answer, as plaintext RocketMQ does
	TLSNoAnswer                  // in time
	TLSVersion                   // only TLS 1.1 or older
	TLSNoClientCert              // the peer wants a certificate of ours, and got none
	TLSBadClientCert             // the peer doesn't like ours
)

var tlsFaults = [...]struct{ what, next string }{
	TLSOther:            {"the handshake failed", "look at the server's log"},
	TLSUnknownAuthority: {"the server's certificate comes from an authority that is not trusted here", "trust it with --tls-ca FILE"},
	TLSSelfSigned:       {"the server's certificate is self-signed and not trusted here", "trust it with --tls-ca FILE; RocketMQ makes itself one in its test mode (tls.test.mode.enable): give it a real one, or, for a try, --tls-insecure"},
	TLSWrongHost:        {"the server's certificate is for another host", "dial it by a name in the certificate, or say which with --tls-server-name NAME"},
	TLSExpired:          {"the server's certificate has expired or is not valid yet", "renew it, or correct this machine's clock"},
	TLSPlaintext:        {"the peer answers in plaintext", "leave TLS out (--tls=false), or ask for its TLS port"},
	TLSClosed:           {"the peer closed the connection during the handshake", "does it speak TLS there? In RocketMQ: tls.server.mode=permissive or enforcing"},
	TLSNoAnswer:         {"the peer did not answer the handshake in time", "does it speak TLS there? In RocketMQ: tls.server.mode=permissive or enforcing"},
	TLSVersion:          {"the server speaks only TLS 1.1 or older", "let it speak TLS 1.2 or 1.3 (tls.server.protocols, or the JDK's settings)"},
	TLSNoClientCert:     {"the server wants a client certificate", "give one with --tls-cert FILE and --tls-key FILE"},
	TLSBadClientCert:    {"the server refused our client certificate", "is it signed by an authority that the server trusts (tls.server.trustCertPath), and still valid?"},
}

// TLSError is a connection that TLS kept from being made, or ended.
type TLSError struct {
	Fault TLSFault
	Err   error
}

func (e *TLSError) Error() string {
	f := tlsFaults[e.Fault]
	return fmt.Sprintf("TLS: %s (%v); %s", f.what, e.Err, f.next)
}

// Next is what to do about it.
func (e *TLSError) Next() string { return tlsFaults[e.Fault].next }

// Unwrap gives what crypto/tls said.
func (e *TLSError) Unwrap() error { return e.Err }

// handshakeError says what a failed handshake means.
func handshakeError(err error, ctx context.Context, config *tls.Config, took time.Duration) error {
	_, plaintext := errors.AsType[tls.RecordHeaderError](err)
	var ne net.Error
	switch {
	case plaintext:
		return &TLSError{Fault: TLSPlaintext, Err: err}
	case errors.Is(ctx.Err(), context.Canceled):
		return err
	case ctx.Err() != nil, errors.As(err, &ne) && ne.Timeout():
		return &TLSError{Fault: TLSNoAnswer, Err: fmt.Errorf("%w within %v", ErrTimeout, took.Round(time.Millisecond))}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &TLSError{Fault: TLSClosed, Err: err}
	}
	return &TLSError{Fault: tlsFault(err, len(config.Certificates) > 0 || config.GetClientCertificate != nil), Err: err}
}

// tlsFault classes an error of crypto/tls. Alerts of the peer have no type there, only a text.
func tlsFault(err error, haveCert bool) TLSFault {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return TLSExpired
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return TLSWrongHost
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if c := unknown.Cert; c != nil && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			return TLSSelfSigned
		}
		return TLSUnknownAuthority
	}
	text := err.Error()
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch remote := isAlert(err); {
	case has("protocol version"):
		return TLSVersion
	case remote && has("certificate required"), remote && !haveCert && has("bad certificate", "handshake failure"):
		return TLSNoClientCert
	case remote && has("certificate"):
		return TLSBadClientCert
	}
	return TLSOther
}

// isAlert reports whether the peer's alert ended the connection.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// explainTLS says what an alert means that came after the handshake: TLS 1.3's client is done with it before the server
// has looked at the client's certificate. Any other error stays as it is.
func explainTLS(err error) error {
	if isAlert(err) {
		return &TLSError{Fault: tlsFault(err, true), Err: err}
	}
	return err
}

// joiner copies the pieces of one write into one buffer.
type joiner struct {
	buf []byte
	out net.Buffers // of one
}

// join is valid until the next one.
func (j *joiner) join(pieces net.Buffers) net.Buffers {
	if len(pieces) <= 1 {
		return pieces
	}
	if cap(j.buf) > maxKeptSlab {
		j.buf = nil
	}
	j.buf = j.buf[:0]
	for _, p := range pieces {
		j.buf = append(j.buf, p...)
	}
	j.out = append(j.out[:0], j.buf)
	return j.out
}
