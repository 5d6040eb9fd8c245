package png

import (
	"bytes"
	"compress/zlib"
	"io"
)

// maxICC is the longest profile that is inflated, in bytes. Those for screens and cameras
// have a few thousand.
const maxICC = 1 << 20

// readICCP inflates the profile of an iCCP chunk (11.3.2.3): a name of 1..79 bytes, a zero,
// the method and the data. What is broken or too long counts as no profile, since the pixels
// do not depend on it.
func readICCP(b []byte) []byte {
	end := bytes.IndexByte(b[:min(len(b), 80)], 0)
	if end < 1 || len(b) < end+2 || b[end+1] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(b[end+2:]))
	if err != nil {
		return nil
	}
	icc, err := io.ReadAll(io.LimitReader(z, maxICC+1))
	if err != nil || len(icc) > maxICC {
		return nil
	}
	return icc
}
