package jpeg

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

var scales = []Scale{Eighth, Quarter, Half, Full}

// samplings are the sampling factors that occur, and some that only may.
var samplings = map[string][]jpegtest.Factors{
	"grey":          {{H: 1, V: 1}},
	"grey as 2x2":   {{H: 2, V: 2}},
	"4:4:4":         {{H: 1, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}},
	"4:2:2":         {{H: 2, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}},
	"4:2:0":         {{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}},
	"4:4:0":         {{H: 1, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}},
	"4:1:1":         {{H: 4, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}},
	"4:1:0":         {{H: 4, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}},
	"3x1":           {{H: 3, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}},
	"2x1 all":       {{H: 2, V: 1}, {H: 2, V: 1}, {H: 2, V: 1}},
	"chroma larger": {{H: 1, V: 1}, {H: 2, V: 2}, {H: 1, V: 2}},
	"3 and 2":       {{H: 3, V: 2}, {H: 2, V: 1}, {H: 1, V: 2}},
	"four":          {{H: 1, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}},
	"four, 4:2:0":   {{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}, {H: 2, V: 2}},
}

var sizes = [][2]int{{1, 1}, {2, 3}, {7, 9}, {8, 8}, {9, 7}, {15, 16}, {16, 15}, {17, 17}, {33, 40}, {70, 18}}

func TestDecodeEverySampling(t *testing.T) {
	t.Parallel()
	for name, factors := range samplings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, size := range sizes {
				m := jpegtest.New(size[0], size[1], factors, uint64(i))
				for _, s := range scales {
					decodeShapes(t, m, s)
				}
			}
		})
	}
}

// decodeShapes decodes one image in many shapes.
func decodeShapes(t *testing.T, m *jpegtest.Image, s Scale) {
	t.Helper()
	var want [][]float64
	for what, o := range map[string]jpegtest.Options{
		"one scan":              {},
		"restarts":              {Restart: 1 + m.Width%3, Fill: 1},
		"separate":              {Script: jpegtest.Separate(m), Extended: true},
		"separate, restarts":    {Script: jpegtest.Separate(m), Restart: 2},
		"late height":           {DNL: true, Garbage: []byte{0, 1, 2}},
		"progressive":           {Progressive: true},
		"progressive, restarts": {Progressive: true, Restart: 2},
		"progressive, late":     {Progressive: true, DNL: true, Fill: 3},
	} {
		what = fmt.Sprintf("%s, %d x %d at %d/8", what, m.Width, m.Height, s)
		got, h := decodeWhole(t, jpegtest.Encode(m, o), s)
		require.Equal(t, [2]int{m.Width, m.Height}, [2]int{h.Width, h.Height}, what)
		if want == nil {
			want = referencePlanes(m, &h, s)
		}
		requireClose(t, want, got, what)
	}
}

// Two windows of data and more, so that they are joined.
func TestDecodeMoreThanAWindow(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(900, 700, samplings["4:2:0"], 1)
	for _, o := range []jpegtest.Options{{}, {Restart: 700}, {Progressive: true}} {
		data := jpegtest.Encode(m, o)
		require.Greater(t, len(data), 4*windowSize)
		for _, s := range scales {
			got, h := decodeWhole(t, data, s)
			requireClose(t, referencePlanes(m, &h, s), got, fmt.Sprint(o.Progressive, s))
		}
	}
}

func TestDecodeOneDecoderForMany(t *testing.T) {
	t.Parallel()
	var d Decoder
	for name, factors := range samplings {
		m := jpegtest.New(40, 50, factors, 3)
		for _, o := range []jpegtest.Options{
			{Restart: 2}, {Progressive: true, Restart: 2}, {Progressive: true}, {Script: jpegtest.Separate(m)}, {},
		} {
			for _, s := range scales {
				data := jpegtest.Encode(m, o)
				want, h := decodeWhole(t, data, s)
				got, _, r, err := collect(t.Context(), &d, data, Options{Scale: s})
				require.NoError(t, err)
				require.Equal(t, Result{Rows: h.Height}, r)
				require.Equal(t, want, got, name)
			}
		}
	}
}

