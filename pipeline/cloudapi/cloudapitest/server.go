package cloudapitest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/afterput/afterput/pipeline/cloudapi"
)

// Action answers a call with what stands in Response, or with an Error.
type Action func(params json.RawMessage) (any, *Error)

// Error is one that the API tells, such as AuthFailure.SecretIdNotFound.
type Error struct{ Code, Message string }

// Handler is one service.
type Handler struct {
	// Service and Version are what requests must name.
	Service, Version string
	// Keys are the SecretKeys by SecretID; Tokens the token that a temporary one needs.
	Keys, Tokens map[string]string
	// Actions are what can be called.
	Actions map[string]Action
	// Now is the clock that timestamps are held against. Defaults to time.Now.
	Now func() time.Time

	mu    sync.Mutex
	calls []string
}

// Start serves h until the test ends, and gives the endpoint.
func (h *Handler) Start(t testing.TB) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// Calls are the actions that were answered, each as "action region".
func (h *Handler) Calls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.calls...)
}

// ServeHTTP answers one call, errors with status 200 as the real API does.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := h.answer(r)
	response := map[string]any{"RequestId": "5f9a1e6c-2b7d-4f43-9a31-0c6f2f1c8c10"}
	if err != nil {
		response["Error"] = err
	} else {
		b, _ := json.Marshal(out)
		_ = json.Unmarshal(b, &response)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"Response": response})
}

func (h *Handler) answer(r *http.Request) (any, *Error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 10<<20))
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/" {
		return nil, &Error{"UnsupportedProtocol", "want a POST to /"}
	}
	if e := h.verify(r, body); e != nil {
		return nil, e
	}
	name := r.Header.Get("X-TC-Action")
	action, ok := h.Actions[name]
	switch {
	case r.Header.Get("X-TC-Version") != h.Version:
		return nil, &Error{"NoSuchVersion", "the version does not exist"}
	case !ok:
		return nil, &Error{"InvalidAction", "the action does not exist"}
	case !json.Valid(body):
		return nil, &Error{"InvalidParameter", "the body is not JSON"}
	}
	h.mu.Lock()
	h.calls = append(h.calls, name+" "+r.Header.Get("X-TC-Region"))
	h.mu.Unlock()
	return action(body)
}

// verify makes the signature again over the headers that it names.
func (h *Handler) verify(r *http.Request, body []byte) *Error {
	failure := func(code, format string, args ...any) *Error {
		return &Error{"AuthFailure." + code, fmt.Sprintf(format, args...)}
	}
	authorization := r.Header.Get("Authorization")
	_, rest, ok1 := strings.Cut(authorization, " Credential=")
	credential, rest, ok2 := strings.Cut(rest, ", SignedHeaders=")
	list, _, ok3 := strings.Cut(rest, ", Signature=")
	id, _, ok4 := strings.Cut(credential, "/")
	seconds, err := strconv.ParseInt(r.Header.Get("X-TC-Timestamp"), 10, 64)
	if !ok1 || !ok2 || !ok3 || !ok4 || err != nil {
		return failure("InvalidAuthorization", "want TC3-HMAC-SHA256")
	}
	signed := strings.Split(list, ";")
	for _, name := range []string{"content-type", "host"} {
		if !strings.Contains(";"+list+";", ";"+name+";") {
			return failure("SignatureFailure", "%s must be signed", name)
		}
	}
	at, now := time.Unix(seconds, 0), time.Now()
	if h.Now != nil {
		now = h.Now()
	}
	secret, ok := h.Keys[id]
	switch {
	case !ok:
		return failure("SecretIdNotFound", "the SecretId is not found")
	case now.Sub(at).Abs() > 5*time.Minute:
		return failure("SignatureExpire", "the timestamp differs from the server time by more than five minutes")
	case r.Header.Get("X-TC-Token") != h.Tokens[id]:
		return failure("TokenFailure", "the token does not go with the key")
	case authorization != cloudapi.Sign(id, secret, h.Service, r.Host, r.Header, signed, body, at):
		return failure("SignatureFailure", "the signature does not match")
	}
	return nil
}
