package probe

import (
	"bytes"

	"github.com/afterput/afterput/pipeline"
)

// MaxHead is the most bytes from the start of a file that Detect asks for: 1 MiB.
const MaxHead = 1 << 20

// The MIME types that Detect gives. Names are those of the IANA registry where it has
// one.
const (
	TypeJPEG      = "image/jpeg"
	TypePNG       = "image/png"
	TypeGIF       = "image/gif"
	TypeWebP      = "image/webp"
	TypeHEIC      = "image/heic"
	TypeAVIF      = "image/avif"
	TypeBMP       = "image/bmp"
	TypeTIFF      = "image/tiff"
	TypeSVG       = "image/svg+xml"
	TypeMP4       = "video/mp4"
	TypeQuickTime = "video/quicktime"
	Type3GP       = "video/3gpp"
	TypeWebM      = "video/webm"
	TypeMatroska  = "video/x-matroska"
	TypeMPEGTS    = "video/mp2t"
	TypeM4A       = "audio/mp4"
	TypePDF       = "application/pdf"
	TypeZIP       = "application/zip"
	TypePE        = "application/x-msdownload"
	TypeHTML      = "text/html"
	TypePHP       = "text/x-php"
	TypeShell     = "text/x-shellscript"
	TypeText      = "text/plain"
	TypeUnknown   = "application/octet-stream"
)

var _ pipeline.Prober = Detect

// file is what Detect was given: the first bytes and the size of the whole.
type file struct {
	head []byte
	size int64
}

// whole tells whether head holds the whole file.
func (f file) whole() bool { return int64(len(f.head)) >= f.size }

// Detect tells the facts of a file of size bytes from its first bytes, head.
//
// need is 0 when the answer is final. Otherwise a header went on beyond head: calling
// again with the first need bytes tells more. need is above len(head), at most size and
// at most MaxHead, so a loop of calls ends. The facts are usable in any case.
//
// Dimensions are pixels as stored. For GIF they cover the logical screen and the first
// frame, whichever reaches further. Foreign is looked for in the metadata of JPEG, PNG,
// GIF and WebP, and behind their end as far as head goes; ordinary phone photos with
// XMP, EXIF thumbnails, a second JPEG (MPF) or a video (motion photos) behind the image
// are clean.
func Detect(head []byte, size int64) (facts pipeline.Facts, need int) {
	if size < 0 {
		size = int64(len(head))
	}
	if int64(len(head)) > size {
		head = head[:size]
	}
	f := file{head: head, size: size}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return probeJPEG(f)
	case bytes.HasPrefix(head, []byte(pngMagic)):
		return probePNG(f)
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return probeGIF(f)
	case isRIFF(head, "WEBP"):
		return probeWebP(f)
	}
	if facts, need, ok := probeISO(f); ok {
		return facts, need
	}
	return probeOther(f), 0
}

// more gives the need for want bytes: at least twice what is there, so that a file
// cannot make the caller read in tiny steps; 0 where no more may be asked for.
func (f file) more(want int64) int {
	have, limit := int64(len(f.head)), min(f.size, MaxHead)
	if have >= limit {
		return 0
	}
	return int(min(max(want, 2*have), limit))
}

// clip gives head[from:to], as far as head goes.
func (f file) clip(from, to int64) []byte {
	n := int64(len(f.head))
	from, to = min(max(from, 0), n), min(to, n)
	if from >= to {
		return nil
	}
	return f.head[from:to]
}
