package sign

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer/events"
)

// DefaultMultipartExpires is how long the parts of a file may be signed where
// Options.MultipartExpires is zero.
const DefaultMultipartExpires = 2 * time.Hour

// MultipartRequest is one request of a multipart upload, as an SDK hands it to its
// getAuthorization.
type MultipartRequest struct {
	// Owner is the openid that the key was signed for. Required.
	Owner string
	// Key was given away by Put or Post. Required. Bucket is its full name; empty is the first
	// one.
	Key, Bucket string
	// Method is PUT, POST, GET or DELETE.
	Method string
	// Params are the query of the request, by the names that COS gives them.
	Params url.Values
}

// multipartVerb is a request that a multipart upload consists of.
type multipartVerb struct {
	method string
	// needs have to be there, may are allowed; nothing else is.
	needs, may []string
	action     string
	// bucket says that it is made of the bucket; its prefix has to be the key.
	bucket bool
}

// multipartVerbs are all that is signed. No two have the same method and needs, and each
// has a parameter without which COS would take it for something else: GET and DELETE of the
// object itself among them.
var multipartVerbs = []multipartVerb{
	{method: http.MethodPost, needs: []string{"uploads"}, action: "InitiateMultipartUpload"},
	{method: http.MethodPut, needs: []string{"partNumber", "uploadId"}, action: "UploadPart"},
	{
		method: http.MethodGet, needs: []string{"uploadId"}, may: []string{"max-parts", "part-number-marker", "encoding-type"},
		action: "ListParts",
	},
	{method: http.MethodPost, needs: []string{"uploadId"}, action: "CompleteMultipartUpload"},
	{method: http.MethodDelete, needs: []string{"uploadId"}, action: "AbortMultipartUpload"},
	{
		method: http.MethodGet, needs: []string{"uploads", "prefix"}, bucket: true, action: "ListMultipartUploads",
		may: []string{"delimiter", "max-uploads", "key-marker", "upload-id-marker", "encoding-type"},
	},
}

var plainUploadID = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,512}$`)

const (
	maxParts = 10000 // COS 436/7750
	maxParam = 1024  // bytes
)

// Multipart signs one request of a multipart upload of a key that was signed for the same
// owner, until the last signature for it ends: to begin it, to put a part, to list parts or uploads of this very key, to complete
// it or to abort it. The signature covers every parameter of the request. Others are
// refused with MULTIPART_VERB, other keys with KEY_NOT_SIGNED.
func (s *Signer) Multipart(ctx context.Context, req MultipartRequest) (PutAnswer, error) {
	bucket, err := s.bucket(req.Bucket)
	if err != nil {
		return PutAnswer{}, err
	}
	verb, err := verbOf(req)
	if err != nil {
		return PutAnswer{}, err
	}
	ends, err := s.signedFor(ctx, bucket.Name, req)
	if err != nil {
		return PutAnswer{}, err
	}
	u := upload{Bucket: bucket, key: req.Key, ends: ends, window: s.window()}
	if u.window.End.After(ends) {
		u.window.End = ends
	}
	if err := s.temporary(ctx, &u, verb.action); err != nil {
		return PutAnswer{}, err
	}
	a := PutAnswer{CosHost: u.Host, CosKey: u.key, SecurityToken: u.Key.Token}
	if verb.action == "CompleteMultipartUpload" {
		if a.Headers, err = s.headers(u, false); err != nil {
			return PutAnswer{}, err
		}
	}
	path := "/" + u.key
	if verb.bucket {
		path = "/"
	}
	a.Authorization = qsign.Authorization(u.Key, qsign.Request{
		Method: req.Method, Path: path, Params: req.Params, Header: covered(u.Host, a.Headers),
	}, u.window)
	return a, nil
}

// signedFor tells until when requests for a key of an owner may be signed.
func (s *Signer) signedFor(ctx context.Context, bucket string, req MultipartRequest) (time.Time, error) {
	id := pipeline.UploadID(bucket, req.Key)
	known, err := s.opt.Ledger.Signed(ctx, id)
	if err != nil {
		return time.Time{}, err
	}
	row, ok := known[id]
	if !ok || req.Owner == "" || row.Owner != req.Owner || !s.opt.Now().Before(row.ExpiresAt) {
		return time.Time{}, refuse(pipeline.Denied, codeKeyNotSigned,
			"cosKey: no signature of this owner for this key, or it has ended: ask /put-sign with multipart=1")
	}
	return row.ExpiresAt, nil
}

// verbOf finds what a request is.
func verbOf(req MultipartRequest) (multipartVerb, error) {
	for _, v := range multipartVerbs {
		if v.method == req.Method && v.fits(req.Params) {
			return v, v.check(req)
		}
	}
	return multipartVerb{}, refuse(pipeline.Denied, codeMultipartVerb,
		"this is no request of a multipart upload: want one that begins, lists, completes or aborts it, or puts a part")
}

// fits tells whether the names are those of the verb, each once.
func (v multipartVerb) fits(params url.Values) bool {
	for _, name := range v.needs {
		if !params.Has(name) {
			return false
		}
	}
	for name, values := range params {
		if len(values) != 1 || !slices.Contains(v.needs, name) && !slices.Contains(v.may, name) {
			return false
		}
	}
	return true
}

// check looks at the values. An empty uploadId would make an abort a deletion.
func (v multipartVerb) check(req MultipartRequest) error {
	for name, values := range req.Params {
		value, ok := values[0], false
		switch name {
		case "uploads":
			ok = value == ""
		case "uploadId":
			ok = plainUploadID.MatchString(value)
		case "partNumber":
			n, err := strconv.Atoi(value)
			ok = err == nil && n >= 1 && n <= maxParts && strconv.Itoa(n) == value
		case "prefix":
			ok = value == req.Key
		default:
			ok = len(value) <= maxParam
		}
		if !ok {
			return refuse(pipeline.Invalid, events.CodeBadField, "%s: %q is not what a multipart upload of this key has there", name, clip(value))
		}
	}
	return nil
}
