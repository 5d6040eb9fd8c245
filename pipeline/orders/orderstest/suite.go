package orderstest

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// Names are the names under which a back end keeps its orders: table or collection, and
// columns or fields.
type Names struct {
	Table, Key, Images string
	// Owner and UpdatedAt are empty where the back end is to have none.
	Owner, UpdatedAt string
}

// Backend is one empty order store with the means to play the business beside it.
type Backend interface {
	pipeline.OrderStore

	// PutOrder writes an order as the business would. images is JSON; "" leaves the
	// images away (NULL, or no such field). The updated-at is some time long ago.
	PutOrder(t *testing.T, id, owner, images string)
	// Holds tells whether the business can write such JSON there at all.
	Holds(images string) bool
	// DeleteOrder removes an order.
	DeleteOrder(t *testing.T, id string)
	// UpdatedAt reads the updated-at as text.
	UpdatedAt(t *testing.T, id string) string
}

// Factory makes an empty back end with the given names.
type Factory func(t *testing.T, names Names) Backend

// Plain are the names that most tests use.
func Plain() Names {
	return Names{Table: "orders", Key: "id", Images: "images", Owner: "owner", UpdatedAt: "updated_at"}
}

// Run runs the suite.
func Run(t *testing.T, factory Factory) {
	t.Helper()
	run(t, factory, adding(), map[string]func(*testing.T, Factory){
		"compare and set": testCompareAndSet,
		"updated at":      testUpdatedAt,
	})
}

// RunAdding runs the part of the suite that holds for a back end that adds to an array and
// takes away from it without comparing: nothing that is lost, and no lost races.
func RunAdding(t *testing.T, factory Factory) {
	t.Helper()
	run(t, factory, adding())
}

func adding() map[string]func(*testing.T, Factory) {
	return map[string]func(*testing.T, Factory){
		"array shapes":  testShapes,
		"concurrency":   testConcurrency,
		"exact IDs":     testExactIDs,
		"missing order": testMissing,
		"kept entries":  testKept,
		"long array":    testLong,
		"names":         testNames,
		"no array":      testNoArray,
		"owner":         testOwner,
		"strings":       testStrings,
	}
}

func run(t *testing.T, factory Factory, parts ...map[string]func(*testing.T, Factory)) {
	t.Helper()
	tests := map[string]func(*testing.T, Factory){}
	for _, part := range parts {
		maps.Copy(tests, part)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, factory)
		})
	}
}

func read(t *testing.T, b Backend, id string) pipeline.Order {
	t.Helper()
	o, err := b.ReadOrder(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, id, o.ID)
	return o
}

func write(t *testing.T, b Backend, was pipeline.Order, images ...string) {
	t.Helper()
	require.NoError(t, b.WriteImages(t.Context(), was, images))
}

func requireClass(t *testing.T, want pipeline.Class, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, pipeline.ClassOf(err), err.Error())
}

func testShapes(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	for id, tt := range map[string]struct {
		json string
		want []string
	}{
		"absent": {"", nil},
		"null":   {"null", nil},
		"empty":  {"[]", nil},
		"one":    {`["cloud://e.b/a.jpg"]`, []string{"cloud://e.b/a.jpg"}},
		"twice":  {` [ "a" , "a" ] `, []string{"a", "a"}},
	} {
		if !b.Holds(tt.json) {
			continue
		}
		b.PutOrder(t, id, "", tt.json)
		o := read(t, b, id)
		require.Empty(t, o.Owner)
		require.Len(t, o.Images, len(tt.want), id)
		require.Subset(t, o.Images, tt.want, id)

		write(t, b, o, "x", "y")
		require.Equal(t, []string{"x", "y"}, read(t, b, id).Images, id)
		write(t, b, read(t, b, id))
		require.Empty(t, read(t, b, id).Images, id)
	}
}

