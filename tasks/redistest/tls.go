package redistest

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

	"github.com/stretchr/testify/require"
)

// Files are PEM files of a test: an authority, and a certificate of it with its key.
type Files struct {
	CA, Cert, Key string
}

// StartTLS starts a redis-server that speaks TLS alone and wants a certificate of its
// clients. Its own certificate is for localhost and redis.test, not for the address
// 127.0.0.1 that URL names. Server and clients may use the same certificate.
func StartTLS(t testing.TB) (*Server, Files) {
	t.Helper()
	s, f := newServer(t), issue(t, "localhost", "redis.test")
	s.secure(f)
	return s.start(func() int { return freePort(t) }), f
}

// secure has a server speak TLS alone.
func (s *Server) secure(f Files) {
	s.t.Helper()
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	require.NoError(s.t, err)
	ca, err := os.ReadFile(f.CA)
	require.NoError(s.t, err)
	roots := x509.NewCertPool()
	require.True(s.t, roots.AppendCertsFromPEM(ca))
	s.speaks = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{pair}, ServerName: "redis.test"}
	s.args = append(
		s.args, "--port", "0", "--tls-auth-clients", "yes",
		"--tls-ca-cert-file", f.CA, "--tls-cert-file", f.Cert, "--tls-key-file", f.Key,
	)
}

// issue makes an authority and a certificate for names, which hold for an hour.
func issue(t testing.TB, names ...string) Files {
	t.Helper()
	root, rootKey := sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "redistest"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, key := sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, root, rootKey)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	return Files{
		CA: write("ca.pem", "CERTIFICATE", root.Raw), Cert: write("cert.pem", "CERTIFICATE", leaf.Raw),
		Key: write("key.pem", "PRIVATE KEY", private),
	}
}

// sign completes a template and signs it, by itself where there is no parent.
func sign(t testing.TB, template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(1), true
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}
