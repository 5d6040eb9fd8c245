package jpeg

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// entropyBegin gives where the data of the first scan begins.
func entropyBegin(data []byte) int {
	at := bytes.Index(data, []byte{0xff, 0xda})
	return at + 2 + int(data[at+2])<<8 + int(data[at+3])
}

// A file that is cut off anywhere either fails or delivers whole rows, which are those of
// the whole file, and says how many.
func TestDecodeTruncatedAnywhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"grey", "4:2:0", "4:4:0"} {
		m := jpegtest.New(40, 70, samplings[name], 1)
		backwards := jpegtest.Separate(m)
		slices.Reverse(backwards)
		levels := jpegtest.Scan{}
		for i := range m.Components {
			levels.Components = append(levels.Components, i)
		}
		for what, o := range map[string]jpegtest.Options{
			"one scan": {}, "restarts": {Restart: 2}, "separate": {Script: jpegtest.Separate(m)},
			"backwards": {Script: backwards}, "levels": {Progressive: true, Script: []jpegtest.Scan{levels}},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				data := jpegtest.Encode(m, o)
				for _, s := range scales {
					truncateEverywhere(t, data, s)
				}
			})
		}
	}
}

func truncateEverywhere(t *testing.T, data []byte, s Scale) {
	t.Helper()
	var d Decoder
	want, h := decodeWhole(t, data, s)
	rows := 0
	for n := range len(data) {
		got, _, r, err := collect(t.Context(), &d, data[:n], Options{Scale: s, MinRows: 0.01})
		if err != nil {
			var format FormatError
			require.ErrorAs(t, err, &format)
			continue
		}
		require.GreaterOrEqual(t, r.Rows, rows, "cut at %d", n)
		rows = r.Rows
		require.Equal(t, r.Rows < h.Height || h.Progressive, r.Truncated, "cut at %d", n)
		for i := range want {
			width, height := h.PlaneSize(i, s)
			whole := height * width
			if r.Rows < h.Height {
				whole = r.Rows * height / (h.Height + mcuSlack(&h)) * width
			}
			require.True(t, bytes.Equal(want[i][:whole], got[i][:whole]), "cut at %d, plane %d, %d rows", n, i, r.Rows)
		}
	}
	require.Equal(t, h.Height, rows, "the last cut is behind the data")
}

// mcuSlack is how many rows of padding are below the image.
func mcuSlack(h *Header) int {
	_, v := h.maxFactors()
	if len(h.Components) == 1 {
		v = 1
	}
	return ceilDiv(h.Height, 8*v)*8*v - h.Height
}

// A progressive file that is cut off shows all rows that have their DC coefficients.
func TestDecodeTruncatedProgressive(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(20, 70, samplings["4:2:0"], 1)
	data := jpegtest.Encode(m, jpegtest.Options{Progressive: true})
	var d Decoder
	rows := 0
	for n := range len(data) {
		for _, s := range []Scale{Eighth, Full} {
			_, h, r, err := collect(t.Context(), &d, data[:n], Options{Scale: s, MinRows: 0.01})
			if err != nil {
				var format FormatError
				require.ErrorAs(t, err, &format)
				continue
			}
			require.False(t, h.Complete)
			require.True(t, r.Truncated)
			require.GreaterOrEqual(t, r.Rows, rows)
			rows = r.Rows
		}
	}
	require.Equal(t, 70, rows)
}

