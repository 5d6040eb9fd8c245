package thumb_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// manyScans is a progressive JPEG whose last scan comes again and again.
func manyScans(n int) []byte {
	m := jpegtest.New(160, 160, []jpegtest.Factors{full}, 1)
	script := []jpegtest.Scan{{Components: []int{0}}}
	for range n {
		script = append(script, jpegtest.Scan{Components: []int{0}, From: 1, To: 63})
	}
	for b := range m.Components[0].Blocks {
		clear(m.Components[0].Blocks[b][1:])
	}
	return jpegtest.Encode(m, jpegtest.Options{Progressive: true, Script: script})
}

// stretched is a JPEG that claims to be larger than its data.
func stretched(w, h uint16) []byte {
	data := samples.Photo(samples.Options{Width: 64, Height: 64})
	at := bytes.Index(data, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(data[at+5:], h)
	binary.BigEndian.PutUint16(data[at+7:], w)
	return data
}

// claiming is a small lossy WebP whose header says that so many bytes follow.
func claiming(size uint32) []byte {
	data := samples.WebPLossy(16, 16)
	const first = 256 + 8 // bytes of its first partition
	binary.LittleEndian.PutUint32(data[16:], size+10+first-1)
	binary.LittleEndian.PutUint32(data[4:], size+10+first+100)
	return data
}

// TestBombs: what is too much is refused by its header, with hardly an allocation. It does
// not run beside other tests, whose allocations would count.
//
//nolint:paralleltest // see above
func TestBombs(t *testing.T) {
	e := newEngine(t, thumb.Options{})
	for _, tc := range []struct {
		name string
		in   []byte
		kind string // "" is what the probe says
		code pipeline.Code
	}{
		{"GIF of 65535 x 65535", samples.GIFBomb(), "", pipeline.CodeTooManyPixels},
		{"PNG", samples.PNGBomb(), "", pipeline.CodeTooManyPixels},
		{"JPEG", samples.JPEGBomb(), "", pipeline.CodeTooManyPixels},
		{"JPEG of 65535 x 65535", stretched(65535, 65535), "", pipeline.CodeTooManyPixels},
		{"JPEG with a little data", stretched(7000, 7000), "", pipeline.CodeCorruptFile},
		{"WebP", samples.WebPBomb(), "", pipeline.CodeTooManyPixels},
		{"WebP that claims 16 MiB", claiming(1 << 24), "", pipeline.CodeCorruptFile},
		{"a thousand scans", manyScans(1000), "", pipeline.CodeCorruptFile},
		{"TIFF", samples.TIFF(100, 100), "", pipeline.CodeTypeNotAllowed},
		{"BMP", samples.BMP(100, 100), "", pipeline.CodeTypeNotAllowed},
		{"HEIC", samples.HEIC(60000, 60000), "", pipeline.CodeTypeNotAllowed},
		{"HTML", samples.HTML(), "", pipeline.CodeTypeNotAllowed},
		{"SVG", samples.SVG(), "", pipeline.CodeTypeNotAllowed},
		{"ZIP", samples.ZIP(), "", pipeline.CodeTypeNotAllowed},
		{"PDF", samples.PDF(), "", pipeline.CodeTypeNotAllowed},
		{"MP4", samples.MP4(100, 100), "", pipeline.CodeTypeNotAllowed},
		{"HTML called JPEG", samples.HTML(), probe.TypeJPEG, pipeline.CodeCorruptFile},
		{"PHP called PNG", samples.PHP(), probe.TypePNG, pipeline.CodeCorruptFile},
		{"EXE called GIF", samples.PE(), probe.TypeGIF, pipeline.CodeCorruptFile},
		{"ZIP called WebP", samples.ZIP(), probe.TypeWebP, pipeline.CodeCorruptFile},
		{"one byte", []byte{0xff}, probe.TypeJPEG, pipeline.CodeCorruptFile},
	} {
		facts, _ := probe.Detect(tc.in, int64(len(tc.in)))
		if tc.kind != "" {
			facts = pipeline.Facts{Type: tc.kind}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := e.Thumbnails(t.Context(), bytes.NewReader(tc.in), facts, int64(len(tc.in)), box(160, 1280))
		runtime.ReadMemStats(&after)
		require.Equal(t, tc.code, pipeline.CodeOf(err), "%s: %v", tc.name, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), tc.name)
	}
}

// What hides in a file does not come through: thumbnails are made of pixels alone.
func stowaways(t *testing.T, opt thumb.Options) {
	for name, data := range map[string][]byte{
		"script in EXIF": samples.ScriptJPEG(), "archive behind the image": samples.ZIPJPEG(), "video behind the image": samples.TSPNG(),
	} {
		thumbs, err := run(t, newEngine(t, opt), data, box(1000, 10))
		require.NoError(t, err, name)
		for _, th := range thumbs {
			for _, bad := range []string{"<script", "PK\x03\x04", "alert", "Exif"} {
				require.NotContains(t, string(th.Data), bad, name)
			}
			require.True(t, bytes.HasSuffix(th.Data, []byte{0xff, 0xd9}), name)
		}
	}
}

// looks is a context that is cancelled when it is looked at for the given time.
type looks struct {
	context.Context
	left atomic.Int64
	all  atomic.Int64
	done chan struct{}
}

func newLooks(ctx context.Context, n int64) *looks {
	l := &looks{Context: ctx, done: make(chan struct{})}
	l.left.Store(n)
	return l
}

func (l *looks) Err() error {
	l.all.Add(1)
	if l.left.Add(-1) <= 0 {
		return context.Canceled
	}
	return nil
}

func (l *looks) Done() <-chan struct{}       { return l.done }
func (l *looks) Deadline() (time.Time, bool) { return time.Time{}, false }

// Whenever the context ends, the next look at it ends the work, and it is looked at once for
// every row of blocks, for every 4 KiB that a decoder of others reads, and for every 64 rows
// that are made of what it has decoded: a second of work has thousands of looks. Only the
// decoders of x/image and image/jpeg, once they have read all, do not look.
func TestEveryLookEndsTheWork(t *testing.T) {
	t.Parallel()
	m := jpegtest.New(200, 480, []jpegtest.Factors{twice, full, full}, 1)
	baseline := jpegtest.Encode(m, jpegtest.Options{})
	noise := rand.NewChaCha8([32]byte{1})
	grain := image.NewNRGBA(image.Rect(0, 0, 160, 480))
	_, _ = noise.Read(grain.Pix)
	coded := image.NewPaletted(grain.Rect, palette.WebSafe)
	draw.Draw(coded, coded.Rect, grain, image.Point{}, draw.Src)
	var frame bytes.Buffer
	require.NoError(t, gif.Encode(&frame, coded, nil))
	const blocks, reads, made = 480 / 16, 8, 480 / 64
	for _, tc := range []struct {
		name  string
		data  []byte
		opt   thumb.Options
		least int64
	}{
		{"baseline", baseline, thumb.Options{}, blocks},
		{"progressive", jpegtest.Encode(m, jpegtest.Options{Progressive: true}), thumb.Options{}, blocks},
		{"PNG", encodedPNG(t, checkers(160, 480)), thumb.Options{}, 480},
		{"PNG with alpha", encodedPNG(t, grain), thumb.Options{}, 480},
		{"interlaced PNG", interlacedPNG(t, 160, 480), thumb.Options{}, 2 * made},
		{"GIF", frame.Bytes(), thumb.Options{}, reads + made},
		{"lossy WebP", samples.WebPLossy(160, 480), thumb.Options{}, 2 * made},
		{"lossless WebP", samples.WebPLossless(160, 480, 0x803366cc), thumb.Options{}, 2 * made},
		{"animated WebP", samples.WebPAnimation(160, 480, 2), thumb.Options{}, 2 * made},
		{"plain JPEG", baseline, thumb.Options{Plain: true}, reads + made},
		{"plain PNG", encodedPNG(t, grain), thumb.Options{Plain: true}, 480},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, tc.opt)
			facts, _ := probe.Detect(tc.data, int64(len(tc.data)))
			facts.Orientation = 1
			at := func(n int64) (*looks, error) {
				ctx := newLooks(t.Context(), n)
				_, err := e.Thumbnails(ctx, bytes.NewReader(tc.data), facts, int64(len(tc.data)), box(400, 60))
				return ctx, err
			}
			whole, err := at(1 << 40)
			require.NoError(t, err)
			n := whole.all.Load()
			require.Greater(t, n, tc.least)
			for i := int64(1); i <= n; i += 1 + n/50 {
				ctx, err := at(i)
				require.Equal(t, pipeline.Transient, pipeline.ClassOf(err), "look %d of %d", i, n)
				require.Less(t, ctx.all.Load(), i+5)
			}
		})
	}
}
