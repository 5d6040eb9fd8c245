package thumb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

// odd is an ffmpeg that does something else.
func odd(kind string) int {
	switch kind {
	case "hanging":
		<-time.After(time.Hour)
	case "flooding":
		for block := make([]byte, 1<<20); ; {
			if _, err := os.Stdout.Write(block); err != nil {
				return 1
			}
		}
	case "writing":
		if err := os.WriteFile("another", []byte("file"), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "talking":
		fmt.Fprintln(os.Stderr, "no such "+os.Args[len(os.Args)-1]+"\nmore")
		return 1
	}
	return 0
}

// ffmpeg gives the real one. Where it is not installed the test is skipped, or fails when
// AFTERPUT_TEST_REQUIRE names ffmpeg.
func ffmpeg(t *testing.T) string {
	t.Helper()
	found, why := thumb.FindFFmpeg("")
	if found == "" {
		const hint = "ffmpeg is not installed: apt-get install ffmpeg, or make test"
		if slices.Contains(strings.Split(os.Getenv("AFTERPUT_TEST_REQUIRE"), ","), "ffmpeg") {
			t.Fatal(hint)
		}
		t.Skip(why + ": " + hint)
	}
	return found
}

// film makes a video with ffmpeg: sources of its filters, one after the other.
func film(t *testing.T, program, name, filters string, more ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	args := append([]string{"-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", filters, "-pix_fmt", "yuv420p", "-threads", "1"}, more...)
	out, err := exec.CommandContext(t.Context(), program, append(args, file)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

// turn has a film shown a quarter turned, as phones do it: by the matrix of the track (ISO/IEC
// 14496-12, 8.3.2).
func turn(t *testing.T, mov []byte) {
	t.Helper()
	at := bytes.Index(mov, []byte("tkhd"))
	require.Positive(t, at)
	const matrix = 44
	copy(mov[at+matrix:], "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00")
}

// redThenGreen is red for a second and then green.
const redThenGreen = "color=c=0xc80000:s=320x180:r=10:d=1[a];color=c=0x00a000:s=320x180:r=10:d=1[b];[a][b]concat"

// posters gives Posters whose folder has to be empty when the test ends.
func posters(t *testing.T, opt thumb.PosterOptions) *thumb.Posters {
	t.Helper()
	opt.Dir = t.TempDir()
	p, err := thumb.NewPosters(opt, newEngine(t, thumb.Options{}))
	require.NoError(t, err)
	t.Cleanup(func() {
		left, err := os.ReadDir(opt.Dir)
		require.NoError(t, err)
		require.Empty(t, left)
	})
	return p
}

func poster(ctx context.Context, p *thumb.Posters, data []byte, kind string) ([]pipeline.Thumbnail, error) {
	return p.Thumbnails(ctx, bytes.NewReader(data), pipeline.Facts{Type: kind}, int64(len(data)), box(160))
}

// none asserts that a video counts as one without a poster.
func none(t *testing.T, err error, says string) {
	t.Helper()
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err), "%v", err)
	require.Equal(t, pipeline.CodeTypeNotAllowed, pipeline.CodeOf(err))
	require.ErrorContains(t, err, says)
}

func TestPosters(t *testing.T) {
	t.Parallel()
	program := ffmpeg(t)
	const red, green = 0xc80000, 0x00a000
	for _, tc := range []struct {
		name, filters string
		more          []string
		kind          string
		w, h          int
		rgb           uint32
	}{
		{name: "a.mp4", filters: redThenGreen, kind: probe.TypeMP4, w: 160, h: 90, rgb: green},
		{name: "short.mp4", filters: "color=c=0xc80000:s=320x180:r=10:d=0.4", kind: probe.TypeMP4, w: 160, h: 90, rgb: red},
		{name: "turned.mov", filters: redThenGreen, kind: probe.TypeQuickTime, w: 90, h: 160, rgb: green},
		{name: "wide.mp4", filters: redThenGreen + ",setsar=2/1", kind: probe.TypeMP4, w: 160, h: 45, rgb: green},
		{name: "a.webm", filters: redThenGreen, kind: probe.TypeWebM, w: 160, h: 90, rgb: green},
		{name: "small.mkv", filters: "color=c=0xc80000:s=64x48:r=10:d=2", kind: probe.TypeMatroska, w: 64, h: 48, rgb: red},
		{name: "a.ts", filters: redThenGreen, kind: probe.TypeMPEGTS, w: 160, h: 90, rgb: green},
		{name: "a.3gp", filters: "color=c=0xc80000:s=176x144:r=10:d=2", kind: probe.Type3GP, w: 160, h: 131, rgb: red},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			data := film(t, program, tc.name, tc.filters, tc.more...)
			if strings.HasPrefix(tc.name, "turned") {
				turn(t, data)
			}
			facts, _ := probe.Detect(data, int64(len(data)))
			require.Equal(t, tc.kind, facts.Type)
			p := posters(t, thumb.PosterOptions{FFmpeg: program})
			require.Empty(t, p.Skips(tc.kind))
			made, err := poster(t.Context(), p, data, tc.kind)
			require.NoError(t, err)
			require.Equal(t, []int{tc.w, tc.h}, []int{made[0].Width, made[0].Height})
			near(t, decodedThumb(t, made[0]), tc.w/2, tc.h/2, tc.rgb)
		})
	}
}