// What a cut file shows is its own: a decoder that has seen another file before gives the
// same samples as a fresh one.
func TestDecodeTruncatedShowsNothingElse(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(32, 40, samplings["4:2:0"], 1)
	other := jpegtest.Encode(jpegtest.New(80, 80, samplings["4:4:4"], 9), jpegtest.Options{})
	for name, o := range map[string]jpegtest.Options{"one scan": {}, "progressive": {Progressive: true}, "restarts": {Progressive: true, Restart: 3}} {
		data := jpegtest.Encode(m, o)
		var used Decoder
		for n := entropyBegin(data); n < len(data); n += 11 {
			_, _, _, err := collect(t.Context(), &used, other, Options{Scale: Eighth})
			require.NoError(t, err)
			opt := Options{Scale: Full, MinRows: 0.01}
			want, _, _, err := collect(t.Context(), new(Decoder), data[:n], opt)
			got, _, _, err2 := collect(t.Context(), &used, data[:n], opt)
			require.Equal(t, err, err2, "%s: cut at %d", name, n)
			require.True(t, err != nil || reflect.DeepEqual(want, got), "%s: cut at %d", name, n)
		}
	}
}

func TestMinRows(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(16, 160, samplings["4:2:0"], 1)
	data := jpegtest.Encode(m, jpegtest.Options{Restart: 1})
	// The marker behind the seventh of ten rows, where the data ends.
	cut := bytes.Index(data, []byte{0xff, 0xd6})
	for _, tt := range []struct {
		minRows float64
		ok      bool
	}{{0.5, true}, {0.7, true}, {0.71, false}, {0, false}, {1, false}} {
		_, _, r, err := collect(t.Context(), new(Decoder), data[:cut], Options{Scale: Half, MinRows: tt.minRows})
		if tt.ok {
			require.NoError(t, err, "%v", tt.minRows)
			require.Equal(t, Result{Rows: 112, Truncated: true}, r)
			continue
		}
		require.EqualError(t, err, "jpeg: only 112 of 160 rows are whole")
	}
}

// What is broken in the middle of the data ends the picture as what is missing does.
func TestDecodeDamage(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(64, 160, samplings["4:2:0"], 1)
	for _, tt := range []struct {
		name   string
		damage func(data []byte, at int) []byte
	}{
		{"a restart marker of a wrong number", func(data []byte, at int) []byte {
			data[at+1] = data[at+1] ^ 1
			return data
		}},
		{"another marker amid the data", func(data []byte, at int) []byte {
			copy(data[at-4:], "\xff\xe5")
			return data
		}},
		{"a byte missing before a restart marker", func(data []byte, at int) []byte {
			return append(data[:at-1], data[at:]...)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The marker behind the second MCU of the seventh row of four.
			data := jpegtest.Encode(m, jpegtest.Options{Restart: 1})
			at := entropyBegin(data)
			for range 26 {
				at, _ = nextMarker(data, at+1, true)
			}
			data = tt.damage(data, at-1)
			_, _, r, err := collect(t.Context(), new(Decoder), data, Options{Scale: Full, MinRows: 0.5})
			require.NoError(t, err)
			require.Equal(t, Result{Rows: 96, Truncated: true}, r)
		})
	}
}

// Codes that are in no table, and runs beyond the last coefficient, are damage too.
func TestDecodeFlippedBits(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(64, 160, samplings["4:2:0"], 1)
	for _, o := range []jpegtest.Options{{}, {Restart: 3}, {Progressive: true}} {
		data := jpegtest.Encode(m, o)
		broken := 0
		var d Decoder
		for at := entropyBegin(data); at < len(data); at += 7 {
			bad := bytes.Clone(data)
			bad[at] ^= byte(1 << (at % 8))
			for _, s := range scales {
				_, _, r, err := collect(t.Context(), &d, bad, Options{Scale: s, MinRows: 0.01})
				if err != nil || r.Truncated {
					broken++
				}
			}
		}
		require.Positive(t, broken)
	}
}

