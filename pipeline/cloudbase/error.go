package cloudbase

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// statusError is an answer that is not what was asked for.
type statusError struct {
	status        int
	code, message string
}

// Error never quotes more than code and message: a body could hold a token.
func (e *statusError) Error() string {
	return fmt.Sprintf("the gateway answers %d %s: %.200s", e.status, e.code, e.message)
}

// staleToken tells that a token was refused. The database says 401, too, to whom it knows
// and lets nothing do (docs.cloudbase.net/http-api/nosql, error codes).
func staleToken(err error) bool {
	e, ok := errors.AsType[*statusError](err)
	return ok && e.status == http.StatusUnauthorized && e.code != codePermissionDenied
}

// refused makes the error of an answer {"code","message","requestId"}.
func refused(op, key string, resp *http.Response, text []byte) error {
	var body struct{ Code, Message string }
	_ = json.Unmarshal(text, &body) // what is no JSON has no code
	e := &pipeline.Error{Op: op, Key: key, Err: &statusError{resp.StatusCode, body.Code, body.Message}}
	switch s := resp.StatusCode; {
	case throttles(s, body.Code):
		e.Class = pipeline.Throttled
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
			e.RetryAfter = time.Duration(n) * time.Second
		}
	case body.Code == codeInvalidOperator:
		e.Class = pipeline.Invalid // it has status 403
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.Class = pipeline.Denied
	case s == http.StatusNotFound:
		e.Class = pipeline.Missing
	case s == http.StatusConflict:
		e.Class = pipeline.Conflict
	case s == http.StatusRequestTimeout:
		e.Class = pipeline.Transient
	case s == http.StatusOK:
		e.Class = classOf(body.Code)
	case s >= http.StatusInternalServerError:
		e.Class = pipeline.Transient
	default:
		e.Class = pipeline.Invalid
	}
	return e
}

// Codes that say more than their status (docs.cloudbase.net/http-api/nosql, error codes; the
// spelling is theirs).
const (
	codePermissionDenied  = "DATABASE_PERMISSION_DENIED"
	codeInvalidOperator   = "DATABASE_INVALID_OPERRATOR"
	codeTooManyRequests   = "EXCEED_REQUEST_LIMIT"
	codeTooManyConcurrent = "EXCEED_CONCURRENT_REQUEST_LIMIT"
)

// throttles tells that the gateway asks to slow down: by 429, or by a code with 422.
func throttles(status int, code string) bool {
	return status == http.StatusTooManyRequests || code == codeTooManyRequests || code == codeTooManyConcurrent
}

// classOf is the class of a code of the storage API. One that we do not know is tried again.
func classOf(code string) pipeline.Class {
	switch code {
	case "OBJECT_NOT_EXIST", "STORAGE_FILE_NONEXIST":
		return pipeline.Missing
	case "STORAGE_EXCEED_AUTHORITY", "ACTION_FORBIDDEN":
		return pipeline.Denied
	case "INVALID_HOST", "INVALID_PARAM", "OBJECT_BATCH_TOO_LARGE":
		return pipeline.Invalid
	}
	return pipeline.Transient
}
