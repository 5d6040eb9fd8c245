package hooks_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

// TestObserve: what was sent is told by endpoint and class; what was not sent is not.
func TestObserve(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]pipeline.Class{
		http.StatusNoContent: "", http.StatusInternalServerError: pipeline.Transient, http.StatusTooManyRequests: pipeline.Throttled,
		http.StatusForbidden: pipeline.Denied,
	} {
		server, _ := endpoint(t, status, nil)
		var seen []hooks.Delivery
		s := newSender(t, hooks.Options{
			Name: "crm", URL: server.URL, AllowPrivate: true,
			Observe: func(_ context.Context, d hooks.Delivery) { seen = append(seen, d) },
		})
		for range 7 { // after five failures the endpoint is paused
			_, _ = s.Notify(t.Context(), outcome().Event())
		}
		want := 5
		if class == "" {
			want = 7
		}
		require.Len(t, seen, want, "%d", status)
		require.Positive(t, seen[0].Took)
		require.Equal(t, hooks.Delivery{Endpoint: "crm", Class: class, Took: seen[0].Took}, seen[0])
	}
}
