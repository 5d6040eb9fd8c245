package objects

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/qsign"
)

// DefaultEndpoint is where COS serves a bucket (COS 436/6224).
const DefaultEndpoint = "https://{bucket}.cos.{region}.myqcloud.com"

// Options configure a Store. The zero value of every duration means its default.
type Options struct {
	// Buckets are the buckets to serve; at least one.
	Buckets []BucketOptions
	// DialTimeout bounds a TCP connect. Defaults to 5 s.
	DialTimeout time.Duration
	// TLSTimeout bounds a TLS handshake. Defaults to 5 s.
	TLSTimeout time.Duration
	// HeaderTimeout bounds the wait for the first byte of an answer once the request is
	// sent. Defaults to 15 s.
	HeaderTimeout time.Duration
	// IdleTimeout bounds how long a body that is being read may stay without progress,
	// which is 16 KiB or the rest of the body. Time that the reader spends elsewhere
	// does not count. Defaults to 15 s.
	IdleTimeout time.Duration
	// RequestTimeout bounds a whole request that is not a Get. Defaults to 60 s.
	RequestTimeout time.Duration
	// MaxIdleConns is how many idle connections are kept per bucket. Defaults to 64;
	// it should not be below the number of concurrent steps.
	MaxIdleConns int
	// Observe is told of each request once its answer has begun, or none has come. Nil tells
	// nobody.
	Observe func(ctx context.Context, c Call)
	// Now is the clock that signatures are made with. Defaults to time.Now.
	Now func() time.Time
}

// BucketOptions describe one bucket. They print without their secrets.
type BucketOptions struct {
	// Name is the full name with the appid: photos-1250000000.
	Name string
	// Region is the region, such as ap-guangzhou. It may be empty where the endpoint
	// does not name it.
	Region string
	// Endpoint is the URL that requests go to, in which {bucket} and {region} are
	// replaced. Defaults to DefaultEndpoint.
	Endpoint string
	// PublicBase is the URL under which the files of the bucket are handed out when they
	// are public, such as a CDN's; {bucket} and {region} are replaced. Defaults to the
	// endpoint.
	PublicBase string
	// SecretID and SecretKey sign the requests, unless there are Keys.
	SecretID, SecretKey string
	// SessionToken belongs to a temporary key; empty for a permanent one. Expires is when
	// that ends; zero where it is not known.
	SessionToken string
	Expires      time.Time
	// Keys gives the key of each request instead; nil for the one above.
	Keys Keys
	// Env is the CloudBase environment that owns the bucket; empty for plain COS.
	Env string
	// Processing lets COS be asked to convert images of the bucket (CI), which is paid by use.
	Processing bool
	// Uploads gives the permission for each object that is put into a bucket of CloudBase:
	// only objects that are put by it have the metadata that the environment's clients need
	// for a download URL. Nil puts objects by the bucket's own key, without it.
	Uploads Uploads
}

// Keys gives keys that change: *credentials.Process.
type Keys interface {
	// Key gives a key that holds now. Its errors have a class.
	Key(ctx context.Context) (qsign.Key, error)
	// Forget lets go of the key of a SecretID, because COS says that it has ended. It is
	// false where no other one will come.
	Forget(secretID string) bool
}

// Uploads asks the gateway of an environment: *cloudbase.Client.
type Uploads interface {
	Upload(ctx context.Context, id pipeline.FileID, size int64, contentType string) (cloudbase.Upload, error)
}

// String names the bucket only.
func (o BucketOptions) String() string { return "bucket " + o.Name }

// GoString names the bucket only.
func (o BucketOptions) GoString() string {
	return fmt.Sprintf("objects.BucketOptions{Name:%q, Region:%q}", o.Name, o.Region)
}

// LogValue names the bucket only.
func (o BucketOptions) LogValue() slog.Value { return slog.StringValue(o.Name) }

func (o Options) withDefaults() Options {
	or := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	or(&o.DialTimeout, 5*time.Second)
	or(&o.TLSTimeout, 5*time.Second)
	or(&o.HeaderTimeout, 15*time.Second)
	or(&o.IdleTimeout, 15*time.Second)
	or(&o.RequestTimeout, 60*time.Second)
	if o.MaxIdleConns <= 0 {
		o.MaxIdleConns = 64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// urls gives the endpoint and the public base.
func (o BucketOptions) urls() (endpoint, public *url.URL, err error) {
	text := o.Endpoint
	if text == "" {
		text = DefaultEndpoint
	}
	if o.Region == "" && strings.Contains(text, "{region}") {
		return nil, nil, fmt.Errorf("objects: bucket %q: region is empty", o.Name)
	}
	if endpoint, err = o.fill("endpoint", text); err != nil {
		return nil, nil, err
	}
	if endpoint.Path != "" || endpoint.RawQuery != "" {
		return nil, nil, fmt.Errorf("objects: bucket %q: endpoint must have no path and no query", o.Name)
	}
	if !(&cos.BaseURL{BucketURL: endpoint}).Check() {
		return nil, nil, fmt.Errorf("objects: bucket %q: endpoint %s is not one of COS: check bucket and region", o.Name, endpoint)
	}
	if o.PublicBase == "" {
		return endpoint, endpoint, nil
	}
	public, err = o.fill("public base", o.PublicBase)
	return endpoint, public, err
}

func (o BucketOptions) fill(what, text string) (*url.URL, error) {
	text = strings.NewReplacer("{bucket}", o.Name, "{region}", o.Region).Replace(strings.TrimSuffix(text, "/"))
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("objects: bucket %q: %s is not an http or https URL", o.Name, what)
	}
	return u, nil
}

func (o BucketOptions) check() error {
	switch {
	case o.Name == "":
		return errors.New("objects: a bucket has no name")
	case o.Keys != nil:
		return nil
	case o.SecretID == "" || o.SecretKey == "":
		return fmt.Errorf("objects: bucket %q: SecretID or SecretKey is empty", o.Name)
	case strings.TrimSpace(o.SecretID) != o.SecretID || strings.TrimSpace(o.SecretKey) != o.SecretKey:
		return fmt.Errorf("objects: bucket %q: SecretID or SecretKey has a space around it", o.Name)
	}
	return nil
}

// keys gives the bucket's keys.
func (o BucketOptions) keys() *keyring {
	own := fixed{ID: o.SecretID, Secret: o.SecretKey, Token: o.SessionToken, Expires: o.Expires}
	if o.Keys != nil {
		return &keyring{Keys: o.Keys}
	}
	return &keyring{Keys: own}
}
