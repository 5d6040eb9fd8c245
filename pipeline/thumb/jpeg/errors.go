package jpeg

import (
	"errors"
	"fmt"
)

// FormatError says why bytes are not a JPEG that can be shown: they are broken, too short,
// or cost more work than any honest file of their size.
type FormatError string

// Error gives the reason.
func (e FormatError) Error() string { return "jpeg: " + string(e) }

// ErrUnsupported is what [Header.Supported] and [Decoder.Decode] wrap for a file that may
// be sound but uses a process of T.81 that this decoder does not implement.
var ErrUnsupported = errors.New("jpeg: unsupported")

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

// errNoTable is for a scan that cannot be decoded without what the file left out.
const errNoTable = FormatError("a scan needs a Huffman table that is not defined")
