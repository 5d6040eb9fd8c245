// Package thumb makes thumbnails: read, decode, orient, resize, encode, all within a
// budget of bytes.
//
// Engine is a [pipeline.Thumbnailer]. The bytes of an image and what a check found out
// about it come in; JPEGs or PNGs without any metadata go out.
//
// JPEGs take the fast path. Package jpeg decodes them at 1/8, 1/4, 1/2 or 1/1, whatever the
// thumbnails need, and hands bands of planes to the filters of package resample; what comes
// out of these is turned upright, converted to sRGB where package icc knows how, and encoded
// by package jpeg. Nothing but small planes of luma and chroma ever exists, and smaller
// thumbnails are made of larger ones. So do PNGs without alpha: package png averages their
// rows as they inflate. PNGs with alpha, GIF and WebP (of animations the first frame), and
// with Options.Plain all images, take the standard path: package png for PNGs that are not
// interlaced, else the decoders of the standard library and golang.org/x/image, each called
// by name, so that nothing which registers itself as a format can be reached, and
// github.com/disintegration/imaging. [Engine.Paths] counts both.
//
// Posters are thumbnails of videos: ffmpeg takes a frame in a child process.
//
// The bytes are hostile until proven otherwise. The real decoder's header is asked before
// it decodes, since it allocates what the header says (go.dev/issue/10532, 12512, 79063).
// A panic becomes an error. imaging, which would panic in its own goroutines, sees nothing
// but images that we laid out ourselves.
//
// A profile that can be converted to sRGB is, another goes along with the thumbnail; all
// other metadata is dropped. The package imports the domain, package probe, its own
// sub-packages, imaging, x/image, x/sync and x/sys.
package thumb
