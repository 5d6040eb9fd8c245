package qsign

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// PolicyForm is a signed policy as the fields of a POST upload carry it.
type PolicyForm struct {
	// Policy is the policy text in base64: the field "policy".
	Policy string
	// KeyID is the field "q-ak".
	KeyID string
	// KeyTime is the field "q-key-time".
	KeyTime string
	// Signature is the field "q-signature".
	Signature string
	// Token is the field "x-cos-security-token"; empty for a permanent key.
	Token string
}

// Fields gives the form fields by name. Beside them a form needs "key" and, last of all,
// "file".
func (f PolicyForm) Fields() map[string]string {
	m := map[string]string{
		"policy":           f.Policy,
		"q-sign-algorithm": Algorithm,
		"q-ak":             f.KeyID,
		"q-key-time":       f.KeyTime,
		"q-signature":      f.Signature,
	}
	if f.Token != "" {
		m[tokenName] = f.Token
	}
	return m
}

// SignPolicy signs p for the window w. It puts the conditions that COS wants of every
// policy (q-sign-algorithm, q-ak, q-sign-time) before those of p.
func SignPolicy(key Key, p Policy, w Window) (PolicyForm, error) {
	w = key.Bound(w)
	if p.Expiration.IsZero() {
		p.Expiration = w.End
	}
	p.Expiration = key.Bound(Window{End: p.Expiration}).End
	keyTime := w.String()
	p.Conditions = append([]Condition{
		Equal("q-sign-algorithm", Algorithm),
		Equal("q-ak", key.ID),
		Equal("q-sign-time", keyTime),
	}, p.Conditions...)
	text, err := json.Marshal(p)
	if err != nil {
		return PolicyForm{}, err
	}
	return PolicyForm{
		Policy:    base64.StdEncoding.EncodeToString(text),
		KeyID:     key.ID,
		KeyTime:   keyTime,
		Signature: policySignature(key.Secret, keyTime, string(text)),
		Token:     key.Token,
	}, nil
}

// policySignature signs the SHA-1 of the policy text itself: unlike a request's, the
// string to sign has no algorithm and no time before it (COS 436/14690).
func policySignature(secret, keyTime, text string) string {
	return hmacHex(signKey(secret, keyTime), sha1Hex(text))
}

// VerifyPolicy checks the signature and the time of a form's policy and gives the policy
// for CheckFields, which compares the form with it. Errors are *Error.
func VerifyPolicy(f PolicyForm, lookup Lookup, now time.Time) (Policy, error) {
	text, err := base64.StdEncoding.DecodeString(f.Policy)
	if err != nil {
		return Policy{}, fail(Malformed, "the policy is not base64")
	}
	w, err := ParseWindow(f.KeyTime)
	if err != nil {
		return Policy{}, fail(Malformed, "q-key-time: %v", err)
	}
	secret, ok := lookup(f.KeyID)
	if !ok {
		return Policy{}, fail(UnknownKey, "%.80q", f.KeyID)
	}
	// The text as sent is part of the key's derivation, not its parsed form.
	if !equal(policySignature(secret, f.KeyTime, string(text)), f.Signature) {
		return Policy{}, &Error{Kind: Mismatch}
	}
	if err := w.check(now); err != nil {
		return Policy{}, err
	}
	p, err := ParsePolicy(text)
	if err != nil {
		return Policy{}, err
	}
	if now.After(p.Expiration) {
		return Policy{}, fail(Expired, "the policy ended at %s", p.Expiration.UTC().Format(time.RFC3339))
	}
	return p, nil
}
