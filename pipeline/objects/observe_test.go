package objects_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// calls keeps what a Store tells of its requests.
type calls struct {
	mu  sync.Mutex
	all []objects.Call
}

func (c *calls) observe(_ context.Context, call objects.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, call)
}

// take gives what was told since the last time, without the durations.
func (c *calls) take(t *testing.T) []objects.Call {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.all
	for i := range out {
		require.Positive(t, out[i].Took)
		out[i].Took = 0
	}
	c.all = nil
	return out
}

// TestObserve: each request is told once, by what it was for and what came back.
func TestObserve(t *testing.T) {
	t.Parallel()
	var seen calls
	w := open(t, coslocal.Options{}, objects.Options{Observe: seen.observe})
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		call func() error
		want []objects.Call
	}{
		{"put", func() error {
			_, err := w.store.Put(ctx, bucket, "imageMogr2/a.jpg", samples.Photo(samples.Options{Width: 20, Height: 10}), pipeline.PutOptions{})
			return err
		}, []objects.Call{{Op: "put", Status: 200}}},
		{"get", func() error { _, err := w.get(ctx, "imageMogr2/a.jpg"); return err }, []objects.Call{{Op: "get", Status: 200}}},
		{"get nothing", func() error { _, err := w.get(ctx, "none"); return err }, []objects.Call{{Op: "get", Status: 404}}},
		{"range", func() error {
			_, body, err := w.store.Get(ctx, bucket, "imageMogr2/a.jpg", pipeline.ReadOptions{Length: 4})
			if err == nil {
				err = body.Close()
			}
			return err
		}, []objects.Call{{Op: "get", Status: 206}}},
		{"head", func() error { _, err := w.store.Head(ctx, bucket, "none"); return err }, []objects.Call{{Op: "head", Status: 404}}},
		{"public", func() error { _, err := w.store.Public(ctx, bucket, "imageMogr2/a.jpg"); return err }, []objects.Call{{Op: "public", Status: 403}}},
		{"list", func() error { _, err := w.store.List(ctx, bucket, "", "", 1); return err }, []objects.Call{{Op: "list", Status: 200}}},
		{"convert", func() error { _, err := w.store.Convert(ctx, bucket, "imageMogr2/a.jpg", 10); return err }, []objects.Call{{Op: "convert", Status: 200}}},
		{"delete", func() error { return w.store.Delete(ctx, bucket, "imageMogr2/a.jpg") }, []objects.Call{{Op: "delete", Status: 204}}},
	} {
		err := tt.call()
		require.Equal(t, tt.want, seen.take(t), "%s: %v", tt.name, err)
		require.Contains(t, objects.Ops(), tt.want[0].Op)
	}
}

// TestObserveNoAnswer: a request that nobody answers has no status.
func TestObserveNoAnswer(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	var seen calls
	store, err := objects.New(objects.Options{Observe: seen.observe, Buckets: []objects.BucketOptions{{
		Name: bucket, Endpoint: "http://" + ln.Addr().String(), SecretID: secretID, SecretKey: secretKey,
	}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	_, err = store.Head(t.Context(), bucket, "k")
	require.Error(t, err)
	require.Equal(t, []objects.Call{{Op: "head"}}, seen.take(t))
}
