package wire

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/monitor"
	"github.com/afterput/afterput/producer/openapi/openapitest"
	"github.com/afterput/afterput/tasks/redistest"
)

// routes keeps what is mounted.
type routes []string

func (r *routes) Handle(pattern string, _ http.Handler) { *r = append(*r, pattern) }

// pages are mounted for people, and are no part of the API.
var pages = []string{monitor.Path, monitor.Path + "/"}

// TestRoutes: every door that is mounted is in the OpenAPI document, and every one of the
// document is mounted.
func TestRoutes(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Redis.URL = config.URL(redistest.Mini(t))
	cfg.Ledger.URL = config.URL("sqlite://" + filepath.Join(t.TempDir(), "ledger.db"))
	cfg.Buckets = []config.Bucket{{Name: "photos-1250000000", Region: "ap-guangzhou", SecretID: "AKIDEXAMPLE", SecretKey: "example"}}
	app, err := Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { _ = app.Close() }()
	var mounted routes
	require.NoError(t, app.mount(&mounted))
	require.Greater(t, len(mounted), 10)
	require.Subset(t, []string(mounted), pages)

	doc, err := openapitest.Load()
	require.NoError(t, err)
	for _, operation := range doc.Operations() {
		require.Contains(t, []string(mounted), operation, "it is in openapi.json, and not mounted")
	}
	for _, pattern := range mounted {
		_, path, hasMethod := strings.Cut(pattern, " ")
		switch {
		case hasMethod:
			require.Contains(t, doc.Operations(), pattern, "it is mounted, and not in openapi.json")
			require.NotEmpty(t, path)
		case pattern == "/" || slices.Contains(pages, pattern):
		default: // other methods than those of the document
			require.Contains(t, doc.Statuses("GET "+pattern), "405", "%s is mounted for every method", pattern)
		}
	}
}
