package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/afterput/afterput/pipeline"
)

// linkSpec reads "a:3" as file a at position 3 and "a" as file a without a position.
// Flags follow a slash: A attached, W written, D not live, U not checked yet.
func linkSpec(t require.TestingT, seq int64, batch, spec string) pipeline.Link {
	spec, flags, _ := strings.Cut(spec, "/")
	name, pos, hasPos := strings.Cut(spec, ":")
	l := pipeline.Link{
		Seq: seq, Order: "o", FileID: name, Batch: batch,
		Attached: strings.Contains(flags, "A"), Written: strings.Contains(flags, "W"),
		Live: !strings.ContainsAny(flags, "DU"), Unchecked: strings.Contains(flags, "U"),
	}
	if hasPos {
		var p int
		_, err := fmt.Sscan(pos, &p)
		require.NoError(t, err)
		l.Position = &p
	}
	return l
}

// linkSpecs reads links separated by blanks; "|" begins the next batch. The batch
// before the first "|" is "b1".
func linkSpecs(t require.TestingT, specs string) []pipeline.Link {
	var links []pipeline.Link
	batch := 1
	for word := range strings.FieldsSeq(specs) {
		if word == "|" {
			batch++
			continue
		}
		links = append(links, linkSpec(t, int64(len(links)+1), fmt.Sprintf("b%d", batch), word))
	}
	return links
}

func flags(links []pipeline.Link) string {
	var out []string
	for _, l := range links {
		s := l.FileID + "/"
		if l.Attached {
			s += "A"
		}
		if l.Written {
			s += "W"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestMergeOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, current, last, links string
		want, wantLinks            string
	}{
		{
			name:  "first files arrive out of order",
			links: "c:2 a:0 b:1",
			want:  "a b c", wantLinks: "c/AW a/AW b/AW",
		},
		{
			name:    "a late file goes between the ones before and after it",
			current: "a c", last: "a c", links: "c:2/AW a:0/AW b:1",
			want: "a b c", wantLinks: "c/AW a/AW b/AW",
		},
		{
			name:    "what the business wrote stays where it is",
			current: "x a y c z", last: "a c", links: "a:0/AW c:2/AW b:1 d:3",
			want: "x a b y c d z", wantLinks: "a/AW c/AW b/AW d/AW",
		},
		{
			name:    "what the business removed stays removed",
			current: "a c", last: "a b c", links: "a:0/AW b:1/AW c:2/AW",
			want: "a c", wantLinks: "a/AW b/A c/AW",
		},
		{
			name:    "the client wrote the same fileIDs itself",
			current: "c a b", links: "a:0 b:1 c:2",
			want: "c a b", wantLinks: "a/A b/A c/A",
		},
		{
			name:    "the client wrote some of them",
			current: "a c", links: "a:0 b:1 c:2",
			want: "a b c", wantLinks: "a/A b/AW c/A",
		},
		{
			name:    "a refused file of ours is withdrawn, in all its copies",
			current: "a b x b", last: "a b", links: "a:0/AW b:1/AWD",
			want: "a x", wantLinks: "a/AW b/",
		},
		{
			name:    "a refused file that the business wrote stays",
			current: "a b", last: "a b", links: "a:0/AW b:1/D",
			want: "a b", wantLinks: "a/AW b/A",
		},
		{
			name:  "a refused file is never added",
			links: "a:0 b:1/D",
			want:  "a", wantLinks: "a/AW b/",
		},
		{
			name:    "a withdrawn file that is accepted again comes back",
			current: "a c", last: "a c", links: "a:0/AW b:1 c:2/AW",
			want: "a b c", wantLinks: "a/AW b/AW c/AW",
		},
		{
			name:    "a position that arrives later reorders our own entries",
			current: "a x b", last: "a x b", links: "a:1/AW b:0/AW",
			want: "b x a", wantLinks: "a/AW b/AW",
		},
		{
			name:    "entries that somebody moved stay put",
			current: "c a b", last: "a b c", links: "a:0/AW b:1/AW c:3/AW d:2 e:4",
			want: "c e a b d", wantLinks: "a/AW b/AW c/AW d/AW e/AW",
		},
		{
			name:    "moved, and the new one comes first of all",
			current: "x c b", last: "b c", links: "b:1/AW c:2/AW a:0",
			want: "x c a b", wantLinks: "b/AW c/AW a/AW",
		},
		{
			name:    "files without position follow those with one",
			current: "", links: "a b:0 c",
			want: "b a c", wantLinks: "a/AW b/AW c/AW",
		},
		{
			name:  "batches stand in the order of their first commit",
			links: "d:1 e:0 | a:0 b:1",
			want:  "e d a b", wantLinks: "d/AW e/AW a/AW b/AW",
		},
		{
			name:    "no neighbours: to the end",
			current: "x y", links: "a:0",
			want: "x y a", wantLinks: "a/AW",
		},
		{
			name:    "duplicates of the business are left alone",
			current: "x a x a", last: "a", links: "a:0/AW b:1",
			want: "x a b x a", wantLinks: "a/AW b/AW",
		},
		{
			name:    "its entries do not lure ours out of their order",
			current: "b a d", last: "b a d", links: "a:0/AW b:1/A d:3/AW c:2",
			want: "b a c d", wantLinks: "a/AW b/A d/AW c/AW",
		},
		{
			name:    "one file linked twice is added once",
			current: "", links: "a:0 b:1 a:2",
			want: "a b", wantLinks: "a/AW b/AW a/AW",
		},
		{name: "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			current, last := strings.Fields(tt.current), strings.Fields(tt.last)
			links := linkSpecs(t, tt.links)
			got := pipeline.MergeOrder(current, last, links)
			require.Equal(t, tt.want, strings.Join(got.Images, " "))
			require.Equal(t, tt.wantLinks, flags(got.Links))
			require.Equal(t, tt.want != tt.current, got.Changed)
			require.Equal(t, tt.current, strings.Join(current, " "), "the input is not touched")
			requireSettled(t, got)
		})
	}
}