func TestDecodeRefusesTables(t *testing.T) {
	t.Parallel()
	grey := jpegtest.Encode(jpegtest.New(16, 16, samplings["grey"], 1), jpegtest.Options{})
	dqt := bytes.Index(grey, []byte{0xff, 0xdb})
	dht := bytes.Index(grey, []byte{0xff, 0xc4})
	sos := bytes.Index(grey, []byte{0xff, 0xda})
	at := func(i int, b byte) []byte {
		c := bytes.Clone(grey)
		c[i] = b
		return c
	}
	cut := func(from, to int) []byte {
		return append(bytes.Clone(grey[:from]), grey[to:]...)
	}
	twelve := jpegtest.Encode(jpegtest.New(16, 16, []jpegtest.Factors{{H: 2, V: 2}, {H: 2, V: 2}, {H: 2, V: 2}}, 1), jpegtest.Options{})
	dri := edit(grey, "\xff\xda", "\xff\xdd\x00\x05\x00\x01\x00\xff\xda")
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"a quantisation step of zero", at(dqt+5, 0), "step of zero"},
		{"a quantisation table 4", at(dqt+4, 4), "quantisation table"},
		{"a quantisation table of 24 bits", at(dqt+4, 0x20), "quantisation table"},
		{"a quantisation table of 16 bits in the room of 8", at(dqt+4, 0x10), "quantisation table"},
		{"no quantisation table", cut(dqt, dqt+2*69), "without its quantisation table"},
		{"a Huffman table 4", at(dht+4, 4), "Huffman table"},
		{"a Huffman table of class 2", at(dht+4, 0x20), "Huffman table"},
		{"three codes of one bit", at(dht+5, 3), "more codes"},
		{"more codes than bytes", at(dht+20, 200), "impossible number"},
		{"no Huffman table", cut(dht, sos), "not defined"},
		{"a scan of no components", at(sos+4, 0), "scan header"},
		{"a scan of two components", at(sos+4, 2), "scan header"},
		{"a scan of another component", at(sos+5, 9), "not in the frame"},
		{"a scan with Huffman table 4", at(sos+6, 0x40), "beyond the fourth"},
		{"a restart interval of three bytes", dri, "restart interval"},
		{"an MCU of twelve blocks", twelve, "ten blocks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range scales {
				_, _, _, err := collect(t.Context(), new(Decoder), tt.data, Options{Scale: s, MinRows: 0.01})
				var format FormatError
				require.ErrorAs(t, err, &format)
				require.ErrorContains(t, err, tt.want)
			}
		})
	}
}

// The parameters of G.1.1.1.
func TestDecodeRefusesBands(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(16, 16, samplings["4:4:4"], 1)
	all := []int{0, 1, 2}
	for _, tt := range []jpegtest.Scan{
		{Components: all, To: 63},
		{Components: all, From: 1, To: 5},
		{Components: all[:1], From: 5, To: 4},
		{Components: all[:1], From: 1, To: 64},
		{Components: all, Low: 14},
		{Components: all, High: 2},
		{Components: all, High: 1, Low: 1},
	} {
		data := jpegtest.Encode(m, jpegtest.Options{Progressive: true, Script: []jpegtest.Scan{{Components: tt.Components}}})
		sos := bytes.Index(data, []byte{0xff, 0xda})
		copy(data[sos+5+2*len(tt.Components):], []byte{byte(tt.From), byte(tt.To), byte(tt.High<<4 | tt.Low)})
		_, _, _, err := collect(t.Context(), new(Decoder), data, Options{Scale: Full})
		require.ErrorContains(t, err, "impossible parameters", "%+v", tt)
	}
}

// Nothing of a file is left for the next one.
func TestDecodeForgetsTheTables(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(16, 16, samplings["grey"], 1)
	good := jpegtest.Encode(m, jpegtest.Options{})
	dqt := bytes.Index(good, []byte{0xff, 0xdb})
	dht := bytes.Index(good, []byte{0xff, 0xc4})
	sos := bytes.Index(good, []byte{0xff, 0xda})
	for _, bad := range [][]byte{
		append(bytes.Clone(good[:dqt]), good[dqt+2*69:]...),
		append(bytes.Clone(good[:dht]), good[sos:]...),
	} {
		var d Decoder
		_, _, _, err := collect(t.Context(), &d, good, Options{Scale: Full})
		require.NoError(t, err)
		_, _, _, err = collect(t.Context(), &d, bad, Options{Scale: Full})
		var format FormatError
		require.ErrorAs(t, err, &format)
	}
}

