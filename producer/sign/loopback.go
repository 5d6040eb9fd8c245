package sign

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/auth"
)

// DevCaller is what callers of a loopback door are called in logs.
const DevCaller = "loopback"

// Loopback is the door of a developer's own machine: it wants no key, and every caller is
// the one owner. It refuses whatever did not come from this machine by a name of it: what
// another host sent, what a proxy passed on, and what a page of the web asked for under a
// name of its own that leads here (DNS rebinding).
func Loopback(owner string) Door {
	return Door{
		Owner: func(context.Context) string { return owner },
		Require: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !local(r) {
					writeError(w, http.StatusForbidden, pipeline.Code(auth.CodeForbidden),
						"without a key, signatures are for this machine only: set sign.auth to key")
					return
				}
				id := auth.Identity{Name: DevCaller, Scopes: []auth.Scope{auth.ScopeAnnounce}}
				next.ServeHTTP(w, r.WithContext(auth.WithIdentity(r.Context(), id)))
			})
		},
	}
}

func local(r *http.Request) bool {
	for _, passedOn := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if len(r.Header.Values(passedOn)) > 0 {
			return false
		}
	}
	return IsLoopback(r.RemoteAddr) && IsLoopback(r.Host)
}

// IsLoopback tells whether an address, with or without a port, is one of this machine's
// own: localhost, 127.0.0.0/8 or [::1]. An empty host listens everywhere and is none.
func IsLoopback(address string) bool {
	host := address
	if h, _, err := net.SplitHostPort(address); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
