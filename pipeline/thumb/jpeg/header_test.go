package jpeg

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

func TestReadHeader(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(37, 21, samplings["4:2:0"], 1)
	h, err := ReadHeader(jpegtest.Encode(m, jpegtest.Options{Restart: 5, JFIF: true}))
	require.NoError(t, err)
	require.NoError(t, h.Supported())
	require.Equal(t, 37, h.Width)
	require.Equal(t, 21, h.Height)
	require.Equal(t, []Component{{ID: 1, H: 2, V: 2}, {ID: 2, H: 1, V: 1, quant: 1}, {ID: 3, H: 1, V: 1, quant: 1}}, h.Components)
	require.False(t, h.Progressive)
	require.Equal(t, 8, h.Precision)
	require.Equal(t, ModelYCbCr, h.Model)
	require.Equal(t, 1, h.Scans)
	require.Equal(t, 5, h.RestartInterval)
	require.True(t, h.Complete)
	require.Nil(t, h.ICC)

	h, err = ReadHeader(jpegtest.Encode(m, jpegtest.Options{Progressive: true}))
	require.NoError(t, err)
	require.True(t, h.Progressive)
	require.Equal(t, len(jpegtest.Progression(m)), h.Scans)
}

func TestPlaneSize(t *testing.T) {
	t.Parallel()
	h := Header{Width: 17, Height: 33, Components: []Component{{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 2}}}
	for _, tt := range []struct {
		component     int
		scale         Scale
		width, height int
	}{
		{0, Full, 17, 33},
		{1, Full, 9, 17},
		{2, Full, 9, 33},
		{0, Half, 9, 17},
		{1, Half, 5, 9},
		{0, Quarter, 5, 9},
		{1, Quarter, 3, 5},
		{0, Eighth, 3, 5},
		{1, Eighth, 2, 3},
		{2, Eighth, 2, 5},
	} {
		width, height := h.PlaneSize(tt.component, tt.scale)
		require.Equal(t, [2]int{tt.width, tt.height}, [2]int{width, height}, "%+v", tt)
	}
}

// The rules of libjpeg's default_decompress_parms.
func TestModel(t *testing.T) {
	t.Parallel()
	rgb := []byte("RGB")
	for _, tt := range []struct {
		name       string
		components int
		ids        []byte
		o          jpegtest.Options
		want       Model
	}{
		{"grey", 1, nil, jpegtest.Options{}, ModelGray},
		{"three", 3, nil, jpegtest.Options{}, ModelYCbCr},
		{"three of any name", 3, []byte{0, 7, 9}, jpegtest.Options{}, ModelYCbCr},
		{"R, G and B", 3, rgb, jpegtest.Options{}, ModelRGB},
		{"R, G and B as JFIF", 3, rgb, jpegtest.Options{JFIF: true}, ModelYCbCr},
		{"R, G and B by Adobe, transformed", 3, rgb, jpegtest.Options{Adobe: true, Transform: 1}, ModelYCbCr},
		{"Adobe, not transformed", 3, nil, jpegtest.Options{Adobe: true}, ModelRGB},
		{"Adobe and JFIF", 3, nil, jpegtest.Options{Adobe: true, JFIF: true}, ModelYCbCr},
		{"four", 4, nil, jpegtest.Options{}, ModelCMYK},
		{"four by Adobe", 4, nil, jpegtest.Options{Adobe: true}, ModelCMYK},
		{"four by Adobe, transformed", 4, nil, jpegtest.Options{Adobe: true, Transform: 2}, ModelYCCK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := jpegtest.New(9, 9, samplings["four"][:tt.components], 1)
			for i, id := range tt.ids {
				m.Components[i].ID = id
			}
			data := jpegtest.Encode(m, tt.o)
			_, h := decodeWhole(t, data, Full)
			require.Equal(t, tt.want, h.Model)
			require.Equal(t, tt.o.Adobe, h.Adobe)
		})
	}
}

func TestModelString(t *testing.T) {
	t.Parallel()
	require.Equal(t, "YCCK", ModelYCCK.String())
	require.Equal(t, "unknown", Model(99).String())
}

func TestICC(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(9, 9, samplings["grey"], 1)
	profile := bytes.Repeat([]byte("profile "), 100)
	for _, part := range []int{0, 300, 800, 4} {
		h, err := ReadHeader(jpegtest.Encode(m, jpegtest.Options{ICC: profile, ICCPart: part}))
		require.NoError(t, err)
		require.Equal(t, profile, h.ICC)
	}
	large := make([]byte, MaxICC)
	h, err := ReadHeader(jpegtest.Encode(m, jpegtest.Options{ICC: large}))
	require.NoError(t, err)
	require.Len(t, h.ICC, MaxICC)
	h, err = ReadHeader(jpegtest.Encode(m, jpegtest.Options{ICC: append(large, 0)}))
	require.NoError(t, err)
	require.Nil(t, h.ICC)
}

// A profile with a part that is missing, twice there or beyond the count is none.
func TestICCParts(t *testing.T) {
	t.Parallel()
	part := func(number, count byte) []byte {
		return append([]byte("ICC_PROFILE\x00"), number, count, 'a'+number)
	}
	for _, tt := range []struct {
		name  string
		parts [][]byte
		want  string
	}{
		{"in disorder", [][]byte{part(2, 2), part(1, 2)}, "bc"},
		{"one is missing", [][]byte{part(1, 3), part(3, 3)}, ""},
		{"one is there twice", [][]byte{part(1, 2), part(1, 2)}, ""},
		{"one is beyond the count", [][]byte{part(1, 1), part(2, 1)}, ""},
		{"they disagree", [][]byte{part(1, 2), part(2, 3)}, ""},
		{"number 0", [][]byte{part(0, 1)}, ""},
		{"count 0", [][]byte{part(0, 0)}, ""},
		{"others are in between", [][]byte{part(1, 2), []byte("MPF\x00"), part(2, 2)}, "bc"},
		{"cut off", [][]byte{[]byte("ICC_PROFILE\x00")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c iccParts
			for _, p := range tt.parts {
				c.add(p)
			}
			require.Equal(t, tt.want, string(c.join()))
		})
	}
}

