package jpeg

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// job is one run of a Decoder over a file.
type job struct {
	d    *Decoder
	h    Header
	opt  Options
	sink func(Band) error

	framed bool
	scans  int
	// delivered is how many MCU rows went to sink.
	delivered int
	// broken says that something behind the beginning of the first scan was.
	broken bool
}

// run walks the markers and decodes what they say.
func (j *job) run(ctx context.Context, data []byte) error {
	walk := segments{data: data, pos: 2}
	for {
		marker, p, ok := walk.next()
		if !ok || marker == 0 || marker == markerEOI {
			break
		}
		more, err := j.segment(ctx, &walk, marker, p)
		// Damage behind the first scan leaves what was decoded before.
		if _, damage := errors.AsType[FormatError](err); damage && j.scans > 0 {
			j.broken = true
			break
		}
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if j.scans == 0 {
		return FormatError("no scan")
	}
	return j.deliver(ctx)
}

// segment handles one segment; more is false where nothing behind it is wanted.
func (j *job) segment(ctx context.Context, walk *segments, marker byte, p []byte) (more bool, err error) {
	switch {
	case isSOF(marker):
		if j.framed || !j.h.describes(marker, p) {
			return false, FormatError("the frame is not that of the header")
		}
		j.framed = true
	case marker == markerDQT:
		err = j.d.defineQuant(p)
	case marker == markerDHT:
		err = j.d.defineHuffman(p)
	case marker == markerDRI:
		if len(p) != 2 {
			return false, FormatError("a restart interval of a wrong length")
		}
		j.d.interval = int(p[0])<<8 | int(p[1])
	case marker == markerSOS:
		return j.runScan(ctx, walk, p)
	}
	return err == nil, err
}

// describes tells whether a frame header is the one that h was read from.
func (h *Header) describes(marker byte, p []byte) bool {
	if marker != h.sof || len(p) != 6+3*len(h.Components) {
		return false
	}
	width, height := int(p[3])<<8|int(p[4]), int(p[1])<<8|int(p[2])
	if width != h.Width || height != h.Height && height != 0 {
		return false
	}
	for i, c := range h.Components {
		if b := p[6+3*i:]; b[0] != c.ID || b[1] != byte(c.H<<4|c.V) || int(b[2]) != c.quant {
			return false
		}
	}
	return true
}

// runScan decodes one scan.
func (j *job) runScan(ctx context.Context, walk *segments, p []byte) (more bool, err error) {
	d, s := j.d, &j.d.scan
	if !j.framed {
		return false, FormatError("a scan before the frame")
	}
	if err := s.parse(&d.frame, j.h.Components, p, j.h.Progressive); err != nil {
		return false, err
	}
	for _, c := range s.components {
		if c.latched {
			continue
		}
		if !d.quantDefined[c.quant] {
			return false, FormatError("a component without its quantisation table")
		}
		c.latch(&d.frame, &d.quant[c.quant])
	}
	s.begin(d.interval)
	d.reader.start(walk.data, walk.pos)
	var whole bool
	if j.h.Progressive {
		whole, err = d.progressive(ctx, s)
	} else {
		whole, err = j.sequential(ctx, s)
	}
	if err != nil {
		return false, err
	}
	j.scans++
	if !whole {
		j.broken = true
		return false, nil
	}
	walk.pos = endOfScan(walk.data, d.reader.pos)
	return j.scans < j.h.Scans && !j.streams(), nil
}

// streams tells that the rows go to sink as they are decoded.
func (j *job) streams() bool { return j.h.interleaved && !j.h.Progressive }

// send hands a band to the sink.
func (j *job) send(b Band) error {
	j.delivered++
	return j.sink(b)
}

// deliver renders and hands out the rows that were kept until the last scan.
func (j *job) deliver(ctx context.Context) error {
	if j.streams() {
		return nil
	}
	rows := math.MaxInt
	for i := range j.d.frame.components {
		rows = min(rows, j.d.frame.components[i].rows)
	}
	for row := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		base := row
		if j.h.Progressive {
			base = 0
			j.d.render(row)
		}
		if err := j.send(j.d.band(row, base)); err != nil {
			return err
		}
	}
	return nil
}

// result says how much there was, or that it was too little.
func (j *job) result() (Result, error) {
	r := Result{Rows: min(j.delivered*j.d.frame.mcuHeight, j.h.Height)}
	// A progressive file without EOI may have lost scans that nobody can miss.
	r.Truncated = j.broken || r.Rows < j.h.Height || j.h.Progressive && !j.h.Complete
	if float64(r.Rows) < j.opt.MinRows*float64(j.h.Height) {
		return r, FormatError(fmt.Sprintf("only %d of %d rows are whole", r.Rows, j.h.Height))
	}
	return r, nil
}
