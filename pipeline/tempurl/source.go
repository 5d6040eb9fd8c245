package tempurl

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// Source finds the URLs of objects of one bucket, at most MaxBatch in one call, and answers
// by position. An error for one object has a class: Missing for one that is not there.
type Source interface {
	pipeline.URLResolver
	// PrivateURLs mints URLs that work for about ttl from now. They are secrets: never
	// cached, never logged.
	PrivateURLs(ctx context.Context, bucket string, keys []string, ttl time.Duration) ([]pipeline.ResolvedURL, error)
}

// Sources takes the Source of each bucket.
type Sources struct {
	// Default serves the buckets that ByBucket does not name. Required.
	Default  Source
	ByBucket map[string]Source
}

var _ Source = (*Sources)(nil)

// PublicURLs asks the bucket's Source.
func (s *Sources) PublicURLs(ctx context.Context, bucket string, keys []string) ([]pipeline.ResolvedURL, error) {
	return s.of(bucket).PublicURLs(ctx, bucket, keys)
}

// PrivateURLs asks the bucket's Source.
func (s *Sources) PrivateURLs(ctx context.Context, bucket string, keys []string, ttl time.Duration) ([]pipeline.ResolvedURL, error) {
	return s.of(bucket).PrivateURLs(ctx, bucket, keys, ttl)
}

func (s *Sources) of(bucket string) Source {
	if own, ok := s.ByBucket[bucket]; ok {
		return own
	}
	return s.Default
}

// COS is the Source of plain COS: plain URLs of public objects, presigned ones of private
// objects. It makes no request.
type COS struct {
	*Resolver
	signer Presigner
	now    func() time.Time
}

var _ Source = (*COS)(nil)

// NewCOS makes a COS. A nil now is time.Now.
func NewCOS(store interface {
	PublicURLer
	Presigner
}, now func() time.Time,
) *COS {
	if now == nil {
		now = time.Now
	}
	return &COS{Resolver: NewResolver(store), signer: store, now: now}
}

// PrivateURLs presigns.
func (c *COS) PrivateURLs(ctx context.Context, bucket string, keys []string, ttl time.Duration) ([]pipeline.ResolvedURL, error) {
	if len(keys) > MaxBatch {
		return nil, pipeline.Errorf(pipeline.Bug, "tempurl.presign", bucket, "%d objects in one call: at most %d", len(keys), MaxBatch)
	}
	out := make([]pipeline.ResolvedURL, len(keys))
	for i, key := range keys {
		u, err := Presign(ctx, c.signer, pipeline.FileID{Bucket: bucket, Path: key}, ttl, c.now())
		out[i] = pipeline.ResolvedURL{URL: u.URL, Expires: u.Expires, Err: err}
	}
	return out, nil
}
