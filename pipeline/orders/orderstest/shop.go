package orderstest

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/sqldb"
)

// Shop makes the database of a business in a folder of the test, with an empty table
// orders (id, openid, images, updated_at), and gives its URL.
func Shop(t testing.TB) string {
	t.Helper()
	url := "sqlite://" + filepath.Join(t.TempDir(), "orders.db")
	db, err := sqldb.Create(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.SQL().ExecContext(t.Context(),
		"CREATE TABLE orders (id TEXT PRIMARY KEY, openid TEXT NOT NULL, images TEXT NOT NULL DEFAULT '[]', updated_at TEXT)")
	require.NoError(t, err)
	return url
}