// requireSettled checks that merging a result again changes nothing at all.
func requireSettled(t require.TestingT, m pipeline.Merge) {
	again := pipeline.MergeOrder(m.Images, m.Last, m.Links)
	require.False(t, again.Changed, "%v became %v", m.Images, again.Images)
	require.Equal(t, m.Links, again.Links)
	require.Equal(t, m.Last, again.Last)
}

// TestMergeOrderMovedIsRemembered: what somebody moved stays put over many merges.
func TestMergeOrderMovedIsRemembered(t *testing.T) {
	t.Parallel()
	m := pipeline.MergeOrder(nil, nil, linkSpecs(t, "a:0 b:1"))
	moved := []string{"b", "a"}
	m = pipeline.MergeOrder(moved, m.Last, append(m.Links, linkSpec(t, 3, "b1", "c:2")))
	require.Equal(t, []string{"b", "c", "a"}, m.Images)
	m = pipeline.MergeOrder(m.Images, m.Last, append(m.Links, linkSpec(t, 4, "b1", "d:3")))
	require.Equal(t, []string{"b", "c", "d", "a"}, m.Images)
	// Once it is put back as it was, we keep it sorted again.
	m = pipeline.MergeOrder([]string{"a", "b", "d", "c"}, m.Last, m.Links)
	require.Equal(t, []string{"a", "b", "c", "d"}, m.Images)
}

// ledgerModel is an order with its links as the ledger would keep them.
type ledgerModel struct {
	images, last []string
	links        []pipeline.Link
	seq          int64
}

func (l *ledgerModel) attach(t require.TestingT) {
	m := pipeline.MergeOrder(l.images, l.last, l.links)
	require.Equal(t, m.Changed, !slices.Equal(m.Images, l.images))
	requireSettled(t, m)
	l.images, l.last, l.links = m.Images, m.Last, m.Links
}

// announce commits a link as the ledger does: a second announcement of a file only
// adds what the first one did not know.
func (l *ledgerModel) announce(fileID, batch string, position *int) {
	for i := range l.links {
		if l.links[i].FileID == fileID {
			if batch != "" {
				l.links[i].Batch = batch
			}
			if position != nil {
				l.links[i].Position = position
			}
			return
		}
	}
	l.seq++
	l.links = append(l.links, pipeline.Link{Seq: l.seq, FileID: fileID, Batch: batch, Position: position, Live: true})
}

type announcement struct {
	file, batch string
	position    *int
}

// TestMergeOrderOneBatch: however the announcements of one batch arrive, twice, as
// events first, in whatever portions, the order ends as the user chose it.
func TestMergeOrderOneBatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "files")
		var want []string
		var queue []announcement
		for i := range n {
			file := fmt.Sprintf("f%d", i)
			want = append(want, file)
			full := announcement{file, "batch", &i}
			queue = append(queue, full)
			switch rapid.SampledFrom([]string{"once", "twice", "event", "event with position"}).Draw(t, "kind") {
			case "twice":
				queue = append(queue, full)
			case "event":
				queue = append(queue, announcement{file: file})
			case "event with position":
				queue = append(queue, announcement{file: file, position: &i})
			}
		}
		queue = rapid.Permutation(queue).Draw(t, "arrival")
		var l ledgerModel
		for _, a := range queue {
			l.announce(a.file, a.batch, a.position)
			if rapid.Bool().Draw(t, "attach now") {
				l.attach(t)
			}
		}
		l.attach(t)
		require.Equal(t, want, l.images)
	})
}

