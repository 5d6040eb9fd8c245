package checks

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deploy is the folder whose files are checked, and root that of the project.
const (
	deploy = ".."
	root   = "../.."
)

// tool finds a program. One that AFTERPUT_TEST_REQUIRE names must be there.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	if slices.Contains(strings.Split(os.Getenv("AFTERPUT_TEST_REQUIRE"), ","), name) {
		t.Fatalf("%s is missing and AFTERPUT_TEST_REQUIRE wants it", name)
	}
	t.Skipf("there is no %s", name)
	return ""
}

// run runs a program to its end and gives what it printed.
func run(t *testing.T, dir string, env []string, name string, args ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// binary is afterput as the Dockerfile builds it.
var binary = sync.OnceValues(func() (string, error) {
	raw, err := os.ReadFile(filepath.Join(deploy, "Dockerfile"))
	if err != nil {
		return "", err
	}
	var line string
	for text := range strings.SplitSeq(string(raw), "\n") {
		if rest, ok := strings.CutPrefix(text, "RUN "); ok && strings.Contains(rest, "go build") {
			line = rest
		}
	}
	if !strings.Contains(line, "-o /out/afterput") {
		return "", fmt.Errorf("the Dockerfile builds no /out/afterput: %q", line)
	}
	dir, err := os.MkdirTemp("", "afterput-deploy-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "afterput")
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "/out/afterput", path))
	cmd.Dir, cmd.Env = root, append(os.Environ(), "VERSION=1.2.3-test")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", line, err, out)
	}
	return path, nil
})

func afterput(t *testing.T) string {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	return path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// validate has the binary look at a configuration whose secrets are files in folder.
func validate(t *testing.T, config, folder string) {
	t.Helper()
	raw, err := os.ReadFile(config)
	require.NoError(t, err)
	dir := t.TempDir()
	secrets := map[string]string{
		"redis-url": "redis://:secret@redis:6379/0", "ledger-url": "postgres://u:p@postgres/afterput", "orders-url": "postgres://u:p@postgres/shop",
		"cos-secret-id": "AKIDexample", "cos-secret-key": "secret", "api-key": strings.Repeat("a", 32), "operator-key": strings.Repeat("b", 32),
		"hook-secret": "whsec_" + "aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2g=", "metrics-key": strings.Repeat("c", 32),
	}
	for name, text := range secrets {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	path := filepath.Join(dir, "afterput.yaml")
	text := strings.ReplaceAll(string(raw), folder, dir)
	require.NotEqual(t, string(raw), text, "%s takes its secrets from %s", config, folder)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	for _, role := range []string{"serve", "worker"} {
		out, err := run(t, dir, []string{"HOME=" + dir}, afterput(t), "-c", path, "config", "validate", "--for", role)
		require.NoError(t, err, "%s: %s", config, out)
	}
}

// queues are the names of the pools, as the binary tells them.
func queues(t *testing.T) []string {
	t.Helper()
	out, err := run(t, t.TempDir(), []string{"AFTERPUT_REDIS_URL=redis://127.0.0.1:1/0"}, afterput(t), "worker", "--help")
	require.NoError(t, err, out)
	_, list, _ := strings.Cut(out, "Runs the named pools, or all: ")
	list, _, _ = strings.Cut(list, ".")
	return strings.Split(list, ", ")
}
