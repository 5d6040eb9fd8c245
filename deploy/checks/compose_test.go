package checks

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

func TestCompose(t *testing.T) {
	t.Parallel()
	path, err := filepath.Abs(filepath.Join(deploy, "compose", "compose.yaml"))
	require.NoError(t, err)
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: filepath.Dir(path), ConfigFiles: []types.ConfigFile{{Filename: path}}, Environment: types.Mapping{},
	}, func(o *loader.Options) { o.SetProjectName("afterput", true) })
	require.NoError(t, err)

	var served []string
	for _, s := range project.Services {
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				_, err := os.Stat(v.Source)
				require.NoError(t, err, s.Name)
			}
		}
		for _, p := range s.Ports {
			require.Equal(t, "127.0.0.1", p.HostIP, "%s is for this machine", s.Name)
		}
		if s.Image != "afterput" {
			continue
		}
		require.True(t, s.ReadOnly, s.Name)
		require.Equal(t, "45s", s.StopGracePeriod.String())
		if s.Command[0] == "worker" {
			require.Equal(t, "--pool", s.Command[1])
			served = append(served, strings.Split(s.Command[2], ",")...)
		}
	}
	slices.Sort(served)
	want := queues(t)
	slices.Sort(want)
	require.Equal(t, want, served, "each pool is served once")
	validate(t, filepath.Join(deploy, "compose", "afterput.yaml"), "/run/secrets")
	checkSecrets(t, project)
}

// checkSecrets holds that secrets.sh makes what compose.yaml names, and asks for the rest.
func checkSecrets(t *testing.T, project *types.Project) {
	t.Helper()
	dir := t.TempDir()
	script, err := os.ReadFile(filepath.Join(deploy, "compose", "secrets.sh"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secrets.sh"), script, 0o700)) //nolint:gosec // it is run
	out, err := run(t, dir, os.Environ(), "bash", "secrets.sh")
	require.Error(t, err)
	require.Contains(t, out, "cos-secret-id cos-secret-key orders-url")
	for _, name := range []string{"cos-secret-id", "cos-secret-key", "orders-url"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "secrets", name), []byte("postgres://u:p@h/shop"), 0o600))
	}
	before, err := os.ReadFile(filepath.Join(dir, "secrets", "api-key"))
	require.NoError(t, err)
	out, err = run(t, dir, os.Environ(), "bash", "secrets.sh")
	require.NoError(t, err, out)
	after, err := os.ReadFile(filepath.Join(dir, "secrets", "api-key"))
	require.NoError(t, err)
	require.Equal(t, before, after, "what exists stays")
	for name, s := range project.Secrets {
		info, err := os.Stat(filepath.Join(dir, "secrets", filepath.Base(s.File)))
		require.NoError(t, err, name)
		require.Positive(t, info.Size(), name)
	}
}
