package qsign

import "fmt"

// Kind says why a signature was refused. A Kind is itself an error, so that
// errors.Is(err, qsign.Expired) asks for it.
type Kind string

// The kinds of refusal.
const (
	// Unsigned: there is no signature at all.
	Unsigned Kind = "the request is not signed"
	// Malformed: the signature or the policy cannot be read.
	Malformed Kind = "malformed signature"
	// NotYetValid: the window starts in the future. COS answers RequestTimeTooSkewed.
	NotYetValid Kind = "the signature is not valid yet"
	// Expired: the window has ended, or the policy has.
	Expired Kind = "the signature has expired"
	// UnknownKey: nobody knows the SecretID.
	UnknownKey Kind = "unknown key"
	// Mismatch: the signature is not the one that the key makes for this request.
	Mismatch Kind = "the signature does not match"
	// Violated: the policy is genuine, but the upload breaks one of its conditions.
	Violated Kind = "the policy forbids it"
	// TooLarge: more bytes than the policy's content-length-range allows.
	TooLarge Kind = "the file is larger than the policy allows"
	// TooSmall: fewer bytes than the policy's content-length-range asks for.
	TooSmall Kind = "the file is smaller than the policy allows"
)

// Error is the kind as text.
func (k Kind) Error() string { return string(k) }

// Error is a refused signature or policy. It never carries a SecretKey.
type Error struct {
	Kind Kind
	// Detail says what was seen, in words.
	Detail string
	// HTTPString and StringToSign are what the verifier computed, for a Mismatch of a
	// request: comparing them with the signer's own is the way to find the difference.
	HTTPString, StringToSign string
}

// Error prints kind and detail.
func (e *Error) Error() string {
	if e.Detail == "" {
		return "qsign: " + string(e.Kind)
	}
	return "qsign: " + string(e.Kind) + ": " + e.Detail
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

func fail(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
