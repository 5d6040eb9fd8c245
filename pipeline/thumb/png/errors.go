package png

import "errors"

// FormatError says what is wrong with a file.
type FormatError string

func (e FormatError) Error() string { return "png: " + string(e) }

// ErrUnsupported is a sound file that is read elsewhere: an interlaced one.
var ErrUnsupported = errors.New("png: interlaced")

const (
	errCut      = FormatError("the file ends early")
	errOrder    = FormatError("chunks are out of order")
	errDeflate  = FormatError("the compressed data is corrupt")
	errBlocks   = FormatError("the compressed data has more blocks than rows can need")
	errTooShort = FormatError("there is less pixel data than rows")
)
