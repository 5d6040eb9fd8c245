package thumb

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// fake is a renderer whose cost and deeds the test decides.
type fake struct {
	bytes int64
	do    func(ctx context.Context)
}

func (f fake) cost(picture, []target) int64 { return f.bytes }

func (f fake) render(ctx context.Context, _ picture, _ []target) ([]pipeline.Thumbnail, error) {
	f.do(ctx)
	return nil, ctx.Err()
}

func engine(t *testing.T, opt Options, r renderer) *Engine {
	t.Helper()
	e, err := New(opt)
	require.NoError(t, err)
	e.render = r
	return e
}

func call(ctx context.Context, e *Engine, data []byte) error {
	facts, _ := probe.Detect(data, int64(len(data)))
	_, err := e.Thumbnails(ctx, bytes.NewReader(data), facts, int64(len(data)),
		[]pipeline.Preset{{Name: "p", Width: 10, Height: 10}})
	return err
}

func TestPanicIsACorruptFile(t *testing.T) {
	t.Parallel()
	e := engine(t, Options{Budget: 1}, fake{bytes: 1, do: func(context.Context) { panic("index out of range") }})
	for range 3 { // the budget comes back each time
		err := call(t.Context(), e, samples.PNG(5, 5))
		require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
		require.Equal(t, pipeline.CodeCorruptFile, pipeline.CodeOf(err))
		require.ErrorContains(t, err, "index out of range")
	}
}

func TestBombsAreNotDecoded(t *testing.T) {
	t.Parallel()
	e := engine(t, Options{}, fake{bytes: 1, do: func(context.Context) { t.Error("decoded") }})
	for _, bomb := range [][]byte{samples.PNGBomb(), samples.JPEGBomb(), samples.GIFBomb(), samples.WebPBomb()} {
		require.Equal(t, pipeline.CodeTooManyPixels, pipeline.CodeOf(call(t.Context(), e, bomb)))
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, peak, done atomic.Int64
		e := engine(t, Options{Budget: 100}, fake{bytes: 30, do: func(ctx context.Context) {
			peak.Store(max(peak.Load(), running.Add(1)))
			<-time.After(time.Second)
			running.Add(-1)
		}})
		png := samples.PNG(5, 5)
		start := time.Now()
		for range 12 {
			go func() {
				if call(t.Context(), e, png) == nil {
					done.Add(1)
				}
			}()
		}
		synctest.Wait()
		require.EqualValues(t, 3, running.Load())
		for done.Load() < 12 {
			<-time.After(time.Second)
			synctest.Wait()
		}
		require.EqualValues(t, 3, peak.Load())
		require.Equal(t, 4*time.Second, time.Since(start))
	})
}

func TestBudgetWaitsUnderTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		// More than the whole budget: it runs, but alone.
		e := engine(t, Options{Budget: 100}, fake{bytes: 1000, do: func(context.Context) { <-release }})
		png := samples.PNG(5, 5)
		first := make(chan error, 1)
		go func() { first <- call(t.Context(), e, png) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := call(ctx, e, png)
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(release)
		require.NoError(t, <-first)
	})
}

// The estimate of the standard renderer must cover what it holds.
func TestCost(t *testing.T) {
	t.Parallel()
	e := engine(t, Options{}, standard{})
	photo := samples.Photo(samples.Options{Width: 1200, Height: 1600})
	p, err := e.inspect(photo, pipeline.Facts{Type: probe.TypeJPEG})
	require.NoError(t, err)
	require.EqualValues(t, 2, p.depth, "4:2:0: one and a half, rounded up")
	targets := plan(p.width, p.height, []pipeline.Preset{{Name: "p", Width: 400, Height: 400}})
	require.Equal(t, 2, shrinkFactor(targets))
	cost := standard{}.cost(p, targets)
	require.Greater(t, cost, int64(1200*1600*3/2+600*800*4))
	require.Less(t, cost, int64(1200*1600*6))
	require.EqualValues(t, 10, depthJPEG(probe.ShapeJPEG(samples.CMYKJPEG(8, 8)))-2)
	for _, tc := range []struct {
		s    probe.JPEGShape
		want int64
	}{
		{probe.JPEGShape{Components: 3, Samples: 6}, 2},
		{probe.JPEGShape{Components: 3, Samples: 12}, 3},
		{probe.JPEGShape{Components: 3, Samples: 6, Progressive: true}, 8},
		{probe.JPEGShape{Components: 1, Samples: 4}, 1},
		{probe.JPEGShape{}, 1},
	} {
		require.Equal(t, tc.want, depthJPEG(tc.s), "%+v", tc.s)
	}
}
