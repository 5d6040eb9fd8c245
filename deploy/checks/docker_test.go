package checks

import (
	"debug/elf"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maxBinary is the largest that the binary of the image may be, in bytes.
const maxBinary = 60_000_000

// TestDockerfile runs the build line of the Dockerfile. What it makes must need no loader
// and no library, because the image has none, and run without an environment.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	path := afterput(t)
	info, err := os.Stat(path)
	require.NoError(t, err)
	t.Logf("%.1f MB", float64(info.Size())/1e6)
	require.Less(t, info.Size(), int64(maxBinary))

	file, err := elf.Open(path)
	require.NoError(t, err)
	defer file.Close()
	for _, p := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, p.Type, "the binary wants a loader")
	}
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries)

	out, err := run(t, t.TempDir(), []string{}, path, "version", "--short")
	require.NoError(t, err, out)
	require.Equal(t, "1.2.3-test", strings.TrimSpace(out))
}

func TestDockerfileImage(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(deploy + "/Dockerfile")
	require.NoError(t, err)
	_, last, ok := strings.Cut(string(raw), "\nFROM scratch\n")
	require.True(t, ok, "the image begins from nothing")
	require.Contains(t, last, "\nUSER 65532:65532\n")
	require.Contains(t, last, `ENTRYPOINT ["/afterput"]`)
	require.NotContains(t, last, "RUN ", "there is no shell")
	require.Contains(t, last, "ca-certificates.crt")
}
