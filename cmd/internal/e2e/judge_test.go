package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"image/jpeg"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// settled waits until the ledger knows all uploads and no step is pending.
func (c *client) settled(t *testing.T, orders []order, within time.Duration) {
	t.Helper()
	want := 0
	for _, o := range orders {
		want += len(o.keys)
	}
	ctx := context.WithoutCancel(t.Context())
	ok := false
	for end := time.Now().Add(within); !ok && time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		totals, err := c.app.Ledger.Totals(ctx)
		ok = err == nil && totals.Uploads == want && totals.Pending == 0
	}
	if !ok {
		t.Fatalf("after %s not settled:\n%s", within, c.open(t))
	}
}

// open tells what is still pending, for the message of a test that failed.
func (c *client) open(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	uploads, err := c.app.Ledger.Uploads(t.Context(), "", 1000)
	require.NoError(t, err)
	for _, u := range uploads {
		steps, err := c.app.Ledger.Steps(t.Context(), u.ID)
		require.NoError(t, err)
		for _, s := range steps {
			if s.State == pipeline.Pending {
				b.WriteString(u.Key + " " + string(s.Step) + " " + s.Scope + " pending\n")
			}
		}
	}
	return b.String()
}

// judge holds the world against what was sent: every upload done, every array as
// chosen, every thumbnail there, no letter.
func (c *client) judge(t *testing.T, orders []order) {
	t.Helper()
	for _, o := range orders {
		want := make([]string, len(o.keys))
		for i, key := range o.keys {
			want[i] = "cos://" + devworld.Bucket + "/" + key
			c.judgeUpload(t, key)
		}
		require.Equal(t, want, c.images(t, o.id), "order %s", o.id)
	}
	letters, err := c.app.Ledger.Letters(t.Context(), ledger.LetterFilter{})
	require.NoError(t, err)
	require.Empty(t, letters)
}

func (c *client) judgeUpload(t *testing.T, key string) {
	t.Helper()
	id := pipeline.UploadID(devworld.Bucket, key)
	u, err := c.app.Ledger.Upload(t.Context(), id)
	require.NoError(t, err, key)
	steps, err := c.app.Ledger.Steps(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, pipeline.UploadDone, pipeline.DeriveState(u.Reason, steps), key)
	for i, p := range c.cfg.Thumbnails.Presets {
		_, body, err := c.app.Objects.Get(t.Context(), devworld.Bucket, c.app.ThumbnailKey(devworld.Bucket, p.Name, key), pipeline.ReadOptions{})
		require.NoError(t, err)
		raw, err := io.ReadAll(body)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		// Decoding takes the race detector long: each upload has its turn with another preset.
		if decode := i == int(id[0])%len(c.cfg.Thumbnails.Presets); decode {
			_, err = jpeg.Decode(bytes.NewReader(raw))
		} else {
			_, err = jpeg.DecodeConfig(bytes.NewReader(raw))
			require.True(t, bytes.HasSuffix(raw, []byte{0xff, 0xd9}), "%s of %s ends early", p.Name, key)
		}
		require.NoError(t, err, "%s of %s", p.Name, key)
	}
}

// images reads an order's array as the shop does.
func (c *client) images(t *testing.T, order string) []string {
	t.Helper()
	var raw string
	require.NoError(t, c.shop.QueryRowContext(t.Context(), "SELECT images FROM orders WHERE id = ?", order).Scan(&raw))
	var list []string
	require.NoError(t, json.Unmarshal([]byte(raw), &list), raw)
	return list
}

// judgeWebhooks sees that every upload was told of under one webhook-id.
func (w *world) judgeWebhooks(orders []order) {
	w.t.Helper()
	require.Zero(w.t, w.Hooks.Forged())
	ids := map[string][]string{}
	for _, d := range w.Hooks.Received() {
		require.Equal(w.t, "upload.done", d.Type, d.Outcome.Key)
		ids[d.Outcome.Key] = append(ids[d.Outcome.Key], d.ID)
	}
	for _, o := range orders {
		for _, key := range o.keys {
			require.Len(w.t, ids[key], 1, "webhook-ids of %s", key)
		}
	}
}

// thumbnails counts the thumbnails in the bucket.
func (w *world) thumbnails() int {
	n := 0
	for _, key := range w.COS.Keys() {
		if strings.HasPrefix(key, "thumbs/") {
			n++
		}
	}
	return n
}