// Videos of which there is no frame, and files that only say that they are one.
func TestNoPoster(t *testing.T) {
	t.Parallel()
	program := ffmpeg(t)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	called := make(chan struct{})
	go func() {
		if c, err := l.Accept(); err == nil {
			_ = c.Close()
			close(called)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		select {
		case <-called:
			t.Error("it went to the network")
		default:
		}
	})
	url := "http://" + l.Addr().String() + "/a.ts"
	for name, data := range map[string][]byte{
		"without frames": samples.MP4(320, 180),
		"cut":            film(t, program, "a.mp4", redThenGreen)[:900],
		"noise":          bytes.Repeat([]byte("noise"), 999),
		"a playlist":     []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + url + "\n#EXT-X-ENDLIST\n"),
		"a script":       []byte("ffconcat version 1.0\nfile '" + url + "'\n"),
		"an image":       samples.PNG(60, 40),
	} {
		for _, kind := range []string{probe.TypeMP4, probe.TypeMatroska, probe.TypeMPEGTS} {
			t.Run(name+" as "+kind, func(t *testing.T) {
				t.Parallel()
				_, err := poster(t.Context(), posters(t, thumb.PosterOptions{FFmpeg: program}), data, kind)
				none(t, err, "")
				require.NotContains(t, err.Error(), os.TempDir())
			})
		}
	}
}

func TestPosterLimits(t *testing.T) {
	t.Parallel()
	program := ffmpeg(t)
	data := film(t, program, "a.mp4", redThenGreen)
	_, err := poster(t.Context(), posters(t, thumb.PosterOptions{FFmpeg: program, MaxPixels: 1000}), data, probe.TypeMP4)
	none(t, err, "ffmpeg")
	_, err = poster(t.Context(), posters(t, thumb.PosterOptions{FFmpeg: program, MaxBytes: 100}), data, probe.TypeMP4)
	none(t, err, "the limit is 100")
	_, err = poster(t.Context(), posters(t, thumb.PosterOptions{FFmpeg: oddFFmpeg(t, "hanging"), Within: 100 * time.Millisecond}), data, probe.TypeMP4)
	none(t, err, "did not end within 100ms")
	for kind, says := range map[string]string{
		"flooding": "broken pipe", "talking": "ffmpeg: exit status 1: no such pipe:1", "empty": "no frame",
	} {
		_, err = poster(t.Context(), posters(t, thumb.PosterOptions{FFmpeg: oddFFmpeg(t, kind)}), data, probe.TypeMP4)
		none(t, err, says)
	}
	_, err = poster(t.Context(), posters(t, thumb.PosterOptions{FFmpeg: filepath.Join(t.TempDir(), "gone")}), data, probe.TypeMP4)
	none(t, err, "no ffmpeg")
}

func oddFFmpeg(t *testing.T, kind string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), "ffmpeg-"+kind)
	require.NoError(t, os.Symlink(self, link))
	return link
}

func TestPosterThatIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := posters(t, thumb.PosterOptions{FFmpeg: oddFFmpeg(t, "hanging")})
	data := samples.MP4(10, 10)
	// Whoever waits for a turn is let go as well.
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := poster(ctx, p, data, probe.TypeMP4)
			done <- err
		}()
	}
	cancel()
	for range 2 {
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(<-done))
	}
}

func TestPosterOfABrokenTransfer(t *testing.T) {
	t.Parallel()
	p := posters(t, thumb.PosterOptions{FFmpeg: oddFFmpeg(t, "empty")})
	data := samples.MP4(10, 10)
	read := func(src io.Reader, size int) error {
		_, err := p.Thumbnails(t.Context(), src, pipeline.Facts{Type: probe.TypeMP4}, int64(size), box(10))
		return err
	}
	for name, err := range map[string]error{
		"too short": read(bytes.NewReader(data), len(data)+1),
		"too long":  read(bytes.NewReader(data), len(data)-1),
		"cut off":   read(iotest.ErrReader(errors.New("reset")), len(data)),
	} {
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err), name)
	}
	denied := &pipeline.Error{Class: pipeline.Denied, Op: "get", Err: errors.New("403")}
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(read(iotest.ErrReader(denied), 5)))
}

// Without ffmpeg videos are skipped, and images are as they were.
func TestWithoutFFmpeg(t *testing.T) {
	t.Parallel()
	found, why := thumb.FindFFmpeg(filepath.Join(t.TempDir(), "ffmpeg"))
	require.Empty(t, found)
	require.Contains(t, why, "no ffmpeg at ")
	p := posters(t, thumb.PosterOptions{Why: "no ffmpeg"})
	require.Equal(t, "no ffmpeg", p.Skips(probe.TypeMP4))
	require.Empty(t, p.Skips(probe.TypeJPEG))
	require.Equal(t, "only images have thumbnails", p.Skips(probe.TypePDF))
	_, err := poster(t.Context(), p, samples.MP4(10, 10), probe.TypeMP4)
	none(t, err, "no ffmpeg")
	made, err := poster(t.Context(), p, samples.PNG(50, 50), probe.TypePNG)
	require.NoError(t, err)
	require.Len(t, made, 1)
	p = posters(t, thumb.PosterOptions{FFmpeg: "ffmpeg"})
	require.Equal(t, "no poster is made of video/x-flv", p.Skips("video/x-flv"))
}