// TestMergeOrderBatches: several batches stand one after the other by first commit.
func TestMergeOrderBatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		files := make(map[string][]string)
		var queue []announcement
		for b := range rapid.IntRange(1, 4).Draw(t, "batches") {
			batch := fmt.Sprintf("b%d", b)
			for i := range rapid.IntRange(1, 4).Draw(t, "files") {
				file := fmt.Sprintf("%s-%d", batch, i)
				files[batch] = append(files[batch], file)
				queue = append(queue, announcement{file, batch, &i})
			}
		}
		queue = rapid.Permutation(queue).Draw(t, "arrival")
		var l ledgerModel
		var want []string
		for _, a := range queue {
			if own := files[a.batch]; own != nil {
				want = append(want, own...)
				files[a.batch] = nil
			}
			l.announce(a.file, a.batch, a.position)
			if rapid.Bool().Draw(t, "attach now") {
				l.attach(t)
			}
		}
		l.attach(t)
		require.Equal(t, want, l.images)
	})
}

// TestMergeOrderBusiness: between our merges the business inserts, removes, moves and
// repeats entries, and uploads become refused. Nothing of it is lost or undone.
func TestMergeOrderBusiness(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var l ledgerModel
		for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"announce", "announce", "write", "repeat", "remove", "move", "refuse", "accept"}).Draw(t, "op") {
			case "announce":
				file := fmt.Sprintf("f%d", rapid.IntRange(0, 12).Draw(t, "file"))
				position := rapid.Ptr(rapid.IntRange(0, 5), true).Draw(t, "position")
				l.announce(file, rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "batch"), position)
			case "write":
				id := fmt.Sprintf("own%d", step)
				if rapid.Bool().Draw(t, "a file of ours") {
					id = fmt.Sprintf("f%d", rapid.IntRange(0, 12).Draw(t, "file"))
				}
				l.images = slices.Insert(slices.Clone(l.images), rapid.IntRange(0, len(l.images)).Draw(t, "at"), id)
			case "repeat", "remove", "move":
				l.disturb(t)
			case "refuse", "accept":
				if len(l.links) > 0 {
					i := rapid.IntRange(0, len(l.links)-1).Draw(t, "link")
					l.links[i].Live = !l.links[i].Live
				}
			}
			if rapid.Bool().Draw(t, "attach now") {
				l.attachAndCompare(t)
			}
		}
		l.attachAndCompare(t)
	})
}

// disturb changes the array as a business might.
func (l *ledgerModel) disturb(t *rapid.T) {
	if len(l.images) == 0 {
		return
	}
	from := rapid.IntRange(0, len(l.images)-1).Draw(t, "from")
	id := l.images[from]
	images := slices.Clone(l.images)
	kind := rapid.SampledFrom([]string{"repeat", "remove", "move"}).Draw(t, "kind")
	if kind != "repeat" {
		images = slices.Delete(images, from, from+1)
	}
	if kind != "remove" {
		images = slices.Insert(images, rapid.IntRange(0, len(images)).Draw(t, "to"), id)
	}
	l.images = images
}

func (l *ledgerModel) attachAndCompare(t *rapid.T) {
	before, links := slices.Clone(l.images), slices.Clone(l.links)
	l.attach(t)

	link := func(id string) *pipeline.Link {
		i := slices.IndexFunc(links, func(k pipeline.Link) bool { return k.FileID == id })
		if i < 0 {
			return nil
		}
		return &links[i]
	}
	business := func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
			k := link(id)
			return k != nil && (k.Written || !slices.Contains(before, id))
		})
	}
	require.Equal(t, strings.Join(business(before), " "), strings.Join(business(l.images), " "), "entries of the business stay in their order")

	count := func(ids []string, id string) (n int) {
		for _, s := range ids {
			if s == id {
				n++
			}
		}
		return n
	}
	for _, k := range links {
		was, is := count(before, k.FileID), count(l.images, k.FileID)
		want := was
		switch {
		case k.Written && !k.Live:
			want = 0
		case was == 0 && k.Live && !k.Attached:
			want = 1
		}
		require.Equal(t, want, is, "%s: attached %v written %v live %v", k.FileID, k.Attached, k.Written, k.Live)
	}
}

func ExampleMergeOrder() {
	m := pipeline.MergeOrder(
		[]string{"cloud://e.b/1.jpg", "cloud://e.b/written-by-the-shop.jpg", "cloud://e.b/3.jpg"},
		[]string{"cloud://e.b/1.jpg", "cloud://e.b/3.jpg"},
		[]pipeline.Link{
			{Seq: 1, Batch: "b", FileID: "cloud://e.b/3.jpg", Position: new(2), Attached: true, Written: true, Live: true},
			{Seq: 2, Batch: "b", FileID: "cloud://e.b/1.jpg", Position: new(0), Attached: true, Written: true, Live: true},
			{Seq: 3, Batch: "b", FileID: "cloud://e.b/2.jpg", Position: new(1), Live: true},
		})
	for _, id := range m.Images {
		fmt.Println(id)
	}
	// Output:
	// cloud://e.b/1.jpg
	// cloud://e.b/2.jpg
	// cloud://e.b/written-by-the-shop.jpg
	// cloud://e.b/3.jpg
}
