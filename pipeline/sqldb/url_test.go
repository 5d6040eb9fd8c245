package sqldb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/sqldb"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"sqlite://a.db", ""},
		{"postgres://u:secret@h/db", ""},
		{"postgresql://u:secret@h:5433/db?sslmode=disable", ""},
		{"mysql://u:secret@h/db", ""},
		{"mysql://u:secret@h:3307/db?tls=skip-verify", ""},
		{"mysql://u:secret@/db?socket=/run/mysqld.sock", ""},
		{"sqlite://", "there is no path"},
		{"secret", "[redacted]"},
		{"redis://u:secret@h/0", "want sqlite://"},
		{"postgres://u:secret@h:port/db", "cannot be read"},
		{"mysql://u:secret@h:port/db", "cannot be read"},
		{"mysql://u:secret@h", "names no database"},
		{"mysql://u:secret@h/db?parseTime=true", `no parameter "parseTime"`},
		{"mysql://u:secret@h/db?tls=sometimes", "tls has to be"},
	} {
		err := sqldb.Check(tt.in)
		if tt.want == "" {
			require.NoError(t, err, tt.in)
			continue
		}
		require.ErrorContains(t, err, tt.want, tt.in)
		require.NotContains(t, err.Error(), "secret", tt.in)
	}
}
