package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"
)

// soon is how long before its end a certificate should be renewed.
const soon = 14 * 24 * time.Hour

// TLS checks the certificate that serve shows, with the eyes of a phone: mini programs
// want https, a host name and no address, TLS 1.2 or later, and fetch nothing that is
// missing in the chain (developers.weixin.qq.com, framework/ability/network.html).
type TLS struct {
	// Server gives what serve listens with. Nil where http.tls is not set.
	Server func() (*tls.Config, error)
	// Host is http.publicHost; empty where it is not set.
	Host string
	// Roots are whom phones trust. Nil: those of this machine.
	Roots *x509.CertPool
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Name is tls.
func (TLS) Name() string { return "tls" }

// Run looks at dates, chain, names and versions.
func (c TLS) Run(ctx context.Context) []Finding {
	if c.Server == nil {
		return append(c.host(), Finding{
			Skip, "http.tls is not set: serve speaks plain HTTP",
			"mini programs take https only: set http.tls, or end TLS in a proxy before serve and check that one",
		})
	}
	server, err := c.Server()
	if err != nil {
		return []Finding{{Fail, err.Error(), "certFile and keyFile must be readable PEM files that belong together"}}
	}
	chain, err := certificates(server)
	if err != nil {
		return []Finding{{Fail, err.Error(), "make the certificate anew"}}
	}
	now := time.Now()
	if c.Now != nil {
		now = c.Now()
	}
	findings := append(dates(chain, now), c.chain(chain, now)...)
	findings = append(findings, c.names(chain[0])...)
	return append(findings, versions(ctx, server)...)
}

// certificates gives what a client is shown, the server's own first.
func certificates(server *tls.Config) ([]*x509.Certificate, error) {
	pair, err := server.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		return nil, err
	}
	chain := make([]*x509.Certificate, len(pair.Certificate))
	for i, der := range pair.Certificate {
		if chain[i], err = x509.ParseCertificate(der); err != nil {
			return nil, fmt.Errorf("certificate %d of the file: %w", i+1, err)
		}
	}
	return chain, nil
}

// dates tells of certificates that do not hold now, or not for long.
func dates(chain []*x509.Certificate, now time.Time) []Finding {
	const renew = "renew it; serve reads the files again by itself"
	var findings []Finding
	for i, cert := range chain {
		who := "the certificate"
		if i > 0 {
			who = fmt.Sprintf("the intermediate %q", cert.Subject.CommonName)
		}
		left, until := cert.NotAfter.Sub(now), cert.NotAfter.UTC().Format(time.DateTime)
		switch {
		case now.Before(cert.NotBefore):
			findings = append(findings, Finding{Fail, who + " holds only from " + cert.NotBefore.UTC().Format(time.DateTime), "set the clock, or wait"})
		case left < 0:
			findings = append(findings, Finding{Fail, who + " expired on " + until, renew})
		case left < soon:
			findings = append(findings, Finding{Warn, fmt.Sprintf("%s expires in %d days, on %s", who, int(left.Hours()/24), until), renew})
		case i == 0:
			findings = append(findings, Finding{Level: OK, What: fmt.Sprintf("%s holds for %d days, until %s", who, int(left.Hours()/24), until)})
		}
	}
	return findings
}

// chain tells whether the file leads from the certificate to a root.
func (c TLS) chain(chain []*x509.Certificate, now time.Time) []Finding {
	leaf := chain[0]
	if bytes.Equal(leaf.RawIssuer, leaf.RawSubject) && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil {
		return []Finding{{Fail, "the certificate has signed itself: no phone trusts it", "get one of a public authority"}}
	}
	roots := c.Roots
	if roots == nil {
		var err error
		if roots, err = x509.SystemCertPool(); err != nil || roots.Equal(x509.NewCertPool()) {
			return []Finding{{Skip, "this machine has no root certificates: whether the chain is whole cannot be told", "install ca-certificates"}}
		}
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	// Dates have findings of their own.
	if now.Before(leaf.NotBefore) {
		now = leaf.NotBefore
	} else if now.After(leaf.NotAfter) {
		now = leaf.NotAfter
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now}); err != nil {
		if len(chain) == 1 {
			return []Finding{{
				Fail, fmt.Sprintf("the file has only the server's own certificate, and %q, which signed it, is no known root: phones do not fetch what is missing", leaf.Issuer.CommonName),
				"put the whole chain into http.tls.certFile; authorities call it fullchain.pem",
			}}
		}
		return []Finding{{
			Fail, "the chain leads to no known root: " + err.Error(),
			"put the intermediates that belong to the certificate into http.tls.certFile, below it; phones know public authorities only",
		}}
	}
	for i := range len(chain) - 1 {
		if chain[i].CheckSignatureFrom(chain[i+1]) != nil {
			return []Finding{{
				Warn, fmt.Sprintf("certificate %d of the file did not sign the one before it: some phones give up there", i+2),
				"order them: the server's own first, then each that signed the one before",
			}}
		}
	}
	return []Finding{{Level: OK, What: fmt.Sprintf("the chain of %d leads to a known root", len(chain))}}
}

// host tells of a configured host that no mini program can call.
func (c TLS) host() []Finding {
	if net.ParseIP(c.Host) == nil {
		return nil
	}
	return []Finding{{Fail, "http.publicHost is the address " + c.Host + ": mini programs take host names only", "register a name, and get a certificate for it"}}
}

// names tells whether the certificate is for the name that phones call.
func (c TLS) names(leaf *x509.Certificate) []Finding {
	if wrong := c.host(); wrong != nil {
		return wrong
	}
	const mend = "get a certificate for the name that phones call"
	names := strings.Join(leaf.DNSNames, ", ")
	switch {
	case len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) > 0:
		return []Finding{{Fail, "the certificate is for an address, and mini programs take host names only", mend}}
	case len(leaf.DNSNames) == 0:
		return []Finding{{Fail, "the certificate has no DNS name (subject alternative name): phones do not look at its common name", mend}}
	case c.Host == "":
		return []Finding{{Skip, "http.publicHost is not set, so its name is not compared with " + names, "set http.publicHost to the name that phones call"}}
	case leaf.VerifyHostname(c.Host) != nil:
		return []Finding{{Fail, fmt.Sprintf("the certificate is for %s, and not for %s", names, c.Host), mend}}
	}
	return []Finding{{Level: OK, What: "the certificate is for " + c.Host}}
}

// versions shakes hands with the server's own settings, in memory.
func versions(ctx context.Context, server *tls.Config) []Finding {
	var findings []Finding
	for _, old := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if agrees(ctx, server, old) {
			findings = append(findings, Finding{Fail, "the server still speaks " + tls.VersionName(old), "let it begin at TLS 1.2"})
		}
	}
	if !agrees(ctx, server, tls.VersionTLS12) {
		findings = append(findings, Finding{
			Fail, "no handshake by TLS 1.2, which mini programs need",
			"a certificate with an RSA key of 2048 bits or an ECDSA key on P-256 suits every phone",
		})
	}
	if findings == nil {
		return []Finding{{Level: OK, What: "TLS 1.2 and later, nothing older"}}
	}
	return findings
}

// agrees tells whether a client of one version can shake hands.
func agrees(ctx context.Context, server *tls.Config, version uint16) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Server(far, server).HandshakeContext(ctx)
		_ = far.Close()
	}()
	client := tls.Client(near, &tls.Config{
		MinVersion: version, MaxVersion: version,
		InsecureSkipVerify: true, //nolint:gosec // only the version is asked here
	})
	err := client.HandshakeContext(ctx)
	_ = near.Close()
	<-done
	return err == nil
}
