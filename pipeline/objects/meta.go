package objects

import (
	"context"
	"strings"
)

// Metadata gives what the uploader set as x-cos-meta-*, by the whole name in lower case.
// One request; its errors are those of Head.
func (s *Store) Metadata(ctx context.Context, bucketName, key string) (map[string]string, error) {
	const op = "objects.metadata"
	b, err := s.find(op, bucketName, key)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.timed(ctx)
	defer cancel()
	resp, err := b.client.Object.Head(ctx, key, nil)
	if err != nil {
		return nil, b.failure(op, key, err)
	}
	meta := map[string]string{}
	for name := range resp.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-cos-meta-") {
			meta[lower] = resp.Header.Get(name)
		}
	}
	return meta, nil
}
