package coslocal

import (
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/afterput/afterput/pipeline/qsign"
)

const (
	maxFormFields = 100
	maxFormBytes  = 1 << 20 // all fields before the file
)

func isForm(r *http.Request) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "multipart/form-data"
}

// postForm stores the file of a POST Object form (COS 436/14690). The form is signed
// either by a policy or, as cos-wx-sdk-v5 does, by one field "Signature" that holds a whole
// Authorization string and restricts nothing. Fields after the file are not read.
func (x *exchange) postForm() error {
	form, file, err := readForm(x.r)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	key := strings.ReplaceAll(strings.TrimPrefix(form["key"], "/"), "${filename}", file.FileName())
	if key == "" || len(key) > maxKeyBytes {
		return invalid("the form has no key, or one that is too long")
	}
	x.key = key
	if err := x.requestFaults(); err != nil {
		return err
	}
	form["key"] = key
	policy, err := x.authorizeForm(form)
	if err != nil {
		return err
	}
	acl, err := parseACL(form["acl"])
	if err != nil {
		return err
	}
	c, err := callbackOf(form[strings.ToLower(callbackHeader)], form[strings.ToLower(callbackVarHeader)])
	if err != nil {
		return err
	}
	limit := policy.MaxSize(x.opt.MaxObjectBytes)
	st, err := x.receive(file, limit)
	if err != nil {
		return err
	}
	defer st.drop()
	if err := policy.CheckSize(st.size); err != nil {
		return policyRefused(err)
	}
	// COS stores the Content-Type of the form field, never that of the file part, and
	// tells functions that of the request.
	o, err := x.store(st, object{Header: formHeader(form), ACL: acl}, "Post", x.r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	x.setWritten(o)
	if called, err := x.called(c, o); called {
		return err
	}
	x.answerForm(form["success_action_status"], o)
	return nil
}

// readForm reads the fields up to the file; names are in lower case.
func readForm(r *http.Request) (map[string]string, *multipart.Part, error) {
	bad := func(text string) (map[string]string, *multipart.Part, error) {
		return nil, nil, refuse(http.StatusBadRequest, "MalformedPOSTRequest", text)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return bad("The body is not multipart/form-data.")
	}
	form := make(map[string]string)
	left := int64(maxFormBytes)
	for range maxFormFields {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return bad("The form has no file.")
		}
		if err != nil {
			return bad("The form cannot be read.")
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			return form, part, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, left+1))
		if left -= int64(len(value)); err != nil || left < 0 {
			return bad("The form's fields cannot be read or are too long.")
		}
		form[name] = string(value)
	}
	return bad("The form has too many fields before the file.")
}

// authorizeForm checks the form's signature and gives its policy, an empty one for the
// second variant.
func (x *exchange) authorizeForm(form map[string]string) (qsign.Policy, error) {
	now := x.now
	if f, ok := x.faults.fire(Skew, x.r.Method, x.key); ok {
		now = now.Add(f.Delay)
	}
	if auth := form["signature"]; auth != "" && form["policy"] == "" {
		req := qsign.Request{Method: http.MethodPost, Path: "/", Header: qsign.Host(x.r.Host)}
		who, err := qsign.VerifyString(auth, req, x.lookup, now)
		if err != nil {
			return qsign.Policy{}, signatureRefused(err)
		}
		return qsign.Policy{}, x.checkToken(who, form[securityToken], now)
	}
	if form["policy"] == "" {
		return qsign.Policy{}, denied("Access Denied.")
	}
	policy, err := qsign.VerifyPolicy(qsign.PolicyForm{
		Policy: form["policy"], KeyID: form["q-ak"], KeyTime: form["q-key-time"], Signature: form["q-signature"],
	}, x.lookup, now)
	if err != nil {
		return qsign.Policy{}, policyRefused(err)
	}
	fields := maps.Clone(form)
	fields["bucket"] = x.opt.Bucket
	fields["q-sign-time"] = form["q-key-time"] // the form has the one, the policy the other
	if err := policy.CheckFields(fields); err != nil {
		return qsign.Policy{}, policyRefused(err)
	}
	return policy, x.checkToken(form["q-ak"], form[securityToken], now)
}

func formHeader(form map[string]string) http.Header {
	h := make(http.Header, len(form))
	for name, v := range form {
		h.Set(name, v)
	}
	return keptHeader(h)
}

type postXML struct {
	XMLName  xml.Name `xml:"PostResponse"`
	Location string
	Bucket   string
	Key      string
	ETag     string
}

func (x *exchange) answerForm(status string, o *object) {
	location := x.location(o.Key)
	x.w.Header().Set("Location", location)
	switch status {
	case "200":
		x.w.WriteHeader(http.StatusOK)
	case "201":
		x.writeXML(http.StatusCreated, postXML{Location: location, Bucket: x.opt.Bucket, Key: o.Key, ETag: `"` + o.ETag + `"`})
	default:
		x.w.WriteHeader(http.StatusNoContent)
	}
}

// location is where the object is on this server.
func (x *exchange) location(key string) string {
	return "http://" + x.r.Host + "/" + qsign.EscapePath(key)
}
