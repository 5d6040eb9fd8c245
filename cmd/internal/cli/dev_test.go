package cli

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// dev stays up, takes what enqueue announces, and ends at once when it is interrupted.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, interrupt := context.WithCancelCause(context.WithoutCancel(t.Context()))
	ended := make(chan result, 1)
	go func() {
		var out, errs bytes.Buffer
		code := run(ctx, []string{"dev", "--dir", dir, "--listen", "127.0.0.1:0"}, nil, strings.NewReader(""), &out, &errs)
		ended <- result{code, out.String(), errs.String()}
	}()
	defer interrupt(errInterrupted)
	path := filepath.Join(dir, devworld.ConfigFile)
	cfg := up(t, path)
	put(t, cfg, "users/o1/1.jpg", samples.Photo(samples.Options{Width: 320, Height: 240, Seed: 1}))
	put(t, cfg, "users/o1/2.jpg", samples.HTML())

	r := do(t, "enqueue", "users/o1/1.jpg", "users/o1/2.jpg", "--wait", "30s", "--no-headers", "--fields", "key,state", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, "users/o1/1.jpg\tdone\nusers/o1/2.jpg\trejected\n", r.out)
	r = do(t, "explain", "users/o1/2.jpg", "-c", path)
	require.Contains(t, r.out, "rejected (TYPE_NOT_ALLOWED)")

	interrupt(errInterrupted)
	select {
	case r := <-ended:
		require.Equal(t, exitOK, r.code, r.err)
		require.Empty(t, r.out, "addresses are for people")
		require.Contains(t, r.err, "monitor  http://127.0.0.1:")
		require.Contains(t, r.err, "/post-policy?ext=jpg   (no key: every file is oDev's)")
		require.Contains(t, r.err, "worker stopped")
		require.Contains(t, r.err, "key=users/o1/1.jpg")
	case <-time.After(30 * time.Second):
		t.Fatal("dev has not ended")
	}
}

// up waits until a world answers and gives its configuration.
func up(t *testing.T, path string) *config.Config {
	t.Helper()
	var cfg *config.Config
	require.Eventually(t, func() bool {
		c, err := config.Load(config.Options{Path: path})
		if err != nil {
			return false
		}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+c.HTTP.Listen+"/readyz", nil)
		if err != nil {
			return false
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		cfg = c
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}, 20*time.Second, 20*time.Millisecond, "dev does not answer")
	return cfg
}

func put(t *testing.T, cfg *config.Config, key string, body []byte) {
	t.Helper()
	app, err := wire.Open(t.Context(), cfg, discard())
	require.NoError(t, err)
	defer func() { _ = app.Close() }()
	_, err = app.Objects.Put(t.Context(), devworld.Bucket, key, body, pipeline.PutOptions{})
	require.NoError(t, err)
}
