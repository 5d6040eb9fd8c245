package samples

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"math"
)

// Gamut is a colour space whose ICC profile Profile makes.
type Gamut int

// The gamuts. The tone curve is that of sRGB but for AdobeRGB and Gray, which have an
// exponent of 2.2.
const (
	SRGB      Gamut = iota // IEC 61966-2-1
	DisplayP3              // the primaries of DCI-P3 with white D65, as phones store it
	AdobeRGB               // the primaries of Adobe RGB (1998)
	Gray                   // one channel
)

// ProfileOptions describe an ICC profile. The zero value is sRGB.
type ProfileOptions struct {
	Gamut Gamut
	// Table is the number of entries of tone curves as tables; 0 writes them as formulas.
	Table int
}

// Profile makes an ICC display profile (ICC.1:2022): three colorants or none, and the tone
// curves.
func Profile(o ProfileOptions) []byte {
	trc := toneCurve(o)
	tags := []iccTag{{"desc", localized("afterput samples")}, {"cprt", localized("none")}, {"wtpt", xyz(d50)}}
	space := "RGB "
	if o.Gamut == Gray {
		space = "GRAY"
		tags = append(tags, iccTag{"kTRC", trc})
	} else {
		m := colorants(primaries[o.Gamut])
		for i, name := range []string{"r", "g", "b"} {
			tags = append(tags, iccTag{name + "XYZ", xyz([3]float64{m[0][i], m[1][i], m[2][i]})})
		}
		tags = append(tags, iccTag{"rTRC", trc}, iccTag{"gTRC", trc}, iccTag{"bTRC", trc})
	}
	return layOut(space, tags)
}

// WithProfile puts a profile into a JPEG (APP2 segments) or a PNG (iCCP); other files come
// back as they are.
func WithProfile(file, profile []byte) []byte {
	if len(profile) == 0 {
		return file
	}
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xd8")):
		const most = 65533 - 14
		var segments []segment
		count := (len(profile) + most - 1) / most
		for i := range count {
			part := profile[i*most : min((i+1)*most, len(profile))]
			body := append([]byte("ICC_PROFILE\x00"), byte(i+1), byte(count))
			segments = append(segments, segment{0xe2, append(body, part...)})
		}
		return withSegments(file, segments...)
	case bytes.HasPrefix(file, []byte("\x89PNG")):
		const behindIHDR = 33
		var body bytes.Buffer
		body.WriteString("afterput samples\x00\x00")
		z := zlib.NewWriter(&body)
		_, _ = z.Write(profile) // into memory
		_ = z.Close()
		out := append([]byte{}, file[:behindIHDR]...)
		return append(append(out, pngChunk("iCCP", body.Bytes())...), file[behindIHDR:]...)
	}
	return file
}

// xy is a chromaticity (CIE 1931).
type xy struct{ x, y float64 }

var (
	d65 = xy{0.3127, 0.3290}
	// d50 is the white of the profile connection space.
	d50 = [3]float64{0.9642, 1, 0.8249}

	primaries = map[Gamut][3]xy{
		SRGB:      {{0.64, 0.33}, {0.30, 0.60}, {0.15, 0.06}},
		DisplayP3: {{0.68, 0.32}, {0.265, 0.69}, {0.15, 0.06}},
		AdobeRGB:  {{0.64, 0.33}, {0.21, 0.71}, {0.15, 0.06}},
	}
)

func (c xy) xyz() [3]float64 { return [3]float64{c.x / c.y, 1, (1 - c.x - c.y) / c.y} }

