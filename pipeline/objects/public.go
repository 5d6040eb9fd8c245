package objects

import (
	"context"
	"net/http"

	"github.com/afterput/afterput/pipeline"
)

// Public tells whether the object can be read without a signature: an unsigned HEAD on
// URL(bucket, key). An object's ACL cannot tell, because it may inherit, and a CDN has
// rules of its own (COS 436/13327). Redirects are not followed.
func (s *Store) Public(ctx context.Context, bucketName, key string) (bool, error) {
	const op = "objects.public"
	b, err := s.find(op, bucketName, key)
	if err != nil {
		return false, err
	}
	ctx, cancel := s.timed(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, s.URL(bucketName, key), http.NoBody)
	if err != nil {
		return false, pipeline.Errorf(pipeline.Invalid, op, key, "%w", bare(err))
	}
	resp, err := s.plain.Do(r)
	if err != nil {
		return false, b.failure(op, key, err)
	}
	defer resp.Body.Close() //nolint:errcheck // a HEAD has no body
	switch resp.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return false, nil
	}
	return false, b.refused(op, key, resp, "", "")
}
