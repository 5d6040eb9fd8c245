package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf16"
)

// Kind is what a profile describes.
type Kind int

// The kinds. The zero value is Other.
const (
	// Other is a profile that has no simple way to sRGB: look-up tables, CMYK, Lab. Its pixels
	// only mean something beside it.
	Other Kind = iota
	// SRGB means the same as no profile at all, give or take one level; also a grey scale with
	// the tone curve of sRGB.
	SRGB
	// DisplayP3 is what phones and tablets of Apple store.
	DisplayP3
	// RGB is any other space of three colorants and tone curves.
	RGB
	// Grayscale is one channel with a tone curve.
	Grayscale
)

func (k Kind) String() string {
	switch k {
	case SRGB:
		return "sRGB"
	case DisplayP3:
		return "Display P3"
	case RGB:
		return "RGB"
	case Grayscale:
		return "grey"
	default:
		return "other"
	}
}

// MaxBytes is the longest profile that Parse reads; printers' profiles reach 3 MB, but
// those of one kind only, Other.
const MaxBytes = 4 << 20

const (
	headerBytes = 128
	maxTags     = 100
	maxText     = 256
)

// ErrCorrupt is in the chain of every error of Parse.
var ErrCorrupt = errors.New("icc: corrupt profile")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Profile is what Parse found out. The zero value is of kind Other.
type Profile struct {
	kind        Kind
	description string
	// toLinear are the tone curves of the channels: 8-bit level to light, 0..1.
	toLinear [3]*[256]float64
	// toSRGB takes linear light of the channels to linear light of sRGB.
	toSRGB matrix
}

// Kind tells what the profile describes.
func (p Profile) Kind() Kind { return p.kind }

// Description is the name that the profile gives itself, at most 256 characters, for people
// to read; it decides nothing.
func (p Profile) Description() string { return p.description }

// tags gives the bodies of a profile's tags by signature.
type tags map[string][]byte

// Parse reads a profile. An error means that the bytes are no profile or a broken one; then
// the pixels are best taken as sRGB. What is valid but not understood is of kind Other.
func Parse(data []byte) (Profile, error) {
	var p Profile
	if len(data) < headerBytes+4 || len(data) > MaxBytes || string(data[36:40]) != "acsp" {
		return p, corrupt("no header in %d bytes", len(data))
	}
	t, err := readTags(data)
	if err != nil {
		return p, err
	}
	p.description = text(t["desc"])
	space, pcs := string(data[16:20]), string(data[20:24])
	switch class := string(data[12:16]); {
	case class != "mntr" && class != "scnr" && class != "spac" && class != "prtr":
		return p, nil
	case space == "RGB " && pcs == "XYZ " && t["A2B0"] == nil: // tables come before colorants (8.10)
		return p, p.readRGB(t)
	case space == "GRAY" && t["A2B0"] == nil:
		return p, p.readGray(t)
	}
	return p, nil
}

// readTags reads the tag table (7.3), all of whose tags must lie within the profile.
func readTags(data []byte) (tags, error) {
	be := binary.BigEndian
	n := be.Uint32(data[headerBytes:])
	if n > maxTags || headerBytes+4+12*int(n) > len(data) {
		return nil, corrupt("%d tags", n)
	}
	t := make(tags, n)
	for i := range int(n) {
		e := data[headerBytes+4+12*i:][:12]
		from, size := uint64(be.Uint32(e[4:])), uint64(be.Uint32(e[8:]))
		if from+size > uint64(len(data)) {
			return nil, corrupt("tag %q lies outside", e[:4])
		}
		t[string(e[:4])] = data[from : from+size]
	}
	return t, nil
}

func (p *Profile) readRGB(t tags) error {
	var m matrix
	for i, c := range []string{"r", "g", "b"} {
		if t[c+"XYZ"] == nil || t[c+"TRC"] == nil {
			return corrupt("no colorant or no curve of %s", c)
		}
		xyz, err := readXYZ(t[c+"XYZ"])
		if err != nil {
			return err
		}
		m[0][i], m[1][i], m[2][i] = xyz[0], xyz[1], xyz[2]
		if p.toLinear[i], err = readCurve(t[c+"TRC"]); err != nil {
			return err
		}
	}
	p.toSRGB = xyzToSRGB.times(m)
	if !p.toSRGB.within(lowest, highest) {
		return corrupt("the colorants are no colours")
	}
	p.kind = RGB
	switch curves := p.curvesOfSRGB(); {
	case curves && p.toSRGB.near(identity):
		p.kind = SRGB
	case curves && p.toSRGB.near(displayP3):
		p.kind = DisplayP3
	}
	return nil
}

func (p *Profile) readGray(t tags) error {
	if t["kTRC"] == nil {
		return corrupt("no curve of grey")
	}
	curve, err := readCurve(t["kTRC"])
	if err != nil {
		return err
	}
	p.kind, p.toSRGB = Grayscale, identity
	p.toLinear = [3]*[256]float64{curve, curve, curve}
	if p.curvesOfSRGB() {
		p.kind = SRGB
	}
	return nil
}

// curvesOfSRGB tells whether the curves mean those of sRGB within half a level.
func (p *Profile) curvesOfSRGB() bool {
	for _, c := range p.toLinear {
		for level, light := range c {
			if math.Abs(255*encode(light)-float64(level)) > 0.5 {
				return false
			}
		}
	}
	return true
}

// readXYZ reads an XYZType (10.31) of one colour.
func readXYZ(b []byte) (xyz [3]float64, err error) {
	if len(b) < 20 || string(b[:4]) != "XYZ " {
		return xyz, corrupt("no XYZ value in %d bytes", len(b))
	}
	for i := range xyz {
		xyz[i] = fixed(b[8+4*i:])
	}
	return xyz, nil
}

// fixed reads an s15Fixed16Number (4.6).
func fixed(b []byte) float64 {
	return float64(int32(binary.BigEndian.Uint32(b))) / 65536
}

// text reads a textDescriptionType (ICC.1:2001 6.5.17) or the first text of a
// multiLocalizedUnicodeType (10.15); "" for anything else.
func text(b []byte) string {
	be := binary.BigEndian
	switch {
	case len(b) >= 12 && string(b[:4]) == "desc":
		n := min(uint64(be.Uint32(b[8:])), uint64(len(b)-12), maxText)
		return printable(b[12 : 12+n])
	case len(b) >= 28 && string(b[:4]) == "mluc" && be.Uint32(b[8:]) > 0:
		size, from := uint64(be.Uint32(b[20:])), uint64(be.Uint32(b[24:]))
		if from+size > uint64(len(b)) {
			return ""
		}
		var units []uint16
		for i := from; i+1 < from+min(size, 2*maxText); i += 2 {
			units = append(units, be.Uint16(b[i:]))
		}
		return printable([]byte(string(utf16.Decode(units))))
	}
	return ""
}

// printable ends a text at its first control character.
func printable(b []byte) string {
	for i, c := range string(b) {
		if c < ' ' || c == 0x7f || c == '\ufffd' {
			return string(b[:i])
		}
	}
	return string(b)
}
