package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Pair makes a certificate with a serial number, and its key, as PEM.
func Pair(t *testing.T, serial int64) (certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "afterput.example"},
		DNSNames: []string{"afterput.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

// TestCertificateStays: what is no pair never takes the place of a good one, and is tried
// again when the files change again.
func TestCertificateStays(t *testing.T) {
	t.Parallel()
	certPEM, keyPEM := Pair(t, 1)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name string, content []byte) {
		t.Helper()
		require.NoError(t, os.WriteFile(name, content, 0o600))
	}
	write(certFile, certPEM)
	write(keyFile, keyPEM)
	now := time.Unix(1_800_000_000, 0)
	var log strings.Builder
	c := &certificate{
		certFile: certFile, keyFile: keyFile, log: slog.New(slog.NewTextHandler(&log, nil)), now: func() time.Time { return now },
	}
	require.NoError(t, c.load())
	get := func() *tls.Certificate {
		t.Helper()
		pair, err := c.get(nil)
		require.NoError(t, err)
		return pair
	}
	first := get()

	write(keyFile, []byte("-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n"))
	require.Same(t, first, get(), "it is not looked at yet")
	for range 3 {
		now = now.Add(lookEvery)
		require.Same(t, first, get(), "the last good one stays")
	}
	require.Equal(t, 1, strings.Count(log.String(), "cannot be used"), "it is told once")
	require.NotContains(t, log.String(), "hush")

	require.NoError(t, os.Remove(certFile))
	now = now.Add(lookEvery)
	require.Same(t, first, get())
	require.Equal(t, 2, strings.Count(log.String(), "cannot be used"))

	write(certFile, certPEM)
	write(keyFile, append(keyPEM, '\n'))
	require.Same(t, first, get())
	now = now.Add(lookEvery)
	second := get()
	require.NotSame(t, first, second)
	now = now.Add(time.Hour)
	require.Same(t, second, get(), "nothing changed")
	require.Equal(t, 1, strings.Count(log.String(), "read the certificate again"))
}
