package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

var errCrash = errors.New("killed")

// attachWorld is one order with its side of the ledger.
type attachWorld struct {
	book   *memBook
	orders *memOrders
	opt    pipeline.AttachOptions
	now    time.Time
	runs   int
	// hook is called at every boundary of the attach that runs.
	hook func(point string) error
}

func newAttachWorld(links ...pipeline.Link) *attachWorld {
	w := &attachWorld{book: &memBook{}, orders: &memOrders{}, now: checkedAt}
	at := func(point string) error {
		if w.hook == nil {
			return nil
		}
		return w.hook(point)
	}
	w.book.at, w.orders.at = at, at
	w.book.state.Links = slices.Clone(links)
	return w
}

// accepted is an upload that was checked and found good.
func accepted(name string) pipeline.Upload {
	return pipeline.Upload{ID: name, Bucket: "b", Key: name, FileID: name, CheckedAt: checkedAt}
}

// linksOf makes links of one batch from "a:0 b:1".
func linksOf(t require.TestingT, specs string) []pipeline.Link {
	links := linkSpecs(t, specs)
	for i := range links {
		links[i].UploadID = links[i].FileID
		links[i].CreatedAt = checkedAt
	}
	return links
}

func (w *attachWorld) attach(t *testing.T, name string) (pipeline.StepResult, error) {
	t.Helper()
	return w.run(t, accepted(name))
}

func (w *attachWorld) run(t *testing.T, u pipeline.Upload) (pipeline.StepResult, error) {
	t.Helper()
	w.runs++
	return pipeline.Attach(t.Context(), w.book, w.orders, w.opt, w.now, "o", fmt.Sprintf("run%d", w.runs), u)
}

// crashAt runs an attach whose process dies at a boundary: nothing of it is heard again,
// and in time it loses its hold.
func (w *attachWorld) crashAt(t *testing.T, point, name string) {
	t.Helper()
	dead := false
	w.hook = func(at string) error {
		if dead = dead || at == point; dead {
			return errCrash
		}
		return nil
	}
	_, err := w.attach(t, name)
	require.True(t, dead, "the attach never came to %s", point)
	if point != "before unlock" {
		require.ErrorIs(t, err, errCrash)
	}
	w.hook, w.book.holder = nil, ""
}

func (w *attachWorld) images() string { return strings.Join(w.orders.images, " ") }

func attachPoints() []string {
	return []string{
		"after lock", "read", "before intent", "after intent", "before write", "after write",
		"before commit", "after commit", "before unlock",
	}
}

// TestAttachCrash: an attach is killed at every boundary, the business changes the order
// in between, and the next attach ends exactly as one that was never disturbed.
func TestAttachCrash(t *testing.T) {
	t.Parallel()
	for _, edit := range []struct {
		name   string
		change func(images []string) []string
		want   string
	}{
		{"nothing", func(im []string) []string { return im }, "x a b c"},
		{"business appends", func(im []string) []string { return append(im, "y") }, "x a b c y"},
		{"business inserts in front", func(im []string) []string { return slices.Insert(im, 0, "y") }, "y x a b c"},
		{"business removes its own", func(im []string) []string { return slices.DeleteFunc(im, func(s string) bool { return s == "x" }) }, "a b c"},
	} {
		for _, point := range attachPoints() {
			t.Run(edit.name+"/"+point, func(t *testing.T) {
				t.Parallel()
				w := newAttachWorld(linksOf(t, "c:2 a:0 b:1")...)
				w.orders.images = []string{"x"}
				w.crashAt(t, point, "a")
				w.orders.images = edit.change(w.orders.images)
				res, err := w.attach(t, "a")
				require.NoError(t, err)
				require.Equal(t, pipeline.Done, res.State)
				require.ElementsMatch(t, strings.Fields(edit.want), w.orders.images)
				ours := slices.DeleteFunc(slices.Clone(w.orders.images), func(s string) bool { return s > "c" })
				require.Equal(t, []string{"a", "b", "c"}, ours)
				require.Nil(t, w.book.state.Intent)
				require.Empty(t, w.book.holder)
				require.Equal(t, "c/AW a/AW b/AW", flags(w.book.state.Links))

				writes := w.orders.writes
				_, err = w.attach(t, "b")
				require.NoError(t, err)
				require.Equal(t, writes, w.orders.writes, "nothing is left to write")
			})
		}
	}
}

// TestAttachCrashTwice: the first write was done but not kept. The second attach dies
// too, and its intent must not make anybody forget the first.
func TestAttachCrashTwice(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"after intent", "before write", "after write", "before commit"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newAttachWorld(linksOf(t, "a:0")...)
			w.crashAt(t, "after write", "a")
			require.Equal(t, "a", w.images())
			late := linksOf(t, "a:0 b:1")[1]
			w.book.state.Links = append(w.book.state.Links, late)
			if point == "before commit" {
				point = "after commit" // that of the first write
			}
			w.crashAt(t, point, "b")
			w.orders.images = slices.DeleteFunc(w.orders.images, func(s string) bool { return s == "a" })
			_, err := w.attach(t, "b")
			require.NoError(t, err)
			require.Equal(t, "b", w.images(), "what the business removed stays removed")
		})
	}
}

