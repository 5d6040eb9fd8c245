package cloudbase

import (
	"encoding/json"
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

// refused makes the error of an answer {"code","message","requestId"}.
func refused(op, key string, resp *http.Response, text []byte) error {
	var body struct{ Code, Message string }
	_ = json.Unmarshal(text, &body) // what is no JSON has no code
	e := &pipeline.Error{Op: op, Key: key, Err: &statusError{resp.StatusCode, body.Code, body.Message}}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests:
		e.Class = pipeline.Throttled
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
			e.RetryAfter = time.Duration(n) * time.Second
		}
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.Class = pipeline.Denied
	case s == http.StatusOK:
		e.Class = classOf(body.Code)
	case s >= http.StatusInternalServerError:
		e.Class = pipeline.Transient
	default:
		e.Class = pipeline.Invalid
	}
	return e
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
