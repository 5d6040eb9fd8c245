package pipeline

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Policy is what a check allows.
type Policy struct {
	// Types are the allowed MIME types.
	Types []string
	// MaxImageBytes and MaxVideoBytes limit the size by type.
	MaxImageBytes, MaxVideoBytes int64
	// MaxPixels limits width x height of an image.
	MaxPixels int64
	// MaxFrames limits the frames of an animation.
	MaxFrames int
	// AnyExtension allows a name whose extension is of another family than its content,
	// such as a video named .jpg.
	AnyExtension bool
	// AllowForeign allows a file that holds other content, such as HTML in a comment.
	AllowForeign bool
}

// Judge tells why content under this name is rejected: a code and the reason in words;
// an empty code accepts it.
func (p Policy) Judge(name string, size int64, f Facts) (Code, string) {
	image := strings.HasPrefix(f.Type, "image/")
	video := strings.HasPrefix(f.Type, "video/")
	switch {
	case size == 0:
		return CodeEmptyFile, "the file has no bytes"
	case !slices.Contains(p.Types, f.Type):
		return CodeTypeNotAllowed, fmt.Sprintf("the content is %s, which is not allowed", f.Type)
	case image && size > p.MaxImageBytes:
		return CodeTooLarge, fmt.Sprintf("the image has %d bytes, the limit is %d", size, p.MaxImageBytes)
	case video && size > p.MaxVideoBytes:
		return CodeTooLarge, fmt.Sprintf("the video has %d bytes, the limit is %d", size, p.MaxVideoBytes)
	case image && int64(f.Width)*int64(f.Height) > p.MaxPixels:
		return CodeTooManyPixels, fmt.Sprintf("the header claims %d x %d pixels, the limit is %d pixels", f.Width, f.Height, p.MaxPixels)
	case image && (f.Width == 0 || f.Height == 0):
		return CodeCorruptFile, "the header of the image tells no size"
	case f.Frames > p.MaxFrames:
		return CodeTooManyFrames, fmt.Sprintf("the animation has %d frames or more, the limit is %d", f.Frames, p.MaxFrames)
	case f.Truncated:
		return CodeCorruptFile, "the file ends before its header says"
	case f.Foreign != "" && !p.AllowForeign:
		return CodePolyglot, fmt.Sprintf("the file holds %s as well", f.Foreign)
	case !p.AnyExtension && extensionFamily(name) != "" && extensionFamily(name) != family(f.Type):
		return CodeExtensionMismatch, fmt.Sprintf("the content is %s under the extension %s", f.Type, path.Ext(name))
	}
	return "", ""
}

func family(mime string) string {
	major, _, _ := strings.Cut(mime, "/")
	return major
}

// extensionFamily is image or video for the extensions we know, "" for all others.
func extensionFamily(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".jpe", ".png", ".gif", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff":
		return "image"
	case ".mp4", ".m4v", ".mov", ".webm", ".avi", ".mkv", ".3gp":
		return "video"
	case ".html", ".htm", ".js", ".svg", ".php", ".exe", ".sh", ".pdf", ".zip":
		return "other"
	}
	return ""
}
