package wire

import (
	"context"
	"strings"

	"github.com/afterput/afterput/pipeline/tempurl"
	"github.com/afterput/afterput/producer"
)

// registerTempURLs mounts the door that answers under which URLs files can be fetched.
func (a *App) registerTempURLs(mux producer.Mux, api *producer.API) error {
	c := a.Config.TempURL
	urls, err := tempurl.NewService(tempurl.Options{
		Buckets: a.Buckets, Source: a.urls(), Visible: a.visibility(),
		Exists: func(ctx context.Context, bucket, key string) error {
			_, err := a.Objects.Head(ctx, bucket, key)
			return err
		},
		Cache: a.Cache, Known: a.Ledger.UploadsByID, Original: a.original,
		PublicTTL: c.PublicTTL, PrivateTTL: c.PrivateTTL, MissTTL: c.MissTTL, Observe: a.Metrics.Lookup, Logger: a.Log,
	})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, urls.Close)
	api.RegisterTempURLs(mux, urls)
	return nil
}

// original gives the key whose thumbnail a key of a bucket is, or "".
func (a *App) original(bucket, key string) string {
	opt := a.thumbnailOptions(bucket)
	for _, p := range opt.Presets {
		before, after, _ := strings.Cut(opt.Key(p.Name, "\x00"), "\x00")
		if rest, ok := strings.CutPrefix(key, before); ok {
			if original, ok := strings.CutSuffix(rest, after); ok && original != "" {
				return original
			}
		}
	}
	return ""
}
