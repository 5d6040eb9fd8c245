package auth

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Codes of the answers that this package gives itself.
const (
	// CodeUnauthorized: no credential, or none that is right (401).
	CodeUnauthorized = "UNAUTHORIZED"
	// CodeForbidden: the caller is known and may not do this (403).
	CodeForbidden = "FORBIDDEN"
	// CodeBodyTooLarge: the body is over the limit (413).
	CodeBodyTooLarge = "BODY_TOO_LARGE"
	// CodeBodyUnreadable: the body ended early, or its framing is broken (400).
	CodeBodyUnreadable = "BODY_UNREADABLE"
	// CodeEncoding: the body is compressed (415).
	CodeEncoding = "ENCODING_NOT_SUPPORTED"
)

// Refusal is why a request goes no further. It is an error whose text is Message.
type Refusal struct {
	// Status is the status of the answer.
	Status int
	// Code is for programs, Message for people. Neither ever quotes a credential.
	Code, Message string
	// RetryAfter is for how many seconds the caller should wait; 0 says nothing of it.
	RetryAfter int
}

// Error gives the message.
func (r *Refusal) Error() string { return r.Message }

func unauthorized(message string) *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Code: CodeUnauthorized, Message: message}
}

func forbidden(message string) *Refusal {
	return &Refusal{Status: http.StatusForbidden, Code: CodeForbidden, Message: message}
}

// write answers with the refusal.
func (r *Refusal) write(w http.ResponseWriter, req *http.Request) {
	id := ensureRequestID(w, req)
	h := w.Header()
	if r.Status == http.StatusUnauthorized {
		h.Add("WWW-Authenticate", `Bearer realm="afterput"`)
		h.Add("WWW-Authenticate", `Basic realm="afterput", charset="UTF-8"`)
	}
	if r.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(r.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(map[string]string{"code": r.Code, "message": r.Message, "requestId": id})
}
