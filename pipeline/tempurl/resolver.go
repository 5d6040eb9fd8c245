package tempurl

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// MaxBatch is how many objects one call resolves, the limit of batchGetDownloadUrl.
const MaxBatch = 50

// PublicURLer names the plain, unsigned URL of an object: that of the default domain, of
// a CDN or of a custom domain.
type PublicURLer interface {
	URL(bucket, key string) string
}

// Resolver finds URLs of public COS objects. It makes no request: whether an object is
// public was settled by the check.
type Resolver struct {
	urls PublicURLer
}

var _ pipeline.URLResolver = (*Resolver)(nil)

// NewResolver makes a Resolver over the naming of URLs.
func NewResolver(urls PublicURLer) *Resolver { return &Resolver{urls: urls} }

// PublicURLs answers by position. The URLs do not expire by themselves. A key that is no
// object name has its own error of class Invalid; more than MaxBatch keys are a Bug.
func (r *Resolver) PublicURLs(ctx context.Context, bucket string, keys []string) ([]pipeline.ResolvedURL, error) {
	const op = "tempurl.resolve"
	if err := ctx.Err(); err != nil {
		return nil, &pipeline.Error{Class: pipeline.Transient, Op: op, Key: bucket, Err: err}
	}
	if len(keys) > MaxBatch {
		return nil, pipeline.Errorf(pipeline.Bug, op, bucket, "%d objects in one call: at most %d", len(keys), MaxBatch)
	}
	out := make([]pipeline.ResolvedURL, len(keys))
	for i, key := range keys {
		if err := pipeline.CheckName(key); err != nil {
			out[i].Err = err
			continue
		}
		if out[i].URL = r.urls.URL(bucket, key); out[i].URL == "" {
			out[i].Err = pipeline.Errorf(pipeline.Invalid, op, key, "bucket %q has no public URL", bucket)
		}
	}
	return out, nil
}

// Presigner signs a GET of an object that works from now for ttl, or until the key ends
// that signs, and tells until when.
type Presigner interface {
	PresignGet(ctx context.Context, bucket, key string, ttl time.Duration, now time.Time) (string, time.Time, error)
}

// MaxPresignTTL is the longest life of a URL that Presign mints.
const MaxPresignTTL = 24 * time.Hour

// Presign mints a URL of a private object for the one who asked, working for ttl from now
// or until the key ends. It is never cached and must not be logged. A ttl outside 1 s to MaxPresignTTL is
// Invalid.
func Presign(ctx context.Context, p Presigner, file pipeline.FileID, ttl time.Duration, now time.Time) (pipeline.TempURL, error) {
	const op = "tempurl.presign"
	name := file.String()
	if ttl < time.Second || ttl > MaxPresignTTL {
		return pipeline.TempURL{}, pipeline.Errorf(pipeline.Invalid, op, name, "a life of %s: want 1s to %s", ttl, MaxPresignTTL)
	}
	if err := pipeline.CheckName(file.Path); err != nil {
		return pipeline.TempURL{}, err
	}
	u, expires, err := p.PresignGet(ctx, file.Bucket, file.Path, ttl, now)
	if err != nil {
		return pipeline.TempURL{}, &pipeline.Error{
			Class: pipeline.ClassOf(err), Op: op, Key: name,
			Code: pipeline.CodeOf(err), RetryAfter: pipeline.RetryAfterOf(err), Err: err,
		}
	}
	return pipeline.TempURL{FileID: name, URL: u, Expires: expires}, nil
}
