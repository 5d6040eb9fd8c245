package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Nothing starts where whoever reaches the machine could upload without a key.
func TestSignWithoutKeyOnlyOnLoopback(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "afterput.yaml")
	require.NoError(t, os.WriteFile(path, []byte("http: {listen: ':3000'}\nsign: {auth: none, devOwner: oDev}\n"), 0o600))
	for _, args := range [][]string{{"serve"}, {"worker"}, {"config", "validate"}} {
		r := do(t, append(args, "-c", path)...)
		require.Equal(t, exitConfig, r.code, "%v: %s", args, r.err)
		require.Contains(t, r.err+r.out, "sign.auth is none, so that whoever reaches :3000 could upload")
		require.Contains(t, r.err+r.out, "set it to key, or http.listen to 127.0.0.1:3000")
	}
}
