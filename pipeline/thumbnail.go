package pipeline

import (
	"context"
	"encoding/json"
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

// Key names the thumbnail of an object: {prefix}{preset}/{key}.jpg, or .png for a preset
// of that format. It follows from the configuration alone, so that a page can compute it.
func (o ThumbnailOptions) Key(preset, key string) string {
	return o.Dir(preset) + key + o.preset(preset).Format.Extension()
}

// Dir is the folder of a preset's thumbnails, with a slash at its end.
func (o ThumbnailOptions) Dir(preset string) string { return o.prefix() + preset + "/" }

// Derivative tells whether key names one of our own thumbnails.
func (o ThumbnailOptions) Derivative(key string) bool { return strings.HasPrefix(key, o.prefix()) }

func (o ThumbnailOptions) prefix() string {
	if o.Prefix == "" {
		return DefaultThumbnailPrefix
	}
	return o.Prefix
}

// preset gives the preset of a name, an empty one where it is not configured.
func (o ThumbnailOptions) preset(name string) Preset {
	for _, p := range o.Presets {
		if p.Name == name {
			return p
		}
	}
	return Preset{}
}

// skips asks a Thumbnailer before anything is read.
func skips(engine Thumbnailer, kind string) string {
	if s, ok := engine.(Selective); ok {
		return s.Skips(kind)
	}
	return SkipsAllButImages(kind)
}

// SkipsAllButImages is the Skips of a Thumbnailer that says nothing of types.
func SkipsAllButImages(kind string) string {
	if strings.HasPrefix(kind, "image/") {
		return ""
	}
	return "only images have thumbnails"
}

// MakeThumbnails converges the thumbnails of an upload: an accepted image, and a video where
// the engine takes one, has one for each preset, made from the content that the check saw;
// anything else has none. Bytes
// that cannot be decoded reject the upload. Content that changed or vanished since the
// check is an error of class Superseded: another check has to decide.
//
// kept is what an earlier run left that may still be trusted, as a regeneration passes it
// on: what it made from the same content by the same spec is not made again. Nil for none.
func MakeThumbnails(
	ctx context.Context, store Objects, engine Thumbnailer, opt ThumbnailOptions, u Upload, kept json.RawMessage,
) (StepResult, error) {
	if !u.Accepted() {
		return removeThumbnails(ctx, store, opt, u, "the file is not accepted")
	}
	if why := skips(engine, u.Content.Type); why != "" {
		return removeThumbnails(ctx, store, opt, u, why)
	}
	for _, p := range opt.Presets {
		if encodedLen(opt.Key(p.Name, u.Key)) > MaxNameBytes {
			return StepResult{State: Skipped, Detail: "the name leaves no room for the names of thumbnails"}, nil
		}
	}
	res, err := readThumbnails(kept, u.Content.ETag)
	if err != nil {
		return StepResult{}, wrap(Bug, "thumbnail.kept", u.Key, err)
	}
	presets := res.Lacks(opt.Presets)
	if len(presets) == 0 {
		return StepResult{State: Done, Result: res}, nil
	}
	made, err := thumbnailsOf(ctx, store, engine, u, presets)
	if err != nil {
		return refused(ctx, store, opt, u, err)
	}
	for i, t := range made {
		key := opt.Key(t.Preset, u.Key)
		put := PutOptions{ContentType: t.Type, CacheControl: opt.CacheControl}
		if _, err := store.Put(ctx, u.Bucket, key, t.Data, put); err != nil {
			return StepResult{}, wrap(Transient, "thumbnail.write", key, err)
		}
		old := res.replace(OutcomeThumbnail{
			Preset: t.Preset, Key: key, ContentType: t.Type, Width: t.Width, Height: t.Height, Bytes: len(t.Data),
		}, presets[i].Spec())
		if old != "" && old != key {
			if err := store.Delete(ctx, u.Bucket, old); err != nil {
				return StepResult{}, wrap(Transient, "thumbnail.delete", old, err)
			}
		}
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
	removed, rerr := removeThumbnails(ctx, store, opt, u, reason(err))
	if rerr != nil || CodeOf(err) == CodeTypeNotAllowed {
		return removed, rerr
	}
	return StepResult{State: Done, Code: CodeOf(err), Detail: err.Error()}, nil
}

// reason is what an error says, without the operation and the class before it.
func reason(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
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
