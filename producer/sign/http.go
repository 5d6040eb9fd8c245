package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
)

// retryAfter is what a caller is told to wait, in seconds, while the ledger or the issuer of
// temporary keys is away.
const retryAfter = 5

// Door says who may come in, and for whom.
type Door struct {
	// Require lets callers in that may have signatures and answers the others. Required.
	Require func(next http.Handler) http.Handler
	// Owner gives the openid that a caller is bound to; "" for a service, which names it
	// by ?owner=. Nil: every caller is a service.
	Owner func(ctx context.Context) string
}

// Mux is what the doors are mounted on: *http.ServeMux.
type Mux interface {
	Handle(pattern string, handler http.Handler)
}

// Register mounts the doors:
//
//	GET /put-sign        -> PutAnswer
//	GET /post-policy     -> PostAnswer
//	GET /multipart-sign  -> PutAnswer
//
// The query of the first two is ext, order, position, bucket and owner; that of /put-sign
// also forbidOverwrite=1 and multipart=1. That of the third is cosKey, method, bucket,
// owner, and the query of the request to sign. Errors have a status and
// {"code","message","requestId"}.
func (s *Signer) Register(mux Mux, door Door) {
	s.handle(mux, "/put-sign", door, func(r *http.Request) (any, []any, error) {
		req, err := door.read(r, true)
		if err != nil {
			return nil, nil, err
		}
		a, err := s.Put(r.Context(), req)
		return a, []any{"key", a.CosKey, "order", req.Order}, err
	})
	s.handle(mux, "/post-policy", door, func(r *http.Request) (any, []any, error) {
		req, err := door.read(r, false)
		if err != nil {
			return nil, nil, err
		}
		a, err := s.Post(r.Context(), req)
		return a, []any{"key", a.CosKey, "order", req.Order}, err
	})
	s.handle(mux, "/multipart-sign", door, func(r *http.Request) (any, []any, error) {
		req, err := door.readMultipart(r)
		if err != nil {
			return nil, nil, err
		}
		a, err := s.Multipart(r.Context(), req)
		return a, []any{"key", a.CosKey, "method", req.Method}, err
	})
}

// signing reads a request, signs, and gives the answer with what the log says about it.
type signing func(r *http.Request) (answer any, about []any, err error)

func (s *Signer) handle(mux Mux, path string, door Door, sign signing) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, about, err := sign(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.opt.Logger.With(about...).InfoContext(r.Context(), "signed", "door", path,
			"caller", auth.Caller(r.Context()), "requestId", auth.RequestID(w))
		writeJSON(w, http.StatusOK, answer)
	})
	mux.Handle("GET "+path, auth.WithRequestID(door.Require(h)))
	mux.Handle(path, auth.WithRequestID(http.HandlerFunc(notGET)))
}

func notGET(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	writeError(w, http.StatusMethodNotAllowed, codeMethod, "signatures are for GET")
}

// queryOf reads a query. Names that stand twice are refused, so that nobody reads them
// differently.
func queryOf(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(pipeline.Invalid, events.CodeBadField, "the query cannot be read: percent-encode its values")
	}
	for name, values := range query {
		if len(values) > 1 {
			return nil, refuse(pipeline.Invalid, events.CodeDuplicateField, "%q stands in the query %d times", clip(name), len(values))
		}
	}
	return query, nil
}

// read takes the request from the query. Unknown names are refused, so that a misspelled
// one is told and not lost.
func (d Door) read(r *http.Request, put bool) (Request, error) {
	var req Request
	query, err := queryOf(r)
	if err != nil {
		return req, err
	}
	for name := range query {
		switch value := query.Get(name); name {
		case "ext":
			req.Ext = value
		case "owner":
			req.Owner = value
		case "bucket":
			req.Bucket = value
		case "order":
			req.Order = value
		case "position":
			if req.Position, err = position(value); err != nil {
				return req, err
			}
		case "forbidOverwrite", "multipart":
			if !put || (value != "0" && value != "1") {
				return req, refuse(pipeline.Invalid, events.CodeBadField, "%s: want 0 or 1, and /put-sign", name)
			}
			if name == "multipart" {
				req.Multipart = value == "1"
			} else {
				req.ForbidOverwrite = value == "1"
			}
		default:
			return req, refuse(pipeline.Invalid, events.CodeUnknownField, "%q is no parameter of %s", clip(name), r.URL.Path)
		}
	}
	if !query.Has("ext") {
		return req, refuse(pipeline.Invalid, events.CodeMissingField, "ext: it is missing: write ?ext=jpg")
	}
	return req, d.own(r.Context(), &req.Owner)
}

// readMultipart takes the request from the query: what is not ours is that of the request
// to sign.
func (d Door) readMultipart(r *http.Request) (MultipartRequest, error) {
	query, err := queryOf(r)
	if err != nil {
		return MultipartRequest{}, err
	}
	req := MultipartRequest{
		Owner: query.Get("owner"), Bucket: query.Get("bucket"), Key: query.Get("cosKey"), Method: strings.ToUpper(query.Get("method")),
		Params: query,
	}
	for _, name := range []string{"cosKey", "method"} {
		if query.Get(name) == "" {
			return req, refuse(pipeline.Invalid, events.CodeMissingField, "%s: it is missing", name)
		}
	}
	for _, ours := range []string{"owner", "bucket", "cosKey", "method"} {
		query.Del(ours)
	}
	return req, d.own(r.Context(), &req.Owner)
}

// own takes the owner from who the caller is.
func (d Door) own(ctx context.Context, named *string) error {
	if d.Owner == nil {
		return nil
	}
	owner := d.Owner(ctx)
	if owner == "" {
		return nil
	}
	if *named != "" && *named != owner {
		return refuse(pipeline.Denied, pipeline.CodeOwnerMismatch, "the caller is another user than owner")
	}
	*named = owner
	return nil
}

func position(text string) (*int, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > events.MaxPosition {
		return nil, refuse(pipeline.Invalid, events.CodeBadPosition, "position: want a whole number from 0 to %d, found %q", events.MaxPosition, clip(text))
	}
	return new(int(n)), nil
}

func (s *Signer) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, code, message := http.StatusInternalServerError, codeInternal, "internal error"
	switch known := pipeline.CodeOf(err); {
	case known != "" && pipeline.ClassOf(err) == pipeline.Denied:
		status, code, message = http.StatusForbidden, known, err.Error()
	case known != "":
		status, code, message = http.StatusBadRequest, known, err.Error()
	case pipeline.ClassOf(err) == pipeline.Transient, pipeline.ClassOf(err) == pipeline.Throttled:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		status, code, message = http.StatusServiceUnavailable, codeUnavailable, "a part of afterput cannot be reached, nothing was signed: try again"
	}
	log := s.opt.Logger.InfoContext
	switch {
	case status == http.StatusServiceUnavailable:
		log = func(ctx context.Context, msg string, args ...any) {
			s.seldom.Line(ctx, slog.LevelWarn, pipeline.OpOf(err), msg, args...)
		}
	case status >= http.StatusInternalServerError:
		log = s.opt.Logger.ErrorContext
	}
	log(r.Context(), "not signed", "status", status, "code", code, "error", err, "path", r.URL.Path,
		"caller", auth.Caller(r.Context()), "requestId", auth.RequestID(w))
	writeError(w, status, code, message)
}

func writeError(w http.ResponseWriter, status int, code pipeline.Code, message string) {
	writeJSON(w, status, map[string]string{"code": string(code), "message": message, "requestId": auth.RequestID(w)})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // plain fields, and a policy that was JSON before
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
