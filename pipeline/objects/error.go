package objects

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline"
)

// StatusError is an answer of COS that was not a success (COS 436/7730). It is the cause
// of the *pipeline.Error that a Store returns.
type StatusError struct {
	// Status is the HTTP status.
	Status int
	// Code is the error code of COS, such as NoSuchKey; empty for HEAD, which has no body.
	Code string
	// Message is what COS said, clipped.
	Message string
	// RequestID is x-cos-request-id: what Tencent's support asks for.
	RequestID string
}

// Error prints status, code, message and request ID.
func (e *StatusError) Error() string {
	parts := []string{strconv.Itoa(e.Status)}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.RequestID != "" {
		parts = append(parts, "(request "+e.RequestID+")")
	}
	return strings.Join(parts, " ")
}

// The codes of COS that decide a class (COS 436/7730).
const (
	codeSlowDown       = "SlowDown"
	codeTimeSkewed     = "RequestTimeTooSkewed"
	codeRequestTimeout = "RequestTimeout"
	codeExpiredToken   = "ExpiredToken"
)

// failure classes an error of the SDK or of the HTTP client.
func (b *bucket) failure(op, key string, err error) error {
	var answer *cos.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return b.refused(op, key, answer.Response, answer.Code, answer.Message)
	}
	cause := bare(err)
	if errors.Is(cause, context.DeadlineExceeded) {
		cause = fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	return &pipeline.Error{Class: pipeline.Transient, Op: op, Key: key, Err: cause}
}

// refused makes the error of an answer that is not a success.
func (b *bucket) refused(op, key string, resp *http.Response, code, message string) error {
	cause := &StatusError{
		Status: resp.StatusCode, Code: clip(code, 60), Message: b.clean(message),
		RequestID: clip(resp.Header.Get("X-Cos-Request-Id"), 80),
	}
	if code == codeTimeSkewed {
		cause.Message = "the clock of this machine and that of COS differ too much: set it by NTP"
	}
	class := classOf(resp, code)
	if code == codeExpiredToken && b.keys.Forget(b.keys.used().ID) {
		class = pipeline.Transient // with the next key
	}
	return &pipeline.Error{
		Class: class, Op: op, Key: key,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After")), Err: cause,
	}
}

// classOf is the table of pipeline.Objects, with the cases that it leaves open.
func classOf(resp *http.Response, code string) pipeline.Class {
	status := resp.StatusCode
	switch {
	case code == codeTimeSkewed, code == codeRequestTimeout, status == http.StatusRequestTimeout:
		return pipeline.Transient
	case status == http.StatusTooManyRequests, code == codeSlowDown:
		return pipeline.Throttled
	case status == http.StatusServiceUnavailable && code == "" && isHead(resp):
		// HEAD has no body to say SlowDown in, and that is what a 503 of COS nearly always is.
		return pipeline.Throttled
	case status >= 500, status == http.StatusBadRequest && code == "" && isHead(resp):
		// Nor to say RequestTimeout in, the one 400 that a well-formed HEAD can get.
		return pipeline.Transient
	case status == http.StatusNotFound:
		return pipeline.Missing
	case status == http.StatusPreconditionFailed:
		return pipeline.Superseded
	case status == http.StatusConflict:
		return pipeline.Transient
	case code == "BadDigest", code == "InvalidDigest", code == "IncompleteBody":
		return pipeline.Transient // damaged on the way
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusUnavailableForLegalReasons, status < 400:
		// A redirect means a wrong region or endpoint: a person has to mend it, too.
		return pipeline.Denied
	}
	return pipeline.Invalid
}

func isHead(resp *http.Response) bool {
	return resp.Request != nil && resp.Request.Method == http.MethodHead
}

// retryAfter reads whole seconds or an HTTP date; zero for anything else.
func retryAfter(v string) time.Duration {
	if s, err := strconv.ParseInt(v, 10, 32); err == nil {
		return max(0, time.Duration(s)*time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at)).Round(time.Second)
	}
	return 0
}

// bare takes off what repeats the URL or hides the cause: the SDK's list of attempts and
// the HTTP client's url.Error.
func bare(err error) error {
	for {
		var attempts *cos.RetryError
		var at *url.Error
		switch {
		case errors.As(err, &attempts) && len(attempts.Errs) > 0:
			err = attempts.Errs[len(attempts.Errs)-1]
		case errors.As(err, &at):
			err = at.Err
		default:
			return err
		}
	}
}

// clean shortens a text of the server and takes our secrets out of it, should it quote
// them.
func (b *bucket) clean(s string, more ...string) string {
	for _, secret := range append(more, b.keys.used().Secret, b.keys.used().Token) {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return clip(s, 200)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
