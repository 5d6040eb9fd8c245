package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/doctor"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// signer is a certificate and its key.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate of a year that by signs, or itself where by is nil.
func issue(t *testing.T, name string, by *signer, change func(*x509.Certificate)) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour), BasicConstraintsValid: true,
	}
	change(template)
	s := &signer{template, key}
	if by == nil {
		by = s
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	require.NoError(t, err)
	s.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return s
}

func authority(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func site(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

// shows is a server that shows these certificates.
func shows(min uint16, own *signer, rest ...*signer) func() (*tls.Config, error) {
	pair := &tls.Certificate{Certificate: [][]byte{own.cert.Raw}, PrivateKey: own.key}
	for _, s := range rest {
		pair.Certificate = append(pair.Certificate, s.cert.Raw)
	}
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair, nil }
	return func() (*tls.Config, error) { return &tls.Config{MinVersion: min, GetCertificate: get}, nil }
}

func TestTLS(t *testing.T) {
	t.Parallel()
	const host = "up.example.com"
	root := issue(t, "Root", nil, authority)
	between := issue(t, "Between", root, authority)
	old := issue(t, "Old Between", root, func(c *x509.Certificate) { authority(c); c.NotAfter = now.Add(-time.Minute) })
	leaf := issue(t, host, between, site(host, "www.example.com"))
	aged := func(left time.Duration) *signer {
		return issue(t, host, between, func(c *x509.Certificate) {
			c.DNSNames, c.NotBefore, c.NotAfter = []string{host}, now.Add(-100*24*time.Hour), now.Add(left)
		})
	}
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	const v12 = tls.VersionTLS12
	for _, tt := range []struct {
		name   string
		server func() (*tls.Config, error)
		host   string
		level  doctor.Level // of the worst finding
		what   string       // beginning with it
	}{
		{"good", shows(v12, leaf, between), host, doctor.OK, ""},
		{"good, with the root", shows(v12, leaf, between, root), host, doctor.OK, ""},
		{"good, by the root itself", shows(v12, issue(t, host, root, site(host))), host, doctor.OK, ""},
		{"wildcard", shows(v12, issue(t, host, between, site("*.example.com")), between), host, doctor.OK, ""},
		{"no TLS", nil, host, doctor.Skip, "http.tls is not set"},
		{"no TLS, an address", nil, "192.0.2.1", doctor.Fail, "http.publicHost is the address 192.0.2.1"},
		{"cannot be read", func() (*tls.Config, error) { return nil, errors.New("http.tls: no such file") }, host, doctor.Fail, "http.tls: no such file"},
		{"14 days left", shows(v12, aged(14*24*time.Hour), between), host, doctor.OK, ""},
		{"13 days left", shows(v12, aged(14*24*time.Hour-time.Second), between), host, doctor.Warn, "the certificate expires in 13 days"},
		{"expired", shows(v12, aged(-time.Second), between), host, doctor.Fail, "the certificate expired on 2026-11-21 11:59:59"},
		{"not yet", shows(v12, issue(t, host, between, func(c *x509.Certificate) {
			c.DNSNames, c.NotBefore = []string{host}, now.Add(time.Hour)
		}), between), host, doctor.Fail, "the certificate holds only from 2026-11-21 13:00:00"},
		{"expired intermediate", shows(v12, issue(t, host, old, site(host)), old), host, doctor.Fail, `the intermediate "Old Between" expired`},
		{"no chain", shows(v12, leaf), host, doctor.Fail, `the file has only the server's own certificate, and "Between"`},
		{"another chain", shows(v12, leaf, issue(t, "Else", root, authority)), host, doctor.Fail, "the chain leads to no known root"},
		{"an authority of one's own", shows(v12, issue(t, host, issue(t, "Mine", nil, authority), site(host))), host, doctor.Fail, "the file has only the server's own"},
		{"self-signed", shows(v12, issue(t, host, nil, site(host))), host, doctor.Fail, "the certificate has signed itself"},
		{"out of order", shows(v12, leaf, root, between), host, doctor.Warn, "certificate 2 of the file did not sign"},
		{"an address", shows(v12, issue(t, "192.0.2.1", between, func(c *x509.Certificate) {
			c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
		}), between), host, doctor.Fail, "the certificate is for an address"},
		{"the host is an address", shows(v12, leaf, between), "192.0.2.1", doctor.Fail, "http.publicHost is the address"},
		{"the host is an address of IPv6", shows(v12, leaf, between), "2001:db8::1", doctor.Fail, "http.publicHost is the address"},
		{"only a common name", shows(v12, issue(t, host, between, site()), between), host, doctor.Fail, "the certificate has no DNS name"},
		{"another name", shows(v12, leaf, between), "api.example.com", doctor.Fail, "the certificate is for up.example.com, www.example.com, and not for api.example.com"},
		{"wildcard of another level", shows(v12, issue(t, host, between, site("*.example.com")), between), "a.b.example.com", doctor.Fail, "the certificate is for *.example.com"},
		{"no host configured", shows(v12, leaf, between), "", doctor.Skip, "http.publicHost is not set"},
		{"TLS 1.0", shows(tls.VersionTLS10, leaf, between), host, doctor.Fail, "the server still speaks TLS 1.0"},
		{"TLS 1.1", shows(tls.VersionTLS11, leaf, between), host, doctor.Fail, "the server still speaks TLS 1.1"},
		{"TLS 1.3 only", shows(tls.VersionTLS13, leaf, between), host, doctor.Fail, "no handshake by TLS 1.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			findings := doctor.TLS{Server: tt.server, Host: tt.host, Roots: roots, Now: func() time.Time { return now }}.Run(t.Context())
			require.NotEmpty(t, findings)
			worst, found := doctor.OK, tt.what == ""
			for _, f := range findings {
				if rank(f.Level) > rank(worst) {
					worst = f.Level
				}
				found = found || (f.Level == tt.level && strings.HasPrefix(f.What, tt.what))
				require.Equal(t, f.Level == doctor.OK, f.Mend == "", "what is not right says how to mend it: %+v", f)
			}
			require.Equal(t, tt.level, worst, "%+v", findings)
			require.True(t, found, "%+v", findings)
		})
	}
}

func rank(l doctor.Level) int {
	for i, known := range doctor.Levels() {
		if l == known {
			return i
		}
	}
	panic("no such level: " + l)
}

// TestTLSTellsEverything: one trouble does not hide another, and the good is told as well.
func TestTLSTellsEverything(t *testing.T) {
	t.Parallel()
	root := issue(t, "Root", nil, authority)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	c := doctor.TLS{Roots: roots, Host: "up.example.com", Now: func() time.Time { return now }}
	levels := func() (list []doctor.Level) {
		for _, f := range c.Run(t.Context()) {
			list = append(list, f.Level)
		}
		return list
	}
	c.Server = shows(tls.VersionTLS12, issue(t, "a", root, site("up.example.com")))
	require.Equal(t, []doctor.Level{doctor.OK, doctor.OK, doctor.OK, doctor.OK}, levels())
	c.Server = shows(tls.VersionTLS11, issue(t, "a", nil, func(c *x509.Certificate) {
		c.DNSNames, c.NotBefore, c.NotAfter = []string{"b.example.com"}, now.Add(-time.Hour), now.Add(-time.Minute)
	}))
	require.Equal(t, []doctor.Level{doctor.Fail, doctor.Fail, doctor.Fail, doctor.Fail}, levels())
}
