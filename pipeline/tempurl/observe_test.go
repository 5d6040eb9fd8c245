package tempurl_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/tempurl"
)

// TestObserve: each file of a question was in the cache or was not.
func TestObserve(t *testing.T) {
	t.Parallel()
	type lookup struct{ hits, misses int }
	var seen []lookup
	s := newService(t, func(o *tempurl.Options) {
		o.Observe = func(_ context.Context, hits, misses int) { seen = append(seen, lookup{hits, misses}) }
	})
	s.put("users/oX/a.jpg", pipeline.Public, "")
	s.put("users/oX/b.jpg", pipeline.Public, "")
	s.put("users/oX/private.jpg", pipeline.Private, "")
	const at = "cloud://env.b-125/users/oX/"
	s.resolve(backend, at+"a.jpg", at+"a.jpg", "no fileID")
	s.resolve(backend, at+"a.jpg", at+"b.jpg", at+"private.jpg")
	s.server.Close()
	s.resolve(backend, at+"a.jpg")
	require.Equal(t, []lookup{{0, 1}, {1, 2}, {0, 1}}, seen, "a cache that is away is as an empty one")
}
