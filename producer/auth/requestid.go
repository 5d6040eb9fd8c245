package auth

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// RequestIDHeader carries the ID of a request, in requests and in answers.
const RequestIDHeader = "X-Request-Id"

// WithRequestID gives every request an ID in the answer's X-Request-Id header: the
// caller's own where it sent one of at most 64 letters, digits, '-', '_' or '.', else a
// new random one.
func WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ensureRequestID(w, r)
		next.ServeHTTP(w, r)
	})
}

// RequestID gives the ID of the request that w answers, or "" outside of WithRequestID
// and Require.
func RequestID(w http.ResponseWriter) string { return w.Header().Get(RequestIDHeader) }

// ensureRequestID keeps the ID that an outer handler chose.
func ensureRequestID(w http.ResponseWriter, r *http.Request) string {
	id := RequestID(w)
	if id == "" {
		id = r.Header.Get(RequestIDHeader)
	}
	if !goodRequestID(id) {
		id = rand.Text()
	}
	w.Header().Set(RequestIDHeader, id)
	return id
}

func goodRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	return !strings.ContainsFunc(id, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}
