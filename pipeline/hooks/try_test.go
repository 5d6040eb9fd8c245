package hooks_test

import (
	"net/http"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/hooks"
)

// TestTry: the event is signed and as the schema says, and nothing is changed by the answer.
func TestTry(t *testing.T) {
	t.Parallel()
	server, got := endpoint(t, http.StatusAccepted, nil)
	kept := &book{disabled: map[string]string{"crm": "410"}}
	s := newSender(t, hooks.Options{Name: "crm", URL: server.URL, AllowPrivate: true, Book: kept})
	tried, err := s.Try(t.Context())
	require.NoError(t, err, "also where the endpoint is disabled")
	require.Equal(t, http.StatusAccepted, tried.Status)
	r := <-got
	require.Equal(t, tried.ID, r.header.Get("Webhook-Id"))
	require.True(t, strings.HasPrefix(tried.ID, "test."))
	require.NoError(t, validate(t, r.body))
	require.Contains(t, string(r.body), `"type":"afterput.test"`)
	w, err := standardwebhooks.NewWebhook(secret(1))
	require.NoError(t, err)
	require.NoError(t, w.Verify(r.body, r.header))
	again, err := s.Try(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, tried.ID, again.ID, "each test is another event")

	gone, _ := endpoint(t, http.StatusGone, nil)
	s = newSender(t, hooks.Options{Name: "shop", URL: gone.URL, AllowPrivate: true, Book: kept})
	tried, err = s.Try(t.Context())
	require.ErrorContains(t, err, "410")
	require.Equal(t, http.StatusGone, tried.Status)
	require.NotContains(t, kept.disabled, "shop", "a test disables nothing")
	gone.Close()
	tried, err = s.Try(t.Context())
	require.Error(t, err)
	require.Zero(t, tried.Status)
}
