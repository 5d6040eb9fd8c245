package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// TestAttachAdding: over a store that cannot arrange, an attach ends with what the order
// holds, tells exactly that, and the next one has nothing to write.
func TestAttachAdding(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		links string
		// before is what stands in the order; between happens within the write.
		before  string
		last    string
		between func(images []string) []string
		want    string
		marks   string
	}{
		{name: "at the end", links: "a:0 b:1", before: "x", want: "x a b", marks: "a/AW b/AW"},
		{name: "between others", links: "a:0/AW b:1 c:2/AW", before: "x a c", last: "x a c", want: "x a c b", marks: "a/AW b/AW c/AW"},
		{name: "a position that came late", links: "a:1/AW b:0/AW", before: "a b", last: "a b", want: "a b", marks: "a/AW b/AW"},
		{
			name: "the business adds meanwhile", links: "a:0", before: "x", want: "x y a", marks: "a/AW",
			between: func(im []string) []string { return append(im, "y") },
		},
		{
			name: "the business replaces all meanwhile", links: "a:0", before: "x", want: "y a", marks: "a/AW",
			between: func([]string) []string { return []string{"y"} },
		},
		{name: "withdrawn", links: "a:0/AWD b:1/AW c:2", before: "a b x", last: "a b x", want: "b x c", marks: "a/ b/AW c/AW"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newAttachWorld(linksOf(t, tt.links)...)
			w.orders.adds, w.orders.images = true, strings.Fields(tt.before)
			w.book.state.Last = strings.Fields(tt.last)
			w.book.known = pipeline.ArrayHash(w.orders.images)
			w.hook = func(point string) error {
				if point == "before write" && tt.between != nil && w.orders.writes == 0 {
					w.orders.images = tt.between(w.orders.images)
				}
				return nil
			}
			res, err := w.attach(t, "b")
			require.NoError(t, err)
			require.Equal(t, tt.want, w.images())
			require.Equal(t, tt.marks, flags(w.book.state.Links))
			result, ok := res.Result.(pipeline.AttachResult)
			require.True(t, ok)
			require.Equal(t, slices.Index(w.orders.images, "b"), result.Index)
			if tt.want != tt.before {
				require.Len(t, w.book.told, 1)
				require.Equal(t, w.orders.images, w.book.told[0].FileIDs)
			}
			require.Nil(t, w.book.state.Intent)

			writes := w.orders.writes
			_, err = w.attach(t, "a")
			require.NoError(t, err)
			require.Equal(t, writes, w.orders.writes, "nothing is left to write")
			require.Equal(t, tt.want, w.images())
		})
	}
}
