package jpeg

import "bytes"

// Model is how the samples of a file become a colour.
type Model uint8

// The colour models.
const (
	// ModelGray is luma alone.
	ModelGray Model = iota
	// ModelYCbCr is luma and two colour differences, full range BT.601, as JFIF has it.
	ModelYCbCr
	// ModelRGB is red, green and blue as they are.
	ModelRGB
	// ModelCMYK is four inks; see [Header.Adobe] for their sense.
	ModelCMYK
	// ModelYCCK is CMYK whose first three components are coded as YCbCr.
	ModelYCCK
)

var modelNames = [...]string{"Gray", "YCbCr", "RGB", "CMYK", "YCCK"}

// String gives the name of the model.
func (m Model) String() string {
	if int(m) < len(modelNames) {
		return modelNames[m]
	}
	return "unknown"
}

// Component describes one plane as the frame header does (B.2.2).
type Component struct {
	// ID is what scans call the component by.
	ID byte
	// H and V are the sampling factors, 1..4. A component has H/Hmax of the columns and
	// V/Vmax of the rows of the image.
	H, V int
	// quant is the index of the quantisation table, 0..3.
	quant int
}

// Header is what the markers of a file say.
type Header struct {
	// Width and Height are in pixels, 1..65535. A height that is given after the first scan
	// (DNL, B.2.5) is resolved.
	Width, Height int
	// Components has the planes in the order of the file.
	Components []Component
	// Progressive tells a progressive file from a sequential one.
	Progressive bool
	// Precision is in bits per sample; only 8 is supported.
	Precision int
	// Model is chosen as libjpeg does: by the JFIF marker, then by the Adobe marker, then by
	// the IDs of the components.
	Model Model
	// Adobe says that there is an Adobe marker. Its CMYK and YCCK files hold the inks
	// inverted: 255 is no ink.
	Adobe bool
	// ICC is the embedded colour profile, nil where there is none, where a part of it is
	// missing, and where it is larger than MaxICC. It may share memory with the data.
	ICC []byte
	// Scans counts the scans.
	Scans int
	// RestartInterval is in MCUs, as the first scan has it; 0 means no restarts.
	RestartInterval int
	// Complete says that the image ends with EOI.
	Complete bool

	// sof is the marker of the frame, which names the process.
	sof byte
	// hierarchical says that the file has several frames.
	hierarchical bool
	// entropy counts the bytes of entropy-coded data, all scans together.
	entropy int
	// interleaved says that the first scan has all components.
	interleaved bool
	// visits counts the scans that name each component.
	visits [4]int
}

// maxSegments bounds the walk. A file has some twenty, a progressive one with a profile in
// many parts some hundreds.
const maxSegments = 4096

// ReadHeader reads what the markers of a JPEG say, up to EOI, and decodes nothing. Of
// several images in one file (CIPA DC-007, the multi-picture format of phones) it sees the
// first.
//
// The error is a FormatError where there is no image: no SOI, no frame, no scan, a frame
// header that cannot be, or more segments than any honest file has. Damage after the first scan is none: Complete is false
// then. A file of a process that is not implemented here is no error; ask
// [Header.Supported].
func ReadHeader(data []byte) (Header, error) {
	if len(data) < 2 || data[0] != 0xff || data[1] != markerSOI {
		return Header{}, FormatError("no SOI")
	}
	var (
		h     Header
		app   appSegments
		walk  = segments{data: data, pos: 2}
		lines int // of DNL
	)
	for n := 0; ; n++ {
		if n == maxSegments {
			return Header{}, FormatError("too many segments")
		}
		marker, p, ok := walk.next()
		if !ok && h.Scans == 0 {
			return Header{}, FormatError("a segment is cut off")
		}
		if !ok || marker == 0 || marker == markerEOI {
			h.Complete = ok && marker == markerEOI
			break
		}
		switch {
		case isSOF(marker):
			if err := h.frame(marker, p); err != nil {
				return Header{}, err
			}
		case marker == markerDHP || marker == markerEXP:
			h.hierarchical = true
		case marker == markerDRI && h.Scans == 0 && len(p) == 2:
			h.RestartInterval = int(p[0])<<8 | int(p[1])
		case marker == markerDNL && h.Scans == 1 && len(p) == 2:
			lines = int(p[0])<<8 | int(p[1])
		case marker == markerSOS:
			h.scan(&walk, p)
		default:
			app.add(marker, p)
		}
	}
	return h.finish(&app, lines)
}

