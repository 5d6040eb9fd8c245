package e2e

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
)

// dev is killed in the middle of a run and started again on the same folder: what was
// open goes on, and the other commands find the world from its folder.
func TestE2EDevRestart(t *testing.T) {
	t.Parallel() // most of it is waiting for the signs of life to run out
	dir := t.TempDir()
	first := start(t, dir, "dev", "--listen", "127.0.0.1:0")
	c := found(t, dir)
	orders := c.plan(t, photos)
	early, late := orders[:len(orders)-1], orders[len(orders)-1:]
	require.NoError(t, c.send(t.Context(), early))
	first.kill() // most of it is open

	began := time.Now()
	totals, err := c.app.Ledger.Totals(t.Context())
	require.NoError(t, err)
	require.Positive(t, totals.Pending, "the run was over already")
	second := start(t, dir, "dev", "--listen", "127.0.0.1:0")
	again := found(t, dir)
	require.NoError(t, again.send(t.Context(), late))
	again.settled(t, orders, hang)
	t.Logf("%d steps were open; %.1f s from the kill until everything was done", totals.Pending, time.Since(began).Seconds())
	again.judge(t, orders)

	var told struct {
		Uploads []struct{ Key, State string }
	}
	out, err := command(t, dir, "explain", orders[0].id, "-o", "json").Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &told))
	require.Len(t, told.Uploads, len(orders[0].keys))
	require.Equal(t, "done", told.Uploads[0].State)
	out, err = command(t, dir, "dead", "list", "-o", "jsonl").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), `"count":0`)
	second.stop()
}

// found waits for a dev world and connects by the configuration that it left.
func found(t *testing.T, dir string) *client {
	t.Helper()
	var cfg *config.Config
	require.Eventually(t, func() bool {
		c, err := config.Load(config.Options{Path: filepath.Join(dir, ".afterput", devworld.ConfigFile)})
		cfg = c
		return err == nil && ready(cfg)
	}, 20*time.Second, 20*time.Millisecond, "dev does not answer")
	return connect(t, cfg)
}
