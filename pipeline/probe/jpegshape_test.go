package probe_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

func TestShapeJPEG(t *testing.T) {
	t.Parallel()
	photo := samples.Photo(samples.Options{Width: 64, Height: 48})
	progressive := bytes.Replace(photo, []byte{0xff, 0xc0}, []byte{0xff, 0xc2}, 1)
	twice := append(append([]byte{}, photo[:len(photo)-2]...), photo[bytes.Index(photo, []byte{0xff, 0xda}):]...)
	for _, tc := range []struct {
		name string
		in   []byte
		want probe.JPEGShape
	}{
		{"4:2:0", photo, probe.JPEGShape{Components: 3, Samples: 6, Scans: 1}},
		{"progressive", progressive, probe.JPEGShape{Progressive: true, Components: 3, Samples: 6, Scans: 1}},
		{"two scans", twice, probe.JPEGShape{Components: 3, Samples: 6, Scans: 2}},
		{"CMYK", samples.CMYKJPEG(9, 9), probe.JPEGShape{Components: 4, Samples: 16, Scans: 1}},
		{"cut", photo[:100], probe.JPEGShape{}},
		{"PNG", samples.PNG(5, 5), probe.JPEGShape{}},
		{"nothing", nil, probe.JPEGShape{}},
	} {
		require.Equal(t, tc.want, probe.ShapeJPEG(tc.in), tc.name)
	}
}

// A file of nothing but segments ends the walk, not the patience of the caller.
func TestSegmentCap(t *testing.T) {
	t.Parallel()
	data := append([]byte{0xff, 0xd8}, bytes.Repeat([]byte{0xff, 0xe0, 0, 2}, 200_000)...)
	facts, need := probe.Detect(data[:100_000], int64(len(data)))
	require.Zero(t, need)
	require.Zero(t, facts.Width)
	require.False(t, facts.Truncated)
}