// Phones append a second image, which has markers and a size of its own.
func TestReadHeaderSeesTheFirstImage(t *testing.T) {
	t.Parallel()
	first := jpegtest.Encode(jpegtest.New(20, 30, samplings["4:2:0"], 1), jpegtest.Options{})
	second := jpegtest.Encode(jpegtest.New(99, 99, samplings["grey"], 1), jpegtest.Options{Progressive: true})
	want, _ := decodeWhole(t, first, Full)
	for _, between := range []string{"", "\x00\x00", "\xff\xff"} {
		data := append(append(bytes.Clone(first), between...), second...)
		got, h := decodeWhole(t, data, Full)
		require.Equal(t, [2]int{20, 30}, [2]int{h.Width, h.Height})
		require.Equal(t, 1, h.Scans)
		require.Equal(t, want, got)
	}
	// Without its EOI the first ends where the second begins.
	data := append(bytes.Clone(first[:len(first)-2]), second...)
	h, err := ReadHeader(data)
	require.NoError(t, err)
	require.False(t, h.Complete)
	require.Equal(t, 1, h.Scans)
}

// edit gives a copy of data in which the first old became new.
func edit(data []byte, old, new string) []byte {
	return bytes.Replace(data, []byte(old), []byte(new), 1)
}

func TestSupported(t *testing.T) {
	t.Parallel()
	grey := jpegtest.Encode(jpegtest.New(8, 8, samplings["grey"], 1), jpegtest.Options{})
	two := jpegtest.Encode(jpegtest.New(8, 8, samplings["4:2:2"][:2], 1), jpegtest.Options{})
	const sof = "\xff\xc0\x00\x0b\x08"
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"12 bits", edit(grey, sof, "\xff\xc1\x00\x0b\x0c"), "12 bits"},
		{"lossless", edit(grey, sof, "\xff\xc3\x00\x0b\x08"), "SOF3"},
		{"differential", edit(grey, sof, "\xff\xc5\x00\x0b\x08"), "SOF5"},
		{"arithmetic", edit(grey, sof, "\xff\xc9\x00\x0b\x08"), "arithmetic"},
		{"arithmetic, progressive", edit(grey, sof, "\xff\xca\x00\x0b\x08"), "arithmetic"},
		{"arithmetic, lossless", edit(grey, sof, "\xff\xcb\x00\x0b\x08"), "SOF11"},
		{"hierarchical", edit(grey, sof, "\xff\xde\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00"+sof), "hierarchical"},
		{"two components", two, "2 components"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, err := ReadHeader(tt.data)
			require.NoError(t, err)
			require.ErrorIs(t, h.Supported(), ErrUnsupported)
			require.ErrorContains(t, h.Supported(), tt.want)
			_, err = new(Decoder).Decode(t.Context(), tt.data, h, Options{Scale: Full}, nil)
			require.ErrorIs(t, err, ErrUnsupported)
		})
	}
}

func TestReadHeaderRefuses(t *testing.T) {
	t.Parallel()
	grey := jpegtest.Encode(jpegtest.New(8, 8, samplings["grey"], 1), jpegtest.Options{})
	colour := jpegtest.Encode(jpegtest.New(8, 8, samplings["4:4:4"], 1), jpegtest.Options{})
	const sof = "\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00"
	for _, tt := range []struct {
		name string
		data []byte
	}{
		{"nothing", nil},
		{"one byte", []byte{0xff}},
		{"SOI alone", []byte{0xff, 0xd8}},
		{"SOI and EOI", []byte{0xff, 0xd8, 0xff, 0xd9}},
		{"a PNG", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")},
		{"no frame", edit(grey, sof, "")},
		{"two frames", edit(grey, sof, sof+sof)},
		{"no scan", grey[:bytes.Index(grey, []byte{0xff, 0xda})]},
		{"no columns", edit(grey, "\x00\x08\x00\x08\x01", "\x00\x08\x00\x00\x01")},
		{"no lines", edit(grey, "\x00\x08\x00\x08\x01", "\x00\x00\x00\x08\x01")},
		{"no components", edit(grey, "\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00", "\xff\xc0\x00\x08\x08\x00\x08\x00\x08\x00")},
		{"a frame header that is too long", edit(grey, sof, "\xff\xc0\x00\x0c"+sof[4:]+"\x00")},
		{"a sampling factor of 0", edit(grey, sof, sof[:11]+"\x01\x00")},
		{"a sampling factor of 5", edit(grey, sof, sof[:11]+"\x51\x00")},
		{"quantisation table 4", edit(grey, sof, sof[:12]+"\x04")},
		{"two components of one name", edit(colour, "\x02\x11\x01", "\x01\x11\x01")},
		{"a million segments", append(bytes.Clone(grey[:2]), append(bytes.Repeat([]byte("\xff\xfe\x00\x02"), 1<<20), grey[2:]...)...)},
		{"a segment of length 1", edit(grey, "\xff\xc4\x00", "\xff\xc4\x00\x01\xff\xc4\x00")},
		{"a segment beyond the end", edit(grey, "\xff\xc4\x00", "\xff\xc4\xff")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadHeader(tt.data)
			var format FormatError
			require.ErrorAs(t, err, &format)
		})
	}
}
