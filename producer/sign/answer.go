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
	// where it asked for one.
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
	a := PutAnswer{CosHost: u.Host, CosKey: u.key, SecurityToken: u.Key.Token}
	header := qsign.Host(u.Host)
	if req.ForbidOverwrite {
		a.Headers = map[string]string{ForbidOverwriteHeader: "true"}
		header.Set(ForbidOverwriteHeader, "true")
	}
	a.Authorization = qsign.Authorization(u.Key, qsign.Request{Method: http.MethodPut, Path: "/" + u.key, Header: header}, u.window)
	return a, nil
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
}

// Post signs the policy of a form that posts one new object: exactly this bucket and key,
// at least one byte and at most what the check lets in. It says nothing of the form's
// Content-Type, which the clients of the guides leave empty.
func (s *Signer) Post(ctx context.Context, req Request) (PostAnswer, error) {
	u, err := s.grant(ctx, req)
	if err != nil {
		return PostAnswer{}, err
	}
	form, err := qsign.SignPolicy(u.Key, qsign.Policy{Conditions: []qsign.Condition{
		qsign.Equal("bucket", u.Name), qsign.Equal("key", u.key), qsign.Size(1, u.limit),
	}}, u.window)
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
		SecurityToken: form.Token,
	}, nil
}
