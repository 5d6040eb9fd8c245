package producer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/producer/openapi"
)

// Codes of requests that cannot be served; the rest come from the domain.
const (
	codeNotFound    pipeline.Code = "NOT_FOUND"
	codeUnavailable pipeline.Code = "UNAVAILABLE"
	codeNoOrders    pipeline.Code = "ORDERS_NOT_CONFIGURED"
	codeInternal    pipeline.Code = "INTERNAL"

	codeUnreadableRecord pipeline.Code = "UNREADABLE_RECORD"
	codeCallbackMismatch pipeline.Code = "CALLBACK_MISMATCH"
)

// retryAfter is what a caller is told to wait, in seconds, while the ledger is away or has too much to
// do.
const retryAfter = 5

// API is the HTTP side of a Producer.
type API struct {
	*Producer
	keys    Guard
	maxBody int64
}

// Guard lets callers in: *auth.Gate, or *auth.Keys alone.
type Guard interface {
	// Require lets in callers that have the scope, and no end users.
	Require(scope auth.Scope, next http.Handler) http.Handler
	// RequireOwn lets in end users as well; next limits them to what is theirs.
	RequireOwn(scope auth.Scope, next http.Handler) http.Handler
	// Rate counts a request to a door with credentials of its own; the zero Identity is
	// somebody who has none.
	Rate(r *http.Request, caller auth.Identity) error
}

// Mux is what doors are mounted on: *http.ServeMux.
type Mux interface {
	Handle(pattern string, handler http.Handler)
}

// NewAPI makes the API. Bodies over maxBody bytes are refused with 413; 0 means 1 MiB.
func NewAPI(p *Producer, keys Guard, maxBody int64) *API {
	if maxBody <= 0 {
		maxBody = 1 << 20
	}
	return &API{Producer: p, keys: keys, maxBody: maxBody}
}

// Register mounts the API, and what answers wherever there is nothing else:
//
//	POST /v1/uploads       client JSON -> 202
//	POST /v1/events/cos    COS trigger event -> 202
//	POST /v1/events/eventbridge  CloudEvents of EventBridge -> 202
//	POST /v1/callbacks/cos COS upload callback, by the token in its URL -> 200
//	GET  /v1/uploads/{id}  state of every step
//	GET  /openapi.json     the description of all doors
func (a *API) Register(mux Mux) {
	handle := func(pattern string, scope auth.Scope, h http.HandlerFunc) {
		mux.Handle(pattern, auth.WithRequestID(a.keys.Require(scope, h)))
	}
	own := func(pattern string, scope auth.Scope, h http.HandlerFunc) {
		mux.Handle(pattern, auth.WithRequestID(a.keys.RequireOwn(scope, h)))
	}
	mux.Handle("/", auth.WithRequestID(http.HandlerFunc(a.nothingHere)))
	own("POST /v1/uploads", auth.ScopeAnnounce, a.postUploads)
	handle("POST /v1/events/cos", auth.ScopeAnnounce, a.postCOSEvent)
	handle("POST /v1/events/eventbridge", auth.ScopeAnnounce, a.postEventBridge)
	mux.Handle("POST "+events.CallbackPath, auth.WithRequestID(http.HandlerFunc(a.postCallback)))
	own("GET /v1/uploads/{id}", auth.ScopeRead, a.getUpload)
	mux.Handle("GET "+openapi.Path, auth.WithRequestID(openapi.Handler()))
}

// nothingHere answers paths and methods that there are not.
func (a *API) nothingHere(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusNotFound, map[string]string{
		"code": string(codeNotFound), "message": "there is no " + r.Method + " " + r.URL.Path, "requestId": auth.RequestID(w),
	})
}

// body reads the request within the limit, without a byte order mark.
func (a *API) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	b, err := auth.ReadBody(w, r, a.maxBody)
	return auth.WithoutBOM(b), err
}

// fail answers with the status of an error and a body that a mini program can act on,
// because its success callback fires on any status.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, code := statusOf(err)
	message, wait := err.Error(), 0
	refusal, worded := errors.AsType[*auth.Refusal](err)
	switch {
	case worded:
		wait = refusal.RetryAfter
	case status == http.StatusServiceUnavailable:
		message, wait = "the ledger cannot be reached or too many wait for it, nothing was kept: try again", retryAfter
	case status == http.StatusNotFound:
		message = "there is no such upload" // the same for one that is somebody else's
	case status == http.StatusInternalServerError:
		message = "internal error"
	}
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
	}
	log := a.opt.Logger.InfoContext
	switch {
	case status == http.StatusServiceUnavailable:
		log = func(ctx context.Context, msg string, args ...any) {
			a.seldom.Line(ctx, slog.LevelWarn, pipeline.OpOf(err), msg, args...)
		}
	case status >= http.StatusInternalServerError:
		log = a.opt.Logger.ErrorContext
	case status == http.StatusTooManyRequests:
		log = a.opt.Logger.DebugContext // whoever sends too much shall not fill the log as well
	}
	log(r.Context(), "refused", "status", status, "code", code, "error", err, "path", r.URL.Path,
		"caller", auth.Caller(r.Context()), "requestId", auth.RequestID(w))
	writeJSON(w, status, map[string]string{"code": string(code), "message": message, "requestId": auth.RequestID(w)})
}

func statusOf(err error) (int, pipeline.Code) {
	if refusal, ok := errors.AsType[*auth.Refusal](err); ok {
		return refusal.Status, pipeline.Code(refusal.Code)
	}
	code := pipeline.CodeOf(err)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return http.StatusNotFound, codeNotFound
	case code == events.CodeBadCallbackToken:
		return http.StatusUnauthorized, code
	case code != "" && pipeline.ClassOf(err) == pipeline.Denied:
		return http.StatusForbidden, code
	case code != "":
		return http.StatusBadRequest, code
	case pipeline.ClassOf(err) == pipeline.Transient:
		return http.StatusServiceUnavailable, codeUnavailable
	}
	return http.StatusInternalServerError, codeInternal
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		b.Reset()
		status = http.StatusInternalServerError
		_, _ = fmt.Fprintf(&b, "{\"code\":%q,\"message\":\"internal error\"}\n", codeInternal)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
