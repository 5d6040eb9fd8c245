package jpeg

import "bytes"

// MaxICC is the largest colour profile that is kept, in bytes. The profiles of cameras
// have less than a kilobyte, those of printing presses up to three megabytes.
const MaxICC = 4 << 20

var iccSignature = []byte("ICC_PROFILE\x00")

// iccParts collects the parts of a profile, each in an APP2 segment of its own that says
// which of how many it is (ICC.1:2022, B.4).
type iccParts struct {
	count int // that the first part announces; 0 is none yet
	size  int
	parts [][]byte // by number, from 0
	bad   bool
}

func (c *iccParts) add(p []byte) {
	if c.bad || len(p) < len(iccSignature)+2 || !bytes.HasPrefix(p, iccSignature) {
		return
	}
	number, count := int(p[len(iccSignature)]), int(p[len(iccSignature)+1])
	p = p[len(iccSignature)+2:]
	if c.count == 0 {
		c.count, c.parts = count, make([][]byte, count)
	}
	c.size += len(p)
	if count != c.count || number == 0 || number > count || c.parts[number-1] != nil || c.size > MaxICC {
		c.bad = true
		return
	}
	c.parts[number-1] = p
}

// join gives the whole profile, or nil.
func (c *iccParts) join() []byte {
	if c.bad || c.size == 0 {
		return nil
	}
	if c.count == 1 {
		return c.parts[0]
	}
	out := make([]byte, 0, c.size)
	for _, p := range c.parts {
		if p == nil {
			return nil
		}
		out = append(out, p...)
	}
	return out
}
