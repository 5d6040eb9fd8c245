package sign

import (
	"regexp"
	"strings"

	"github.com/afterput/afterput/pipeline"
)

// extensions are those that files of a type have. A type that is not here cannot be
// signed for.
func extensions(mime string) []string {
	switch mime {
	case "image/jpeg":
		return []string{"jpg", "jpeg", "jpe"}
	case "image/png":
		return []string{"png"}
	case "image/gif":
		return []string{"gif"}
	case "image/webp":
		return []string{"webp"}
	case "image/heic":
		return []string{"heic", "heif"}
	case "image/avif":
		return []string{"avif"}
	case "image/bmp":
		return []string{"bmp"}
	case "image/tiff":
		return []string{"tif", "tiff"}
	case "video/mp4":
		return []string{"mp4", "m4v"}
	case "video/quicktime":
		return []string{"mov"}
	case "video/3gpp":
		return []string{"3gp"}
	case "video/webm":
		return []string{"webm"}
	case "video/x-matroska":
		return []string{"mkv"}
	}
	return nil
}

// extensionsOf gives the extensions of types with the largest size of a file in bytes.
func extensionsOf(types []string, image, video int64) map[string]int64 {
	list := make(map[string]int64)
	for _, mime := range types {
		limit := image
		if strings.HasPrefix(mime, "video/") {
			limit = video
		}
		for _, ext := range extensions(mime) {
			list[ext] = limit
		}
	}
	return list
}

var plainExtension = regexp.MustCompile(`^[A-Za-z0-9]{1,10}$`)

// extension gives the extension as the key has it, and the largest size in bytes. A
// client that finds no dot in a path sends the whole path: that is INVALID_EXTENSION.
func (s *Signer) extension(bucket, raw string) (ext string, limit int64, err error) {
	if !plainExtension.MatchString(raw) {
		return "", 0, refuse(pipeline.Invalid, codeInvalidExtension,
			"ext is %q: want 1 to 10 letters or digits without the dot, such as jpg", clip(raw))
	}
	ext = strings.ToLower(raw)
	if limit = s.extensions[bucket][ext]; limit == 0 {
		return "", 0, refuse(pipeline.Invalid, codeExtensionNotAllowed, "check.types of the bucket lists no type with the extension %q", ext)
	}
	return ext, limit, nil
}