// A component that comes again is decoded again, from its beginning.
func TestDecodeAComponentTwice(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(40, 30, samplings["4:2:0"], 1)
	one, all := []int{0}, []int{0, 1, 2}
	for _, o := range []jpegtest.Options{
		{Script: append(jpegtest.Separate(m), jpegtest.Scan{Components: one})},
		{Progressive: true, Script: append([]jpegtest.Scan{{Components: all}}, jpegtest.Progression(m)...)},
	} {
		for _, s := range scales {
			got, h := decodeWhole(t, jpegtest.Encode(m, o), s)
			requireClose(t, referencePlanes(m, &h, s), got, "twice")
		}
	}
}

func TestDecodeRefusesADCSizeAbove15(t *testing.T) {
	t.Parallel()
	var table dcTable
	spec := tableSpec{defined: true}
	spec.counts[0], spec.symbols[0] = 1, 16
	require.ErrorContains(t, table.build(&spec), "above 15")
}

func TestDecodeRefusesTheHeaderOfAnotherFile(t *testing.T) {
	t.Parallel()
	a := jpegtest.Encode(jpegtest.New(16, 16, samplings["4:2:0"], 1), jpegtest.Options{})
	for _, b := range [][]byte{
		jpegtest.Encode(jpegtest.New(16, 24, samplings["4:2:0"], 1), jpegtest.Options{}),
		jpegtest.Encode(jpegtest.New(24, 16, samplings["4:2:0"], 1), jpegtest.Options{}),
		jpegtest.Encode(jpegtest.New(16, 16, samplings["4:4:4"], 1), jpegtest.Options{}),
		jpegtest.Encode(jpegtest.New(16, 16, samplings["four"], 1), jpegtest.Options{}),
		jpegtest.Encode(jpegtest.New(16, 16, samplings["4:2:0"], 1), jpegtest.Options{Progressive: true}),
	} {
		h, err := ReadHeader(b)
		require.NoError(t, err)
		_, err = new(Decoder).Decode(t.Context(), a, h, Options{Scale: Full}, func(Band) error { return nil })
		require.ErrorContains(t, err, "not that of the header")
	}
}

// Files that are made to burn time or memory are refused before a block is decoded.
func TestDecodeRefusesBombs(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(64, 64, samplings["4:2:0"], 1)
	progression := jpegtest.Progression(m)
	for i := range 1000 {
		progression = append(progression, jpegtest.Scan{Components: []int{i % 3}, From: 1, To: 63})
	}
	scans := jpegtest.Encode(m, jpegtest.Options{Progressive: true, Script: progression})
	grey := jpegtest.Encode(jpegtest.New(16, 16, samplings["grey"], 1), jpegtest.Options{})
	huge := edit(grey, "\x08\x00\x10\x00\x10\x01", "\x08\xff\xff\xff\xff\x01")
	hugeProgressive := edit(huge, "\xff\xc0", "\xff\xc2")
	padded := append(bytes.Clone(grey[:len(grey)-2]), make([]byte, 1<<20)...)
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"a thousand scans", scans, "too often"},
		{"65535 x 65535 in a few bytes", huge, "less data"},
		{"the same, progressive", hugeProgressive, "less data"},
		{"a megabyte for 256 pixels", padded, "more data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, err := ReadHeader(tt.data)
			require.NoError(t, err)
			for _, s := range scales {
				var d Decoder
				_, err = d.Decode(t.Context(), tt.data, h, Options{Scale: s}, func(Band) error { return fmt.Errorf("a band") })
				var format FormatError
				require.ErrorAs(t, err, &format)
				require.ErrorContains(t, err, tt.want)
				require.Empty(t, d.frame.components, "nothing was allocated")
			}
		})
	}
}
