package objects

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/qsign"
)

const (
	// skewAllowance is how far before now a signature starts: a server whose clock is a
	// little behind ours would else answer RequestTimeTooSkewed.
	skewAllowance = time.Minute
	// signedFor is how long the signature of a request holds.
	signedFor = 30 * time.Minute
	// maxErrorBody bounds the answer to a request that failed.
	maxErrorBody = 64 << 10
	// maxAnswer bounds an answer that is not an object: 1,000 listed keys of 850 bytes,
	// percent-encoded.
	maxAnswer = 8 << 20
)

var errTooLong = errors.New("the answer is longer than any that COS gives")

// newTransport makes the transport of a Store. It asks no environment for a proxy, and
// never for a compressed body: transparent gunzip would change what is stored as gzip.
func newTransport(opt Options) *http.Transport {
	dialer := &net.Dialer{Timeout: opt.DialTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    opt.TLSTimeout,
		ResponseHeaderTimeout:  opt.HeaderTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        60 * time.Second,
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    opt.MaxIdleConns,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// signer signs each request as it goes out.
type signer struct {
	keys Keys
	now  func() time.Time
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (s signer) RoundTrip(r *http.Request) (*http.Response, error) {
	key, err := s.keys.Key(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	if key.Token != "" {
		r.Header.Set("X-Cos-Security-Token", key.Token)
	}
	signed := qsign.Host(r.URL.Host)
	for name, values := range r.Header {
		if mustSign(name) {
			signed[name] = values
		}
	}
	now := s.now()
	r.Header.Set("Authorization", qsign.Authorization(key, qsign.Request{
		Method: r.Method, Path: r.URL.Path, Params: r.URL.Query(), Header: signed,
	}, qsign.Window{Start: now.Add(-skewAllowance), End: now.Add(signedFor)}))
	return s.next.RoundTrip(r)
}

// mustSign names the headers that change what a request means. Content-Length and others
// that proxies rewrite are left out.
func mustSign(name string) bool {
	switch name {
	case "Range", "If-Match", "Content-Type", "Content-Md5", "Content-MD5", "Cache-Control":
		return true
	}
	return strings.HasPrefix(name, "X-Cos-")
}

// bounded limits every answer but an object's body, which get.go watches over: the SDK
// reads error bodies and results without an end.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch ok := resp.StatusCode >= 200 && resp.StatusCode <= 299; {
	case !ok:
		resp.Body = &limited{body: resp.Body, left: maxErrorBody}
	case r.Method != http.MethodGet || r.URL.Path == "/":
		resp.Body = &limited{body: resp.Body, left: maxAnswer}
	}
	return resp, nil
}

// Call is one request to COS.
type Call struct {
	// Op is get, head, put, delete, list, convert, or public for the unsigned HEAD that
	// finds out whether everybody may read an object.
	Op string
	// Status is that of the answer; 0 where none came.
	Status int
	// Took is the time until the answer began.
	Took time.Duration
}

// Ops lists the operations that a Call can name.
func Ops() []string {
	return []string{"get", "head", "put", "delete", "list", "convert", "public"}
}

// observed tells of each request.
type observed struct {
	next http.RoundTripper
	tell func(ctx context.Context, c Call)
}

// RoundTrip implements http.RoundTripper.
func (o observed) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := o.next.RoundTrip(r)
	c := Call{Op: opOf(r), Took: time.Since(began)}
	if err == nil {
		c.Status = resp.StatusCode
	}
	o.tell(r.Context(), c)
	return resp, err
}

func opOf(r *http.Request) string {
	switch {
	case r.Method == http.MethodHead && r.Header.Get("Authorization") == "":
		return "public"
	case r.Method != http.MethodGet:
		return strings.ToLower(r.Method)
	case r.URL.Path == "/":
		return "list"
	case strings.Contains(r.URL.RawQuery, "imageMogr2"):
		return "convert"
	}
	return "get"
}

type limited struct {
	body io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.body.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

func (l *limited) Close() error { return l.body.Close() }
