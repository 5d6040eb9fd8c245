package wire

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/probe"
)

func TestPosterOptions(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	app := &App{Config: cfg}
	cfg.Thumbnails.Video = "off"
	require.Equal(t, "thumbnails of videos are off", app.posterOptions().Skips(probe.TypeMP4))
	cfg.Thumbnails.Video = "auto"
	cfg.Thumbnails.FFmpeg = filepath.Join(t.TempDir(), "ffmpeg")
	require.Contains(t, app.posterOptions().Skips(probe.TypeMP4), "no ffmpeg at ")
	require.NoError(t, os.WriteFile(cfg.Thumbnails.FFmpeg, nil, 0o700)) //nolint:gosec // a program
	require.Empty(t, app.posterOptions().Skips(probe.TypeMP4))
	require.Empty(t, app.posterOptions().Skips(probe.TypeJPEG))
	require.NotEmpty(t, app.posterOptions().Skips(probe.TypePDF))
}