func testNoArray(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	for id, json := range map[string]string{
		"number": `5`, "object": `{"a":"b"}`, "string": `"a"`, "numbers": `["a",1]`, "null inside": `["a",null]`, "nested": `[["a"]]`,
	} {
		if !b.Holds(json) {
			continue
		}
		b.PutOrder(t, id, "", json)
		_, err := b.ReadOrder(t.Context(), id)
		requireClass(t, pipeline.Invalid, err)
		require.Contains(t, err.Error(), id)
	}
}

func testMissing(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	_, err := b.ReadOrder(t.Context(), "later")
	requireClass(t, pipeline.Waiting, err)

	b.PutOrder(t, "later", "", "[]")
	o := read(t, b, "later")
	b.DeleteOrder(t, "later")
	requireClass(t, pipeline.Waiting, b.WriteImages(t.Context(), o, []string{"a"}))
	_, err = b.ReadOrder(t.Context(), "later")
	requireClass(t, pipeline.Waiting, err)
}

func testCompareAndSet(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	b.PutOrder(t, "other", "", `["kept"]`)
	for id, json := range map[string]string{"absent": "", "empty": "[]", "some": `["a"]`} {
		b.PutOrder(t, id, "", json)
		first, second := read(t, b, id), read(t, b, id)
		write(t, b, first, "mine")
		requireClass(t, pipeline.Conflict, b.WriteImages(t.Context(), second, []string{"theirs"}))
		require.Equal(t, []string{"mine"}, read(t, b, id).Images)

		stale := read(t, b, id)
		b.DeleteOrder(t, id)
		b.PutOrder(t, id, "", `["business"]`)
		requireClass(t, pipeline.Conflict, b.WriteImages(t.Context(), stale, []string{"mine"}))
		require.Equal(t, []string{"business"}, read(t, b, id).Images)
	}
	require.Equal(t, []string{"kept"}, read(t, b, "other").Images)
}

func testOwner(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	b.PutOrder(t, "a", "oOpenid_1", "[]")
	require.Equal(t, "oOpenid_1", read(t, b, "a").Owner)

	stale := read(t, b, "a")
	b.DeleteOrder(t, "a")
	b.PutOrder(t, "a", "oOpenid_2", "[]")
	requireClass(t, pipeline.Conflict, b.WriteImages(t.Context(), stale, []string{"of 1"}))
	require.Empty(t, read(t, b, "a").Images, "the order went to another owner since it was read")

	names := Plain()
	names.Owner, names.UpdatedAt = "", ""
	b = factory(t, names)
	b.PutOrder(t, "a", "", "[]")
	write(t, b, read(t, b, "a"), "x")
	require.Empty(t, read(t, b, "a").Owner)
}

// testExactIDs: order IDs are compared byte by byte, and no ID is ever read as a query.
func testExactIDs(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	ids := []string{"A12", "a12", "012", "12", "订单 1", `x" OR 1=1 --`, `'; DROP TABLE orders; --`, "%", "_"}
	for _, id := range ids {
		b.PutOrder(t, id, "", "[]")
	}
	for _, id := range ids {
		write(t, b, read(t, b, id), "image of "+id)
	}
	for _, id := range ids {
		require.Equal(t, []string{"image of " + id}, read(t, b, id).Images)
	}
	for _, id := range []string{"A1", "A12 ", "A12\x00", "A12\x00x", "A12\xff"} {
		_, err := b.ReadOrder(t.Context(), id)
		require.Contains(t, []pipeline.Class{pipeline.Waiting, pipeline.Invalid}, pipeline.ClassOf(err), "%q", id)
	}
}

func testStrings(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	b.PutOrder(t, "a", "", "[]")
	images := []string{
		"cloud://env-1.bucket-125/users/oX/图 1 (2).jpg", `quote " and \ backslash`, "a&b<c>d", "😀", "'", "",
		"line\nbreak", "a", "A", "a ",
	}
	write(t, b, read(t, b, "a"), images...)
	require.Equal(t, images, read(t, b, "a").Images)
	requireClass(t, pipeline.Invalid, b.WriteImages(t.Context(), read(t, b, "a"), []string{"\xff"}))
}