func TestDecodeSteadyStateAllocatesNothing(t *testing.T) {
	m := jpegtest.New(300, 200, samplings["4:2:0"], 1)
	for _, o := range []jpegtest.Options{{}, {Restart: 3}, {Script: jpegtest.Separate(m)}, {Progressive: true}} {
		data := jpegtest.Encode(m, o)
		h, err := ReadHeader(data)
		require.NoError(t, err)
		for _, s := range scales {
			var d Decoder
			sink := func(Band) error { return nil }
			ctx := context.Background()
			n := testing.AllocsPerRun(5, func() {
				if _, err := d.Decode(ctx, data, h, Options{Scale: s}, sink); err != nil {
					panic(err)
				}
			})
			require.Zero(t, n, "%+v at %d/8", o, s)
		}
	}
}

func TestMemoryCoversWhatIsHeld(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(333, 222, samplings["4:2:0"], 1)
	for _, o := range []jpegtest.Options{{}, {Script: jpegtest.Separate(m)}, {Progressive: true}} {
		data := jpegtest.Encode(m, o)
		h, err := ReadHeader(data)
		require.NoError(t, err)
		for _, s := range scales {
			var d Decoder
			var held int64
			_, err := d.Decode(t.Context(), data, h, Options{Scale: s}, func(Band) error {
				held = int64(len(d.reader.window))
				for _, c := range d.frame.components {
					held += int64(cap(c.pix) + 2*cap(c.coef) + 8*cap(c.mask))
				}
				return nil
			})
			require.NoError(t, err)
			estimate := h.Memory(s)
			require.GreaterOrEqual(t, estimate, held, "%+v at %d/8", o, s)
			require.LessOrEqual(t, estimate, held+decoderSize, "%+v at %d/8", o, s)
		}
	}
}

// A photo of 108 megapixels at 1/8 takes no more than its rows of MCUs.
func TestMemoryOfALargePhoto(t *testing.T) {
	t.Parallel()
	h := Header{Width: 12000, Height: 9000, interleaved: true, Components: []Component{{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}}}
	require.Less(t, h.Memory(Eighth), int64(256<<10))
	require.Less(t, h.Memory(Full), int64(1<<20))
	h.Progressive = true
	require.Less(t, h.Memory(Eighth), int64(6<<20))
}

func TestDecodeStopsWithTheSink(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(40, 100, samplings["4:2:0"], 1)
	full := errors.New("enough")
	for _, stop := range []error{full, FormatError("of the sink")} {
		for _, o := range []jpegtest.Options{{}, {Script: jpegtest.Separate(m)}, {Progressive: true}} {
			data := jpegtest.Encode(m, o)
			h, err := ReadHeader(data)
			require.NoError(t, err)
			bands := 0
			_, err = new(Decoder).Decode(t.Context(), data, h, Options{Scale: Half}, func(Band) error {
				bands++
				if bands == 2 {
					return stop
				}
				return nil
			})
			require.ErrorIs(t, err, stop)
			require.Equal(t, 2, bands)
		}
	}
}

// endingContext ends after it was looked at some times.
type endingContext struct {
	context.Context
	looks int
}

func (c *endingContext) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

// The context is looked at for every row of blocks of every scan.
func TestDecodeStopsWithTheContext(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(40, 100, samplings["4:2:0"], 1)
	for _, o := range []jpegtest.Options{{}, {Script: jpegtest.Separate(m)}, {Progressive: true}} {
		data := jpegtest.Encode(m, o)
		counting := &endingContext{Context: t.Context(), looks: 1 << 20}
		_, _, _, err := collect(counting, new(Decoder), data, Options{Scale: Full})
		require.NoError(t, err)
		looks := 1<<20 - counting.looks
		require.GreaterOrEqual(t, looks, 7)
		if o.Progressive {
			require.GreaterOrEqual(t, looks, 100)
		}
		for n := range looks {
			_, _, _, err := collect(&endingContext{Context: t.Context(), looks: n}, new(Decoder), data, Options{Scale: Full})
			require.ErrorIs(t, err, context.Canceled)
		}
	}
}

func TestDecodeUnknownScale(t *testing.T) {
	t.Parallel()
	data := jpegtest.Encode(jpegtest.New(8, 8, samplings["grey"], 1), jpegtest.Options{})
	h, err := ReadHeader(data)
	require.NoError(t, err)
	for _, s := range []Scale{-1, 0, 3, 5, 6, 7, 9, 16} {
		_, err := new(Decoder).Decode(t.Context(), data, h, Options{Scale: s}, nil)
		require.ErrorContains(t, err, "scale")
	}
}
