package checks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSystemd has systemd itself read the units, with the binary in its place.
func TestSystemd(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze")
	dir := t.TempDir()
	units, err := filepath.Glob(filepath.Join(deploy, "systemd", "*.service"))
	require.NoError(t, err)
	require.Len(t, units, 2)
	for _, unit := range units {
		raw, err := os.ReadFile(unit)
		require.NoError(t, err)
		name := filepath.Base(unit)
		if before, ok := strings.CutSuffix(name, "@.service"); ok {
			name = before + "@thumbnails.service"
		}
		text := strings.ReplaceAll(string(raw), "/usr/local/bin/afterput", afterput(t))
		require.NotEqual(t, string(raw), text)
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		out, err := run(t, dir, os.Environ(), analyze, "verify", "--man=no", path)
		require.NoError(t, err, out)
		require.NotContains(t, out, name, "systemd has nothing to say of it: %s", out)
		out, err = run(t, dir, os.Environ(), analyze, "security", "--offline=yes", "--threshold=20", path)
		require.NoError(t, err, "exposure of at most 2.0: %s", out)
	}
}
