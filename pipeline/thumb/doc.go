// Package thumb makes thumbnails: read, decode, orient, resize, encode, all within a
// budget of pixels.
//
// Engine is a [pipeline.Thumbnailer]. The bytes of an image and what a check found out
// about it come in; JPEGs without any metadata go out, with alpha flattened on white. It
// decodes JPEG (CMYK too), PNG, GIF and WebP (of animations the first frame) with the
// decoders of the standard library and golang.org/x/image, each called by name: nothing
// that registers itself as a format can be reached.
//
// The bytes are hostile until proven otherwise. The real decoder's header is asked before
// it decodes, since it allocates what the header says (go.dev/issue/10532, 12512, 79063).
// A panic becomes an error. github.com/disintegration/imaging, which would panic in its
// own goroutines, sees nothing but images that we laid out ourselves.
//
// Colours are taken as sRGB: profiles are dropped with the rest of the metadata. The
// package imports the domain, package probe, imaging, x/image and x/sync.
package thumb
