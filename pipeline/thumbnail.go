package pipeline

import (
	"context"
	"errors"
	"strings"
)

// ThumbnailOptions are the rules of thumbnails.
type ThumbnailOptions struct {
	// Prefix is the folder of our derivatives. Default "thumbs/".
	Prefix string
	// Presets are the sizes to make.
	Presets []Preset
	// CacheControl is the header that thumbnails are stored with.
	CacheControl string
}

// DefaultThumbnailPrefix is the folder of derivatives unless it is configured.
const DefaultThumbnailPrefix = "thumbs/"

// Key names the thumbnail of an object: {prefix}{preset}/{key}.jpg. It is stable, so
// that a page can compute it.
func (o ThumbnailOptions) Key(preset, key string) string {
	prefix := o.Prefix
	if prefix == "" {
		prefix = DefaultThumbnailPrefix
	}
	return prefix + preset + "/" + key + ".jpg"
}

// Derivative tells whether key names one of our own thumbnails.
func (o ThumbnailOptions) Derivative(key string) bool {
	prefix := o.Prefix
	if prefix == "" {
		prefix = DefaultThumbnailPrefix
	}
	return strings.HasPrefix(key, prefix)
}

// ThumbnailResult is what a thumbnail step leaves behind.
type ThumbnailResult struct {
	Thumbnails []OutcomeThumbnail `json:"thumbnails"`
}

// MakeThumbnails converges the thumbnails of an upload: an accepted image has one for
// each preset, made from the content that the check saw; anything else has none. Bytes
// that cannot be decoded reject the upload. Content that changed or vanished since the
// check is an error of class Superseded: another check has to decide.
func MakeThumbnails(ctx context.Context, store Objects, engine Thumbnailer, opt ThumbnailOptions, u Upload) (StepResult, error) {
	if !u.Accepted() {
		return removeThumbnails(ctx, store, opt, u, "the file is not accepted")
	}
	if !strings.HasPrefix(u.Content.Type, "image/") {
		return removeThumbnails(ctx, store, opt, u, "only images have thumbnails")
	}
	for _, p := range opt.Presets {
		if encodedLen(opt.Key(p.Name, u.Key)) > MaxNameBytes {
			return StepResult{State: Skipped, Detail: "the name leaves no room for the names of thumbnails"}, nil
		}
	}
	_, body, err := store.Get(ctx, u.Bucket, u.Key, ReadOptions{IfMatch: u.Content.ETag})
	if err != nil {
		return StepResult{}, outdated("thumbnail.read", u.Key, err)
	}
	defer func() { _ = body.Close() }()
	made, err := engine.Thumbnails(ctx, body, u.Content.Facts, u.Content.Size, opt.Presets)
	if err != nil {
		return refused(ctx, store, opt, u, err)
	}
	res := ThumbnailResult{}
	for _, t := range made {
		key := opt.Key(t.Preset, u.Key)
		put := PutOptions{ContentType: "image/jpeg", CacheControl: opt.CacheControl}
		if _, err := store.Put(ctx, u.Bucket, key, t.JPEG, put); err != nil {
			return StepResult{}, wrap(Transient, "thumbnail.write", key, err)
		}
		res.Thumbnails = append(res.Thumbnails, OutcomeThumbnail{
			Preset: t.Preset, Key: key, Width: t.Width, Height: t.Height, Bytes: len(t.JPEG),
		})
	}
	return StepResult{State: Done, Result: res}, nil
}

// refused turns bytes that can never become a thumbnail into a rejection, and a type
// that the policy allows but the engine cannot decode into a skip. It removes the
// thumbnails of what the object held before.
func refused(ctx context.Context, store Objects, opt ThumbnailOptions, u Upload, err error) (StepResult, error) {
	if ClassOf(err) != Invalid || CodeOf(err) == "" {
		return StepResult{}, outdated("thumbnail.make", u.Key, err)
	}
	removed, rerr := removeThumbnails(ctx, store, opt, u, "the engine does not decode "+u.Content.Type)
	if rerr != nil || CodeOf(err) == CodeTypeNotAllowed {
		return removed, rerr
	}
	return StepResult{State: Done, Code: CodeOf(err), Detail: err.Error()}, nil
}

func removeThumbnails(ctx context.Context, store Objects, opt ThumbnailOptions, u Upload, why string) (StepResult, error) {
	var errs error
	for _, p := range opt.Presets {
		key := opt.Key(p.Name, u.Key)
		if err := store.Delete(ctx, u.Bucket, key); err != nil {
			errs = errors.Join(errs, wrap(Transient, "thumbnail.delete", key, err))
		}
	}
	if errs != nil {
		return StepResult{}, errs
	}
	return StepResult{State: Skipped, Detail: why}, nil
}