// colorants are the XYZ values of the primaries under D50: scaled so that they add up to
// white, then adapted by the Bradford matrix (ICC.1:2022 annex E).
func colorants(p [3]xy) [3][3]float64 {
	var m [3][3]float64
	for i, c := range p {
		v := c.xyz()
		m[0][i], m[1][i], m[2][i] = v[0], v[1], v[2]
	}
	white := d65.xyz()
	scale := apply(inverse(m), white)
	for row := range m {
		for i := range scale {
			m[row][i] *= scale[i]
		}
	}
	bradford := [3][3]float64{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	from, to := apply(bradford, white), apply(bradford, d50)
	var cone [3][3]float64
	for i := range cone {
		cone[i][i] = to[i] / from[i]
	}
	return product(inverse(bradford), product(cone, product(bradford, m)))
}

func apply(m [3][3]float64, v [3]float64) (out [3]float64) {
	for i := range out {
		out[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return out
}

func product(a, b [3][3]float64) (out [3][3]float64) {
	for i := range out {
		for j := range out[i] {
			out[i][j] = a[i][0]*b[0][j] + a[i][1]*b[1][j] + a[i][2]*b[2][j]
		}
	}
	return out
}

// inverse is the adjugate divided by the determinant.
func inverse(m [3][3]float64) (out [3][3]float64) {
	var det float64
	for i := range 3 {
		for j := range 3 {
			a, b := (j+1)%3, (j+2)%3
			c, d := (i+1)%3, (i+2)%3
			out[i][j] = m[a][c]*m[b][d] - m[a][d]*m[b][c]
		}
		det += m[0][i] * out[i][0]
	}
	for i := range out {
		for j := range out[i] {
			out[i][j] /= det
		}
	}
	return out
}

// toneCurve is a curve that decodes to linear light.
func toneCurve(o ProfileOptions) []byte {
	srgb := o.Gamut == SRGB || o.Gamut == DisplayP3
	switch {
	case o.Table > 1:
		out := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), uint32(o.Table))
		for i := range o.Table {
			v := float64(i) / float64(o.Table-1)
			if srgb {
				v = linear(v)
			} else {
				v = math.Pow(v, 2.2)
			}
			out = binary.BigEndian.AppendUint16(out, uint16(math.Round(v*65535)))
		}
		return out
	case srgb:
		out := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
		for _, v := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
			out = fixed(out, v)
		}
		return out
	default:
		return []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33") // 2.2 in u8Fixed8
	}
}

// linear decodes sRGB (IEC 61966-2-1).
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// fixed appends an s15Fixed16Number.
func fixed(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
}

func xyz(v [3]float64) []byte {
	out := []byte("XYZ \x00\x00\x00\x00")
	for _, c := range v {
		out = fixed(out, c)
	}
	return out
}

// localized is a multiLocalizedUnicodeType of one ASCII text.
func localized(s string) []byte {
	be := binary.BigEndian
	out := be.AppendUint32([]byte("mluc\x00\x00\x00\x00"), 1)
	out = append(be.AppendUint32(out, 12), "enUS"...)
	out = be.AppendUint32(be.AppendUint32(out, uint32(2*len(s))), 28)
	for _, c := range []byte(s) {
		out = append(out, 0, c)
	}
	return out
}

type iccTag struct {
	name string
	body []byte
}

// layOut writes the header and the tags; equal bodies are stored once.
func layOut(space string, tags []iccTag) []byte {
	be := binary.BigEndian
	head := make([]byte, 128)
	head[8] = 4 // version 4.0
	copy(head[12:], "mntr"+space+"XYZ ")
	copy(head[24:], []byte{0x07, 0xea, 0, 5, 0, 1}) // 1 May 2026
	copy(head[36:], "acsp")
	copy(head[68:], xyz(d50)[8:])
	table := be.AppendUint32(nil, uint32(len(tags)))
	var bodies []byte
	at := len(head) + 4 + 12*len(tags)
	offsets := map[string]int{}
	for _, t := range tags {
		offset, ok := offsets[string(t.body)]
		if !ok {
			offset = at + len(bodies)
			offsets[string(t.body)] = offset
			bodies = append(bodies, t.body...)
			bodies = append(bodies, make([]byte, (4-len(bodies)%4)%4)...)
		}
		table = append(table, t.name...)
		table = be.AppendUint32(be.AppendUint32(table, uint32(offset)), uint32(len(t.body)))
	}
	be.PutUint32(head, uint32(at+len(bodies)))
	return append(append(head, table...), bodies...)
}
