package hooks

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// refusedAddress is the error of a dial that the guard refused.
type refusedAddress struct {
	addr  netip.Addr
	reach reach
}

func (e *refusedAddress) Error() string {
	return fmt.Sprintf("the endpoint resolves to %s, %s: set the option that allows private endpoints if that is meant", e.addr, e.reach)
}

// refusedPort is the error of a dial to a port that no public receiver has.
type refusedPort struct{ port uint16 }

func (e *refusedPort) Error() string {
	return fmt.Sprintf("the endpoint has port %d: use 443, or one from 1024 on", e.port)
}

// guard gives a Dialer.Control that judges the resolved address, so that a name which
// resolves anew between a check and the dial cannot slip through.
func guard(allowPrivate bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return errors.New("the endpoint resolves to something that is no address")
		}
		r := reachOf(ap.Addr())
		switch {
		case allowPrivate && (r == public || r.intranet()):
			return nil
		case r != public:
			return &refusedAddress{addr: ap.Addr(), reach: r}
		case !portAllowed(ap.Port()):
			return &refusedPort{port: ap.Port()}
		}
		return nil
	}
}

// newClient makes the HTTP client: no proxy of the environment, no redirects, small
// headers, no decompression.
func newClient(opt Options) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second, Control: guard(opt.AllowPrivate)}
	return &http.Client{
		Timeout: opt.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: opt.RootCAs},
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    8,
			MaxConnsPerHost:        64,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
		},
	}
}
