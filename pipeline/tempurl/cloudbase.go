package tempurl

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
)

// Downloads gives the URLs of fileIDs by position, at most 50: *cloudbase.Client.
type Downloads interface {
	Downloads(ctx context.Context, fileIDs []string) ([]cloudbase.Download, error)
}

// CloudBase is the Source of a bucket that belongs to a CloudBase environment, by the
// environment's gateway.
type CloudBase struct {
	gateway Downloads
	bucket  pipeline.Bucket
	now     func() time.Time
}

var _ Source = (*CloudBase)(nil)

// NewCloudBase makes a CloudBase for one bucket. A nil now is time.Now.
func NewCloudBase(gateway Downloads, bucket pipeline.Bucket, now func() time.Time) *CloudBase {
	if now == nil {
		now = time.Now
	}
	return &CloudBase{gateway, bucket, now}
}

// PublicURLs asks the gateway. A URL without a signature does not expire.
func (c *CloudBase) PublicURLs(ctx context.Context, bucket string, keys []string) ([]pipeline.ResolvedURL, error) {
	return c.resolve(ctx, bucket, keys, time.Time{})
}

// PrivateURLs asks the gateway, which decides for how long they work; where it does not
// tell, they are taken to work for ttl.
func (c *CloudBase) PrivateURLs(ctx context.Context, bucket string, keys []string, ttl time.Duration) ([]pipeline.ResolvedURL, error) {
	return c.resolve(ctx, bucket, keys, c.now().Add(ttl))
}

func (c *CloudBase) resolve(ctx context.Context, bucket string, keys []string, unknown time.Time) ([]pipeline.ResolvedURL, error) {
	const op = "tempurl.cloudbase"
	if bucket != c.bucket.Name {
		return nil, pipeline.Errorf(pipeline.Bug, op, bucket, "the source is that of bucket %q", c.bucket.Name)
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = c.bucket.FileID(key).String()
	}
	found, err := c.gateway.Downloads(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]pipeline.ResolvedURL, len(found))
	for i, d := range found {
		out[i] = pipeline.ResolvedURL{URL: d.URL, Expires: d.Expires, Err: d.Err}
		switch {
		case d.Err != nil:
		case d.Expires.IsZero() && d.Signed && unknown.IsZero():
			out[i].Expires = c.now() // signed, for nobody knows how long: not to be kept
		case d.Expires.IsZero():
			out[i].Expires = unknown
		}
	}
	return out, nil
}
