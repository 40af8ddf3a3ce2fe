// Package certs makes certificates for tests, on the spot. Only tests import it.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one that nobody trusts yet.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{key: newKey(tb)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rmqbench test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = parse(tb, create(tb, template, template, a.key, a.key))
	return a
}

// Pool trusts the authority.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// File writes the authority's certificate as PEM and returns the path.
func (a *Authority) File(tb testing.TB) string {
	tb.Helper()
	return write(tb, "CERTIFICATE", a.cert.Raw, 0o644)
}

// Issue makes a certificate for server and client, valid for two hours around now, for these names and addresses.
func (a *Authority) Issue(tb testing.TB, hosts ...string) tls.Certificate {
	tb.Helper()
	return a.IssueUntil(tb, time.Now().Add(time.Hour), hosts...)
}

// IssueUntil is Issue with another end.
func (a *Authority) IssueUntil(tb testing.TB, end time.Time, hosts ...string) tls.Certificate {
	tb.Helper()
	key := newKey(tb)
	return pair(create(tb, leaf(end, hosts), a.cert, key, a.key), key)
}

// SelfSigned is a certificate without any authority.
func SelfSigned(tb testing.TB, hosts ...string) tls.Certificate {
	tb.Helper()
	key := newKey(tb)
	template := leaf(time.Now().Add(time.Hour), hosts)
	return pair(create(tb, template, template, key, key), key)
}

// Files writes a certificate and its key as PEM and returns the paths.
func Files(tb testing.TB, c tls.Certificate) (cert, key string) {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	return write(tb, "CERTIFICATE", c.Certificate[0], 0o644), write(tb, "PRIVATE KEY", der, 0o600)
}

func leaf(end time.Time, hosts []string) *x509.Certificate {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "rmqbench test"},
		NotBefore: end.Add(-2 * time.Hour), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return t
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func create(tb testing.TB, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) []byte {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func parse(tb testing.TB, der []byte) *x509.Certificate {
	tb.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func pair(der []byte, key *ecdsa.PrivateKey) tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func write(tb testing.TB, kind string, der []byte, mode os.FileMode) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		tb.Fatal(err)
	}
	return path
}
