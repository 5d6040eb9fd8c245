package jpeg

import (
	"bytes"
	"context"
	"image"
	stdjpeg "image/jpeg"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// fuzzPixels bounds the images of the fuzz targets, and with them their time and memory.
const fuzzPixels = 1 << 14

func seeds() [][]byte {
	var files [][]byte
	for _, factors := range samplings {
		m := jpegtest.New(20, 18, factors, 1)
		files = append(files,
			jpegtest.Encode(m, jpegtest.Options{}),
			jpegtest.Encode(m, jpegtest.Options{Restart: 1, JFIF: true}),
			jpegtest.Encode(m, jpegtest.Options{Script: jpegtest.Separate(m), DNL: true}),
			jpegtest.Encode(m, jpegtest.Options{Progressive: true, Adobe: true, Transform: 2}),
			jpegtest.Encode(m, jpegtest.Options{Progressive: true, Restart: 1, ICC: []byte("p")}))
	}
	return files
}

// FuzzDecode decodes anything at all scales and compares full size with image/jpeg. Where
// both take a file whole their samples differ by 2 at most, unless the coefficients are so
// large that the integers of a transform overflow (see tame).
//
// We take more: files that are cut off or damaged behind MinRows, a DNL, fill bytes and
// restarts wherever they may be, missing EOI, sampling factors that image/jpeg does not
// have, and Huffman tables with sizes that it calls excessive. We take less: quantisation
// steps of zero, runs beyond the last coefficient of a sequential block, files of more
// scans than MaxScans or without a bit for each block, and the first of several frames or
// images only. A symbol of a run and no size in a sequential file ends the block, as it
// does for libjpeg; image/jpeg takes it for the end of several blocks, which progressive
// files only have (T.81, F.1.2.2 and G.1.2.2). A run of ended bands that is longer than its
// scan ends with it, as it does for libjpeg; image/jpeg takes it into the next scan. Such
// files are not compared.
func FuzzDecode(f *testing.F) {
	for _, data := range seeds() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ReadHeader(data)
		if err != nil {
			var format FormatError
			require.ErrorAs(t, err, &format)
			return
		}
		if h.Width*h.Height > fuzzPixels || h.Supported() != nil {
			return
		}
		var d Decoder
		for _, s := range scales {
			_, _, r, err := collect(t.Context(), &d, data, Options{Scale: s, MinRows: 0.01})
			if err != nil {
				var format FormatError
				require.ErrorAs(t, err, &format)
				continue
			}
			require.Positive(t, r.Rows)
			require.True(t, r.Rows == h.Height || r.Truncated)
		}
		compareWithStandard(t, &d, data)
	})
}

func compareWithStandard(t *testing.T, d *Decoder, data []byte) {
	t.Helper()
	want, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return
	}
	got, h, r, err := collect(t.Context(), d, data, Options{Scale: Full, MinRows: 1})
	if err != nil || r.Truncated || !tame(t, d, data, h) {
		return
	}
	var planes []image.Gray
	switch m := want.(type) {
	case *image.Gray:
		planes = []image.Gray{*m}
	case *image.YCbCr:
		planes = []image.Gray{{Pix: m.Y, Stride: m.YStride}, {Pix: m.Cb, Stride: m.CStride}, {Pix: m.Cr, Stride: m.CStride}}
	default:
		return
	}
	require.Len(t, got, len(planes))
	for i, plane := range planes {
		width, height := h.PlaneSize(i, Full)
		for y := range height {
			for x := range width {
				w, g := int(plane.Pix[y*plane.Stride+x]), int(got[i][y*width+x])
				if w-g > 2 || g-w > 2 {
					t.Fatalf("plane %d at %d, %d: image/jpeg has %d, we have %d", i, x, y, w, g)
				}
			}
		}
	}
}

// tame tells whether no block has so large coefficients that 32 bits might overflow.
func tame(t *testing.T, d *Decoder, data []byte, h Header) bool {
	t.Helper()
	if !h.Progressive {
		return tameSequential(d, data, h)
	}
	ok := !runsBeyondScan(d, data, h)
	_, err := d.Decode(t.Context(), data, h, Options{Scale: Full}, func(Band) error {
		for i := range d.frame.components {
			c := &d.frame.components[i]
			for at := 0; at < len(c.coef); at += 64 {
				sum := int64(0)
				for k, v := range c.coef[at : at+64] {
					sum += magnitude(int32(v), c.stepAt[k])
				}
				ok = ok && sum < tameSum
			}
		}
		return nil
	})
	return ok && err == nil
}

// runsBeyondScan tells whether a scan of a progressive file that was decoded whole before
// has a run of ended bands that is longer than what is left of it.
func runsBeyondScan(d *Decoder, data []byte, h Header) bool {
	d.reset(&h, Full)
	d.job = job{d: d, h: h}
	walk := segments{data: data, pos: 2}
	for {
		marker, p, ok := walk.next()
		if !ok || marker == 0 || marker == markerEOI {
			return false
		}
		more, _ := d.job.segment(context.Background(), &walk, marker, p)
		if marker == markerSOS && d.scan.endOfBands > 0 {
			return true
		}
		if !more {
			return false
		}
	}
}

