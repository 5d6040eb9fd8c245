package objects

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
)

// Store is the object store over COS. It is safe for concurrent use.
type Store struct {
	opt       Options
	buckets   map[string]*bucket
	transport *http.Transport
	plain     *http.Client // sends without a signature
}

var _ pipeline.Objects = (*Store)(nil)

type bucket struct {
	keys     *keyring
	endpoint *url.URL
	public   *url.URL
	client   *cos.Client
	env      string
	uploads  Uploads // nil in plain COS

	processing bool
}

// New makes a Store. It checks the options and connects to nothing.
func New(opt Options) (*Store, error) {
	opt = opt.withDefaults()
	if len(opt.Buckets) == 0 {
		return nil, errors.New("objects: no bucket is configured")
	}
	transport := newTransport(opt)
	var sends http.RoundTripper = bounded{transport}
	if opt.Observe != nil {
		sends = observed{sends, opt.Observe}
	}
	s := &Store{
		opt:       opt,
		buckets:   make(map[string]*bucket, len(opt.Buckets)),
		transport: transport,
		plain:     &http.Client{Transport: sends, CheckRedirect: noRedirect},
	}
	for _, bo := range opt.Buckets {
		if err := bo.check(); err != nil {
			return nil, err
		}
		if _, twice := s.buckets[bo.Name]; twice {
			return nil, fmt.Errorf("objects: bucket %q is configured twice", bo.Name)
		}
		endpoint, public, err := bo.urls()
		if err != nil {
			return nil, err
		}
		keys := bo.keys()
		client := cos.NewClient(&cos.BaseURL{BucketURL: endpoint}, &http.Client{
			Transport:     signer{keys: keys, now: opt.Now, next: sends},
			CheckRedirect: noRedirect,
		})
		client.Conf.RetryOpt.Count = 1 // the worker retries, with its own backoff
		client.Conf.EnableCRC = false  // Put compares the checksum itself
		s.buckets[bo.Name] = &bucket{
			keys: keys, endpoint: endpoint, public: public, client: client, env: bo.Env, uploads: bo.Uploads,
			processing: bo.Processing,
		}
	}
	return s, nil
}

// Close closes the idle connections. Requests under way go on.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// URL gives the address under which a public object is handed out, percent-encoded; ""
// for a bucket that is not configured.
func (s *Store) URL(bucketName, key string) string {
	b, ok := s.buckets[bucketName]
	if !ok {
		return ""
	}
	return b.public.String() + "/" + qsign.EscapePath(key)
}

// PresignGet gives a URL at the endpoint under which the object can be read from now until
// the time that it gives too, whatever its visibility: now plus ttl, or earlier, when the
// key ends. The URL is a secret while it holds.
func (s *Store) PresignGet(ctx context.Context, bucketName, key string, ttl time.Duration, now time.Time) (string, time.Time, error) {
	const op = "objects.presign"
	b, err := s.find(op, bucketName, key)
	if err != nil {
		return "", time.Time{}, err
	}
	who, err := b.keys.Key(ctx)
	if err != nil {
		return "", time.Time{}, pipeline.Errorf(pipeline.Transient, op, key, "%w", err)
	}
	u := *b.endpoint
	u.Path = "/" + key
	w := who.Bound(qsign.Window{Start: now.Add(-skewAllowance), End: now.Add(ttl)})
	return qsign.PresignURL(who, http.MethodGet, &u, w), w.End, nil
}

// find gives the bucket and refuses keys that must not be sent.
func (s *Store) find(op, bucketName, key string) (*bucket, error) {
	if err := pipeline.CheckName(key); err != nil {
		return nil, err
	}
	return s.bucket(op, bucketName)
}

func (s *Store) bucket(op, name string) (*bucket, error) {
	b, ok := s.buckets[name]
	if !ok {
		e := pipeline.Errorf(pipeline.Invalid, op, name, "the bucket is not configured here")
		e.Code = pipeline.CodeUnknownBucket
		return nil, e
	}
	return b, nil
}

// timed gives the context of a request that is not a Get.
func (s *Store) timed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.opt.RequestTimeout)
}

// etag takes the quotes off.
func etag(h http.Header) string {
	return strings.Trim(strings.TrimPrefix(h.Get("ETag"), "W/"), `"`)
}
