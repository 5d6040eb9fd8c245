package thumb

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb/jpeg"
)

// fake is a renderer whose cost and deeds the test decides.
type fake struct {
	bytes int64
	do    func(ctx context.Context)
}

func (fake) path(picture, []target) Path { return Path{} }

func (fake) takes(picture) bool { return true }

func (f fake) cost(picture, []target) int64 { return f.bytes }

func (f fake) render(ctx context.Context, _ picture, _ []target) ([]pipeline.Thumbnail, error) {
	f.do(ctx)
	return nil, ctx.Err()
}

func engine(t *testing.T, opt Options, r renderer) *Engine {
	t.Helper()
	e, err := New(opt)
	require.NoError(t, err)
	e.renderers = []renderer{r}
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
		e := engine(t, Options{Budget: 120 << 10}, fake{bytes: 30 << 10, do: func(ctx context.Context) {
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
		files, pixels := e.Budget()
		require.Equal(t, Use{Bytes: 90 << 10, Limit: 90 << 10, Waiting: 9}, pixels)
		require.Equal(t, Use{Bytes: 12 * int64(len(png)), Limit: 30 << 10}, files)
		for done.Load() < 12 {
			<-time.After(time.Second)
			synctest.Wait()
		}
		require.EqualValues(t, 3, peak.Load())
		require.Equal(t, 4*time.Second, time.Since(start))
		files, pixels = e.Budget()
		require.Zero(t, files.Bytes+pixels.Bytes+files.Waiting+pixels.Waiting)
	})
}

func TestBudgetWaitsUnderTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		// More than the whole budget: it runs, but alone.
		e := engine(t, Options{Budget: 100 << 10}, fake{bytes: 1000 << 10, do: func(context.Context) { <-release }})
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

// Files wait for room among files, before they are read.
func TestBudgetOfFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		png := samples.PNG(5, 5)
		size := int64(len(png))
		e := engine(t, Options{Budget: 4 * 2 * size}, fake{bytes: 1, do: func(context.Context) {}})
		facts, _ := probe.Detect(png, size)
		presets := []pipeline.Preset{{Width: 1, Height: 1}}
		var begun atomic.Int64
		var done sync.WaitGroup
		ends := make(chan struct{})
		for range 5 {
			done.Go(func() {
				src := io.MultiReader(bytes.NewReader(png[:1]), readFunc(func([]byte) (int, error) {
					begun.Add(1)
					<-ends
					return 0, io.EOF
				}))
				_, err := e.Thumbnails(t.Context(), src, facts, size, presets)
				require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
			})
		}
		synctest.Wait()
		require.EqualValues(t, 2, begun.Load())
		close(ends)
		done.Wait()
		require.EqualValues(t, 5, begun.Load())
	})
}

// What a file that was larger left behind counts as long as another one has it.
func TestBudgetOfUsedBuffers(t *testing.T) {
	t.Parallel()
	small, large := samples.PNG(5, 5), samples.PNG(200, 200)
	const most = 100 << 10
	var e *Engine
	e = engine(t, Options{Budget: 4 * most}, seeing(func(p picture) {
		rest := int64(most - cap(p.data))
		require.True(t, e.budget.files.of.TryAcquire(rest), "%d bytes in %d", len(p.data), cap(p.data))
		require.False(t, e.budget.files.of.TryAcquire(1), "%d bytes in %d", len(p.data), cap(p.data))
		e.budget.files.of.Release(rest)
	}))
	for range 3 {
		for _, data := range [][]byte{large, small, small, large} {
			require.NoError(t, call(t.Context(), e, data))
		}
	}
}

// seeing is a renderer that only looks.
type seeing func(p picture)

func (seeing) path(picture, []target) Path { return Path{} }

func (seeing) takes(picture) bool { return true }

func (seeing) cost(picture, []target) int64 { return 1 }

