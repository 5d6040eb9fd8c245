package sign

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/afterput/afterput/pipeline/qsign"
)

// ForbidOverwriteHeader lets an upload with the value "true" fail where the object is there
// already (COS 436/7749).
const ForbidOverwriteHeader = "x-cos-forbid-overwrite"

// PutAnswer is the answer of /put-sign: the fields of the sample server.
type PutAnswer struct {
	// CosHost is where the file is put, CosKey the path below it.
	CosHost string `json:"cosHost"`
	CosKey  string `json:"cosKey"`
	// Authorization is the header of that name.
	Authorization string `json:"authorization"`
	// SecurityToken is the header x-cos-security-token; only with a temporary key.
	SecurityToken string `json:"securityToken,omitempty"`
	// Headers are covered by the signature: the client has to send them as they are. Only
	// where it asked for one, or callbacks are configured.
	Headers map[string]string `json:"headers,omitempty"`
}

// Put signs a PUT of one new object. The signature covers method, path and host, and the
// headers that were asked for; of others a client may send what it likes. No size can be
// signed: the check looks at it.
func (s *Signer) Put(ctx context.Context, req Request) (PutAnswer, error) {
	u, err := s.grant(ctx, req)
	if err != nil {
		return PutAnswer{}, err
	}
	if err := s.temporary(ctx, &u, "PutObject"); err != nil {
		return PutAnswer{}, err
	}
	a := PutAnswer{CosHost: u.Host, CosKey: u.key, SecurityToken: u.Key.Token}
	if a.Headers, err = s.headers(u, req.ForbidOverwrite); err != nil {
		return PutAnswer{}, err
	}
	a.Authorization = qsign.Authorization(u.Key, qsign.Request{
		Method: http.MethodPut, Path: "/" + u.key, Header: covered(u.Host, a.Headers),
	}, u.window)
	return a, nil
}

// headers are those that a signature covers beside the host; nil for none.
func (s *Signer) headers(u upload, forbidOverwrite bool) (map[string]string, error) {
	list := make(map[string]string, 2)
	if forbidOverwrite {
		list[ForbidOverwriteHeader] = "true"
	}
	callback, err := s.callback(u.Name, u.key, u.ends)
	if callback != "" {
		list[CallbackHeader] = callback
	}
	if len(list) == 0 {
		list = nil
	}
	return list, err
}

// covered are the headers to sign.
func covered(host string, list map[string]string) http.Header {
	h := qsign.Host(host)
	for name, value := range list {
		h.Set(name, value)
	}
	return h
}

// PostAnswer is the answer of /post-policy: the fields of the sample server.
type PostAnswer struct {
	// CosHost is where the form is posted, CosKey its field "key".
	CosHost string `json:"cosHost"`
	CosKey  string `json:"cosKey"`
	// PolicyObj is the policy to look at, Policy the form field.
	PolicyObj json.RawMessage `json:"policyObj"`
	Policy    string          `json:"policy"`
	// These are the form fields q-sign-algorithm, q-ak, q-key-time and q-signature.
	QSignAlgorithm string `json:"qSignAlgorithm"`
	QAk            string `json:"qAk"`
	QKeyTime       string `json:"qKeyTime"`
	QSignature     string `json:"qSignature"`
	// SecurityToken is the form field x-cos-security-token; only with a temporary key.
	SecurityToken string `json:"securityToken,omitempty"`
	// Fields are further fields that the form must have; only where callbacks are
	// configured.
	Fields map[string]string `json:"fields,omitempty"`
}

// Post signs the policy of a form that posts one new object: exactly this bucket and key,
// at least one byte and at most what the check lets in. It says nothing of the form's
// Content-Type, which the clients of the guides leave empty.
func (s *Signer) Post(ctx context.Context, req Request) (PostAnswer, error) {
	u, err := s.grant(ctx, req)
	if err != nil {
		return PostAnswer{}, err
	}
	if err := s.temporary(ctx, &u, "PostObject"); err != nil {
		return PostAnswer{}, err
	}
	conditions := []qsign.Condition{qsign.Equal("bucket", u.Name), qsign.Equal("key", u.key), qsign.Size(1, u.limit)}
	fields, err := s.headers(u, false)
	if err != nil {
		return PostAnswer{}, err
	}
	for name, value := range fields {
		conditions = append(conditions, qsign.Equal(name, value))
	}
	form, err := qsign.SignPolicy(u.Key, qsign.Policy{Conditions: conditions}, u.window)
	if err != nil {
		return PostAnswer{}, err
	}
	text, err := base64.StdEncoding.DecodeString(form.Policy)
	if err != nil {
		return PostAnswer{}, err
	}
	return PostAnswer{
		CosHost: u.Host, CosKey: u.key, PolicyObj: text, Policy: form.Policy,
		QSignAlgorithm: qsign.Algorithm, QAk: form.KeyID, QKeyTime: form.KeyTime, QSignature: form.Signature,
		SecurityToken: form.Token, Fields: fields,
	}, nil
}
