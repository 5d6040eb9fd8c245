package wire_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline"
)

// TestTempURLs: the door is served, reads the workers' cache, and wants the scope.
func TestTempURLs(t *testing.T) {
	t.Parallel()
	const reader, fileID = "reader-0123456789", "cloud://prod.photos-1250000000/users/o1/1.jpg"
	cfg := valid(t)
	cfg.Auth.Keys = append(cfg.Auth.Keys, config.Key{Name: "page", Secret: reader, Scopes: []string{"read"}})
	cfg.Buckets[0].Env = "prod"
	cfg.CloudBase.APIKey = "of-nobody"
	require.NoError(t, cfg.Validate())
	app := open(t, cfg)
	require.NoError(t, app.Cache.Set(t.Context(), pipeline.TempURL{FileID: fileID, URL: "https://u/1.jpg"}))
	h, err := app.Handler()
	require.NoError(t, err)
	for key, want := range map[string]string{
		reader:  `"tempFileURL":"https://u/1.jpg","maxAge":7200,"code":"SUCCESS"},{"fileID":"nothing","tempFileURL":"","maxAge":0,"code":"STORAGE_FILE_NONEXIST"}`,
		watcher: `"code":"FORBIDDEN"`,
		"":      `"code":"UNAUTHORIZED"`,
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/temp-urls", strings.NewReader(`{"fileIDs":["`+fileID+`","nothing"]}`))
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Contains(t, w.Body.String(), want)
	}
}
