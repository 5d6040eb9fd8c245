package png_test

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/png"
)

// emptyBlocks is a stream of n blocks (RFC 1951, 3.2.3) that hold nothing, ten bits each,
// and one that holds all.
func emptyBlocks(n int, data []byte) []byte {
	out := []byte{0x78, 0x01} // RFC 1950, 2.2; its check sum is not looked at
	bits, used := uint64(0), 0
	put := func(v uint64, size int) {
		for bits, used = bits|v<<used, used+size; used >= 8; bits, used = bits>>8, used-8 {
			out = append(out, byte(bits))
		}
	}
	for range n {
		put(0b010, 3) // fixed codes
		put(0, 7)     // the end
	}
	put(0b001, 3) // the last one, as it is
	put(0, (8-used)%8)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(data)))
	out = binary.LittleEndian.AppendUint16(out, ^uint16(len(data)))
	return append(out, data...)
}

// Blocks without anything in them are fine, but not millions of them.
func TestEmptyBlocks(t *testing.T) {
	t.Parallel()
	f := file{width: 40, height: 30, kind: 2, depth: 8}
	rows := f.rows()
	most := 4096 + 4*f.height + len(rows)/64
	_, want, err := decode(t, f.bytes())
	require.NoError(t, err)
	_, got, err := decode(t, f.with(emptyBlocks(most-1, rows)))
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, _, err = decode(t, f.with(emptyBlocks(most, rows)))
	var format png.FormatError
	require.ErrorAs(t, err, &format)
}

// ending is a context that is over when it is looked at for the given time.
type ending struct {
	context.Context
	left int
}

func (e *ending) Err() error {
	if e.left--; e.left <= 0 {
		return context.Canceled
	}
	return nil
}

// The context is looked at before each block, for there can be many in a row.
func TestEveryBlockLooks(t *testing.T) {
	t.Parallel()
	f := file{width: 40, height: 30, kind: 2, depth: 8}
	data := f.with(emptyBlocks(4000, f.rows()))
	h, err := png.ReadHeader(data)
	require.NoError(t, err)
	for _, left := range []int{2, 100, 4000} {
		err = new(png.Decoder).Decode(&ending{t.Context(), left}, data, h, func(int, []byte) error {
			t.Error("a row")
			return nil
		})
		require.ErrorIs(t, err, context.Canceled, "%d looks", left)
	}
}
