package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// besideBudget is what a worker may take beside its pixel budget, in bytes.
const besideBudget = 64_000_000

func manyAtATime(c *config.Config) {
	c.Thumbnails.PixelBudget, c.Thumbnails.Video = 64<<20, "off"
	c.Check.MaxPixels = 200_000_000
	c.Pools.Thumbnails.Concurrency = 10
}

// mixedImages has a worker that starts when all of them wait already: large ones, which have
// to be held or flow, beside small ones. Its memory stays within its budget and a little.
func mixedImages(ctx context.Context, b *Bench) error {
	if _, err := b.Serve(ctx, ""); err != nil {
		return err
	}
	colour := []jpegtest.Factors{{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}}
	kinds := [][]byte{
		samples.Photo(samples.Options{Width: 12000, Height: 9000, Seed: 9}),
		jpegtest.Encode(jpegtest.New(4000, 3000, colour, 1), jpegtest.Options{Progressive: true}),
		samples.PhotoPNG(samples.Options{Width: 4032, Height: 3024, Seed: 9}),
		samples.PNG(3000, 2000), // with alpha
		samples.WebPLossless(2000, 1500, 0x803366cc),
		photos()[0],
	}
	kinds = append(kinds, pictures()[:6]...)
	for i := range b.Files {
		if err := b.gen.photos(ctx, 1, kinds[i%len(kinds)]); err != nil {
			return err
		}
	}
	worker, err := b.Worker(ctx, "")
	if err != nil {
		return err
	}
	if err := until(ctx, 10*time.Minute, "all are done", func() bool {
		open, err := b.open(ctx)
		return !worker.Running() || err == nil && open == 0
	}); err != nil {
		return err
	}
	worker.measure()
	most := int64(b.World.Config.Thumbnails.PixelBudget) + besideBudget
	if !worker.Running() || worker.peak > most {
		return fmt.Errorf("the worker held %d MB at its peak, %d are allowed: see %s", worker.peak/1_000_000, most/1_000_000, worker.log)
	}
	b.Fired("108 MP", (b.Files+len(kinds)-1)/len(kinds))
	b.Mended()
	return nil
}
