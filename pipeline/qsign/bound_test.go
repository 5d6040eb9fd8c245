package qsign_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/qsign"
)

// TestBound: nothing holds longer than the key that signs it.
func TestBound(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	window := qsign.Valid(now, time.Hour)
	for _, tt := range []struct {
		name    string
		expires time.Time
		want    qsign.Window
	}{
		{"never", time.Time{}, window},
		{"later", now.Add(2 * time.Hour), window},
		{"earlier", now.Add(time.Minute), qsign.Valid(now, time.Minute)},
		{"before it begins", now.Add(-time.Minute), qsign.Valid(now.Add(-time.Minute), 0)},
	} {
		key := qsign.Key{ID: "AKID", Secret: "s", Token: "t", Expires: tt.expires}
		require.Equal(t, tt.want, key.Bound(window), tt.name)
		require.Contains(t, qsign.Authorization(key, qsign.Request{Method: http.MethodPut, Path: "/k"}, window), "q-key-time="+tt.want.String()+"&", tt.name)
		u, err := url.Parse(qsign.PresignURL(key, http.MethodGet, &url.URL{Scheme: "https", Host: "h", Path: "/k"}, window))
		require.NoError(t, err)
		require.Equal(t, tt.want.String(), u.Query().Get("q-sign-time"), tt.name)
		form, err := qsign.SignPolicy(key, qsign.Policy{Expiration: now.Add(time.Hour)}, window)
		require.NoError(t, err)
		require.Equal(t, tt.want.String(), form.KeyTime, tt.name)
		lookup := func(string) (string, bool) { return "s", true }
		policy, err := qsign.VerifyPolicy(form, lookup, tt.want.Start)
		require.NoError(t, err, tt.name)
		require.False(t, policy.Expiration.After(tt.want.End), tt.name)
	}
}
