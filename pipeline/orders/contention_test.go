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
	"github.com/afterput/afterput/pipeline/orders/orderstest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

// contention is a ledger and an order store that workers share.
type contention struct {
	*ledger.Ledger
	store pipeline.OrderStore
	// writes and lost count the writes that happened and those that lost their race.
	writes, lost atomic.Int64
}

func newContention(t *testing.T, store pipeline.OrderStore) *contention {
	t.Helper()
	db, err := sqldb.Create(t.Context(), sqldbtest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	l, err := ledger.New(ledger.Options{DB: db})
	require.NoError(t, err)
	require.NoError(t, l.Migrate(t.Context()))
	return &contention{Ledger: l, store: store}
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

// check does what a worker does with a photo that is fine.
func (c *contention) check(ctx context.Context, worker, id string) error {
	content := pipeline.Content{ETag: "e", Size: 1, Visibility: pipeline.Private, Facts: pipeline.Facts{Type: "image/jpeg", Width: 1, Height: 1}}
	check, err := c.Begin(ctx, pipeline.Run{UploadID: id, Step: pipeline.StepCheck, Gen: 1}, worker, time.Minute)
	if err != nil {
		return err
	}
	_, err = c.Finish(ctx, check, pipeline.StepResult{State: pipeline.Done, Content: &content})
	return err
}

// attach does what a worker does with a file that was checked, until it is done.
func (c *contention) attach(ctx context.Context, book pipeline.OrderBook, opt pipeline.AttachOptions, worker, id, order string) error {
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
		res, err := pipeline.Attach(ctx, book, c, opt, time.Now(), order, holder, u)
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

// converge does both.
func (c *contention) converge(ctx context.Context, worker, id, order string) error {
	if err := c.check(ctx, worker, id); err != nil {
		return err
	}
	return c.attach(ctx, &ledger.OrderBook{Ledger: c.Ledger}, pipeline.AttachOptions{}, worker, id, order)
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

// contended are one column type for each engine, and documents in both modes.
func contended() map[string]func(t *testing.T) orderstest.Backend {
	all := map[string]func(t *testing.T) orderstest.Backend{
		"cloudbase/version": func(t *testing.T) orderstest.Backend { return newCloud(t, inCloud()) },
		"cloudbase/adding":  func(t *testing.T) orderstest.Backend { return newCloud(t, inCloud(), adding) },
	}
	for _, v := range variants() {
		switch v.name {
		case "sqlite/TEXT", "postgres/text[]", "postgres/jsonb", "mariadb/JSON":
			all[v.name] = func(t *testing.T) orderstest.Backend { return v.factory(t, orderstest.Plain()) }
		}
	}
	return all
}

// crowd is how many files go into one order. 200 take about a minute on each engine
// with the race detector, so that many are asked for by hand.
var crowd = flag.Int("crowd", 60, "files that TestContention puts into one order")

// TestContention: many files go into one order from 32 workers, and stand there as chosen,
// behind what the business has written. Only where nothing is arranged they stand there as
// they came.
func TestContention(t *testing.T) {
	t.Parallel()
	for name, backend := range contended() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backend(t)
			c := newContention(t, b)
			b.PutOrder(t, "A1", "o1", `["own"]`)
			ids, want := c.announce(t, "A1", *crowd)
			of := make([]string, len(ids))
			for i := range of {
				of[i] = "A1"
			}
			c.work(t, 32, ids, of)
			got := readOrder(t, b, "A1").Images
			want = append([]string{"own"}, want...)
			if name == "cloudbase/adding" {
				require.Equal(t, "own", got[0])
				require.ElementsMatch(t, want, got)
			} else {
				require.Equal(t, want, got)
				require.Zero(t, c.lost.Load(), "nobody else writes")
			}
			t.Logf("%s: %d files, 32 workers: %d writes of one order", name, *crowd, c.writes.Load())
		})
	}
}

// barrier is an order book that tells when an attach waits for other files.
type barrier struct {
	*ledger.OrderBook
	mu     sync.Mutex
	holder string
	waits  chan struct{}
}

// LockOrder tells of a holder that takes the order a second time, as one does who waits.
func (b *barrier) LockOrder(ctx context.Context, order, holder string) (pipeline.OrderState, error) {
	st, err := b.OrderBook.LockOrder(ctx, order, holder)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && holder == b.holder {
		select {
		case <-b.waits:
		default:
			close(b.waits)
		}
	}
	if err == nil {
		b.holder = holder
	}
	return st, err
}

// oneByOne checks the files of an order one after the other, as slowly as it takes for the
// attach of each to end, or to wait for those that are still to come.
func (c *contention) oneByOne(ctx context.Context, order string, ids []string) error {
	book := &barrier{OrderBook: &ledger.OrderBook{Ledger: c.Ledger}, waits: make(chan struct{})}
	opt := pipeline.AttachOptions{Gather: time.Hour} // not a matter of how fast this machine is
	errs := make(chan error, len(ids))
	for _, id := range ids {
		if err := c.check(ctx, "w", id); err != nil {
			return err
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			errs <- c.attach(ctx, book, opt, "w", id, order)
		}()
		select {
		case <-ended:
		case <-book.waits:
		}
	}
	for range ids {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

// TestCoalescing: nine files of an order that come together, and are checked at any pace,
// cost at most three writes.
func TestCoalescing(t *testing.T) {
	t.Parallel()
	const count, files = 3, 9
	for name, backend := range contended() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backend(t)
			c := newContention(t, b)
			want := map[string][]string{}
			errs := make(chan error, count)
			for i := range count {
				order := fmt.Sprintf("A%d", i)
				b.PutOrder(t, order, "o1", "[]")
				uploads, files := c.announce(t, order, files)
				want[order] = files
				go func() { errs <- c.oneByOne(t.Context(), order, uploads) }()
			}
			for range count {
				require.NoError(t, <-errs)
			}
			for order, files := range want {
				require.Equal(t, files, readOrder(t, b, order).Images, order)
			}
			perOrder := float64(c.writes.Load()) / count
			t.Logf("%s: %d orders of %d files, one by one: %.2f writes for each order", name, count, files, perOrder)
			require.LessOrEqual(t, perOrder, 3.0)
		})
	}
}
