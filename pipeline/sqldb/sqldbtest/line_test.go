package sqldbtest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// A line that is cut ends what went through it and lets nobody in until it is joined.
func TestLine(t *testing.T) {
	t.Parallel()
	line, behind, err := Through(t.Context(), Postgres(t))
	require.NoError(t, err)
	t.Cleanup(line.Close)
	dial := func() (*pgx.Conn, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return pgx.Connect(ctx, behind)
	}
	conn, err := dial()
	require.NoError(t, err)
	var port int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT inet_client_port()").Scan(&port))
	require.Equal(t, []int{port}, line.Ports())

	line.Cut()
	require.Error(t, conn.Ping(t.Context()))
	_, err = dial()
	require.Error(t, err)
	line.Join()
	conn, err = dial()
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}
