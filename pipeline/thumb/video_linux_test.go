package thumb_test

import (
	"testing"

	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

// The limits that the kernel holds a child to: memory, and files that it may not write.
func TestPosterChildLimits(t *testing.T) {
	t.Parallel()
	_, err := poster(t.Context(), posters(t, thumb.PosterOptions{FFmpeg: ffmpeg(t), Memory: 8 << 20}), samples.MP4(10, 10), probe.TypeMP4)
	none(t, err, "ffmpeg")
	_, err = poster(t.Context(), posters(t, thumb.PosterOptions{FFmpeg: oddFFmpeg(t, "writing")}), samples.MP4(10, 10), probe.TypeMP4)
	none(t, err, "file too large")
}
