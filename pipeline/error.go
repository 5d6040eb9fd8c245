package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class says what kind of failure an error is. The class alone decides about
// retries; nothing ever acts on an error's text.
type Class string

// The classes of failure, with what the worker does about each.
const (
	// Transient: network, 5xx, timeouts. Exponential backoff with jitter.
	Transient Class = "transient"
	// Throttled: 503 SlowDown, 429. Longer backoff, honours RetryAfter, costs no budget.
	Throttled Class = "throttled"
	// Missing: 404. A few quick tries, because the event may be early.
	Missing Class = "missing"
	// Conflict: a compare-and-set was lost. Again at once.
	Conflict Class = "conflict"
	// Waiting: something that others provide is not there yet, such as the order. Patient.
	Waiting Class = "waiting"
	// Superseded: the object or the run is not the newest any more. Skipped, no letter.
	Superseded Class = "superseded"
	// Denied: 403. One letter at once.
	Denied Class = "denied"
	// Invalid: bytes or data that can never succeed.
	Invalid Class = "invalid"
	// Poison: an object that kills the process that works on it.
	Poison Class = "poison"
	// Bug: a panic or a payload nobody knows.
	Bug Class = "bug"
	// Interrupted: the worker was stopped while it worked. Costs no budget.
	Interrupted Class = "interrupted"
)

// Classes lists every class in the order in which reports show them.
func Classes() []Class {
	return []Class{
		Transient, Throttled, Missing, Conflict, Waiting, Superseded,
		Denied, Invalid, Poison, Bug, Interrupted,
	}
}

// Code is the machine-readable reason of a refusal or rejection, such as TOO_LARGE.
// Codes are part of the API and of webhooks: stable, upper case, never reused.
type Code string

// The codes that the domain gives. Doors add their own for requests they cannot read.
const (
	CodeInvalidFileName  Code = "INVALID_FILE_NAME"
	CodeInvalidFileID    Code = "INVALID_FILE_ID"
	CodeWrongEnvironment Code = "WRONG_ENVIRONMENT"
	CodeUnknownBucket    Code = "UNKNOWN_BUCKET"
	CodeOwnerMissing     Code = "OWNER_MISSING"
	CodeOwnerMismatch    Code = "OWNER_MISMATCH"
	CodeDerivative       Code = "DERIVATIVE"

	CodeEmptyFile         Code = "EMPTY_FILE"
	CodeTypeNotAllowed    Code = "TYPE_NOT_ALLOWED"
	CodeExtensionMismatch Code = "EXTENSION_MISMATCH"
	CodeTooLarge          Code = "TOO_LARGE"
	CodeTooManyPixels     Code = "TOO_MANY_PIXELS"
	CodeTooManyFrames     Code = "TOO_MANY_FRAMES"
	CodePolyglot          Code = "POLYGLOT"
	CodeCorruptFile       Code = "CORRUPT_FILE"
	CodeObjectGone        Code = "OBJECT_GONE"

	// CodeWebhookRefused stands in attempts and letters of class Denied: a receiver
	// answered 401 or 403. Unlike others of the class it is tried again by the schedule.
	CodeWebhookRefused Code = "WEBHOOK_REFUSED"
)

// ContentCodes lists the codes by which steps refuse what was uploaded.
func ContentCodes() []Code {
	return []Code{
		CodeEmptyFile, CodeTypeNotAllowed, CodeExtensionMismatch, CodeTooLarge, CodeTooManyPixels,
		CodeTooManyFrames, CodePolyglot, CodeCorruptFile, CodeObjectGone,
	}
}

// Error is the one error type of the domain.
type Error struct {
	// Class decides what happens next.
	Class Class
	// Op names the operation that failed, as package.operation: "objects.get".
	Op string
	// Key names what it failed on: an object key, an order, a URL. Never a secret.
	Key string
	// Code is the machine-readable reason; empty where the class says all.
	Code Code
	// RetryAfter is how long the other side asked to wait; zero means it said nothing.
	RetryAfter time.Duration
	// Err is the cause.
	Err error
}

// Error prints op, key, code and cause, without the class.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Key != "" {
		fmt.Fprintf(&b, " %q", e.Key)
	}
	if e.Code != "" {
		b.WriteString(": " + string(e.Code))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error whose cause is a formatted message.
func Errorf(class Class, op, key, format string, args ...any) *Error {
	return &Error{Class: class, Op: op, Key: key, Err: fmt.Errorf(format, args...)}
}

// ClassOf gives the class of err. An error that carries none is Transient: what we
// do not know is tried again, within its budget. A nil error has the class "".
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Class != "" {
		return e.Class
	}
	return Transient
}

// CodeOf gives the machine-readable code of err, or "".
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// OpOf gives what was being done when it failed, or "".
func OpOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Op
	}
	return ""
}

// RetryAfterOf gives the wait that the other side asked for, or zero.
func RetryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// wrap classes an error of a dependency: its own class where it has one, else the
// given one. A context that ended is always Transient.
func wrap(class Class, op, key string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Key == key {
			key = "" // the cause names it
		}
		return &Error{Class: e.Class, Op: op, Key: key, Code: e.Code, RetryAfter: e.RetryAfter, Err: err}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		class = Transient
	}
	return &Error{Class: class, Op: op, Key: key, Err: err}
}

// outdated is wrap for a step that looks at an object which the check saw: one that is
// not there any more is out of date, as one with another ETag is, so that a new check
// decides what became of it.
func outdated(op, key string, err error) error {
	err = wrap(Transient, op, key, err)
	if e, ok := errors.AsType[*Error](err); ok && e.Class == Missing {
		e.Class = Superseded
	}
	return err
}