func (s seeing) render(_ context.Context, p picture, _ []target) ([]pipeline.Thumbnail, error) {
	s(p)
	return nil, nil
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// A large photo and small ones beside it: they flow, it waits for its room, and nobody
// starves.
func TestBudgetIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShare(100)
		var order []string
		var mu sync.Mutex
		hold := func(name string, n int64, d time.Duration) {
			release, err := s.take(t.Context(), n)
			require.NoError(t, err)
			mu.Lock()
			order = append(order, name)
			mu.Unlock()
			time.Sleep(d)
			release()
		}
		var done sync.WaitGroup
		for i, one := range []struct {
			name string
			n    int64
		}{{"small", 30}, {"small", 30}, {"large", 1000}, {"late", 30}, {"late", 30}} {
			time.Sleep(time.Duration(i))
			done.Go(func() { hold(one.name, one.n, time.Second) })
			synctest.Wait()
		}
		done.Wait()
		require.Equal(t, []string{"small", "small", "large", "late", "late"}, order)
	})
}

// The estimates must cover what is held.
func TestCost(t *testing.T) {
	t.Parallel()
	e := engine(t, Options{}, standard{})
	photo := samples.Photo(samples.Options{Width: 1200, Height: 1600})
	p, err := e.inspect(photo, pipeline.Facts{Type: probe.TypeJPEG})
	require.NoError(t, err)
	require.EqualValues(t, 2, p.depth, "4:2:0: one and a half, rounded up")
	targets := plan(p.width, p.height, []pipeline.Preset{{Name: "p", Width: 400, Height: 400}})
	require.Equal(t, factors{2, 2}, shrinkFactors(p, targets))
	cost := standard{}.cost(p, targets)
	require.Greater(t, cost, int64(1200*1600*3/2+600*800*4))
	require.Less(t, cost, int64(1200*1600*6+fixedCost))
	cmyk, err := e.inspect(samples.CMYKJPEG(8, 8), pipeline.Facts{Type: probe.TypeJPEG})
	require.NoError(t, err)
	require.EqualValues(t, 12, cmyk.depth)
	for _, tc := range []struct {
		h    jpeg.Header
		want int64
	}{
		{jpeg.Header{Components: []jpeg.Component{{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}}}, 2},
		{jpeg.Header{Components: []jpeg.Component{{H: 1, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}}}, 3},
		{jpeg.Header{Components: []jpeg.Component{{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}}, Progressive: true}, 8},
		{jpeg.Header{Components: []jpeg.Component{{H: 1, V: 1}}}, 1},
	} {
		require.Equal(t, tc.want, depthJPEG(&tc.h), "%+v", tc.h)
	}
}

// A photo of 108 megapixels flows through a few rows of blocks; a progressive one, which has
// to be held until its last scan, still leaves room for others.
func TestCostOfTheLargest(t *testing.T) {
	t.Parallel()
	e := engine(t, Options{MaxPixels: 200_000_000}, standard{})
	data := samples.Photo(samples.Options{Width: 64, Height: 64})
	sof := bytes.Index(data, []byte{0xff, 0xc0})
	copy(data[sof+5:], []byte{9000 >> 8, 9000 & 255, 12000 >> 8, 12000 & 255})
	cost := func() int64 {
		p, err := e.inspect(data, pipeline.Facts{Type: probe.TypeJPEG})
		require.NoError(t, err)
		require.EqualValues(t, 108_000_000, p.pixels())
		f := &fast{}
		require.True(t, f.takes(p))
		return f.cost(p, plan(p.width, p.height, []pipeline.Preset{{Width: 1280, Height: 1280}, {Width: 160, Height: 160}}))
	}
	require.Less(t, cost(), int64(24<<20))
	data[sof+1] = 0xc2
	require.Less(t, cost(), int64(128<<20))
}

func TestScaleFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		w, h, side int
		want       jpeg.Scale
	}{
		{4032, 3024, 1280, jpeg.Half},
		{4032, 3024, 480, jpeg.Quarter},
		{4032, 3024, 320, jpeg.Eighth},
		{1080, 1920, 1280, jpeg.Full},
		{12000, 9000, 1280, jpeg.Quarter},
		{12000, 9000, 1000, jpeg.Eighth},
		{100, 100, 200, jpeg.Full},
	} {
		got := scaleFor(plan(tc.w, tc.h, []pipeline.Preset{{Width: tc.side, Height: tc.side}, {Width: 10, Height: 10}}))
		require.Equal(t, tc.want, got, "%+v", tc)
	}
}