// frame reads a frame header (B.2.2).
func (h *Header) frame(marker byte, p []byte) error {
	if h.sof != 0 {
		if h.hierarchical {
			return nil
		}
		return FormatError("two frames")
	}
	if len(p) < 6 || int(p[5]) == 0 || len(p) != 6+3*int(p[5]) {
		return FormatError("the frame header has a wrong length")
	}
	h.sof = marker
	h.Progressive = marker == markerSOF2
	h.Precision = int(p[0])
	h.Height = int(p[1])<<8 | int(p[2])
	h.Width = int(p[3])<<8 | int(p[4])
	if h.Width == 0 {
		return FormatError("no columns")
	}
	h.Components = make([]Component, p[5])
	for i := range h.Components {
		b := p[6+3*i:]
		c := Component{ID: b[0], H: int(b[1] >> 4), V: int(b[1] & 15), quant: int(b[2])}
		if c.H < 1 || c.H > 4 || c.V < 1 || c.V > 4 {
			return FormatError("sampling factors outside 1..4")
		}
		if c.quant > 3 {
			return FormatError("a quantisation table beyond the fourth")
		}
		for _, other := range h.Components[:i] {
			if other.ID == c.ID {
				return FormatError("two components of one name")
			}
		}
		h.Components[i] = c
	}
	return nil
}

// scan counts a scan and passes over its entropy-coded data.
func (h *Header) scan(walk *segments, p []byte) {
	if h.Scans == 0 {
		h.interleaved = len(p) > 0 && int(p[0]) == len(h.Components)
	}
	for i := 1; i+1 < len(p)-2; i += 2 {
		for c := range min(len(h.Components), len(h.visits)) {
			if h.Components[c].ID == p[i] {
				h.visits[c]++
			}
		}
	}
	h.Scans++
	start := walk.pos
	walk.pos = endOfScan(walk.data, start)
	h.entropy += walk.pos - start
}

// finish checks the whole and draws the conclusions.
func (h Header) finish(app *appSegments, lines int) (Header, error) {
	if h.sof == 0 {
		return Header{}, FormatError("no frame")
	}
	if h.Scans == 0 {
		return Header{}, FormatError("no scan")
	}
	if h.Height == 0 {
		h.Height = lines
	}
	if h.Height == 0 {
		return Header{}, FormatError("no lines")
	}
	h.Adobe = app.adobe
	h.Model = h.model(app)
	h.ICC = app.profile()
	return h, nil
}

// model chooses as libjpeg's default_decompress_parms does.
func (h *Header) model(app *appSegments) Model {
	switch len(h.Components) {
	case 1, 2:
		return ModelGray
	case 3:
		ids := [3]byte{h.Components[0].ID, h.Components[1].ID, h.Components[2].ID}
		switch {
		case app.jfif:
			return ModelYCbCr
		case app.adobe && app.transform == 0, !app.adobe && ids == [3]byte{'R', 'G', 'B'}:
			return ModelRGB
		}
		return ModelYCbCr
	}
	if app.adobe && app.transform != 0 {
		return ModelYCCK
	}
	return ModelCMYK
}

// Supported tells whether [Decoder.Decode] takes the file: nil, or an error that wraps
// ErrUnsupported and says which process or shape it is not made for.
func (h *Header) Supported() error {
	switch {
	case h.hierarchical:
		return unsupported("hierarchical")
	case h.sof > markerSOF2 && h.sof != markerSOF0+9 && h.sof != markerSOF0+10:
		return unsupported("process SOF%d", h.sof-markerSOF0)
	case h.sof > markerSOF2:
		return unsupported("arithmetic coding")
	case h.Precision != 8:
		return unsupported("%d bits per sample", h.Precision)
	case len(h.Components) != 1 && len(h.Components) != 3 && len(h.Components) != 4:
		return unsupported("%d components", len(h.Components))
	}
	return nil
}

// appSegments collects what application segments say.
type appSegments struct {
	jfif, adobe bool
	transform   byte // of the Adobe marker
	icc         iccParts
}

func (a *appSegments) add(marker byte, p []byte) {
	switch {
	case marker == markerAPP0 && bytes.HasPrefix(p, []byte("JFIF\x00")):
		a.jfif = true
	case marker == markerAPP14 && len(p) >= 12 && bytes.HasPrefix(p, []byte("Adobe")):
		a.adobe, a.transform = true, p[11]
	case marker == markerAPP2:
		a.icc.add(p)
	}
}

func (a *appSegments) profile() []byte { return a.icc.join() }
