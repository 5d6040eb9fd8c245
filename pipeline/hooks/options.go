package hooks

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/afterput/afterput/pipeline"
)

// DefaultTimeout is how long one delivery may take, from dialing to the last byte.
const DefaultTimeout = 15 * time.Second

// Size of a secret in bytes, as Standard Webhooks asks for it.
const (
	minSecret = 24
	maxSecret = 64
)

// DefaultName is the name of an endpoint that was given none.
const DefaultName = "default"

// Book remembers which endpoints are disabled.
type Book interface {
	// Endpoint tells what is remembered of one.
	Endpoint(ctx context.Context, name string) (pipeline.Endpoint, error)
	// DisableEndpoint keeps the first time and reason until a person enables it again.
	DisableEndpoint(ctx context.Context, name, why string) error
}

// Options describe one endpoint and how it is called.
type Options struct {
	// Name is how people and the Book call the endpoint. Defaults to "default".
	Name string
	// Book remembers that the endpoint is disabled. Nil remembers nothing: every outcome is
	// sent.
	Book Book
	// URL is where to POST. Empty means that nobody subscribed: nothing is sent. It has to
	// be https unless AllowPrivate is set. User and password in it go out as HTTP Basic
	// and never stand in an error.
	URL string
	// Secrets are the signing keys: base64 of 24 to 64 random bytes, mostly with the
	// prefix whsec_. The signature header has one signature per secret, so that a
	// receiver can change its secret while both are set. At least one is needed.
	Secrets []string
	// AllowPrivate lets the endpoint be plain http and on a loopback, private or shared
	// address, for an intranet and for development. Default false: such addresses are
	// refused when they are dialed. Link-local addresses (cloud metadata) stay refused.
	AllowPrivate bool
	// Timeout bounds one delivery. Defaults to 15 s.
	Timeout time.Duration
	// MaxInFlight is how many deliveries may be under way to the endpoint at once in this
	// process, so that one that hangs leaves workers to the others. Default 0: any number.
	MaxInFlight int
	// Observe is told of each delivery that was sent. Nil tells nobody.
	Observe func(ctx context.Context, d Delivery)
	// Logger gets a line when the endpoint is paused and when it is back. Nil logs nothing.
	Logger *slog.Logger
	// UserAgent defaults to "afterput".
	UserAgent string
	// RootCAs verify the endpoint. Defaults to those of the system.
	RootCAs *x509.CertPool
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.UserAgent == "" {
		o.UserAgent = "afterput"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// parseURL checks the endpoint. Its errors never quote it, because it may hold secrets.
func parseURL(text string, allowPrivate bool) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("hooks: the URL cannot be read")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("hooks: the URL does not begin with https://")
	case u.Scheme == "http" && !allowPrivate:
		return nil, errors.New("hooks: the URL is plain http: use https, or allow private endpoints if it is on an intranet")
	case u.Hostname() == "":
		return nil, errors.New("hooks: the URL has no host")
	case u.Fragment != "":
		return nil, errors.New("hooks: the URL has a fragment: remove what stands after '#'")
	}
	return u, nil
}

// CheckURL tells why every delivery to an endpoint would be refused, whatever its name
// resolves to: for an address or a port in its URL that the guard does not let through.
// Its errors go on after the name of what has the URL.
func CheckURL(u *url.URL, allowPrivate bool) error {
	host := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil {
		if r := reachOf(addr); r != public && (!allowPrivate || !r.intranet()) {
			return fmt.Errorf("has the address %s, %s", addr, r)
		}
	}
	if allowPrivate {
		return nil
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, 6.3
		return fmt.Errorf("has the host %s, which is this machine", host)
	}
	if text := u.Port(); text != "" {
		if port, err := strconv.ParseUint(text, 10, 16); err != nil || !portAllowed(uint16(port)) {
			return fmt.Errorf("has port %s: no public receiver listens there", text)
		}
	}
	return nil
}

// newSigners reads the secrets. Its errors count them and never quote them.
func newSigners(secrets []string) ([]*standardwebhooks.Webhook, error) {
	if len(secrets) == 0 {
		return nil, errors.New("hooks: the endpoint has no secret: make one from 32 random bytes, base64 after whsec_")
	}
	signers := make([]*standardwebhooks.Webhook, len(secrets))
	for i, s := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err != nil {
			return nil, fmt.Errorf("hooks: secret %d is not base64 after whsec_", i+1)
		}
		if len(key) < minSecret || len(key) > maxSecret {
			return nil, fmt.Errorf("hooks: secret %d has %d bytes: want %d to %d", i+1, len(key), minSecret, maxSecret)
		}
		if signers[i], err = standardwebhooks.NewWebhookRaw(key); err != nil {
			return nil, fmt.Errorf("hooks: secret %d cannot be used", i+1)
		}
	}
	return signers, nil
}
