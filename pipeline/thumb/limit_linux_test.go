package thumb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

func TestIsolatedImageThatEatsMemory(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("the race detector takes memory of its own, and minutes for this")
	}
	data := samples.WebPLossless(5000, 5000, 0xff336699) // 100 MB when it is decoded
	_, err := through(t.Context(), isolated(t, "good", thumb.IsolatedOptions{Memory: 32 << 20}), data, box(10))
	require.Equal(t, pipeline.Poison, pipeline.ClassOf(err), "%v", err)
	_, err = through(t.Context(), isolated(t, "good", thumb.IsolatedOptions{Memory: 1 << 30}), data, box(10))
	require.NoError(t, err)
}
