package orders_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/orders"
	"github.com/afterput/afterput/pipeline/orders/orderstest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

// contention is a ledger and an order store that workers share.
type contention struct {
	*ledger.Ledger
	store *orders.SQL
	// writes and lost count the writes that happened and those that lost their race.
	writes, lost atomic.Int64
}

func newContention(t *testing.T, v variant) (*contention, *backend) {
	t.Helper()
	b, ok := v.factory(t, orderstest.Plain()).(*backend)
	require.True(t, ok)
	db, err := sqldb.Create(t.Context(), sqldbtest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	l, err := ledger.New(ledger.Options{DB: db})
	require.NoError(t, err)
	require.NoError(t, l.Migrate(t.Context()))
	return &contention{Ledger: l, store: b.SQL}, b
}

func (c *contention) ReadOrder(ctx context.Context, id string) (pipeline.Order, error) {
	return c.store.ReadOrder(ctx, id)
}

func (c *contention) WriteImages(ctx context.Context, was pipeline.Order, images []string) error {
	err := c.store.WriteImages(ctx, was, images)
	if err == nil {
		c.writes.Add(1)
	} else {
		c.lost.Add(1)
	}
	return err
}

// announce announces the files of an order and gives their fileIDs as they are to stand.
func (c *contention) announce(t *testing.T, order string, files int) (uploads, want []string) {
	t.Helper()
	anns := make([]pipeline.Announcement, files)
	for i := range anns {
		key := fmt.Sprintf("users/o1/%s/%03d.jpg", order, (i*37)%files) // not in the order of their names
		anns[i] = pipeline.Announcement{
			Bucket: "b-1", Key: key, FileID: "cos://b-1/" + key, Owner: "o1", Source: "api", Order: order, Position: new(i), Batch: "1",
		}
		want = append(want, anns[i].FileID)
	}
	res, err := c.Announce(t.Context(), "", anns)
	require.NoError(t, err)
	for _, a := range res.Announced {
		uploads = append(uploads, a.UploadID)
	}
	return uploads, want
}

// converge does what a worker does with one upload: its check, and its attach until it is done.
func (c *contention) converge(ctx context.Context, worker, id, order string) error {
	content := pipeline.Content{ETag: "e", Size: 1, Visibility: pipeline.Private, Facts: pipeline.Facts{Type: "image/jpeg", Width: 1, Height: 1}}
	check, err := c.Begin(ctx, pipeline.Run{UploadID: id, Step: pipeline.StepCheck, Gen: 1}, worker, time.Minute)
	if err != nil {
		return err
	}
	if _, err := c.Finish(ctx, check, pipeline.StepResult{State: pipeline.Done, Content: &content}); err != nil {
		return err
	}
	attach, err := c.Begin(ctx, pipeline.Run{UploadID: id, Step: pipeline.StepAttach, Scope: order, Gen: 1}, worker, time.Minute)
	if err != nil {
		return err
	}
	u, err := c.Upload(ctx, id)
	if err != nil {
		return err
	}
	// Not attach.Holder(): it names a worker, and these give no sign of life to the ledger,
	// which would take the order from them at once.
	holder := "attach:" + id
	for {
		res, err := pipeline.Attach(ctx, &ledger.OrderBook{Ledger: c.Ledger}, c, pipeline.AttachOptions{}, time.Now(), order, holder, u)
		switch pipeline.ClassOf(err) { //nolint:exhaustive // whatever else is an error of the test
		case "":
			_, err = c.Finish(ctx, attach, res)
			return err
		case pipeline.Conflict, pipeline.Transient:
			if ctx.Err() != nil {
				return err
			}
		default:
			return err
		}
	}
}

// work lets workers converge uploads, which come from next, all at once.
func (c *contention) work(t *testing.T, workers int, ids, of []string) {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, len(ids))
	for w := range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(ids); i = next.Add(1) - 1 {
				errs <- c.converge(t.Context(), fmt.Sprintf("w%d", w), ids[i], of[i])
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

// contended are one column type for each engine.
func contended() []variant {
	var list []variant
	for _, v := range variants() {
		switch v.name {
		case "sqlite/TEXT", "postgres/text[]", "postgres/jsonb", "mariadb/JSON":
			list = append(list, v)
		}
	}
	return list
}

// crowd is how many files go into one order. 200 take about a minute on each engine
// with the race detector, so that many are asked for by hand.
var crowd = flag.Int("crowd", 60, "files that TestContention puts into one order")

// TestContention: many files go into one order from 32 workers, and stand there as chosen,
// behind what the business has written.
func TestContention(t *testing.T) {
	t.Parallel()
	for _, v := range contended() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			c, b := newContention(t, v)
			b.PutOrder(t, "A1", "o1", `["own"]`)
			ids, want := c.announce(t, "A1", *crowd)
			of := make([]string, len(ids))
			for i := range of {
				of[i] = "A1"
			}
			c.work(t, 32, ids, of)
			require.Equal(t, append([]string{"own"}, want...), readOrder(t, c.store, "A1").Images)
			require.Zero(t, c.lost.Load(), "nobody else writes")
			t.Logf("%s: %d files, 32 workers: %d writes of one order", v.name, *crowd, c.writes.Load())
		})
	}
}

// TestCoalescing: the files of an order that come together are written together.
func TestCoalescing(t *testing.T) {
	t.Parallel()
	const count, files = 8, 9
	for _, v := range contended() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			c, b := newContention(t, v)
			var ids, of []string
			want := map[string][]string{}
			for i := range count {
				order := fmt.Sprintf("A%d", i)
				b.PutOrder(t, order, "o1", "[]")
				uploads, files := c.announce(t, order, files)
				want[order] = files
				for _, id := range uploads {
					ids, of = append(ids, id), append(of, order)
				}
			}
			c.work(t, 32, ids, of)
			for order, files := range want {
				require.Equal(t, files, readOrder(t, c.store, order).Images, order)
			}
			perOrder := float64(c.writes.Load()) / count
			t.Logf("%s: %d orders of %d files, 32 workers: %.2f writes for each order", v.name, count, files, perOrder)
			require.Less(t, perOrder, files/2.0, "how many exactly is a matter of who comes first")
		})
	}
}