// tameSum is the range that the inverse transform of image/jpeg is made for: its inputs have
// 13 bits and a sign, the first pass shifts them up by 17 and more, and twice as large ones
// wrap around (idct in image/jpeg/dct.go). Real samples of 8 bits stay below 1 << 11.
const tameSum = 1 << 13

func magnitude(v, step int32) int64 { return int64(max(v, -v)) * int64(step) }

// tameSequential goes through the blocks of a sequential file that was decoded whole
// before, scan by scan.
func tameSequential(d *Decoder, data []byte, h Header) bool {
	d.reset(&h, Full)
	d.job = job{d: d, h: h}
	ones := [64]int32{}
	for i := range ones {
		ones[i] = 1
	}
	walk := segments{data: data, pos: 2}
	for scans := 0; scans < h.Scans; {
		marker, p, _ := walk.next()
		if marker != markerSOS {
			_, _ = d.job.segment(context.Background(), &walk, marker, p)
			continue
		}
		s := &d.scan
		if s.parse(&d.frame, h.Components, p, false) != nil {
			return false
		}
		for i, c := range s.components {
			c.latch(&d.frame, &d.quant[c.quant])
			c.dc, c.ac = &d.dcTables[s.tables[i].dc], &d.acTables[s.tables[i].ac]
			_ = c.dc.build(&d.dcSpecs[s.tables[i].dc])
			c.ac.build(&d.acSpecs[s.tables[i].ac])
			if endsBlocks(&d.acSpecs[s.tables[i].ac]) {
				return false
			}
		}
		s.begin(d.interval)
		d.reader.start(data, walk.pos)
		for range s.mcusX * s.mcusY {
			d.mcu(s)
			for _, b := range s.blocks {
				diff, _ := d.reader.dc(b.c.dc)
				b.c.prediction += diff
				clear(d.block[:])
				d.reader.ac(b.c.ac, &d.block, &ones, &d.frame.place, 64)
				sum := magnitude(b.c.prediction, b.c.stepAt[0])
				for k, v := range d.block {
					sum += magnitude(v, b.c.stepAt[k])
				}
				if sum >= tameSum {
					return false
				}
			}
		}
		walk.pos = endOfScan(data, d.reader.pos)
		if scans++; h.interleaved {
			break
		}
	}
	return true
}

// endsBlocks tells whether a table has symbols for the end of several blocks.
func endsBlocks(spec *tableSpec) bool {
	n := 0
	for _, count := range spec.counts {
		n += int(count)
	}
	return slices.ContainsFunc(spec.symbols[:n], func(symbol uint8) bool {
		return symbol&0x0f == 0 && symbol != 0x00 && symbol != 0xf0
	})
}

// FuzzProgressive writes the same coefficients as a sequential and as a progressive file
// with a script of the fuzzer, which must decode to the same bands at all scales.
func FuzzProgressive(f *testing.F) {
	for i := range uint8(14) {
		f.Add(17+i, 40-i, i, i%4, i, uint64(i), []byte{0x52, i, 0x3f, i << 3})
	}
	names := make([][]jpegtest.Factors, 0, len(samplings))
	for _, name := range []string{"grey", "4:2:0", "4:4:4", "3 and 2", "four, 4:2:0", "chroma larger"} {
		names = append(names, samplings[name])
	}
	f.Fuzz(func(t *testing.T, width, height, factors, restart, order uint8, seed uint64, script []byte) {
		m := jpegtest.New(int(width%80)+1, int(height%80)+1, names[int(factors)%len(names)], seed)
		sequential := jpegtest.Options{Restart: int(restart % 5)}
		if order%2 == 1 {
			sequential.Script = jpegtest.Separate(m)
		}
		a := jpegtest.Encode(m, sequential)
		b := jpegtest.Encode(m, jpegtest.Options{Progressive: true, Restart: int(restart / 5 % 5), Script: scriptOf(m, script)})
		for _, s := range scales {
			want, _ := decodeWhole(t, a, s)
			got, _ := decodeWhole(t, b, s)
			for i := range want {
				require.True(t, bytes.Equal(want[i], got[i]), "plane %d of %d x %d at %d/8", i, m.Width, m.Height, s)
			}
		}
	})
}

// scriptOf makes a complete progression out of any bytes: each component has its band cut
// at places and its bits at steps that they choose.
func scriptOf(m *jpegtest.Image, choice []byte) []jpegtest.Scan {
	next := func() int {
		if len(choice) == 0 {
			return 0
		}
		c := int(choice[0])
		choice = choice[1:]
		return c
	}
	all := make([]int, len(m.Components))
	for i := range all {
		all[i] = i
	}
	low := next() % 4
	script := []jpegtest.Scan{{Components: all, Low: low}}
	for ; low > 0; low-- {
		script = append(script, jpegtest.Scan{Components: all, High: low, Low: low - 1})
	}
	for i := range all {
		for from := 1; from < 64; {
			to := min(63, from+next()%63)
			low := next() % 4
			script = append(script, jpegtest.Scan{Components: []int{i}, From: from, To: to, Low: low})
			for ; low > 0; low-- {
				script = append(script, jpegtest.Scan{Components: []int{i}, From: from, To: to, High: low, Low: low - 1})
			}
			from = to + 1
			if len(script) > 60 {
				choice = nil
			}
			if len(choice) == 0 && from < 64 {
				script = append(script, jpegtest.Scan{Components: []int{i}, From: from, To: 63})
				break
			}
		}
	}
	return script
}