// TestAttachCrashInWithdrawal: an entry of a rejected file was withdrawn, but the attach
// died before it could say so. Accepted again, the file comes back.
func TestAttachCrashInWithdrawal(t *testing.T) {
	t.Parallel()
	for _, point := range attachPoints() {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newAttachWorld(linksOf(t, "a:0 b:1")...)
			_, err := w.attach(t, "a")
			require.NoError(t, err)
			require.Equal(t, "a b", w.images())

			w.book.state.Links[1].Live = false
			w.crashAt(t, point, "b")
			rejected := accepted("b")
			rejected.Reason = pipeline.CodeTooLarge
			res, err := w.run(t, rejected)
			require.NoError(t, err)
			require.Equal(t, pipeline.Skipped, res.State)
			require.Equal(t, -1, res.Result.(pipeline.AttachResult).Index)
			require.Equal(t, "a", w.images())
			require.Equal(t, "a/AW b/", flags(w.book.state.Links))

			w.book.state.Links[1].Live = true
			w.crashAt(t, "after lock", "b")
			_, err = w.attach(t, "b")
			require.NoError(t, err)
			require.Equal(t, "a b", w.images())
		})
	}
}

func TestAttachKeepRejected(t *testing.T) {
	t.Parallel()
	w := newAttachWorld(linksOf(t, "a:0 b:1")...)
	_, err := w.attach(t, "a")
	require.NoError(t, err)
	w.opt.KeepRejected = func(fileID string) bool { return fileID == "a" }
	w.book.state.Links[0].Live = false
	w.book.state.Links = append(w.book.state.Links, pipeline.Link{Seq: 3, UploadID: "c", FileID: "c", Batch: "b1"})
	_, err = w.attach(t, "b")
	require.NoError(t, err)
	require.Equal(t, "a b", w.images(), "kept, but a rejected file that was never there is not added")
}

func TestAttachOwner(t *testing.T) {
	t.Parallel()
	links := linksOf(t, "a:0 b:1 c:2")
	links[0].Owner, links[1].Owner = "o1", "o2"
	w := newAttachWorld(links...)
	w.orders.owner = "o1"

	res, err := w.attach(t, "b")
	require.NoError(t, err)
	require.Equal(t, pipeline.Skipped, res.State)
	require.Equal(t, pipeline.CodeOwnerMismatch, res.Code)
	require.Equal(t, "a c", w.images(), "a file without a known owner is let in")

	res, err = w.attach(t, "a")
	require.NoError(t, err)
	require.Equal(t, pipeline.StepResult{
		State: pipeline.Done, Result: pipeline.AttachResult{Order: "o", Index: 0},
	}, res)
	require.Equal(t, "a c", w.images(), "nobody else's attach writes it either")

	open := newAttachWorld(links...)
	_, err = open.attach(t, "a")
	require.NoError(t, err)
	require.Equal(t, "a b c", open.images(), "an order without a known owner takes all")
}

func TestAttachGrace(t *testing.T) {
	t.Parallel()
	links := linksOf(t, "a:1 b c:0")
	links[0].CreatedAt = checkedAt.Add(-time.Hour)
	w := newAttachWorld(links...)
	w.opt.Grace, w.now = 10*time.Second, checkedAt.Add(4*time.Second)

	_, err := w.attach(t, "b")
	require.Equal(t, pipeline.Waiting, pipeline.ClassOf(err))
	require.Equal(t, 6*time.Second, pipeline.RetryAfterOf(err))
	require.Equal(t, "c a", w.images(), "those with a position do not wait")

	w.now = checkedAt.Add(10 * time.Second)
	res, err := w.attach(t, "b")
	require.NoError(t, err)
	require.Equal(t, pipeline.Done, res.State)
	require.Equal(t, "c a b", w.images(), "after the grace it follows those with a position")

	w.book.state.Links[1].Position = new(-1)
	_, err = w.attach(t, "b")
	require.NoError(t, err)
	require.Equal(t, "b c a", w.images(), "a position that arrives later reorders what we wrote")
}

func TestAttachMissingOrder(t *testing.T) {
	t.Parallel()
	w := newAttachWorld(linksOf(t, "a:0")...)
	w.orders.missing = true
	_, err := w.attach(t, "a")
	require.Equal(t, pipeline.Waiting, pipeline.ClassOf(err))
	require.Empty(t, w.book.holder, "it does not keep the order while it waits")

	u := accepted("a")
	u.Reason = pipeline.CodeTooLarge
	res, err := w.run(t, u)
	require.NoError(t, err)
	require.Equal(t, pipeline.Skipped, res.State, "a rejected file waits for no order")
}

func TestAttachConflicts(t *testing.T) {
	t.Parallel()
	w := newAttachWorld(linksOf(t, "a:0")...)
	w.book.holder = "another attach"
	_, err := w.attach(t, "a")
	require.Equal(t, pipeline.Conflict, pipeline.ClassOf(err))
	require.Equal(t, "another attach", w.book.holder)

	w.book.holder = ""
	w.hook = func(at string) error {
		if at == "before write" {
			w.orders.images = append(w.orders.images, "y")
		}
		return nil
	}
	_, err = w.attach(t, "a")
	require.Equal(t, pipeline.Conflict, pipeline.ClassOf(err), "the business wrote in between")
	require.Equal(t, "y", w.images())
	w.hook = nil
	_, err = w.attach(t, "a")
	require.NoError(t, err)
	require.Equal(t, "y a", w.images())
}
