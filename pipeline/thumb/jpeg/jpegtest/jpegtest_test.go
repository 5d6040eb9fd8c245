package jpegtest_test

import (
	"bytes"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// The standard decoder takes what is written, and sees the same picture in all shapes. It
// does not take restarts in scans of one component, nor fill bytes behind a scan.
func TestEncodeForTheStandardDecoder(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(70, 45, []jpegtest.Factors{{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}}, 1)
	want, err := jpeg.Decode(bytes.NewReader(jpegtest.Encode(m, jpegtest.Options{})))
	require.NoError(t, err)
	for name, o := range map[string]jpegtest.Options{
		"separate":    {Script: jpegtest.Separate(m)},
		"restarts":    {Restart: 3, JFIF: true},
		"progressive": {Progressive: true},
	} {
		got, err := jpeg.Decode(bytes.NewReader(jpegtest.Encode(m, o)))
		require.NoError(t, err, name)
		require.Equal(t, want.Bounds(), got.Bounds(), name)
		for y := range m.Height {
			for x := range m.Width {
				require.Equal(t, want.At(x, y), got.At(x, y), "%s at %d, %d", name, x, y)
			}
		}
	}
}