func testUpdatedAt(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	b.PutOrder(t, "a", "", "[]")
	before := b.UpdatedAt(t, "a")
	stale := read(t, b, "a")
	require.Equal(t, before, b.UpdatedAt(t, "a"), "reading is no update")
	write(t, b, stale, "x")
	after := b.UpdatedAt(t, "a")
	require.NotEqual(t, before, after)
	requireClass(t, pipeline.Conflict, b.WriteImages(t.Context(), stale, []string{"y"}))
	require.Equal(t, after, b.UpdatedAt(t, "a"), "a lost race is no update")
}

// testNames: names are the business's own and are never read as SQL.
func testNames(t *testing.T, factory Factory) {
	for _, names := range []Names{
		{Table: "order", Key: "key", Images: "my images", Owner: "group", UpdatedAt: "when"},
		{Table: "订单", Key: "编号", Images: "图片"},
		{Table: `odd"table`, Key: "a`b", Images: `x"; DROP`, Owner: "it's", UpdatedAt: "[at]"},
	} {
		b := factory(t, names)
		b.PutOrder(t, "a", "", `["x"]`)
		write(t, b, read(t, b, "a"), "x", "y")
		require.Equal(t, []string{"x", "y"}, read(t, b, "a").Images)
	}
}

// testKept: what the business wrote, and what it changes between two attaches, stays.
func testKept(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	b.PutOrder(t, "a", "", `["https://shop.example.com/cover.jpg","own"]`)
	require.NoError(t, appendOne(t.Context(), b, "a", 0))
	require.NoError(t, appendOne(t.Context(), b, "a", 1))
	images := read(t, b, "a").Images
	require.Len(t, images, 4)
	require.Equal(t, []string{"https://shop.example.com/cover.jpg", "own"}, images[:2])
}

// testLong: an array of a thousand fileIDs comes back as it went in.
func testLong(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	b.PutOrder(t, "a", "", "[]")
	images := make([]string, 1000)
	for i := range images {
		images[i] = fmt.Sprintf("cloud://env-1.bucket-125/users/oX/%d.jpg", (i*7919)%1000)
	}
	write(t, b, read(t, b, "a"), images...)
	require.Equal(t, images, read(t, b, "a").Images)
}

// testConcurrency: many writers add to one order by read, merge, compare-and-set; none
// of them is lost.
func testConcurrency(t *testing.T, factory Factory) {
	b := factory(t, Plain())
	b.PutOrder(t, "a", "", `["business"]`)
	const writers = 50
	errs := make(chan error, writers)
	for i := range writers {
		go func() { errs <- appendOne(t.Context(), b, "a", int64(i)) }()
	}
	for range writers {
		require.NoError(t, <-errs)
	}
	images := read(t, b, "a").Images
	require.Len(t, images, writers+1)
	require.Equal(t, "business", images[0])
	seen := make(map[string]bool)
	for _, id := range images {
		require.False(t, seen[id], "%s stands there twice", id)
		seen[id] = true
	}
}

func appendOne(ctx context.Context, b Backend, id string, n int64) error {
	link := pipeline.Link{Seq: n, FileID: pipeline.FileID{Bucket: "b", Path: string(rune('A' + n))}.String(), Live: true}
	for {
		o, err := b.ReadOrder(ctx, id)
		if err == nil {
			err = b.WriteImages(ctx, o, pipeline.MergeOrder(o.Images, nil, []pipeline.Link{link}).Images)
		}
		switch pipeline.ClassOf(err) {
		case pipeline.Conflict, pipeline.Transient:
			if ctx.Err() != nil {
				return err
			}
		default:
			return err
		}
	}
}
