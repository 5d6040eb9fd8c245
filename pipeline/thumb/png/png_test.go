package png_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	stdpng "image/png"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb/icc"
	"github.com/afterput/afterput/pipeline/thumb/png"
)

// every lists the colour types and depths that there are, with and without transparency.
func every() []file {
	var all []file
	for _, depth := range []int{1, 2, 4, 8, 16} {
		all = append(all, file{kind: 0, depth: depth}, file{kind: 0, depth: depth, trns: []byte{0, 1}})
		if depth <= 8 {
			palette := make([]byte, 3<<depth)
			for i := range palette {
				palette[i] = byte(i * 37)
			}
			all = append(all, file{kind: 3, depth: depth, palette: palette},
				file{kind: 3, depth: depth, palette: palette, trns: []byte{0, 128}},
				file{kind: 3, depth: depth, palette: palette[:3]},
				file{kind: 3, depth: depth, palette: palette[:3], trns: []byte{7, 8, 9}})
		}
		if depth >= 8 {
			all = append(all, file{kind: 2, depth: depth}, file{kind: 2, depth: depth, trns: []byte{0, 1, 0, 2, 0, 3}},
				file{kind: 4, depth: depth}, file{kind: 6, depth: depth})
		}
	}
	return all
}

func TestAgainstStandard(t *testing.T) {
	t.Parallel()
	sizes := []image.Point{{1, 1}, {2, 3}, {3, 2}, {7, 5}, {8, 8}, {9, 4}, {17, 16}, {33, 31}, {300, 9}}
	for n, f := range every() {
		t.Run(fmt.Sprintf("type %d depth %d trns %v", f.kind, f.depth, f.trns), func(t *testing.T) {
			t.Parallel()
			for i, size := range sizes {
				f.width, f.height, f.seed = size.X, size.Y, uint64(n*100+i)
				f.level, f.parts = []int{0, 1, 6, 9, -2}[i%5], []int{0, 1, 7, 100}[i%4]
				compare(t, f.bytes())
			}
		})
	}
}

// Each filter alone, at each distance to the pixel on the left.
func TestFilters(t *testing.T) {
	t.Parallel()
	for filter := range byte(5) {
		for _, f := range every() {
			f.width, f.height, f.filters, f.seed = 37, 11, []byte{filter}, 3
			compare(t, f.bytes())
		}
	}
}

// Files that are larger than the window and all buffers, of all kinds of blocks.
func TestLong(t *testing.T) {
	t.Parallel()
	for _, level := range []int{0, 1, 6, -2} {
		for _, parts := range []int{0, 8192, 31} {
			compare(t, file{width: 400, height: 700, kind: 2, depth: 8, level: level, parts: parts, seed: 5}.bytes())
		}
	}
	// A row that is longer than what is inflated at a time.
	compare(t, file{width: 90_000, height: 4, kind: 6, depth: 8, level: 6, seed: 6}.bytes())
	// Matches of every distance and length, which noise has none of.
	f := file{width: 5000, height: 90, kind: 0, depth: 8}
	rnd := rand.New(rand.NewPCG(1, 2))
	var rows []byte
	for range f.height {
		rows = append(rows, 0)
		for end := len(rows) + f.width; len(rows) < end; {
			if len(rows) < 300 || rnd.IntN(9) == 0 {
				rows = append(rows, byte(rnd.IntN(256)))
				continue
			}
			distance := 1 + rnd.IntN(min(len(rows), 1<<(2+rnd.IntN(14))))
			for range min(1+rnd.IntN(300), end-len(rows)) {
				rows = append(rows, rows[len(rows)-distance])
			}
		}
	}
	for i := range f.height {
		rows[i*(f.width+1)] = 0
	}
	compare(t, f.with(deflate(rows, 9)))
}

func TestPhoto(t *testing.T) {
	t.Parallel()
	compare(t, samples.PhotoPNG(samples.Options{Width: 640, Height: 480}))
	compare(t, samples.PNG(200, 120))
	compare(t, samples.APNG(16, 8, 3))
}

