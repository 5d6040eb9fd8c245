package main

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSSIM(t *testing.T) {
	t.Parallel()
	flat := plane{w: 40, h: 30, pix: make([]float64, 1200)}
	ramp := plane{w: 40, h: 30, pix: make([]float64, 1200)}
	noisy := plane{w: 40, h: 30, pix: make([]float64, 1200)}
	for i := range ramp.pix {
		ramp.pix[i] = float64(i%40) * 6
		noisy.pix[i] = ramp.pix[i] + float64(i*7919%21) - 10
	}
	require.InDelta(t, 1, ssim(ramp, ramp), 1e-9)
	require.Less(t, ssim(ramp, flat), 0.2)
	require.Less(t, ssim(ramp, noisy), 0.9)
	require.Greater(t, ssim(ramp, noisy), 0.2)
}

func TestLanczosKeepsWhatIsFlat(t *testing.T) {
	t.Parallel()
	p := plane{w: 50, h: 31, pix: make([]float64, 1550)}
	for i := range p.pix {
		p.pix[i] = 77
	}
	for _, v := range lanczos(p, 17, 9).pix {
		require.InDelta(t, 77, v, 1e-9)
	}
}

func TestZonePlate(t *testing.T) {
	t.Parallel()
	img, err := jpeg.Decode(bytes.NewReader(zonePlate(256, 192)))
	require.NoError(t, err)
	require.Equal(t, 256, img.Bounds().Dx())
	p, err := luma(zonePlate(256, 192))
	require.NoError(t, err)
	require.Greater(t, p.pix[96*256+128], 240.0, "white in the middle")
}

func TestMetByTheWorseRatio(t *testing.T) {
	t.Parallel()
	o := outcome{race: race{must: 0.5, mustRSS: 64}, ratio: 0.4, wholeRatio: 0.6, ours: figures{rss: 50}}
	require.False(t, o.met(0.5, 64))
	o.warmOnly = true
	require.True(t, o.met(0.5, 64))
	require.False(t, o.met(0.5, 49))
}

func TestMedian(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 2, median([]float64{9, 2, 1}), 0)
	require.InDelta(t, 1.5, median([]float64{1, 2}), 0)
	s := summary([]sample{{whole: time.Second, warm: time.Millisecond, rss: 3 << 20}})
	require.Equal(t, figures{whole: 1000, warm: 1, rss: 3}, s)
}
