package hooks_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

// TestSet: every endpoint gets the same id and body, signed with its own secret.
func TestSet(t *testing.T) {
	t.Parallel()
	shop, atShop := endpoint(t, http.StatusOK, nil)
	crm, atCRM := endpoint(t, http.StatusOK, nil)
	set, err := hooks.NewSet([]hooks.Options{
		{URL: shop.URL, Secrets: []string{secret(1)}, AllowPrivate: true},
		{Name: "crm", URL: crm.URL, Secrets: []string{secret(2)}, AllowPrivate: true},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, set.Close()) })
	for _, scope := range []string{"", "crm"} {
		sent, err := set.Notify(t.Context(), scope, outcome().Event())
		require.NoError(t, err)
		require.True(t, sent)
	}
	a, b := <-atShop, <-atCRM
	require.Equal(t, a.body, b.body)
	require.Equal(t, a.header["Webhook-Id"], b.header["Webhook-Id"])
	require.NotEqual(t, a.header["Webhook-Signature"], b.header["Webhook-Signature"])

	_, err = set.Notify(t.Context(), "removed", outcome().Event())
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err), "another worker may know it")
	require.ErrorContains(t, err, `no endpoint "removed"`)
	require.Equal(t, "crm", hooks.ScopeOf("crm"))
	require.Empty(t, hooks.ScopeOf(hooks.DefaultName))
}

func TestSetOfNone(t *testing.T) {
	t.Parallel()
	set, err := hooks.NewSet(nil)
	require.NoError(t, err)
	sent, err := set.Notify(t.Context(), "", outcome().Event())
	require.NoError(t, err)
	require.False(t, sent, "nobody subscribed")
	require.NoError(t, set.Close())
}

func TestNewSetRefuses(t *testing.T) {
	t.Parallel()
	one := hooks.Options{Name: "crm", URL: "https://h/", Secrets: []string{secret(1)}}
	_, err := hooks.NewSet([]hooks.Options{one, one})
	require.ErrorContains(t, err, `endpoint "crm": hooks: a second endpoint has this name`)
	_, err = hooks.NewSet([]hooks.Options{one, {URL: "https://h/"}})
	require.ErrorContains(t, err, `endpoint "default": hooks: the endpoint has no secret`)
}
