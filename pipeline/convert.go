package pipeline

import (
	"bytes"
	"context"
	"errors"
	"slices"
)

// Converter is what Objects is too where the store itself can make JPEGs of images that no
// engine of ours decodes.
type Converter interface {
	// Converts tells whether it may be asked to for the files of a bucket.
	Converts(bucket string) bool
	// Convert reads an image as an upright JPEG that fits into a square of side pixels; one
	// that the store cannot convert is an error of class Invalid.
	Convert(ctx context.Context, bucket, key string, side int) ([]byte, error)
}

// convertible are the types that only a Converter makes thumbnails of.
var convertible = []string{"image/heic", "image/avif"}

// converter gives the Converter for an upload; nil where the engine has to do.
func converter(store Objects, u Upload) Converter {
	if c, ok := store.(Converter); ok && slices.Contains(convertible, u.Content.Type) && c.Converts(u.Bucket) {
		return c
	}
	return nil
}

// thumbnailsOf makes thumbnails of the content that the check saw.
func thumbnailsOf(ctx context.Context, store Objects, engine Thumbnailer, u Upload, presets []Preset) ([]Thumbnail, error) {
	if c := converter(store, u); c != nil {
		return convert(ctx, store, c, engine, u, presets)
	}
	_, body, err := store.Get(ctx, u.Bucket, u.Key, ReadOptions{IfMatch: u.Content.ETag})
	if err != nil {
		return nil, wrap(Transient, "thumbnail.read", u.Key, err)
	}
	defer func() { _ = body.Close() }()
	return engine.Thumbnails(ctx, body, u.Content.Facts, u.Content.Size, presets)
}

// convert makes thumbnails of a JPEG that the store made. What it cannot convert is as good
// as it was: it has no thumbnails.
func convert(
	ctx context.Context, store Objects, c Converter, engine Thumbnailer, u Upload, presets []Preset,
) ([]Thumbnail, error) {
	side := 0
	for _, p := range presets {
		side = max(side, p.Width, p.Height)
	}
	jpeg, err := c.Convert(ctx, u.Bucket, u.Key, 2*side) // twice, so that a filter has something to do, and for fill
	if ClassOf(err) == Invalid {
		return nil, &Error{Class: Invalid, Op: "thumbnail.convert", Key: u.Key, Code: CodeTypeNotAllowed, Err: err}
	}
	if err != nil {
		return nil, err
	}
	// A conversion takes no If-Match and tells no ETag of the original.
	info, err := store.Head(ctx, u.Bucket, u.Key)
	if err != nil {
		return nil, err
	}
	if info.ETag != u.Content.ETag {
		return nil, Errorf(Superseded, "thumbnail.convert", u.Key, "the object has another ETag than the check saw")
	}
	made, err := engine.Thumbnails(ctx, bytes.NewReader(jpeg), Facts{Type: "image/jpeg"}, int64(len(jpeg)), presets)
	if ClassOf(err) == Invalid {
		return nil, &Error{
			Class: Invalid, Op: "thumbnail.convert", Key: u.Key, Code: CodeTypeNotAllowed,
			Err: errors.New("the JPEG that the store made: " + err.Error()),
		}
	}
	return made, err
}