// A Decoder gives the same again, whatever it decoded before, and allocates nothing then.
func TestReuse(t *testing.T) {
	t.Parallel()
	var d png.Decoder
	photo := samples.PhotoPNG(samples.Options{Width: 320, Height: 200})
	h, err := png.ReadHeader(photo)
	require.NoError(t, err)
	first, err := rowsOf(t, &d, photo, h)
	require.NoError(t, err)
	for _, f := range every() {
		f.width, f.height = 50, 20
		half := f.rows()
		data := f.with(deflate(half[:len(half)/2], 6))
		fh, err := png.ReadHeader(data)
		require.NoError(t, err)
		_, err = rowsOf(t, &d, data, fh)
		require.Error(t, err)
		again, err := rowsOf(t, &d, photo, h)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

func TestNothingAllocated(t *testing.T) {
	var d png.Decoder
	photo := samples.PhotoPNG(samples.Options{Width: 320, Height: 200})
	h, err := png.ReadHeader(photo)
	require.NoError(t, err)
	ctx, sink := t.Context(), func(int, []byte) error { return nil }
	require.LessOrEqual(t, testing.AllocsPerRun(5, func() {
		if err := d.Decode(ctx, photo, h, sink); err != nil {
			t.Error(err)
		}
	}), 2.0)
}

func TestHeader(t *testing.T) {
	t.Parallel()
	p3 := samples.Profile(samples.ProfileOptions{Gamut: samples.DisplayP3})
	h, err := png.ReadHeader(samples.WithProfile(samples.PNG(30, 20), p3))
	require.NoError(t, err)
	require.Equal(t, []int{30, 20, 4}, []int{h.Width, h.Height, h.Channels})
	require.True(t, h.Alpha())
	require.Equal(t, p3, h.ICC)
	p, err := icc.Parse(h.ICC)
	require.NoError(t, err)
	require.Equal(t, icc.DisplayP3, p.Kind())
	require.Greater(t, h.Memory(), int64(30*4))
	require.Less(t, h.Memory(), int64(1<<20))
}

// A profile that inflates to a gigabyte, and others that are none.
func TestOddProfiles(t *testing.T) {
	t.Parallel()
	f := file{width: 3, height: 3, kind: 2, depth: 8}
	for _, body := range [][]byte{
		nil,
		{0, 0},
		[]byte("no end"), []byte("method\x00\x01"), []byte("data\x00\x00nonsense"),
		append([]byte("bomb\x00\x00"), deflate(make([]byte, 8<<20), 9)...),
	} {
		data := f.bytes()
		data = append(data[:33:33], append(chunk("iCCP", body), data[33:]...)...)
		h, err := png.ReadHeader(data)
		require.NoError(t, err)
		require.Nil(t, h.ICC, "%.20q", body)
		compare(t, data)
	}
}

// A file has one profile at most (5.6). Others are not looked at, even if the first is
// none: to inflate thousands of them takes minutes.
func TestOneProfileIsRead(t *testing.T) {
	t.Parallel()
	data := file{width: 4, height: 4, kind: 2, depth: 8, level: 6}.bytes()
	good := append([]byte("profile\x00\x00"), deflate([]byte("a profile"), 6)...)
	large := append([]byte("profile\x00\x00"), deflate(make([]byte, 1<<20+1), 6)...)
	for _, tt := range []struct {
		bodies [][]byte
		want   []byte
	}{
		{[][]byte{good, large}, []byte("a profile")},
		{[][]byte{large, good}, nil},
		{[][]byte{nil, good}, nil},
	} {
		with := bytes.Clone(data[:33])
		for _, body := range tt.bodies {
			with = append(with, chunk("iCCP", body)...)
		}
		h, err := png.ReadHeader(append(with, data[33:]...))
		require.NoError(t, err)
		require.Equal(t, tt.want, h.ICC)
	}
}

func TestInterlaced(t *testing.T) {
	t.Parallel()
	f := file{width: 3, height: 3, kind: 2, depth: 8, interlaced: 1}
	h, _, err := decode(t, f.bytes())
	require.ErrorIs(t, err, png.ErrUnsupported)
	require.ErrorIs(t, h.Supported(), png.ErrUnsupported)
	require.Equal(t, 3, h.Width)
}

// What image/png refuses as well.
func TestCorrupt(t *testing.T) {
	t.Parallel()
	good := file{width: 9, height: 9, kind: 2, depth: 8, level: 6}
	header, end, idat := good.header(), chunk("IEND", nil), chunk("IDAT", deflate(good.rows(), 6))
	join := func(parts ...[]byte) []byte { return append([]byte(signature), bytes.Join(parts, nil)...) }
	rows := good.rows()
	badFilter := bytes.Clone(rows)
	badFilter[28] = 5
	badCRC := bytes.Clone(idat)
	badCRC[len(badCRC)-1]++
	odd := func(change func(b []byte)) []byte {
		b := bytes.Clone(header[8:21])
		change(b)
		return join(chunk("IHDR", b), idat, end)
	}
	for name, data := range map[string][]byte{
		"nothing":               nil,
		"another signature":     append([]byte("GIF89a.."), header...),
		"no end":                join(header, idat),
		"no pixels":             join(header, end),
		"no header":             join(idat, end),
		"two headers":           join(header, header, idat, end),
		"a late palette":        join(header, idat, chunk("PLTE", []byte{1, 2, 3}), end),
		"a late transparency":   join(header, idat, chunk("tRNS", []byte{0, 1, 0, 2, 0, 3}), end),
		"a short transparency":  join(header, chunk("tRNS", []byte{1}), idat, end),
		"an odd palette":        join(header, chunk("PLTE", []byte{1, 2}), idat, end),
		"an end with a body":    join(header, idat, chunk("IEND", []byte{1})),
		"a wrong CRC":           join(header, badCRC, end),
		"rows missing":          good.with(deflate(rows[:200], 6)),
		"an unknown filter":     good.with(deflate(badFilter, 6)),
		"no zlib stream":        good.with([]byte("nonsense")),
		"a dictionary":          good.with([]byte("\x78\x20\x00\x00\x00\x01\x00")),
		"pixels in two places":  join(header, chunk("IDAT", deflate(rows, 6)[:50]), chunk("tEXt", nil), chunk("IDAT", deflate(rows, 6)[50:]), end),
		"zero pixels":           odd(func(b []byte) { clear(b[:4]) }),
		"a negative side":       odd(func(b []byte) { b[4] = 0x80 }),
		"3 bits":                odd(func(b []byte) { b[8] = 3 }),
		"4 bits of RGB":         odd(func(b []byte) { b[8] = 4 }),
		"colour type 1":         odd(func(b []byte) { b[9] = 1 }),
		"another compression":   odd(func(b []byte) { b[10] = 1 }),
		"another filter method": odd(func(b []byte) { b[11] = 1 }),
		"another interlacing":   odd(func(b []byte) { b[12] = 2 }),
		"a palette is missing":  odd(func(b []byte) { b[9] = 3 }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := stdpng.Decode(bytes.NewReader(data))
			require.Error(t, err)
			_, _, err = decode(t, data)
			_, ok := errors.AsType[png.FormatError](err)
			require.True(t, ok, "%v", err)
		})
	}
}

// A file that is cut anywhere is refused, and so is one whose pixels are.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for _, level := range []int{0, 6, -2} {
		f := file{width: 20, height: 20, kind: 2, depth: 8, level: level}
		whole := f.bytes()
		for n := range whole {
			_, err := png.ReadHeader(whole[:n])
			require.Error(t, err, "%d bytes", n)
		}
		pixels := deflate(f.rows(), level)
		for n := range len(pixels) - 10 { // behind the last row all may be missing
			_, _, err := decode(t, f.with(pixels[:n]))
			require.Error(t, err, "%d of %d bytes", n, len(pixels))
		}
	}
}

// What is wrong behind the last row does no harm, see the package comment.
func TestBehindTheRows(t *testing.T) {
	t.Parallel()
	f := file{width: 20, height: 20, kind: 2, depth: 8, level: 6}
	_, want, err := decode(t, f.bytes())
	require.NoError(t, err)
	sum := deflate(f.rows(), 6)
	sum[len(sum)-1]++
	for name, pixels := range map[string][]byte{
		"more rows": deflate(append(f.rows(), f.rows()...), 6), "another sum": sum, "no sum": sum[:len(sum)-4],
	} {
		_, got, err := decode(t, f.with(pixels))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestErrorsOfTheSink(t *testing.T) {
	t.Parallel()
	data := file{width: 20, height: 20, kind: 2, depth: 8, level: 6}.bytes()
	h, err := png.ReadHeader(data)
	require.NoError(t, err)
	var d png.Decoder
	full := errors.New("full")
	require.Equal(t, full, d.Decode(t.Context(), data, h, func(int, []byte) error { return full }))
	ctx, cancel := context.WithCancel(t.Context())
	rows := 0
	err = d.Decode(ctx, data, h, func(int, []byte) error { rows++; cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, rows)
}
