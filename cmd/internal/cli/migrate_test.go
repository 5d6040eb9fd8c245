package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, url string) {
		cfg := config.Default()
		cfg.Ledger.URL = config.URL(url)
		path := file(t, config.Encode(cfg))
		r := do(t, "migrate", "sql", "-c", path)
		require.Equal(t, exitOK, r.code, r.err)
		require.Contains(t, r.out, "uploads (")
		require.NotContains(t, r.out, "goose")

		for range 2 { // twice is once
			r = do(t, "migrate", "up", "-o", "json", "-c", path)
			require.Equal(t, exitOK, r.code, r.err)
			require.Contains(t, r.out, `_ledger.sql"`)
			require.NotContains(t, r.out, `"appliedAt":null`)
		}
		require.Equal(t, r.out, do(t, "migrate", "status", "-o", "json", "-c", path).out)
	})
}
